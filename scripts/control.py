"""``faceswap control``: asks something of a run that trains."""

import time
from argparse import Namespace
from pathlib import Path

from lib.errors import FaceswapError
from lib.live.asks import ask
from lib.live.history import log_path, read_events
from lib.live.overview import model_in
from lib.live.state import state_of
from lib.live.status import live_folder, read_status
from scripts.command import Command

SECONDS_TO_TAKE = 10.0
"""A run looks for asks several times a second."""
SECONDS_TO_SET = 60.0
"""An option is set after the iteration, which may take long."""

_BY = "faceswap control"
_TAKEN = {
    "save": "The run saves after this iteration",
    "snapshot": "The run copies the model's folder after this iteration",
    "refresh": "The run renews the preview after this iteration",
    "stop": "The run stops after this iteration, with a save",
}


class Control(Command):
    """The control command.

    Raises
    ------
    FaceswapError
        An option and its value are missing, or too much.
    """

    def __init__(self, arguments: Namespace) -> None:
        super().__init__(arguments)
        is_set = arguments.action == "set"
        if is_set and arguments.value is None:
            raise FaceswapError("set needs an option and a value, such as: set learning_rate 1e-5")
        if not is_set and arguments.option is not None:
            raise FaceswapError(f"'{arguments.action}' takes no '{arguments.option}': leave it out")

    def process(self) -> None:
        """Ask, wait until the run has taken it, and say so.

        Raises
        ------
        FaceswapError
            No run trains there, or it does not take what is asked.
        """
        self.log()
        model_dir, action = Path(self._args.model_dir), self._args.action
        name = model_in(model_dir)
        folder, log = live_folder(model_dir, name), log_path(model_dir, name)
        check_runs(model_dir, name)
        start = log.stat().st_size if log.exists() else 0
        value = {"option": self._args.option, "value": self._args.value} if action == "set" else {}
        wait_until_taken(ask(folder, action, _BY, **value))
        print(_TAKEN[action] if action != "set" else self._outcome(log, start))

    def _outcome(self, log: Path, start: int) -> str:
        """What became of an option that was to be set, by what the run has logged since."""
        option, end = self._args.option, time.monotonic() + SECONDS_TO_SET
        while time.monotonic() < end:
            for event in read_events(log, start):
                if event["event"] == "option" and event.get("name") == option:
                    old, new, at = event.get("old"), event.get("new"), event["iteration"]
                    return f"Option {option}: {old} -> {new}, from iteration {at + 1:,} on"
                text = str(event.get("text", ""))
                if event["event"] == "warning" and text.startswith(f"Option {option} is not set"):
                    raise FaceswapError(text)
                if event["event"] in ("stopped", "failed"):
                    raise FaceswapError(f"the run has {event['event']}, and has not set {option}")
            time.sleep(0.1)
        return f"The run sets {option} after this iteration, which takes long"


def check_runs(model_dir: Path, name: str) -> None:
    """Refuse a folder in which no run trains.

    Raises
    ------
    FaceswapError
    """
    state = state_of(model_dir, name)
    if state != "running":
        how = f"the last one was {state}" if state == "killed" else f"the last one {state}"
        raise FaceswapError(
            f"no run trains in '{model_dir}'" + (f" ({how})" if state else "") + ": start one first"
        )
    status = read_status(live_folder(model_dir, name))
    if status is not None and status.state == "starting":
        raise FaceswapError(f"the run in '{model_dir}' still starts: ask again once it trains")


def wait_until_taken(path: Path) -> None:
    """Wait until a run has taken what was asked.

    Raises
    ------
    FaceswapError
        It takes nothing; the ask is withdrawn.
    """
    end = time.monotonic() + SECONDS_TO_TAKE
    while path.exists():
        if time.monotonic() > end:
            path.unlink(missing_ok=True)
            raise FaceswapError(
                f"the run has not taken it in {SECONDS_TO_TAKE:.0f} s, and it was withdrawn: the "
                "run may have ended, or wait for a disk; see faceswap status"
            )
        time.sleep(0.05)
