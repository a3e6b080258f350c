"""Which faces a model was trained on last: enough to know them again.

A state file keeps a few digests of files for either side. They are the lowest ones of all, so that
faces which are added, or of which some are deleted, have most of them in common.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from lib.data.faceset import FaceSet

logger = logging.getLogger(__name__)

KEPT: Final = 64
"""Digests of either side. Of faces of which nine in ten were deleted, one in a thousand sets has
none of them left."""

_DIGITS = 16
_SURE = 5.0
"""Of faces that were all trained on, none is kept by chance once in 150 times then."""


def describe(faces: FaceSet) -> dict[str, Any]:
    """What a state keeps of one side's faces, as JSON can hold it.

    Parameters
    ----------
    faces
        What is trained on.

    Returns
    -------
    dict
        ``count`` of the faces, how many of them are ``plain`` pictures, without landmarks, and
        ``digests`` of some files.
    """
    return {
        "count": len(faces),
        "plain": int(np.count_nonzero(~faces.has_landmarks)),
        "digests": sorted(_digests(faces))[:KEPT],
    }


def _digests(faces: FaceSet) -> set[str]:
    return {file.digest.hex()[:_DIGITS] for file in faces.files}


def tell_if_others(last: Mapping[str, Any], present: Mapping[str, Sequence[FaceSet]]) -> None:
    """Warn where none of a side's faces is left of those that a model was trained on last.

    Parameters
    ----------
    last
        What `describe` gave for "a" and "b"; empty for a model of an earlier version.
    present
        All faces of each side, whether they are trained on or held out.
    """
    before = {side: set(about["digests"]) for side, about in last.items()}
    for side, other in ("ab", "ba"):
        now = set[str]().union(*map(_digests, present[side]))
        known = before.get(side, set())
        if not known or known & now:
            continue
        if before.get(other, set()) & now:
            logger.warning(
                "Side %s: these are pictures that this model was trained on last as side %s: are "
                "-A and -B swapped?",
                *(side.upper(), other.upper()),
            )
        else:
            logger.warning(
                "Side %s: none of the pictures that this model was trained on last is among "
                "these: unless they were saved anew, check -m, -A and -B",
                side.upper(),
            )


def are_new(about: Mapping[str, Any], faces: FaceSet) -> bool:
    """Whether a model was trained last on none of some faces, as far as that can be told.

    Parameters
    ----------
    about
        What `describe` gave for the side; empty for a model of an earlier version.
    faces
        Any faces.
    """
    kept = set(about.get("digests", ()))
    if not kept or kept & _digests(faces):
        return False
    if len(kept) == about["count"]:
        return True
    # So many of them would be among those kept, on average, if all had been trained on.
    return bool(len(faces) * len(kept) / about["count"] >= _SURE)


def described(run: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What `describe` gave for either side; nothing of an earlier version, or of what is damaged.

    Parameters
    ----------
    run
        What a run left in the state, ``run``.
    """
    try:
        return {
            side: {
                "count": int(about["count"]),
                "plain": int(about["plain"]),
                "digests": [*map(str, about["digests"])],
            }
            for side, about in run.get("faces", {}).items()
        }
    except (AttributeError, KeyError, TypeError, ValueError):
        return {}


def plain_counts(run: Mapping[str, Any]) -> dict[str, int]:
    """How many pictures without landmarks a run was trained on, by side.

    Parameters
    ----------
    run
        What a run left in the state, ``run``; those of earlier versions tell nothing.

    Returns
    -------
    dict
        Counts above 0 alone.
    """
    found = {side: about["plain"] for side, about in described(run).items()}
    return {side: count for side, count in found.items() if count}
