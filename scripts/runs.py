"""``faceswap runs``: compares runs in a table and in curves."""

import math
import os
import re
from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.errors import FaceswapError
from lib.live.figures import duration
from lib.live.overview import model_in
from lib.live.record import Record, read_record, stored_options
from lib.live.status import live_folder, read_status
from lib.preview.runs import is_ours, write_runs
from lib.printable import printable
from scripts.command import Command

_COLUMNS = ("Run", "Plugin", "Iterations", "Trained", "Loss A", "Loss B", "PSNR", "SSIM")
_COPY = re.compile(r"_(snapshot|before_restore)_\d+_iters")
"""In the name of a folder that is a copy of another one."""


@dataclass(frozen=True)
class Run:
    """A model's runs.

    Attributes
    ----------
    label
        What the table calls it.
    model
        The model plugin's name.
    record
        What came of them.
    options
        Those that it was last saved with, by name.
    preview
        Path of the last preview's sheet; None where there is none.
    """

    label: str
    model: str
    record: Record
    options: dict[str, Any]
    preview: str | None


class Runs(Command):
    """The runs command."""

    def __init__(self, arguments: Namespace) -> None:
        super().__init__(arguments)
        if Path(arguments.output).suffix.lower() != ".png":
            raise FaceswapError(f"'{arguments.output}' must end in .png")

    def process(self) -> None:
        """Print the table, and draw the curves.

        Raises
        ------
        FaceswapError
            A folder holds no model, or the curves can't be written.
        """
        self.log()
        output = Path(self._args.output)
        if os.path.lexists(output) and not is_ours(output):
            raise FaceswapError(f"'{output}' is there already, and no such curves: name another -o")
        runs = find_runs(self._args.folders)
        for line in [*table(runs), *differences(runs)]:
            print(printable(line))
        if any(run.record.losses or run.record.scores for run in runs):
            write_runs(self._args.output, {run.label: run.record for run in runs})
            print(f"Curves: {self._args.output}")
        else:
            print("No curves: none of these has a log")


def find_runs(folders: Sequence[str]) -> list[Run]:
    """The models in some folders.

    Parameters
    ----------
    folders
        Models' folders, or folders of such.

    Raises
    ------
    FaceswapError
        One holds no model, or several.
    """
    found = [path for folder in folders for path in _models_in(Path(folder))]
    unique = list(dict.fromkeys(path.resolve() for path in found))
    labels = _labels(unique)
    return [_read(path, label) for path, label in zip(unique, labels, strict=True)]


def _models_in(folder: Path) -> list[Path]:
    if not os.path.isdir(folder):
        raise FaceswapError(f"'{folder}' is no folder: name a model's folder, or one of several")
    try:
        model_in(folder)
        return [folder]
    except FaceswapError:
        inner: list[Path] = []
        with suppress(OSError):  # that is told already
            inner = [path for path in sorted(folder.iterdir()) if _is_model(path)]
        if not inner:
            raise
        return inner


def _is_model(folder: Path) -> bool:
    if not os.path.isdir(folder) or _COPY.search(folder.name):
        return False
    try:
        return bool(model_in(folder))
    except FaceswapError:
        return False


def _labels(folders: Sequence[Path]) -> list[str]:
    """Names of folders, with those above them as far as it takes to tell them apart."""
    depth = 1
    while True:
        labels = ["/".join(folder.parts[-depth:]) for folder in folders]
        if len(set(labels)) == len(labels):
            return labels
        depth += 1


def _read(folder: Path, label: str) -> Run:
    name = model_in(folder)
    status = None
    with suppress(FaceswapError):  # a damaged one: all but the preview's path is known without
        status = read_status(live_folder(folder, name))
    sheet = folder / "training_preview.png"
    preview = status.preview if status else None
    return Run(
        label=label,
        model=name,
        record=read_record(folder, name),
        options=stored_options(folder, name),
        # The folder may have been moved, or copied, since.
        preview=str(sheet) if sheet.exists() else preview,
    )


def table(runs: Sequence[Run]) -> list[str]:
    """Runs, a line each below the headings, and where their last previews are."""
    rows = [_COLUMNS, *map(_row, runs)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return lines + [f"Preview of {run.label}: {run.preview}" for run in runs if run.preview]


def _row(run: Run) -> tuple[str, ...]:
    record = run.record
    losses = record.losses[-1].values if record.losses else {}
    scores = record.scores[-1].values if record.scores else {}
    hours = record.hours
    return (
        run.label,
        run.model,
        f"{record.iterations:,}",
        "-" if math.isnan(hours) else duration(hours * 3600),
        *(_figure(losses.get(f"loss_{side}"), 5) for side in "ab"),
        _figure(scores.get("psnr"), 2),
        _figure(scores.get("ssim"), 4),
    )


def _figure(value: float | None, digits: int) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def differences(runs: Sequence[Run]) -> list[str]:
    """Options in which runs differ, a line each; plugins need not have the same ones."""
    lines = []
    for name in sorted({name for run in runs for name in run.options}):
        values = {run.label: run.options[name] for run in runs if name in run.options}
        first, *others = values.values()
        if any(value != first for value in others):
            lines.append(
                f"  {name}: {', '.join(f'{run} {value}' for run, value in values.items())}"
            )
    return ["Options that differ:", *lines] if lines else []
