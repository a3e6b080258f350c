"""faceswap convert, as a user runs it: pictures and videos, resuming, previews, mistakes."""

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from faceswap.cli import main
from lib.extract.alignments import read_alignments
from lib.media.frame import Frame
from lib.media.mark import SOURCE_TYPE, read_mark
from lib.media.source import open_source
from lib.synthetic.parameters import Identity
from lib.synthetic.performance import performance
from lib.synthetic.render import render
from plugins.convert.writer.pictures import Writer
from tests.fixtures.clips import write_clip

PLUGINS = str(Path(__file__).parents[1] / "fixtures" / "plugins")
COUNT, EDGE = 6, 200
BLANK = 3
"""Number of the frame that shows no face."""


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frames of a rendered person; one is a wall."""
    folder = tmp_path_factory.mktemp("frames")
    who = Identity.random(np.random.default_rng(1))
    for number, shot in enumerate(performance(np.random.default_rng(1), COUNT)):
        image = render(who, shot, EDGE).image
        if number == BLANK:
            image = np.full_like(image, (90, 140, 60))
        cv2.imwrite(str(folder / f"shot_{number}.png"), image)
    return folder


@pytest.fixture(scope="module")
def model(rendered: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "model"
    words = ["train", "-A", str(rendered["a"]), "-B", str(rendered["b"]), "-m", str(folder)]
    assert main([*words, "-t", "tiny", "--plugin-dir", PLUGINS, "-n", "-it", "1", "-b", "2"]) == 0
    return folder


@pytest.fixture(scope="module")
def alignments(frames: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("faces") / "out"
    assert main(["extract", "-i", str(frames), "-o", str(out), "--size", "96"]) == 0
    return out


def convert(source: Path, out: Path, model: Path, *more: str) -> int:
    words = ["convert", "-i", str(source), "-o", str(out), "-m", str(model)]
    return main([*words, "--plugin-dir", PLUGINS, *more])


def test_a_model_of_plain_pictures_is_warned_of(
    frames: Path,
    model: Path,
    alignments: Path,
    rendered: dict[str, Path],
    plain: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["train", "-A", str(rendered["a"]), "-B", str(plain["b"]), "-m", str(tmp_path / "m")]
    assert main([*words, "-t", "tiny", "--plugin-dir", PLUGINS, "-n", "-it", "1", "-b", "2"]) == 0
    capsys.readouterr()
    said = {}
    for folder in (model, tmp_path / "m"):
        known = ["-a", str(alignments), "--preview"]
        assert convert(frames, tmp_path / f"{folder.name}.png", folder, *known) == 0
        said[folder] = capsys.readouterr().out
    assert "without landmarks" not in said[model]
    expected = "WARNING: The model was trained last on pictures without landmarks (30 of B), as"
    assert expected in said[tmp_path / "m"]
    assert "faces are cut as its centering = face says" in said[tmp_path / "m"]


@pytest.mark.parametrize("known", [True, False], ids=["alignments", "on the fly"])
def test_faces_change_and_all_else_stays_to_the_bit(
    frames: Path, model: Path, alignments: Path, tmp_path: Path, known: bool
) -> None:
    out = tmp_path / "out"
    assert convert(frames, out, model, *(["-a", str(alignments)] if known else [])) == 0
    faces = read_alignments(alignments).frames
    assert len(list(out.iterdir())) == COUNT
    for number in range(COUNT):
        path = out / f"shot_{number}.png"
        before, after = (cv2.imread(str(each)) for each in (frames / path.name, path))
        changed = (before != after).any(axis=2)
        assert read_mark(path) == SOURCE_TYPE
        assert changed.any() == bool(faces[number].faces) == (number != BLANK)
        if changed.any():
            (face,) = faces[number].faces
            hull = cv2.convexHull(face.landmarks.astype(np.float32))
            middle = face.landmarks[30].astype(int)
            assert changed[middle[1] - 5 : middle[1] + 5, middle[0] - 5 : middle[0] + 5].all()
            edge = cv2.minEnclosingCircle(hull)[1] * 1.5
            away = np.hypot(*np.moveaxis(np.argwhere(changed) - middle[::-1], 1, 0))
            assert away.max() < edge


def test_a_video_becomes_a_video_with_its_times_and_sound(
    frames: Path, model: Path, tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 3, sound="aac")
    # Its frames show no face, so nothing could be swapped.
    assert convert(clip, tmp_path / "none.mp4", model) == 1
    assert not (tmp_path / "none.mp4").exists()
    out = tmp_path / "out.mp4"
    assert convert(frames, out, model) == 0
    written = open_source(out)
    assert written.count == COUNT
    assert written.size == (EDGE, EDGE)
    assert read_mark(out) == SOURCE_TYPE
    again = tmp_path / "again.mkv"
    assert convert(out, again, model) == 0
    times = [[frame.time for frame in open_source(path).frames()] for path in (out, again)]
    assert times[0] == times[1]


def test_an_ended_run_goes_on_after_what_is_written(
    frames: Path,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert convert(frames, whole, model) == 0
    write, written = Writer.write, []

    def interrupted(self: Writer, frame: Frame, faces: int) -> None:
        if len(written) == 3:
            raise KeyboardInterrupt
        write(self, frame, faces)
        written.append(frame)

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "write", interrupted)
        assert convert(frames, out, model) == 130
    assert len(list(out.glob("*.png"))) == 3
    assert (out / "unfinished.json").exists()
    kept = {path: path.stat().st_mtime_ns for path in out.glob("*.png")}
    assert convert(frames, out, model) == 1
    assert "holds 3 frames of an earlier run: go on with it by --resume" in capsys.readouterr().err
    assert convert(frames, out, model, "--resume") == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert sorted(path.name for path in out.iterdir()) == sorted(
        path.name for path in whole.iterdir()
    )
    for path in whole.iterdir():
        np.testing.assert_array_equal(cv2.imread(str(path)), cv2.imread(str(out / path.name)))


def test_the_preview_shows_frames_before_and_after(
    frames: Path, model: Path, tmp_path: Path
) -> None:
    sheet = tmp_path / "sheet.png"
    assert convert(frames, sheet, model, "--preview") == 0
    image = cv2.imread(str(sheet))
    assert image.shape == (2 * (EDGE + 24), 3 * (2 * EDGE + 8), 3)
    first = cv2.imread(str(frames / "shot_0.png"))
    np.testing.assert_array_equal(image[24 : 24 + EDGE, :EDGE], first)
    assert (image[24 : 24 + EDGE, EDGE : 2 * EDGE] != first).any()
    assert read_mark(sheet) == SOURCE_TYPE
    assert convert(frames, sheet, model, "--preview") == 0  # another try takes its place
    swapped = tmp_path / "swapped"
    assert convert(frames, swapped, model) == 0
    for mine in (frames / "shot_0.png", swapped / "shot_0.png"):
        before = mine.read_bytes()
        assert convert(frames, mine, model, "--preview") == 1
        assert mine.read_bytes() == before


def test_one_person_alone_is_swapped(
    frames: Path,
    model: Path,
    alignments: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    chosen = ["-a", str(alignments), "--person"]
    assert convert(frames, out, model, *chosen, "2") == 1
    assert "--person 2 is not in the alignments file: there is 1" in capsys.readouterr().err
    assert convert(frames, tmp_path / "other", model, *chosen, "1") == 0


def test_the_way_back_differs_and_options_count(
    frames: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ini = tmp_path / "convert.ini"
    ini.write_text("[mask]\nblur = 0\nerosion = 20\n")
    ways = {"a": [], "b": ["-s"], "c": ["-C", str(ini)], "d": ["-M", "box", "-c", "match_hist"]}
    shown = {}
    for name, more in ways.items():
        assert convert(frames / "shot_0.png", tmp_path / name, model, *more) == 0
        shown[name] = cv2.imread(str(tmp_path / name / "shot_0.png"))
    assert f"Options: {ini}\n" in capsys.readouterr().out
    for name in "bcd":
        assert (shown[name] != shown["a"]).any()


def test_alignments_of_more_than_is_converted_are_told_of_videos_alone(
    frames: Path, model: Path, alignments: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = frames / "shot_0.png"
    assert convert(one, tmp_path / "one.png", model, "-a", str(alignments)) == 0
    assert "goes on for" not in capsys.readouterr().out
    clip = tmp_path / "clip.mp4"
    with av.open(str(clip), "w") as container:
        track = container.add_stream("libx264", 25, options={"crf": "1"})
        track.width = track.height = EDGE
        shots = (cv2.imread(str(frames / f"shot_{number}.png")) for number in range(2))
        for packet in (
            packet
            for image in (*(av.VideoFrame.from_ndarray(s, "bgr24") for s in shots), None)
            for packet in track.encode(image)
        ):
            container.mux(packet)
    assert convert(clip, tmp_path / "out.mp4", model, "-a", str(alignments)) == 0
    assert f"goes on for {COUNT - 2} frames" in capsys.readouterr().out


def test_a_picture_becomes_a_picture(
    frames: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert(frames / "shot_0.png", tmp_path / "one.png", model) == 0
    assert convert(frames / "shot_0.png", tmp_path / "folder", model) == 0
    one, same = (cv2.imread(str(tmp_path / name)) for name in ("one.png", "folder/shot_0.png"))
    np.testing.assert_array_equal(one, same)
    assert convert(frames, tmp_path / "two.png", model) == 1
    assert "'two.png'" in capsys.readouterr().err.replace(f"{tmp_path}/", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "one.png"]


@pytest.mark.parametrize("output", ["folder", "clip.mp4", "one.png"])
def test_where_nothing_is_swapped_nothing_is_left(
    frames: Path, model: Path, tmp_path: Path, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert(frames / f"shot_{BLANK}.png", tmp_path / output, model) == 1
    assert "nothing was swapped: no face was found" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["-c", "avrage"], "did you mean 'average'"),
        (["-M", "predicted"], "mask"),
        (["-a", "missing"], "there is no alignments file 'missing'"),
        (["--person", "1"], "add -a"),
        (["--key", "k.pem"], "give both"),
        (["-a", "x", "--only", "y.png"], "choose by --person"),
        (["--preview"], "must end in one of"),
        (["-w", "video"], "end its name in .mp4"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing_whole(
    frames: Path,
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    reason: str,
) -> None:
    assert convert(frames, tmp_path / "out", model, *more) == 1
    error = capsys.readouterr().err.strip()
    assert reason in error
    assert error.count("\n") == 0


def test_another_videos_alignments_and_a_missing_model_are_told(
    frames: Path,
    model: Path,
    alignments: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 3)
    assert convert(clip, tmp_path / "a.mp4", model, "-a", str(alignments)) == 1
    assert "belongs to another video" in capsys.readouterr().err
    assert convert(frames, tmp_path / "b", tmp_path / "nowhere") == 1
    assert "nowhere" in capsys.readouterr().err
    assert not (tmp_path / "b").exists()
