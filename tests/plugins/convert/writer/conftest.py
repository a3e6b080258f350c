"""Tiny videos."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def clips() -> ModuleType:
    """What writes tiny videos and looks into them."""
    file = Path(__file__).parents[3] / "fixtures" / "clips.py"
    spec = importlib.util.spec_from_file_location("clips", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
