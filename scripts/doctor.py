"""``faceswap doctor``: looks for what is wrong with an installation, a model or faces."""

import importlib
import platform
from collections.abc import Iterator
from importlib import metadata
from typing import Any

from packaging.requirements import Requirement

from lib.config import ini
from lib.errors import FaceswapError
from lib.findings import Finding
from plugins import loader
from scripts.command import Command

PACKAGE = "faceswap-train"
EXTRAS = {
    "people": "to know people again after a cut",
    "web": "for the page of a run",
    "c2pa": "to sign what is written",
}


class Doctor(Command):
    """The doctor command."""

    def process(self) -> None:
        """Print what was looked at, a line each.

        Raises
        ------
        FaceswapError
            Something is wrong; how much.
        """
        faults = 0
        for is_well, line in self._findings():
            print(f"{'ok   ' if is_well else 'FAULT'}  {line}", flush=True)
            faults += not is_well
        if faults:
            raise FaceswapError(f"{faults} fault{'s' * (faults > 1)} found, see above")

    def _findings(self) -> Iterator[Finding]:
        yield True, f"Python {platform.python_version()} on {platform.system()}"
        yield from packages()
        yield from _weights()
        yield _device()
        yield self._options()
        if self._args.model_dir:
            yield from _examine("lib.checkpoint.examine", self._args.model_dir)
        for folder in self._args.faces:
            yield from _examine("lib.data.examine", folder)

    def _options(self) -> Finding:
        try:
            ini.load(self._args.configfile, loader.option_sections(self._args.plugin_dir))
        except (FaceswapError, ImportError) as error:
            return False, str(error)
        return True, f"options: {self._args.configfile or ini.default_path()}"


def packages() -> Iterator[Finding]:
    """Whether each package is there, in a version that was tested; those of extras need not be."""
    try:
        texts = metadata.requires(PACKAGE) or []
    except metadata.PackageNotFoundError:
        yield False, f"{PACKAGE} is not installed: pip install ."
        return
    for requirement in map(Requirement, texts):
        if requirement.marker is None:
            yield _package(requirement)
        for extra, purpose in EXTRAS.items():
            if requirement.marker and requirement.marker.evaluate({"extra": extra}):
                yield _extra(requirement, extra, purpose)


def _extra(requirement: Requirement, extra: str, purpose: str) -> Finding:
    try:
        metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return True, f"{requirement.name} is not here, {purpose}: pip install '{PACKAGE}[{extra}]'"
    return _package(requirement)


def _package(requirement: Requirement) -> Finding:
    mend = f"pip install '{requirement.name}{requirement.specifier}'"
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return False, f"{requirement.name} is missing: {mend}"
    if not requirement.specifier.contains(version, prereleases=True):
        return False, f"{requirement.name} {version} was not tested: {mend}"
    return True, f"{requirement.name} {version}"


# What follows needs the packages, so it is imported once those have been looked at.


def _weights() -> Iterator[Finding]:
    try:
        weights: Any = importlib.import_module("lib.extract.weights")
    except ImportError as error:
        yield False, f"the weights can't be looked for: {error}"
        return
    for network in weights.BLAZEFACE, weights.FACE_MESH:
        try:
            network.path()
        except FaceswapError as error:
            yield False, str(error)
        else:
            yield True, f"weights of the {network.what}"


def _device() -> Finding:
    try:
        device: Any = importlib.import_module("lib.device")
        return True, f"trains on {device.describe()}"
    except (ImportError, RuntimeError) as error:
        return False, f"PyTorch or Keras can't start: {error}"


def _examine(module: str, folder: str) -> Iterator[Finding]:
    try:
        examine = importlib.import_module(module).examine
    except ImportError as error:
        yield False, f"'{folder}' can't be looked at: {error}"
        return
    yield from examine(folder)
