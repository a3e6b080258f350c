"""``faceswap demo``: the whole way on two rendered people, by the commands that a user types."""

import importlib
import os
import shlex
import shutil
import sys
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

from lib.errors import FaceswapError
from scripts.arguments import make_parser
from scripts.command import Command

FACES = 200
HELD_OUT = 20
MARKER = ".faceswap-demo"
"""The model's state when the demo left it: empty while it runs, another once the user trains on."""
PEOPLE = {"a": (1, 1), "b": (21, 2)}
"""Identity and performance of either side; both stand in the same light."""


class Demo(Command):
    """The demo command."""

    def __init__(self, arguments: Namespace) -> None:
        super().__init__(arguments)
        self._folder = Path(arguments.output)

    def process(self) -> None:
        """Render, train, swap and score.

        Raises
        ------
        FaceswapError
            The output folder holds something else already.
        """
        started = time.monotonic()
        self._make_room()
        self._render()
        self._train()
        self._evaluate()
        self._tell(time.monotonic() - started)

    def _make_room(self) -> None:
        """Take away what an earlier demo left, and nothing else."""
        marker = self._folder / MARKER
        if self._folder.is_dir() and marker.exists():
            self._keep_what_was_trained_on(marker)
            for path in self._folder.iterdir():
                _remove(path)
        if self._folder.exists() and (not self._folder.is_dir() or any(self._folder.iterdir())):
            raise FaceswapError(
                f"'{self._folder}' exists and is no earlier demo: name another folder with -o"
            )
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            marker.write_text("")
        except OSError as error:
            raise FaceswapError(
                f"'{self._folder}' can't be written to ({error.strerror}): name another with -o"
            ) from error

    def _keep_what_was_trained_on(self, marker: Path) -> None:
        state = self._folder / "model" / "compact_state.json"
        if state.exists() and marker.read_bytes() not in (b"", state.read_bytes()):
            raise FaceswapError(
                f"the model in '{self._folder}' has been trained on since the demo: name another "
                "folder with -o, or remove this one"
            )

    def _path(self, *parts: str) -> str:
        return str(self._folder.joinpath(*parts))

    def _faces(self, side: str, kind: str = "train") -> str:
        return self._path("faces", f"{side}_{kind}")

    def _render(self) -> None:
        for side, (identity, performance) in PEOPLE.items():
            for kind, count, more in (("train", FACES, 0), ("held_out", HELD_OUT, 100)):
                self._run(
                    *("render", "-o", self._faces(side, kind), "--identity", str(identity)),
                    *("--performance", str(performance + more), "--count", str(count)),
                )

    def _train(self) -> None:
        iterations = self._args.iterations
        train = self._run(
            *("train", "-A", self._faces("a"), "-B", self._faces("b")),
            *("-m", self._path("model"), "-t", "compact", "-w", "--allow-few"),
            *("-it", str(iterations), "-s", str(max(1, iterations // 8))),
            *("-tia", self._faces("a", "held_out"), "-tib", self._faces("b", "held_out")),
            *("-to", self._path("timelapse")),
        )
        if train.was_stopped:
            print("Stopped, with the model saved in its folder; called again the demo begins anew")
            raise KeyboardInterrupt
        shutil.copy(self._path("model", "training_preview.png"), self._path("preview.png"))
        shutil.copy(self._path("model", "compact_state.json"), self._path(MARKER))

    def _evaluate(self) -> None:
        self._run(
            *("evaluate", "-A", self._faces("a", "held_out"), "-B", self._faces("b", "held_out")),
            *("-m", self._path("model"), "-o", self._path("swap.png")),
        )

    def _run(self, *words: str) -> Any:
        """Print a command as a user would type it, and run it."""
        everywhere = {
            "-C": self._args.configfile,
            "-LF": self._args.logfile,
            "-L": None if self._args.loglevel == "INFO" else self._args.loglevel,
        }
        options = [word for pair in everywhere.items() if pair[1] for word in pair]
        words = (*words, *options)
        print(f"\n$ {_program()} {shlex.join(words)}", flush=True)
        arguments = make_parser().parse_args(words)
        name = arguments.command
        command = getattr(importlib.import_module(f"scripts.{name}"), name.title())(arguments)
        command.process()
        return command

    def _tell(self, seconds: float) -> None:
        print(
            f"\nDone in {seconds / 60:.1f} minutes. In {self._folder}:\n"
            "  swap.png      input, swap and truth side by side\n"
            "  preview.png   the preview sheet that training keeps\n"
            "  timelapse     the same faces as training went on\n"
            "  model         the trained model\n"
            "  faces         the rendered faces\n"
            "Next, train on from here (sharper with every minute; Enter stops),\n"
            "or take faces of two people who agreed:\n"
            f"  {_program()} train -A {self._faces('a')} -B {self._faces('b')} "
            f"-m {self._path('model')} -t compact -p\n"
            f"  {_program()} train -A FACES_OF_ONE -B FACES_OF_THE_OTHER -m MODEL -t compact -p"
        )


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError as error:
        raise FaceswapError(f"'{path}' can't be removed: {error.strerror or error}") from error


def _program() -> str:
    """How this program is called here: by its path where the shell does not know its name."""
    called = sys.argv[0]
    is_known = shutil.which("faceswap") or not called.endswith("faceswap")
    return "faceswap" if is_known else os.path.relpath(called)
