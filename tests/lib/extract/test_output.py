"""What lies in a folder of faces, also of a run that ended too early."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from lib.errors import FaceswapError
from lib.extract.alignments import FrameFaces, Looked, read_alignments
from lib.extract.alignments_writer import AlignmentsWriter
from lib.extract.face import Face
from lib.extract.output import MARKER, Output, Pictures
from lib.media.frame import Frame
from lib.synthetic.parameters import Identity, Shot
from lib.synthetic.render import render
from tests.fixtures.square_face import square_face

LOOKED = Looked("clip.mp4", True, {"every": 1, "recognises": True})


def frame(index: int) -> Frame:
    rng = np.random.default_rng(index)
    image = rng.integers(0, 256, (120, 160, 3), dtype=np.uint8)
    return Frame(index, f"clip_{index + 1:06}.png", image)


def fill(folder: Path, *found: list[Face], looked: Looked = LOOKED, **pictures: object) -> Output:
    with Output(folder, looked, Pictures(64, **pictures)) as output:
        for index, faces in enumerate(found):
            output.write(frame(index), faces)
    return output


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.png"))


def test_one_persons_pictures_lie_in_the_folder_itself(tmp_path: Path) -> None:
    done = fill(tmp_path, [square_face(40, 30)], [], [square_face(42, 30)]).sort()
    assert (done.frames, done.without, dict(done.pictures)) == (3, 1, {0: 2})
    assert names(tmp_path) == ["clip_000001_0.png", "clip_000003_0.png"]


def test_each_of_several_people_has_a_folder(tmp_path: Path) -> None:
    both = [square_face(10, 30), square_face(90, 30, person=1)]
    output = fill(tmp_path, both, [square_face(90, 30, person=1)])
    done = output.sort()
    assert dict(done.pictures) == {0: 1, 1: 2}
    expected = ["person_1/clip_000001_0.png", "person_2/clip_000001_1.png"]
    assert names(tmp_path) == [*expected, "person_2/clip_000002_0.png"]
    assert output.sort() == done  # as a run that goes on does once more


def test_without_recognition_people_are_told_apart_only_side_by_side(tmp_path: Path) -> None:
    blind = Looked("clip.mp4", True, {"recognises": False})
    after_a_cut = [[square_face(10, 30)], [square_face(90, 30, person=1)]]
    fill(tmp_path / "one", *after_a_cut, looked=blind).sort()
    assert names(tmp_path / "one") == ["clip_000001_0.png", "clip_000002_0.png"]
    fill(tmp_path / "two", [*after_a_cut[0], *after_a_cut[1]], looked=blind).sort()
    assert len(list((tmp_path / "two").glob("person_*"))) == 2


def test_a_blurred_face_is_known_but_not_drawn(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    sharp = render(Identity.random(rng), Shot.random(rng), 240)
    face = replace(square_face(80, 80, edge=90), landmarks=sharp.landmarks)
    with Output(tmp_path, LOOKED, Pictures(64, sharpness=30)) as output:
        for index, sigma in enumerate((0.1, 8)):
            image = cv2.GaussianBlur(sharp.image, (0, 0), sigma)
            output.write(Frame(index, f"{index}.png", image), [face])
    assert names(tmp_path) == ["0_0.png"]
    assert [len(each.faces) for each in read_alignments(tmp_path).frames.values()] == [1, 1]
    assert dict(output.sort().pictures) == {0: 1}


def test_no_line_is_written_before_its_pictures_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise FaceswapError("can't write: No space left on device")

    fill(tmp_path, [square_face(40, 30)])
    monkeypatch.setattr("lib.extract.output.write_face", full)
    output = Output(tmp_path, LOOKED, Pictures(64), resume=True)
    output.write(frame(1), [square_face(40, 30)])
    with pytest.raises(FaceswapError, match="No space left"):
        output.__exit__(None, None, None)
    assert list(read_alignments(tmp_path).frames) == [0]


def test_an_unfinished_folder_is_marked_until_its_end(tmp_path: Path) -> None:
    output = fill(tmp_path, [square_face(40, 30)])
    assert (tmp_path / MARKER).exists()
    output.sort()
    assert not (tmp_path / MARKER).exists()


def test_a_refused_run_leaves_a_finished_folder_unmarked(tmp_path: Path) -> None:
    fill(tmp_path, [square_face(40, 30)]).sort()
    with pytest.raises(FaceswapError, match="begun with another source"):
        Output(tmp_path, replace(LOOKED, source="other.mp4"), Pictures(64), resume=True)
    assert not (tmp_path / MARKER).exists()
    fill(tmp_path / "cut", [square_face(40, 30)])
    with pytest.raises(FaceswapError, match="begun with another source"):
        Output(tmp_path / "cut", replace(LOOKED, source="other.mp4"), Pictures(64), resume=True)
    assert (tmp_path / "cut" / MARKER).exists()


def test_where_no_face_was_found_all_is_as_it_was(tmp_path: Path) -> None:
    for _ in range(2):
        output = fill(tmp_path / "out", [], [], debug=True)
        assert (tmp_path / "out" / "debug" / "clip_000002.jpg").exists()
        assert not output.sort().pictures
        output.forget()
        assert not (tmp_path / "out").exists()


def test_where_a_frame_can_not_be_written_it_says_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = AlignmentsWriter.write

    def full(self: AlignmentsWriter, line: FrameFaces) -> None:
        if line.index == 2:
            raise FaceswapError("can't write 'x': No space left on device")
        write(self, line)

    monkeypatch.setattr(AlignmentsWriter, "write", full)
    with pytest.raises(FaceswapError, match=r"device; 2 frames are kept in .*--resume goes on"):
        fill(tmp_path, *[[square_face(40, 30)]] * 4)
    assert (tmp_path / MARKER).exists()


def test_an_earlier_run_is_gone_on_with_only_when_asked_to(tmp_path: Path) -> None:
    fill(tmp_path, [square_face(40, 30)])
    with pytest.raises(FaceswapError, match="go on with it by --resume"):
        Output(tmp_path, LOOKED, Pictures(64))
    with Output(tmp_path, LOOKED, Pictures(64), resume=True) as output:
        assert list(output.known.frames) == [0]
        output.write(frame(1), [])
    assert list(read_alignments(tmp_path).frames) == [0, 1]


def test_one_run_at_a_time_writes_a_folder_and_the_second_disturbs_nothing(tmp_path: Path) -> None:
    with Output(tmp_path, LOOKED, Pictures(64)) as output:
        output.write(frame(0), [square_face(40, 30)])
        unfinished = tmp_path / ".saving-1-2.png"
        unfinished.write_bytes(b"half")
        with pytest.raises(FaceswapError, match="is being written by process"):
            Output(tmp_path, LOOKED, Pictures(64), resume=True)
        assert unfinished.exists(), "the first run may be writing it"
    assert list(read_alignments(tmp_path).frames) == [0]
    Output(tmp_path, LOOKED, Pictures(64), resume=True).__exit__(None)
    assert names(tmp_path) == ["clip_000001_0.png"]
