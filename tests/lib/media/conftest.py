"""Tiny videos."""

from types import ModuleType

import pytest

from tests.fixtures import clips as tiny


@pytest.fixture(scope="session")
def clips() -> ModuleType:
    """What writes tiny videos and looks into them."""
    return tiny
