"""Archives that Keras did not write."""

import stat
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[[Any], None]


def overlapping(forge) -> None:
    """A directory that says of each member that it is nearly as large as the file."""
    forge.write()
    data = bytearray(forge.path.read_bytes())
    at = 0
    for _ in forge.members:
        at = data.index(b"PK\1\2", at) + 4
        size = 1 << 14 if at < data.rindex(b"PK\1\2") else len(data) - 10
        data[at + 16 : at + 24] = struct.pack("<LL", size, size)
    forge.path.write_bytes(data)


def test_members_that_lie_on_each_other_are_damage(forge) -> None:
    overlapping(forge)
    assert "is damaged (its members are larger than itself)" in forge.refusal()


def test_a_member_without_a_header_is_damage(forge) -> None:
    forge.write()
    data = bytearray(forge.path.read_bytes())
    data[data.rindex(b"PK\3\4")] = 0
    forge.path.write_bytes(data)
    assert "is damaged (its model.weights.h5 has no header)" in forge.refusal()


def test_an_archive_that_is_larger_than_old_zips_can_be_is_read(forge) -> None:
    """Zip64, which Python writes of its own accord from 2 GiB on."""
    forge.write()
    data = forge.path.read_bytes()
    end = data[-22:]
    count, size, start = struct.unpack("<8x2xHLL2x", end)
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, start)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(data) - 22, 1)
    lost = end[:12] + b"\xff" * 8 + end[20:]
    forge.path.write_bytes(data[:-22] + record + locator + lost)
    assert "holds 3 members" in forge.refusal()
    kept = end[:16] + b"\xff" * 4 + end[20:]
    forge.path.write_bytes(data[:-22] + record + locator + kept)
    with zipfile.ZipFile(forge.path) as archive:
        assert set(archive.namelist()) == set(forge.members)
    forge.loaded()
    many = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 2**40, 2**40, size, start)
    forge.path.write_bytes(data[:-22] + many + locator + kept)
    assert f"holds {2**40} members" in forge.refusal()


def deflated(forge) -> None:
    with zipfile.ZipFile(forge.path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in forge.members.items():
            archive.writestr(name, b"0" * 10**7 if name == "config.json" else content)


def encrypted(forge) -> None:
    """With the flag set in the directory's entry of the weights, the last one."""
    forge.write()
    data = bytearray(forge.path.read_bytes())
    data[data.rindex(b"PK\1\2") + 8] |= 1
    forge.path.write_bytes(data)


def linked(forge) -> None:
    with zipfile.ZipFile(forge.path, "w") as archive:
        for name, content in forge.members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK if name == "config.json" else stat.S_IFREG) << 16
            archive.writestr(info, content)


def twice(forge) -> None:
    renamed(metadata="cOnfig.json")(forge)
    forge.path.write_bytes(forge.path.read_bytes().replace(b"cOnfig", b"config"))


def renamed(**names: str) -> Make:
    def make(forge) -> None:
        forge.write_as({name: names.get(name.partition(".")[0], name) for name in forge.members})

    return make


def with_more(*names: str) -> Make:
    def make(forge) -> None:
        forge.write()
        with zipfile.ZipFile(forge.path, "a") as archive:
            for name in names:
                archive.writestr(name, b"")

    return make


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (with_more("assets/words.txt"), "it holds 4 members"),
        (with_more("model.weights_1.h5"), "it holds 4 members"),
        (with_more(*map(str, range(1000))), "it holds 1003 members"),
        (renamed(metadata="../../metadata.json"), "it holds ['../../metadata.json'"),
        (renamed(metadata="/etc/motd"), "it holds ['/etc/motd'"),
        (renamed(model="model.weights.npz"), "'model.weights.npz']"),
        (renamed(model="model.weights.json"), "'model.weights.json']"),
        (renamed(config="\n\x1b[31m" * 50), r"'\n\x1b[31m\n"),
        (renamed(config="config.json" * 1000), "it holds 3 members in a directory of 1"),
        (twice, "it holds ['config.json', 'config.json'"),
        (deflated, "its metadata.json is compressed"),
        (encrypted, "its model.weights.h5 is encrypted"),
        (linked, "its config.json is a link"),
        (lambda forge: forge.write(metadata=b" " * (1 << 17)), "131072 bytes, more than 65536"),
        (lambda forge: forge.write(config=b" " * (1 << 24)), "bytes, more than 8388608"),
    ],
)
def test_an_archive_that_keras_did_not_write_is_refused(forge, make: Make, why: str) -> None:
    make(forge)
    line = forge.refusal()
    assert "not one that this program writes, and may do harm (" in line
    assert why in line
