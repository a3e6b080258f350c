"""The look of a whole sheet, against a picture that was looked at."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lib.preview import sheet as module
from lib.preview.sheet import LABELS, Layout, SideSamples, Window, contact_sheet

Pixels = NDArray[np.uint8]
GOLDEN = Path(__file__).parent / "golden" / "sheet.png"


def drawn_face(start: float, end: float, edge: int, ink: Pixels, turn: float) -> Pixels:
    """Part of a drawn face, between two shares of its edge, in so many pixels.

    It is made of ellipses with soft edges.
    """
    middle = start + (np.arange(edge) + 0.5) * (end - start) / edge
    x, y = middle[None], middle[:, None]
    picture = np.full((edge, edge, 3), (170.0, 130, 80))
    parts = [(0.5, 1.1, 0.45, 0.3, [60, 120, 60]), (0.5, 0.42, 0.31, 0.36, ink // 3)]
    parts += [(0.5, 0.52, 0.25, 0.34, ink), (0.5 + turn, 0.55, 0.03, 0.08, ink // 2)]
    parts += [(0.5 + turn + dx, 0.45, 0.06, 0.03, [30, 30, 30]) for dx in (-0.1, 0.1)]
    parts += [(0.5 + turn, 0.7, 0.1, 0.03, [40, 40, 160])]
    for centre_x, centre_y, width, height, colour in parts:
        inside = 1 - np.hypot((x - centre_x) / width, (y - centre_y) / height)
        share = np.clip(inside * width * 48 + 0.5, 0, 1)[..., None]
        picture += share * (np.array(colour, float) - picture)
    return np.rint(picture).astype(np.uint8)


def drawn_side(size: int, edge: int, ink: Pixels, other: Pixels) -> SideSamples:
    """Two faces, as they are and as two models would show them, inside an oval mask."""
    turns, margin = (-0.04, 0.05), (1 - int(size * 0.6875 // 2) * 2 / size) / 2
    x = (np.arange(size) + 0.5) / size - 0.5
    oval = np.clip((1 - np.hypot(x[None] / 0.25, (x[:, None] - 0.02) / 0.34)) * size / 4, 0, 1)
    return SideSamples(
        np.stack([drawn_face(0, 1, size, ink, turn) for turn in turns]),
        np.stack([drawn_face(margin, 1 - margin, edge, ink // 2 + 60, turn) for turn in turns]),
        np.stack([drawn_face(margin, 1 - margin, edge, other // 2 + 60, turn) for turn in turns]),
        np.stack([np.rint(255 * oval).astype(np.uint8)] * 2),
    )


def drawn_sides() -> tuple[SideSamples, SideSamples]:
    pale, dark = np.array((150, 190, 230)), np.array((60, 100, 150))
    return drawn_side(64, 32, pale, dark), drawn_side(96, 64, dark, pale)


def faults(found: Pixels, wanted: Pixels, header: int) -> list[str]:
    """What differs between two sheets by more than other versions of libraries would make it."""
    if found.shape != wanted.shape:
        return [f"shape {found.shape}, not {wanted.shape}"]
    difference = np.abs(found[header:].astype(int) - wanted[header:])
    smooth = [cv2.GaussianBlur(x[:header].astype(np.float32), (0, 0), 2) for x in (found, wanted)]
    tests = {
        "mean difference of the faces": (difference.mean(), 1),
        "share of their pixels more than 8 levels off": ((difference > 8).mean(), 0.001),
        "largest difference of the blurred headings": (np.abs(smooth[0] - smooth[1]).max(), 40),
    }
    return [f"{name}: {value:.3g}" for name, (value, limit) in tests.items() if value >= limit]


def test_the_sheet_looks_as_it_did(tmp_path: Path) -> None:
    """Compare a whole sheet of drawn faces with the picture in `golden`.

    Letters may differ a little between versions of Pillow, so the headings are held to less.
    To renew the picture on purpose, look at the one that the failing test names, and copy it over
    ``tests/lib/preview/golden/sheet.png``.
    """
    sheet = contact_sheet(*drawn_sides(), 0.6875, 112)
    cv2.imwrite(str(tmp_path / "sheet.png"), sheet, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    found = faults(sheet, cv2.imread(str(GOLDEN)), Layout(2, 112).header)
    assert not found, f"{tmp_path / 'sheet.png'} is not like {GOLDEN}: {found}"


def swap_columns(monkeypatch: pytest.MonkeyPatch) -> Pixels:
    a, b = drawn_sides()
    a = replace(a, same=a.swapped, swapped=a.same)
    return contact_sheet(a, b, 0.6875, 112)


def swap_sides(monkeypatch: pytest.MonkeyPatch) -> Pixels:
    return contact_sheet(*reversed(drawn_sides()), 0.6875, 112)


def shift_window(monkeypatch: pytest.MonkeyPatch) -> Pixels:
    right = Window.bounds.fget
    monkeypatch.setattr(Window, "bounds", property(lambda self: tuple(x + 1 for x in right(self))))
    return contact_sheet(*drawn_sides(), 0.6875, 112)


def leave_the_tint_out(monkeypatch: pytest.MonkeyPatch) -> Pixels:
    sides = (replace(side, masks=np.full_like(side.masks, 255)) for side in drawn_sides())
    return contact_sheet(*sides, 0.6875, 112)


def leave_the_brackets_out(monkeypatch: pytest.MonkeyPatch) -> Pixels:
    monkeypatch.setattr(module, "_draw_brackets", lambda *_: None)
    return contact_sheet(*drawn_sides(), 0.6875, 112)


def leave_the_headings_out(monkeypatch: pytest.MonkeyPatch) -> Pixels:
    monkeypatch.setattr(module, "_draw_headings", lambda *_: None)
    return contact_sheet(*drawn_sides(), 0.6875, 112)


def exchange_two_headings(monkeypatch: pytest.MonkeyPatch) -> Pixels:
    first, same, swapped, *others = LABELS
    monkeypatch.setattr(module, "LABELS", (first, swapped, same, *others))
    return contact_sheet(*drawn_sides(), 0.6875, 112)


@pytest.mark.parametrize(
    ("spoilt", "fault"),
    [
        (swap_columns, "mean"),
        (swap_sides, "mean"),
        (shift_window, "share"),
        (leave_the_tint_out, "mean"),
        (leave_the_brackets_out, "share"),
        (leave_the_headings_out, "headings"),
        (exchange_two_headings, "headings"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_the_look_of_a_spoilt_sheet_is_told_apart(
    spoilt: Callable[[pytest.MonkeyPatch], Pixels], fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = faults(spoilt(monkeypatch), cv2.imread(str(GOLDEN)), Layout(2, 112).header)
    assert any(fault in text for text in found)
