"""Names of frames that differ in nothing but their suffix."""

from collections import Counter
from pathlib import Path

from lib.media.source import Source


def twins(source: Source) -> frozenset[str]:
    """Names of pictures that differ from another's in the suffix only: ``a.jpg`` and ``a.png``."""
    if source.is_video:
        return frozenset()
    names = [source.name(index) for index in range(source.count or 0)]
    stems = Counter(Path(name).stem for name in names)
    return frozenset(name for name in names if stems[Path(name).stem] > 1)
