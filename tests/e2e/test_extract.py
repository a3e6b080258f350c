"""faceswap extract, as a user runs it: folders, resuming, people, mistakes."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceswap.cli import main
from lib.align.header import read_header
from lib.data.faceset import Cut, load_faces
from lib.data.files import find_images
from lib.synthetic.parameters import Identity
from lib.synthetic.performance import performance
from lib.synthetic.render import render

COUNT, EDGE = 6, 240


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """A folder of frames that show two people side by side, and their true landmarks."""
    folder = tmp_path_factory.mktemp("frames")
    truth = []
    whos = [Identity.random(np.random.default_rng(seed)) for seed in (1, 21)]
    shots = [performance(np.random.default_rng(seed), COUNT) for seed in (1, 2)]
    for number, pair in enumerate(zip(*shots, strict=True), 1):
        portraits = [render(who, shot, EDGE) for who, shot in zip(whos, pair, strict=True)]
        frame = np.hstack([portrait.image for portrait in portraits])
        cv2.imwrite(str(folder / f"shot_{number}.png"), frame)
        truth.append([portraits[0].landmarks, portraits[1].landmarks + np.array([EDGE, 0])])
    return folder, np.array(truth)


@pytest.fixture(scope="module")
def faces(people: tuple[Path, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "faces"
    assert main(["extract", "-i", str(people[0]), "-o", str(out), "--size", "128"]) == 0
    return out


def lines_of(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "alignments.jsonl").read_text().splitlines()]


def headers(folder: Path) -> list:
    return [read_header(path.read_bytes()) for path in sorted(folder.rglob("*.png"))]


def test_each_face_is_found_where_it_is(people: tuple[Path, np.ndarray], faces: Path) -> None:
    frames = lines_of(faces)[1:]
    assert [frame["name"] for frame in frames] == [f"shot_{n}.png" for n in range(1, COUNT + 1)]
    for frame, truth in zip(frames, people[1], strict=True):
        found = sorted((np.array(face["landmarks"]) for face in frame["faces"]), key=np.max)
        assert len(found) == 2
        for landmarks, true in zip(found, truth, strict=True):
            eyes = np.linalg.norm(true[45] - true[36])
            apart = np.linalg.norm(landmarks - true, axis=1)[17:].mean() / eyes
            assert apart < 0.12  # a rendered face's points are the renderer's, not the network's


def test_two_people_come_out_in_two_folders(faces: Path) -> None:
    assert not list(faces.glob("*.png"))
    for person in (1, 2):
        found = headers(faces / f"person_{person}")
        assert len(found) == COUNT
        at = [header.landmarks[:, 0].mean() > EDGE for header in found]
        assert len(set(at)) == 1


def test_the_pictures_are_ready_to_train_on(faces: Path) -> None:
    cut = Cut(64, "face", "extended", 3, 4)
    loaded, bad = load_faces(find_images(str(faces / "person_1")), cut, "A")
    assert not bad
    assert loaded.has_landmarks.all()
    header = headers(faces / "person_1")[0]
    assert header.source_frame_dims == (EDGE, 2 * EDGE)
    assert header.source_filename == "shot_1.png"
    assert not header.source_is_video


def test_another_programs_faces_and_ours_go_into_one_folder(grid: Path, tmp_path: Path) -> None:
    clip = grid.parent / "bbaf2n.mpg"
    command = ["extract", "-i", str(clip), "-o", str(tmp_path / "mixed"), "--every", "25"]
    assert main([*command, "--size", "256"]) == 0
    for path in sorted((grid / "bbaf2n").glob("*.png"))[::25]:
        shutil.copy(path, tmp_path / "mixed" / f"other_{path.name}")
    loaded, bad = load_faces(
        find_images(str(tmp_path / "mixed")), Cut(64, "face", "extended", 3, 4), "A"
    )
    assert (len(loaded.paths), bad) == (6, [])
    ours, theirs = (np.array([loaded.images[n + at] for n in range(3)], float) for at in (0, 3))
    errors = np.square(ours - theirs).mean(axis=(1, 2, 3))
    a_pixel_off = np.square(theirs[:, :, 1:] - theirs[:, :, :-1]).mean(axis=(1, 2, 3))
    assert (errors < a_pixel_off / 3).all(), "the same frames are cut alike"


def test_a_killed_run_goes_on_and_comes_to_the_same(
    people: tuple[Path, np.ndarray], faces: Path, tmp_path: Path
) -> None:
    out = tmp_path / "faces"
    out.mkdir()
    lines = (faces / "alignments.jsonl").read_bytes().splitlines(keepends=True)
    (out / "alignments.jsonl").write_bytes(b"".join(lines[:4]) + lines[4][:50])
    for path in faces.glob("person_*/shot_[123]_*.png"):
        shutil.copy(path, out / path.name)
    words = ["extract", "-i", str(people[0]), "-o", str(out), "--size", "128"]
    assert main(words) == 1  # nothing is written over
    assert main([*words, "--resume"]) == 0
    assert [path.relative_to(out) for path in sorted(out.rglob("*.png"))] == [
        path.relative_to(faces) for path in sorted(faces.rglob("*.png"))
    ]
    again, before = lines_of(out), lines_of(faces)
    for then, now in zip(before[1:], again[1:], strict=True):
        assert [face["person"] for face in now["faces"]] == [
            face["person"] for face in then["faces"]
        ]


def test_an_earlier_run_is_told_and_left_alone(
    people: tuple[Path, np.ndarray], faces: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (faces / "alignments.jsonl").read_bytes()
    words = ["extract", "-i", str(people[0]), "-o", str(faces), "--size", "128"]
    assert main(words) == 1
    assert "go on with it by --resume" in capsys.readouterr().err
    assert main([*words, "--resume", "--min-size", "30"]) == 1
    assert "begun with another min_size" in capsys.readouterr().err
    assert main([*words, "--resume", "--size", "64"]) == 1
    assert "begun with another size" in capsys.readouterr().err
    assert (faces / "alignments.jsonl").read_bytes() == before


def test_largest_face_every_other_frame_with_debug_pictures(
    people: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    out = tmp_path / "faces"
    words = ["extract", "-i", str(people[0]), "-o", str(out), "--every", "2", "--debug"]
    assert main([*words, "--max-faces", "1", "--size", "96"]) == 0
    assert [line["frame"] for line in lines_of(out)[1:]] == [0, 2, 4]
    assert all(len(line["faces"]) == 1 for line in lines_of(out)[1:])
    assert cv2.imread(str(next(out.rglob("shot_1_0.png")))).shape == (96, 96, 3)
    drawn, frame = (
        cv2.imread(str(path)) for path in (out / "debug/shot_1.jpg", people[0] / "shot_1.png")
    )
    assert drawn.shape == frame.shape
    assert np.abs(drawn.astype(int) - frame).max() > 100


def test_pictures_without_a_face_are_told(
    plain: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["extract", "-i", str(plain["a"]), "-o", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err.strip()
    assert error.count("\n") == 0
    assert f"no face was found in '{plain['a']}': try --rotate" in error


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["-i", "missing.mp4", "-o", "out"], "'missing.mp4' does not exist"),
        (["-i", ".", "-o", "out"], "no pictures in"),
        (["-i", ".", "-o", "out", "-D", "blazface"], "did you mean 'blazeface'"),
        (["-i", ".", "-o", "out", "--only", "missing.png"], "'missing.png' does not exist"),
    ],
)
def test_mistakes_are_one_line(
    words: list[str],
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if "-D" in words or "--only" in words:
        cv2.imwrite("a.png", np.zeros((40, 40, 3), np.uint8))
    assert main(["extract", *words]) == 1
    error = capsys.readouterr().err.strip()
    assert reason in error
    assert error.count("\n") == 0
    assert not Path("out").exists()


def test_nothing_of_the_users_is_written_over(
    people: tuple[Path, np.ndarray], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["extract", "-i", str(people[0]), "-o", str(tmp_path)]) == 1
    assert "holds files already" in capsys.readouterr().err
    assert main(["extract", "-i", str(people[0]), "-o", str(people[0])]) == 1
    assert main(["extract", "-i", str(people[0]), "-o", str(tmp_path / "mine.txt")]) == 1
    assert "is a file" in capsys.readouterr().err.splitlines()[-1]


def test_pictures_alike_but_for_the_suffix_have_faces_of_their_own(
    people: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    frames, out = tmp_path / "frames", tmp_path / "out"
    frames.mkdir()
    image = cv2.imread(str(people[0] / "shot_1.png"))[:, :EDGE]
    for suffix in ("jpg", "png"):
        cv2.imwrite(str(frames / f"a.{suffix}"), image)
    assert main(["extract", "-i", str(frames), "-o", str(out), "--size", "96"]) == 0
    assert sorted(path.name for path in out.rglob("*.png")) == ["a.jpg_0.png", "a.png_0.png"]


def test_another_source_of_the_same_name_is_not_gone_on_with(
    people: tuple[Path, np.ndarray],
    faces: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other, out = tmp_path / people[0].name, tmp_path / "out"
    other.mkdir()
    for path in people[0].iterdir():
        cv2.imwrite(str(other / path.name), cv2.imread(str(path))[:, ::-1])
    out.mkdir()
    lines = (faces / "alignments.jsonl").read_bytes().splitlines(keepends=True)
    (out / "alignments.jsonl").write_bytes(b"".join(lines[:4]))
    words = ["extract", "-i", str(other), "-o", str(out), "--size", "128", "--resume"]
    assert main(words) == 1
    assert "belongs to another video" in capsys.readouterr().err


def test_where_no_face_was_found_another_try_is_not_in_its_own_way(
    plain: dict[str, Path], tmp_path: Path
) -> None:
    words = ["extract", "-i", str(plain["a"]), "-o", str(tmp_path / "out")]
    assert main(words) == 1
    assert not (tmp_path / "out").exists()
    assert main([*words, "--min-size", "30"]) == 1
