"""Weights that are more than arrays of numbers."""

import io
import struct
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
import pytest

KERNEL = "layers/conv2d/vars/0"


def replaced(**arguments: Any) -> Callable[[Any], None]:
    """Another dataset in the place of the kernel."""

    def change(file: Any) -> None:
        shape = file[KERNEL].shape
        del file[KERNEL]
        made = file.create_dataset(KERNEL, **({"shape": shape, "dtype": "f4"} | arguments))
        if "data" not in arguments and "external" not in arguments:
            made[...] = 0

    return change


def link_to(link: Any) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        del file[KERNEL]
        file[KERNEL] = link

    return change


def virtual(file: Any) -> None:
    layout = h5py.VirtualLayout(file[KERNEL].shape, "f4")
    layout[...] = h5py.VirtualSource("/etc/other.h5", "x", file[KERNEL].shape)
    del file[KERNEL]
    file.create_virtual_dataset(KERNEL, layout)


def cycle(file: Any) -> None:
    file["layers/conv2d/again"] = file["layers"]


def twice_there(file: Any) -> None:
    file["layers/conv2d/vars/2"] = file[KERNEL]


def named_type(file: Any) -> None:
    file["layers/type"] = np.dtype("f4")


def deep(file: Any) -> None:
    file.create_group("/".join("a" * 100))


def unwritten(file: Any) -> None:
    del file[KERNEL]
    file.create_dataset(KERNEL, (10**6, 10**6), "f4")


def noted(name: str, value: Any) -> Callable[[Any], None]:
    return lambda file: file[KERNEL].attrs.create(name, value)


ALIEN = {
    "a link to another file": (link_to(h5py.ExternalLink("/etc/x.h5", "/x")), "hold a link, '0'"),
    "a link within": (link_to(h5py.SoftLink("/optimizer/vars/2")), "hold a link, '0'"),
    "values in another file": (
        replaced(external=[("/etc/passwd", 0, 3 * 3 * 3 * 12 * 4)]),
        "its weights '0' lie in another file",
    ),
    "a virtual array": (virtual, "'0' are compressed, in chunks or virtual"),
    "chunks": (replaced(chunks=(1, 1, 3, 12)), "'0' are compressed, in chunks or virtual"),
    "compressed": (replaced(compression="gzip"), "'0' are compressed, in chunks or virtual"),
    "a bomb": (
        lambda file: file.create_dataset("x", (10**6, 10**6), "f4", chunks=(9, 9), fillvalue=1),
        "'x' are compressed, in chunks or virtual",
    ),
    "nothing stored": (unwritten, "'0' are more than is stored of them"),
    "no values at all": (
        lambda file: file.create_dataset("x", data=h5py.Empty("f4")),
        "'x' are ",
    ),
    "strings": (lambda file: file.create_dataset("x", data="text"), "'x' are no numbers"),
    "references": (
        lambda file: file.create_dataset("x", data=file.ref, dtype=h5py.ref_dtype),
        "'x' are no numbers",
    ),
    "records": (replaced(dtype=[("a", "f4"), ("b", "f8")]), "'0' are no numbers"),
    "a group in itself": (cycle, "hold 'again' twice"),
    "an array twice": (twice_there, " twice"),
    "a type by name": (named_type, "hold 'type', which is no array"),
    "many levels": (deep, "nested more than 64 deep"),
    "attributes": (noted("other", 1), "'0' have attributes that Keras does not write"),
    "a type that is a list": (noted("dtype", [1] * 999), "'0' have a type that Keras does not"),
}


@pytest.mark.parametrize(("change", "why"), ALIEN.values(), ids=ALIEN.keys())
def test_weights_that_are_no_arrays_of_numbers_are_refused(forge, change, why: str) -> None:
    forge.change(change)
    line = forge.refusal()
    assert "not one that this program writes, and may do harm (" in line
    assert why in line


def test_arrays_that_share_their_bytes_are_refused(forge) -> None:
    """Two arrays of 400 kB in one place, in a file that ends behind the first."""
    buffer = io.BytesIO(forge.members["model.weights.h5"])
    with h5py.File(buffer, "r+") as file:
        for name in "ab":
            file[name] = np.zeros(100_000, "f4")
        first, second = (file[name].id.get_offset() for name in "ab")
    data = bytearray(buffer.getvalue())
    assert len(data) == second + 400_000
    data = data.replace(struct.pack("<QQ", second, 400_000), struct.pack("<QQ", first, 400_000))
    data = data[:second].replace(struct.pack("<Q", second + 400_000), struct.pack("<Q", second))
    forge.write(model=bytes(data))
    assert "bytes in a file of" in forge.refusal()


def test_a_file_of_more_objects_than_a_model_has_is_refused(
    forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge.write()
    monkeypatch.setattr("lib.checkpoint.weights.MOST_OBJECTS", 20)
    assert "its weights hold more than 20 objects" in forge.refusal()
