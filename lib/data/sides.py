"""Checks a side's faces, and tells the user what was found."""

import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from lib.data.faceset import BadFace, Cut, FaceSet
from lib.data.mask_share import measure_masks
from lib.errors import FaceswapError
from lib.files import replacing

logger = logging.getLogger(__name__)

FEWEST = 25
FEW = 250
SHOWN = 3


def check_side(
    side: str,
    faces: FaceSet,
    bad: Sequence[BadFace],
    *,
    cut: Cut,
    coverage: float,
    allow_few: bool,
) -> None:
    """Check that one side's faces are enough to train on, and tell what was found.

    Parameters
    ----------
    side
        "a" or "b".
    faces
        What is trained on.
    bad
        The files left out.
    cut
        How the faces were cut.
    coverage
        Part of a face's edge that the trained window spans, above 0 and up to 1.
    allow_few
        Train on fewer than 25 faces all the same.

    Raises
    ------
    FaceswapError
        Too few faces are good.
    """
    name = f"Side {side.upper()}"
    check_count(side, len(faces), "faces", bad, allow_few=allow_few)
    if bad:
        tell_bad(name, bad)
    _tell_found(name, faces, cut.mask_type, coverage)
    if not faces.has_landmarks.all():
        _warn_of_plain(name, cut.centring)
    if len(faces) < FEW and not allow_few:
        logger.warning("%s: %d faces are few; 500 to 5,000 varied ones are usual", name, len(faces))


def check_count(
    side: str, count: int, what: str, bad: Sequence[BadFace] = (), *, allow_few: bool
) -> None:
    """Refuse a side with too few faces, or, before they are read, pictures.

    Raises
    ------
    FaceswapError
    """
    if count >= (1 if allow_few else FEWEST):
        return
    left_out = f" ({len(bad)} bad files left out, such as {bad[0]})" if bad else ""
    advice = "" if allow_few else ", or train all the same with --allow-few"
    needed = 1 if allow_few else FEWEST
    raise FaceswapError(
        f"side {side.upper()} has {count} {what}{left_out}: at least {needed} are needed, 500 to "
        f"5,000 are usual; add faces{advice}"
    )


def write_report(path: Path, left_out: Iterable[tuple[str, BadFace]]) -> None:
    """List files, a line each: side, path and reason; with none take an old list away.

    Parameters
    ----------
    path
        The list.
    left_out
        "a" or "b", and the file.

    Raises
    ------
    FaceswapError
        The list can't be written.
    """
    text = "".join(f"{side.upper()} {face}\n" for side, face in left_out)
    if not text:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        return
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def tell_bad(name: str, bad: Sequence[BadFace]) -> None:
    """Warn of files left out, the first few by name."""
    logger.warning("%s: %d bad files left out: %s", name, len(bad), shown(bad))


def shown(bad: Sequence[BadFace]) -> str:
    """The first few files by name, and how many there are more."""
    more = [f"and {len(bad) - SHOWN} more"] if len(bad) > SHOWN else []
    return "; ".join([*map(str, bad[:SHOWN]), *more])


def _tell_found(name: str, faces: FaceSet, mask_type: str | None, coverage: float) -> None:
    plain = int(np.count_nonzero(~faces.has_landmarks))
    lack = "no masks, and no extra weight on eyes and mouth, for those"
    without = f", {plain} of them without landmarks: {lack}" if plain else ""
    if mask_type is None or plain == len(faces):
        logger.info("%s: %d faces%s", name, len(faces), without)
        return
    shares = measure_masks(faces, coverage)
    mask = f"the '{mask_type}' mask"
    logger.info("%s: %d faces%s; %s %s", name, len(faces), without, mask, shares.summary)
    for doubt in shares.doubts:
        logger.warning("%s: %s %s", name, mask, doubt)


def _warn_of_plain(name: str, centring: str) -> None:
    """Warn of pictures that lie in the window as they are, whatever the option says."""
    extracted = " (extract's own, without their header, need a model begun with centering = head)"
    logger.warning(
        "%s: pictures without landmarks are trained on as they are framed, and convert cuts faces "
        "as centering = %s says: frame them so%s",
        name,
        centring,
        "" if centring == "head" else extracted,
    )
