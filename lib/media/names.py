"""Names of frames that would be alike without their suffix."""

from collections import Counter
from pathlib import Path

from lib.media.source import Source


def twins(source: Source) -> frozenset[str]:
    """Names of pictures that are to keep their suffix, or another's output would be named alike.

    Those that differ in the suffix only, as ``a.jpg`` and ``a.png`` do, and those whose stem is the
    whole name of one of these, as ``a.png.jpg``.
    """
    if source.is_video:
        return frozenset()
    names = [source.name(index) for index in range(source.count or 0)]
    kept: set[str] = set()
    while True:
        given = Counter(name if name in kept else Path(name).stem for name in names)
        more = {name for name in names if name not in kept and given[Path(name).stem] > 1}
        if not more:
            return frozenset(kept)
        kept |= more
