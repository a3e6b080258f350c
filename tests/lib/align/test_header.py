import ast
import io
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lib.align.header import FaceHeader, StoredMask, read_header, read_text, write_png
from lib.errors import FaceswapError

GRID = Path(__file__).parents[3] / "../shared/data/grid/faces"
IMAGE = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)


def make_dict():
    mask = {
        "mask": zlib.compress(bytes(range(256)) * 64),
        "affine_matrix": [[1.5, 0.0, -2], [0.0, 1.5, 1e-05]],
        "interpolator": 3,
        "stored_size": 128,
        "stored_centering": "face",
    }
    return {
        "alignments": {
            "x": 10,
            "y": -3,
            "w": 100,
            "h": 120,
            "landmarks_xy": [[i * 1.25, 200 - i / 3] for i in range(68)],
            "mask": {"bisenet-fp_face": mask},
            "identity": {"vggface2": [0.25, -1e-9]},
        },
        "source": {
            "alignments_version": 2.4,
            "original_filename": 'it\'s "quoted" ä_0.png',
            "face_index": 1,
            "source_filename": "clip.png",
            "source_is_video": True,
            "source_frame_dims": (720, 1280),
        },
    }


def make_png(text, keyword="faceswap", **kwargs):
    info = PngInfo()
    info.add_itxt(keyword, text, **kwargs)
    file = io.BytesIO()
    Image.fromarray(IMAGE).save(file, "PNG", pnginfo=info)
    return file.getvalue()


def make_chunk(kind, body):
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def put_first(chunk, png):
    """The PNG with a chunk after its first one, IHDR."""
    return png[:33] + chunk + png[33:]


def test_a_header_survives_writing_and_reading(tmp_path):
    header = FaceHeader.from_dict(make_dict())
    write_png(str(tmp_path / "face.png"), IMAGE, header, {"truth": "äöü", "note": "x" * 1000})
    data = (tmp_path / "face.png").read_bytes()
    assert read_header(data).to_dict() == make_dict()
    assert read_text(data, "truth") == "äöü"
    assert read_text(data, "note") == "x" * 1000
    assert read_text(data, "absent") is None
    with Image.open(io.BytesIO(data)) as picture:
        np.testing.assert_array_equal(np.asarray(picture), IMAGE[..., ::-1])
        assert ast.literal_eval(picture.text["faceswap"]) == make_dict()
        assert not picture.text["faceswap"].tkey


def test_the_chunk_stands_uncompressed_before_the_pixels(tmp_path):
    write_png(tmp_path / "face.png", IMAGE, FaceHeader.from_dict(make_dict()))
    data = (tmp_path / "face.png").read_bytes()
    start = data.index(b"iTXtfaceswap\0\0\0\0\0{'alignments': {'x': 10,")
    assert start < data.index(b"IDAT")


def test_fields_are_typed():
    header = read_header(make_png(repr(make_dict())))
    assert header.box == (10, -3, 100, 120)
    assert header.landmarks.shape == (68, 2)
    assert header.landmarks.dtype == np.float64
    assert header.landmarks[3, 1] == 199
    assert isinstance(header.masks["bisenet-fp_face"], StoredMask)
    assert zlib.decompress(header.masks["bisenet-fp_face"].mask)[255] == 255
    assert header.source_frame_dims == (720, 1280)
    assert header.centring == "head"


def test_version_one_means_a_legacy_crop():
    raw = make_dict()
    raw["source"] = {"alignments_version": 1.0}
    header = read_header(make_png(repr(raw)))
    assert header.centring == "legacy"
    assert header.source_filename == ""


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"RIFF", make_png("{}", "other")])
def test_files_without_the_chunk_have_no_header(data):
    assert read_header(data) is None


def test_a_chunk_behind_the_pixels_does_not_count():
    png = make_png("{}", "other")
    data = png[:-12] + make_chunk(b"iTXt", b"faceswap\0\0\0\0\0{}") + png[-12:]
    assert read_header(data) is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("alignments",), None),
        (("alignments", "x"), 1.0),
        (("alignments", "y"), True),
        (("alignments", "w"), None),
        (("alignments", "landmarks_xy"), [[1, 2]] * 67),
        (("alignments", "landmarks_xy"), [[1, 2, 3]] * 68),
        (("alignments", "landmarks_xy"), [[1, "2"]] * 68),
        (("alignments", "landmarks_xy"), [[1, True]] * 68),
        (("alignments", "landmarks_xy"), [[1, 1e7]] * 68),
        (("alignments", "landmarks_xy"), [[1, 10**400]] * 68),
        (("alignments", "landmarks_xy"), [12] * 68),
        (("alignments", "landmarks_xy"), {}),
        (("alignments", "mask"), []),
        (("alignments", "mask"), {1: make_dict()["alignments"]["mask"]["bisenet-fp_face"]}),
        (("alignments", "mask", "bisenet-fp_face"), b""),
        (("alignments", "mask", "bisenet-fp_face", "mask"), "text"),
        (("alignments", "mask", "bisenet-fp_face", "affine_matrix"), [[1, 2], [3, 4]]),
        (("alignments", "mask", "bisenet-fp_face", "interpolator"), None),
        (("alignments", "mask", "bisenet-fp_face", "stored_size"), 10**6),
        (("alignments", "mask", "bisenet-fp_face", "stored_centering"), "chin"),
        (("alignments", "identity"), {"vggface2": ["a"]}),
        (("alignments", "identity"), {"vggface2": 3}),
        (("source", "alignments_version"), "2.4"),
        (("source", "original_filename"), 3),
        (("source", "face_index"), 0.5),
        (("source", "source_is_video"), 1),
        (("source", "source_frame_dims"), (1.5, 2)),
        (("source", "source_frame_dims"), (1, 2, 3)),
        (("source",), {}),
    ],
)
def test_a_wrong_field_is_refused_by_name(path, value):
    raw = make_dict()
    inner = raw
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(FaceswapError, match="face header that cannot be read") as caught:
        read_header(make_png(repr(raw)))
    named = {"source": "alignments_version", "bisenet-fp_face": "stored_size"}
    assert named.get(path[-1], path[-1]) in str(caught.value) or "mask" in str(caught.value)


def test_infinity_is_refused():
    text = repr(make_dict()).replace("'x': 10", "'x': 10, 'z': 1").replace("1.25", "1e999")
    with pytest.raises(FaceswapError, match="landmarks_xy"):
        read_header(make_png(text))


@pytest.mark.parametrize(
    "text", ["", "[]", "3", "nonsense", "{'alignments'", "-" * 9999, "((" * 9999]
)
def test_text_that_is_no_header_is_refused(text):
    with pytest.raises(FaceswapError, match="cannot be read"):
        read_header(make_png(text))


def test_damaged_chunks_are_refused():
    png = make_png("{}", "other")
    body = b"faceswap\0\0\0\0\0" + repr(make_dict()).encode()
    whole = make_chunk(b"iTXt", body)
    cases = {
        "wrong checksum": put_first(whole[:-1] + bytes([whole[-1] ^ 1]), png),
        "longer than 1 MiB": put_first(make_chunk(b"iTXt", body + b" " * (1 << 20)), png),
        "compressed": make_png(repr(make_dict()), zip=True),
        "cut off": put_first(make_chunk(b"iTXt", b"faceswap\0\0\0"), png),
        "not UTF-8": put_first(make_chunk(b"iTXt", b"faceswap\0\0\0\0\0\xff"), png),
    }
    for reason, data in cases.items():
        with pytest.raises(FaceswapError, match=reason):
            read_header(data)
    with pytest.raises(FaceswapError, match="cut off before its pixels"):
        read_header(png[:50])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 255)), min_size=1, max_size=4))
def test_mutated_files_raise_nothing_else(changes):
    data = bytearray(make_png(repr(make_dict())))
    for position, flip in changes:
        data[position % len(data)] ^= flip
    try:
        header = read_header(bytes(data))
    except FaceswapError:
        return
    assert header is None or header.landmarks.shape == (68, 2)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_mutated_texts_raise_nothing_else(data):
    text = repr(make_dict())
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 30, len(text))))
    text = text[:start] + data.draw(st.text("[](){}'\",:.-e019 \\b", max_size=9)) + text[end:]
    try:
        header = read_header(make_png(text))
    except FaceswapError:
        return
    assert header.landmarks.shape == (68, 2)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_random_chunks_raise_nothing_else(tail):
    with suppress(FaceswapError):
        assert read_header(b"\x89PNG\r\n\x1a\n" + tail) is None


def test_a_file_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FaceswapError, match=r"face\.png"):
        write_png(tmp_path / "file" / "face.png", IMAGE, FaceHeader.from_dict(make_dict()))


@pytest.mark.parametrize("clip", ["bbaf2n", "sbia1a", "brbk7n", "lbbc2a"])
def test_real_headers_survive_writing_and_reading(tmp_path, clip):
    if not (GRID / clip).is_dir():
        pytest.skip("the real faces of ../shared/data/grid are absent")
    for path in sorted((GRID / clip).glob("*.png")):
        with Image.open(path) as picture:
            expected = ast.literal_eval(picture.text["faceswap"])
        header = read_header(path.read_bytes())
        assert header.to_dict() == expected
        write_png(tmp_path / "face.png", IMAGE, header)
        assert read_header((tmp_path / "face.png").read_bytes()).to_dict() == expected
