import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from lib.errors import FaceswapError
from lib.extract.alignments import FrameFaces, Looked, look_of, read_alignments
from lib.extract.alignments_writer import AlignmentsWriter
from lib.extract.face import Face
from lib.media.frame import Frame
from tests.fixtures.square_face import square_face

LOOKED = Looked("clip.mp4", True, {"detect": "blazeface", "every": 2})


def picture(seed: int = 0) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    return cv2.resize(small, (64, 48), interpolation=cv2.INTER_CUBIC)


def frame(index: int, faces: int = 1) -> FrameFaces:
    rng = np.random.default_rng(index)
    found = tuple(
        Face((1, -2, 30, 40), rng.uniform(0, 64, (68, 2)), 0.75, person=number)
        for number in range(faces)
    )
    return FrameFaces.of(Frame(index, f"clip_{index + 1:06}.png", picture(), None), found)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "faces" / "alignments.jsonl"
    with AlignmentsWriter(path, LOOKED) as writer:
        for index, faces in ((0, 1), (2, 0), (4, 2)):
            writer.write(frame(index, faces))
    return path


def test_what_was_written_is_read(path: Path) -> None:
    read = read_alignments(path)
    assert read.looked == LOOKED
    assert list(read.frames) == [0, 2, 4]
    two = read.frames[4]
    assert (two.name, two.size, two.look) == ("clip_000005.png", (48, 64), look_of(picture()))
    assert [face.person for face in two.faces] == [0, 1]
    assert two.faces[1].box == (1, -2, 30, 40)
    assert two.faces[1].score == 0.75
    np.testing.assert_allclose(two.faces[1].landmarks, frame(4, 2).faces[1].landmarks, atol=5e-4)
    assert read.frames[2].faces == ()


def test_a_folder_stands_for_the_file_in_it(path: Path) -> None:
    assert list(read_alignments(path.parent).frames) == [0, 2, 4]


def test_each_line_is_json_that_other_programs_read(path: Path) -> None:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0]["source"] == "clip.mp4"
    assert [line["frame"] for line in lines[1:]] == [0, 2, 4]


@pytest.mark.parametrize("lost", [1, 30, 1000])
def test_a_killed_run_is_gone_on_with_after_its_last_whole_line(path: Path, lost: int) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:-lost])
    assert list(read_alignments(path).frames) == [0, 2]
    with AlignmentsWriter(path, LOOKED) as writer:
        writer.write(frame(4, 2))
    assert path.read_bytes() == whole


def test_a_line_is_on_the_disk_before_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "alignments.jsonl"
    with AlignmentsWriter(path, LOOKED) as writer:
        writer.write(frame(0))
        assert list(read_alignments(path).frames) == [0]


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (Looked("other.mp4", True, LOOKED.settings), "source"),
        (Looked("clip.mp4", True, {**LOOKED.settings, "every": 1}), "every"),
    ],
)
def test_one_of_another_source_or_settings_is_left_alone(
    path: Path, other: Looked, named: str
) -> None:
    before = path.read_bytes()
    with pytest.raises(FaceswapError, match=f"begun with another {named}: go on"):
        AlignmentsWriter(path, other)
    assert path.read_bytes() == before


def test_the_same_frame_is_known_again_however_it_was_compressed() -> None:
    image = picture()
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 40])
    frame(0).check(cv2.imdecode(data, cv2.IMREAD_COLOR))


def test_another_frame_is_told() -> None:
    with pytest.raises(FaceswapError, match="frame 1 is another picture"):
        frame(0).check(picture(seed=1))
    with pytest.raises(FaceswapError, match="of 32x48 pixels, and of 64x48 in the alignments"):
        frame(0).check(picture()[:, :32])


def test_another_picture_where_a_face_should_be_is_told() -> None:
    """Of a face that is small in the frame, the look of the whole frame hardly tells."""
    wall = np.full((400, 600, 3), 120, np.uint8)
    with_face = wall.copy()
    with_face[100:140, 200:230] = cv2.resize(picture(), (30, 40))
    face = square_face(200, 100, 30)
    known = FrameFaces.of(Frame(3, "clip_000004.png", with_face), [face])
    known.check(with_face)
    with pytest.raises(FaceswapError, match="frame 4 is another picture"):
        known.check(wall)
    replace(known, looks=(b"",)).check(wall)  # as of the first versions


def test_a_face_outside_the_frame_has_no_look(tmp_path: Path) -> None:
    known = FrameFaces.of(Frame(0, "a.png", picture()), [square_face(100, 100, 30)])
    known.check(picture())
    with AlignmentsWriter(tmp_path / "a.jsonl", LOOKED) as writer:
        writer.write(known)
    assert len(read_alignments(tmp_path / "a.jsonl").frames[0].faces) == 1


def test_a_picture_of_another_name_is_told(path: Path) -> None:
    known = read_alignments(path)
    renamed = Frame(0, "other.png", picture())
    assert known.check(renamed) is known.frames[0], "a video's frames have its name"
    assert known.check(Frame(1, "clip_000002.png", picture())) is None
    pictures = replace(known, looked=replace(known.looked, is_video=False))
    with pytest.raises(FaceswapError, match=r"picture 1 is 'other.png', and 'clip_000001.png' in"):
        pictures.check(renamed)
    assert pictures.check(replace(renamed, name="clip_000001.png")) is known.frames[0]
    moment = replace(renamed, time=Fraction(0))
    assert pictures.check(moment) is known.frames[0], "pictures of a video, and the video"


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(FaceswapError, match=r"no alignments file '.*none.jsonl': make it"):
        read_alignments(tmp_path / "none.jsonl")


GOOD = {"box": [0, 0, 9, 9], "landmarks": frame(0).faces[0].landmarks.tolist()}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ("nonsense", "is no JSON"),
        ("[1]", "is no JSON object"),
        ({"frame": -1}, "no frame and name"),
        ({"name": 3}, "no frame and name"),
        ({"size": [1]}, "bad size"),
        ({"look": "zz"}, "no look and faces"),
        ({"faces": {}}, "no look and faces"),
        ({"faces": [3]}, "a face that is no JSON object"),
        ({"faces": [GOOD | {"box": [0, 0, 1]}]}, "bad box"),
        ({"faces": [GOOD | {"box": [10**400, 0, 1, 1]}]}, "bad box"),
        ({"faces": [GOOD | {"landmarks": [[0, "x"]] * 68}]}, "bad landmarks"),
        ({"faces": [GOOD | {"landmarks": [[0, float("nan")]] * 68}]}, "bad landmarks"),
        ({"faces": [GOOD | {"landmarks": [[5, 5]] * 68}]}, "within one pixel"),
        ({"faces": [GOOD | {"person": -1}]}, "no whole number"),
        ({"faces": [GOOD | {"score": "high"}]}, "bad score"),
    ],
)
def test_a_bad_line_is_named(path: Path, fields: object, reason: str) -> None:
    lines = path.read_text().splitlines()
    if isinstance(fields, dict):
        fields = json.dumps(json.loads(lines[2]) | fields)
    path.write_text("\n".join([*lines[:2], str(fields), *lines[3:], ""]))
    with pytest.raises(FaceswapError, match=f"line 3: .*{reason}"):
        read_alignments(path)


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ({"format": "another"}, "line 1: this is no alignments file"),
        ({"version": 9}, "line 1: is of version 9, and this program reads 1"),
        ({"settings": 3}, "line 1: has no source"),
        ({"settings": {"aligner": 7}}, "line 1: has settings with a bad aligner"),
        ({"settings": {"detector": ["a"]}}, "line 1: has settings with a bad detector"),
        ({"settings": {"max_faces": "x"}}, "line 1: has settings with a bad max_faces"),
        ({"settings": {"min_size": -5}}, "line 1: has settings with a bad min_size"),
    ],
)
def test_a_bad_first_line_is_named(path: Path, head: dict, reason: str) -> None:
    lines = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps(json.loads(lines[0]) | head), *lines[1:], ""]))
    with pytest.raises(FaceswapError, match=reason):
        read_alignments(path)


def test_of_a_disk_that_is_full_at_once_no_empty_file_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: AlignmentsWriter, _fields: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(AlignmentsWriter, "_add", full)
    with pytest.raises(FaceswapError, match="No space left"):
        AlignmentsWriter(tmp_path / "a.jsonl", LOOKED)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_one_line() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full")
    with pytest.raises(FaceswapError, match="can't write '/dev/full': No space left"):
        AlignmentsWriter(full, LOOKED)
