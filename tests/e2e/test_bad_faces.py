"""Bad faces never end a run: those that can be read are trained on, the others are named."""

import io
import os
import re
import struct
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from faceswap.cli import main
from lib.align import masks
from lib.align.geometry import Alignment, transform_points
from lib.align.header import FaceHeader, StoredMask, write_png
from lib.data.files import find_images, read_face
from plugins.train.trainer._base import TrainerBase

PLUGINS = str(Path(__file__).parents[1] / "fixtures" / "plugins")
SECRET = "the secret of another file"


@dataclass
class Face:
    """What the makers of bad files start from: a good face, and where the file is to be."""

    path: Path
    png: bytes
    header: FaceHeader
    image: np.ndarray[Any, Any]

    @property
    def text(self) -> str:
        return repr(self.header.to_dict())

    def save(self, picture: Image.Image, **options: Any) -> None:
        picture.save(self.path, **options)

    def titled(self, text: str) -> None:
        info = PngInfo()
        info.add_itxt("faceswap", text)
        Image.fromarray(self.image).save(self.path, pnginfo=info)

    def placed(self, landmarks: np.ndarray[Any, Any]) -> None:
        write_png(self.path, self.image, replace(self.header, landmarks=landmarks))

    def masked(self, **changes: Any) -> None:
        mask = replace(self.header.masks["m"], **changes)
        write_png(self.path, self.image, replace(self.header, masks={"m": mask}))

    def with_chunk(self, kind: bytes, body: bytes) -> None:
        self.path.write_bytes(self.png[:33] + chunk(kind, body) + self.png[33:])

    def with_edge(self, width: int, height: int) -> None:
        head = struct.pack(">II", width, height) + self.png[24:29]
        self.path.write_bytes(self.png[:8] + chunk(b"IHDR", head) + self.png[33:])

    @property
    def rgb(self) -> Image.Image:
        return Image.fromarray(np.ascontiguousarray(self.image[..., ::-1]))

    @property
    def grey(self) -> Image.Image:
        return self.rgb.convert("L")

    def noise(self, *shape: int) -> np.ndarray[Any, Any]:
        """Pixels of the file's own, so that no two files are the same."""
        rng = np.random.default_rng(list(os.fsencode(self.path.name)))
        return rng.integers(0, 256, shape, np.uint8)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def spoil(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 255]) + data[position + 1 :]


def animated(face: Face) -> None:
    face.save(face.rgb, save_all=True, append_images=[face.rgb.rotate(90)])


def webp_of(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "WEBP")
    return file.getvalue()


def turned(face: Face) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    face.save(face.rgb, exif=exif)


def outside(face: Face) -> np.ndarray[Any, Any]:
    landmarks = face.header.landmarks.copy()
    landmarks[:17] += (90_000, 0)
    return landmarks


BOMB = zlib.compress(bytes(50_000_000), 9)

Maker = Callable[[Face], object]
LEFT_OUT: dict[str, tuple[Maker, str]] = {
    "truncated.png": (lambda f: f.path.write_bytes(f.png[:-2000]), "is damaged"),
    "truncated.jpg": (
        lambda f: (f.save(f.rgb), f.path.write_bytes(f.path.read_bytes()[:1500])),
        "is damaged",
    ),
    "truncated.webp": (lambda f: f.path.write_bytes(webp_of(f.rgb)[:900]), "is damaged"),
    "zero.png": (lambda f: f.path.touch(), "is empty"),
    "text.png": (lambda f: f.path.write_text("hello"), "is no PNG, JPEG or WebP picture"),
    "svg.png": (
        lambda f: f.path.write_text('<svg><image href="file:///etc/passwd"/></svg>'),
        "is no PNG, JPEG or WebP picture",
    ),
    "named.jpg": (lambda f: f.path.write_bytes(f.png), "holds a PNG picture, which its name does"),
    "wide.png": (lambda f: f.save(Image.new("RGB", (96, 64))), "is not square (96 x 64)"),
    "one.png": (lambda f: f.save(Image.new("RGB", (1, 1))), "is 1 px wide, outside 32 to 8192"),
    "cmyk.jpg": (lambda f: f.save(f.rgb.convert("CMYK")), "has CMYK colours: save it as RGB"),
    "animated.png": (animated, "holds more than one picture"),
    "animated.webp": (animated, "holds more than one picture"),
    "bomb.png": (lambda f: f.with_edge(60_000, 60_000), "is 60000 px wide, outside 32 to 8192"),
    "vast.png": (lambda f: f.with_edge(2**31 - 1, 2**31 - 1), "is 2147483647 px wide"),
    "flat.png": (lambda f: f.with_edge(2**32 - 1, 1), "is not square"),
    "dangling.png": (lambda f: f.path.symlink_to("nowhere.png"), "cannot be read: No such file"),
    "itself.png": (lambda f: f.path.symlink_to(f.path), "cannot be read: Too many levels"),
    "secret.png": (
        lambda f: f.path.symlink_to(f.path.parent.parent / "secret.txt"),
        "is no PNG, JPEG or WebP picture",
    ),
    "fifo.png": (lambda f: os.mkfifo(f.path), "is not a regular file"),
    "device.png": (lambda f: f.path.symlink_to("/dev/zero"), "is not a regular file"),
    "header_cut.png": (lambda f: f.titled(f.text[:700]), "header that cannot be read"),
    "header_code.png": (
        lambda f: f.titled(f"__import__('pathlib').Path({str(f.path)!r} + '.trap').touch()"),
        "header that cannot be read (not a Python literal)",
    ),
    "header_nested.png": (lambda f: f.titled("[" * 9999), "header that cannot be read"),
    "header_long.png": (
        lambda f: f.titled(f.text + " " * (1 << 20)),
        "header that cannot be read (longer than 1 MiB)",
    ),
    "header_values.png": (
        lambda f: f.titled("[" + "0," * 400_000 + "]"),
        "header that cannot be read (more than",
    ),
    "header_nan.png": (
        lambda f: f.titled(re.sub(r"\[\[[\d.]+", "[[nan", f.text, count=1)),
        "header that cannot be read (not a Python literal)",
    ),
    "header_inf.png": (
        lambda f: f.titled(re.sub(r"\[\[[\d.]+", "[[1e999", f.text, count=1)),
        "header that cannot be read (landmarks_xy)",
    ),
    "header_packed.png": (
        lambda f: f.with_chunk(b"iTXt", b"faceswap\0\1\0\0\0" + BOMB),
        "header that cannot be read (compressed",
    ),
    "far.png": (lambda f: f.placed(outside(f)), "has landmarks far outside the picture"),
    "few.png": (
        lambda f: f.titled(
            repr(
                {
                    **f.header.to_dict(),
                    "alignments": {
                        **f.header.to_dict()["alignments"],
                        "landmarks_xy": [[1.0, 2.0]] * 67,
                    },
                }
            )
        ),
        "header that cannot be read (landmarks_xy)",
    ),
    "point.png": (lambda f: f.placed(np.full((68, 2), 50.0)), "that all lie within one pixel"),
    "mask_bytes.png": (lambda f: f.masked(mask=b"nonsense"), "stored mask whose bytes are damaged"),
    "mask_bomb.png": (lambda f: f.masked(mask=BOMB[:90_000]), "stored mask that is not 64 by 64"),
    "mask_flat.png": (
        lambda f: f.masked(affine_matrix=[[1.0, 2.0, 0.0], [2.0, 4.0, 0.0]]),
        "stored mask whose matrix is singular",
    ),
    "checksum.png": (lambda f: f.path.write_bytes(spoil(f.png, -14)), "wrong checksum"),
    "twin.png": (lambda f: f.path.write_bytes(f.png), "is the same picture as a_"),
    "new\nline.png": (lambda f: f.path.touch(), "is empty"),
    os.fsdecode(b"bytes\xff.png"): (lambda f: f.path.touch(), "is empty"),
    "removed.png": (lambda f: f.save(f.rgb), "cannot be read: No such file"),
}
USED: dict[str, Maker] = {
    "grey.png": lambda f: f.save(f.grey),
    "grey_alpha.png": lambda f: f.save(f.grey.convert("LA")),
    "alpha.png": lambda f: f.save(Image.fromarray(f.noise(40, 40, 4))),
    "deep.png": lambda f: f.save(Image.fromarray(f.noise(40, 40).astype(np.uint16) * 257)),
    "palette.png": lambda f: f.save(f.rgb.quantize(16), transparency=bytes(range(16))),
    "bits.png": lambda f: f.save(f.grey.convert("1")),
    "webp.webp": lambda f: f.save(f.rgb),
    "capitals.JPEG": lambda f: f.save(f.rgb, format="JPEG", progressive=True),
    "turned.jpg": turned,
    "exif.jpg": lambda f: f.save(f.rgb, exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"),
    "trailing.png": lambda f: f.path.write_bytes(f.png + b"rubbish" * 99),
    "profile.png": lambda f: f.with_chunk(b"iCCP", b"x\0\0" + BOMB),
    "packed_text.png": lambda f: f.with_chunk(b"zTXt", b"x\0\0" + BOMB),
    "odd\nname.png": lambda f: f.save(Image.fromarray(f.noise(40, 40, 3))),
    os.fsdecode(b"odd\xff.png"): lambda f: f.save(Image.fromarray(f.noise(40, 40, 3))),
    "link.png": lambda f: (
        (f.path.parent.parent / "elsewhere.png").write_bytes(f.png + b"elsewhere"),
        f.path.symlink_to(f.path.parent.parent / "elsewhere.png"),
    ),
}


@pytest.fixture
def folders(rendered: dict[str, Path], tmp_path: Path) -> dict[str, Path]:
    """Rendered faces with a stored mask 'm', which a test may spoil."""
    made = {side: tmp_path / "faces" / side for side in "ab"}
    for side, folder in made.items():
        folder.mkdir(parents=True)
        for path in find_images(str(rendered[side])):
            face = read_face(path)
            assert face.header is not None
            matrix = Alignment(face.header.landmarks).matrix(64, "head")
            drawn = masks.components(transform_points(face.header.landmarks, matrix), 64)
            mask = StoredMask(zlib.compress(drawn.tobytes()), matrix.tolist(), 2, 64, "head")
            write_png(folder / Path(path).name, face.image, replace(face.header, masks={"m": mask}))
    (tmp_path / "faces" / "secret.txt").write_text(SECRET)
    return made


def make(folder: Path, name: str, maker: Maker) -> None:
    good = sorted(folder.glob("[ab]_*.png"))[0]
    face = read_face(str(good))
    assert face.header is not None
    maker(Face(folder / name, good.read_bytes(), face.header, face.image))


@pytest.fixture
def train(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Train on the folders; give what the run prints."""
    (tmp_path / "train.ini").write_text("[global.loss]\nmask_type = m\n")

    def run(*more: str) -> str:
        words = ["train", "-A", str(folders["a"]), "-B", str(folders["b"]), "-b", "4", "-n"]
        words += ["-m", str(tmp_path / "model"), "-t", "tiny", "--plugin-dir", PLUGINS]
        words += ["-C", str(tmp_path / "train.ini"), "--allow-few", *more]
        assert main(words) == 0, capsys.readouterr().err
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return said.out + said.err

    return run


def report(folder: Path) -> list[str]:
    return (folder / "tiny_left_out.txt").read_text("ascii").splitlines()


def shown(name: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)


def test_every_kind_of_bad_face_is_left_out_by_name_and_the_others_are_used(
    folders: dict[str, Path],
    tmp_path: Path,
    train: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert len(LEFT_OUT) + len(USED) >= 25
    for name, maker in {**{n: m for n, (m, _) in LEFT_OUT.items()}, **USED}.items():
        make(folders["a"], name, maker)
    make(folders["b"], "zero.png", LEFT_OUT["zero.png"][0])
    (folders["a"] / "folder.png").mkdir()

    def listed(folder: str) -> list[str]:
        found = find_images(folder)
        (folders["a"] / "removed.png").unlink(missing_ok=True)
        return found

    monkeypatch.setattr("scripts.checks.find_images", listed)
    begun = time.monotonic()
    said = train("-it", "2")
    assert time.monotonic() - begun < 15
    expected = {name: reason for name, (_, reason) in LEFT_OUT.items()}
    lines = report(tmp_path / "model")
    assert lines.pop() == f"B {folders['b'] / 'zero.png'} is empty"
    for name, line in zip(sorted(expected), lines, strict=False):
        assert line.startswith(f"A {folders['a']}/{shown(name)} "), name
        assert expected[name] in line, name
        assert SECRET not in line
    assert len(lines) == len(expected)
    assert f"Side A: {30 + len(USED)} faces, " in said
    assert f"Side A: {len(LEFT_OUT)} bad files left out: " in said
    assert f"; and {len(LEFT_OUT) - 3} more" in said
    assert not list(folders["a"].glob("*.trap"))
    assert (tmp_path / "model" / "tiny.keras").is_file()


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is denied to root"
)
def test_a_face_that_may_not_be_read_is_left_out(
    folders: dict[str, Path], tmp_path: Path, train: Callable[..., str]
) -> None:
    denied = sorted(folders["b"].iterdir())[7]
    denied.chmod(0)
    assert "Side B: 29 faces" in train("-it", "1")
    assert report(tmp_path / "model") == [f"B {denied} cannot be read: Permission denied"]


def test_bad_faces_among_those_held_out_end_no_run(
    folders: dict[str, Path], tmp_path: Path, train: Callable[..., str]
) -> None:
    for index in range(9):
        (folders["a"] / f"z{index}.png").touch()
    said = train("-it", "1", "--holdout", "0.1", "--evaluate-interval", "1")
    assert "Held out: 3 faces of A, 3 of B" in said
    assert [line.split()[0] for line in report(tmp_path / "model")] == ["A"] * 9


def test_faces_that_change_while_training_are_told_and_training_goes_on(
    folders: dict[str, Path],
    tmp_path: Path,
    train: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    removed, changed = sorted(folders["a"].iterdir())[3], sorted(folders["b"].iterdir())[5]
    step = TrainerBase.train_one_step

    def spoiling(trainer: TrainerBase, *more: Any) -> None:
        step(trainer, *more)
        if trainer._model.iterations == 2:
            removed.unlink()
            changed.write_bytes(b"something else")

    monkeypatch.setattr(TrainerBase, "train_one_step", spoiling)
    said = train("-it", "5", "-s", "1")
    assert said.count("files are not as they were read") == 1
    assert (
        f"Faces: 2 files are not as they were read: {removed} has been removed; {changed} has "
        "changed; training goes on with them as they were read"
    ) in said
    assert "Stopped at iteration 5" in said
    assert report(tmp_path / "model") == [
        f"A {removed} has been removed",
        f"B {changed} has changed",
    ]
    monkeypatch.undo()
    assert "Side A: 29 faces" in train("-it", "1")
    assert report(tmp_path / "model") == [f"B {changed} is no PNG, JPEG or WebP picture"]
