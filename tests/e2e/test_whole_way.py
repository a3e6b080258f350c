"""Render, train, evaluate: the commands together, on rendered and on real faces."""

import importlib.util
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceswap.cli import main
from lib.media.mark import SOURCE_TYPE, read_mark

ROOT = Path(__file__).parents[2]
PLUGINS = str(ROOT / "tests" / "fixtures" / "plugins")


def train(a: Path, b: Path, model: Path, *more: str) -> None:
    words = ["train", "-A", str(a), "-B", str(b), "-m", str(model), "-n", *more]
    assert main(words) == 0


def test_a_rendered_swap_is_scored_against_the_truth(
    rendered: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = rendered["a"], rendered["b"]
    tiny = ["-t", "tiny", "--plugin-dir", PLUGINS]
    train(a, b, tmp_path / "model", *tiny, "-it", "30", "-b", "8")
    capsys.readouterr()
    picture = tmp_path / "swap.png"
    words = ["evaluate", "-A", str(a), "-B", str(b), "-m", str(tmp_path / "model")]
    assert main([*words, "--plugin-dir", PLUGINS, "-o", str(picture)]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "dB" in line]
    assert [line.partition(":")[0].strip() for line in lines] == [
        "Score",
        "A > A",
        "B > B",
        "Swap A > B against the truth",
        "A left as it is, for comparison",
        "Swap B > A against the truth",
        "B left as it is, for comparison",
    ]
    image = cv2.imread(str(picture))
    assert image.shape == (28 + 6 * 192, 6 * 192 + 12, 3)
    assert read_mark(picture) == SOURCE_TYPE


def test_evaluation_needs_landmarks_and_a_model(
    rendered: dict[str, Path],
    plain: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    faces = ["-A", str(plain["a"]), "-B", str(rendered["b"])]
    (tmp_path / "empty").mkdir()
    assert main(["evaluate", *faces, "-m", str(tmp_path / "empty")]) == 1
    assert "holds no model" in capsys.readouterr().err
    tiny = ["-t", "tiny", "--plugin-dir", PLUGINS]
    train(rendered["a"], rendered["b"], tmp_path / "model", *tiny, "-it", "1", "-b", "2")
    words = ["evaluate", *faces, "-m", str(tmp_path / "model"), "--plugin-dir", PLUGINS]
    assert main(words) == 1
    assert "holds no face with landmarks" in capsys.readouterr().err


def test_real_faces_train_and_the_score_is_the_oracles(
    grid: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = {}
    for side, clip in (("a", "bbaf2n"), ("b", "sbia1a")):
        files = sorted((grid / clip).iterdir())
        for kind, chosen in (("train", files[:30]), ("held_out", files[60:66])):
            folders[side, kind] = tmp_path / f"{side}_{kind}"
            folders[side, kind].mkdir()
            for file in chosen:
                shutil.copy(file, folders[side, kind])
    model = tmp_path / "model"
    train(folders["a", "train"], folders["b", "train"], model, "-t", "compact", "-it", "12")
    capsys.readouterr()
    held_out = [str(folders[side, "held_out"]) for side in "ab"]
    assert main(["evaluate", "-A", held_out[0], "-B", held_out[1], "-m", str(model)]) == 0
    ours = re.search("Held-out score: +(.*) dB / (.*)", capsys.readouterr().out)
    psnr, ssim = oracle_score(folders, model)
    assert float(ours[1]) == pytest.approx(psnr, abs=0.1)
    assert float(ours[2]) == pytest.approx(ssim, abs=0.005)


def oracle_score(folders: dict[tuple[str, str], Path], model: Path) -> tuple[float, float]:
    """The score as the reference program computes it."""
    import keras

    source = ROOT.parent / "shared" / "tools" / "holdout_score.py"
    spec = importlib.util.spec_from_file_location("holdout_score", source)
    oracle = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(oracle)
    network = keras.saving.load_model(model / "compact.keras")
    network.optimizer.finalize_variable_values(network.trainable_variables)
    crops = {
        side: [oracle.face_crop(path) for path in sorted(folders[side, "held_out"].iterdir())]
        for side in "ab"
    }
    feeds = [
        np.stack([oracle.window(crop, 0.6875, 64) for crop, _ in crops[side]]) for side in "ab"
    ]
    predictions = dict(zip("ab", network.predict(feeds, verbose=0), strict=True))
    scores = [
        oracle.score(crop, mask, prediction, 0.6875)
        for side in "ab"
        for (crop, mask), prediction in zip(crops[side], predictions[side], strict=True)
    ]
    psnr, ssim = np.mean(scores, axis=0)
    return float(psnr), float(ssim)


def test_evaluate_checks_the_pictures_name_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "-A", "a", "-B", "b", "-m", "m", "-o", "x.xyz"]) == 1
    assert "'x.xyz' must end in one of .png, .jpg" in capsys.readouterr().err


def test_render_says_where_it_cannot_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["render", "-o", str(tmp_path / "file"), "--count", "1"]) == 1
    assert "file' can't be made" in capsys.readouterr().err


def test_render_writes_faces_that_can_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["render", "-o", str(tmp_path / "faces"), "--identity", "3", "--count", "2"]
    assert main(words) == 0
    files = sorted((tmp_path / "faces").iterdir())
    assert [file.name for file in files] == ["person3_000001_0.png", "person3_000002_0.png"]
    assert cv2.imread(str(files[0])).shape == (256, 256, 3)


def test_the_demo_leaves_what_it_promises(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.demo.FACES", 30)
    monkeypatch.setattr("scripts.demo.HELD_OUT", 6)
    demo = tmp_path / "demo"
    demo.mkdir()
    (demo / ".faceswap-demo").write_text("")
    (demo / "old.txt").write_text("gone with it")
    assert main(["demo", "-o", str(demo), "-i", "2"]) == 0
    assert not (demo / "old.txt").exists()
    out = capsys.readouterr().out
    assert "$ faceswap train -A " in out
    assert "Swap A > B against the truth" in out
    assert f"In {demo}" in out
    for name in ("swap.png", "preview.png"):
        assert read_mark(demo / name) == SOURCE_TYPE
    assert len(list((demo / "timelapse").glob("*.jpg"))) == 2
    assert (demo / "model" / "compact.keras").exists()


def test_the_demo_keeps_a_model_that_was_trained_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "compact_state.json").write_text('{"iterations": 900}')
    (tmp_path / ".faceswap-demo").write_text('{"iterations": 800}')
    assert main(["demo", "-o", str(tmp_path)]) == 1
    assert "has been trained on since the demo" in capsys.readouterr().err
    assert (tmp_path / "model" / "compact_state.json").exists()


def test_the_demo_replaces_nothing_of_the_users(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    assert main(["demo", "-o", str(tmp_path)]) == 1
    assert "exists and is no earlier demo" in capsys.readouterr().err
    assert (tmp_path / "mine.txt").read_text() == "precious"
    assert main(["demo", "-o", str(tmp_path / "mine.txt")]) == 1
