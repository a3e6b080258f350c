"""What many tests need: folders of rendered faces, and the arguments of a training run."""

import logging
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from lib.logs.setup import PACKAGES
from lib.synthetic.dataset import write_faces
from lib.synthetic.parameters import Identity
from lib.synthetic.performance import performance
from scripts.arguments import make_parser

ROOT = Path(__file__).parents[1]
PLUGINS = ROOT / "tests" / "fixtures" / "plugins"


@pytest.fixture(autouse=True)
def _own_configuration(tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> None:
    """No test reads or writes the configuration of whoever runs it."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture(autouse=True)
def _own_log_levels() -> Iterator[None]:
    """No command's level of messages outlives its test."""
    yield
    for package in PACKAGES:
        logging.getLogger(package).setLevel(logging.NOTSET)


@pytest.fixture(autouse=True)
def _saves_can_be_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests write into saves, which are read-only for all users but root."""
    monkeypatch.setattr("lib.checkpoint.store.make_read_only", lambda _: None)


@pytest.fixture(scope="session")
def grid() -> Path:
    """Real faces of consenting speakers, where they are at hand."""
    folder = ROOT.parent / "shared" / "data" / "grid" / "faces"
    if not folder.is_dir():
        pytest.skip("real faces are needed, and ../shared/data/grid is absent")
    return folder


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Thirty small rendered faces of each side, of two people."""
    folder = tmp_path_factory.mktemp("rendered")
    for seed, side in enumerate("ab"):
        rng = np.random.default_rng(seed)
        write_faces(folder / side, Identity.random(rng), performance(rng, 30), side, size=96)
    return {side: folder / side for side in "ab"}


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Thirty plain square pictures of each side, without landmarks."""
    folder = tmp_path_factory.mktemp("plain")
    rng = np.random.default_rng(0)
    for side in "ab":
        (folder / side).mkdir()
        for index in range(30):
            small = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
            picture = cv2.resize(small, (32, 32), interpolation=cv2.INTER_CUBIC)
            cv2.imwrite(str(folder / side / f"{index:03}.png"), picture)
    return {side: folder / side for side in "ab"}


@pytest.fixture
def train_arguments(rendered: dict[str, Path], tmp_path: Path) -> Callable[..., Namespace]:
    """Make the arguments of ``faceswap train``, for the tiny model if nothing else is said."""

    def make(*more: str, model: str = "tiny", faces: dict[str, Path] = rendered) -> Namespace:
        return make_parser().parse_args(
            [
                *("train", "-A", str(faces["a"]), "-B", str(faces["b"])),
                *("-m", str(tmp_path / "model"), "-t", model, "-b", "4"),
                *("--plugin-dir", str(PLUGINS), *more),
            ]
        )

    return make
