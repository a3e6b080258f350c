"""The state file, ``<name>_state.json``, read strictly and replaced in one step."""

import json
from pathlib import Path
from typing import Any

from lib.errors import FaceswapError
from lib.files import keep_as, replacing

_KINDS: dict[str, type] = {
    "name": str,
    "sessions": dict,
    "lowest_avg_loss": dict,
    "iterations": int,
    "config": dict,
}


class StateFile:
    """The JSON file that holds a model's state.

    Parameters
    ----------
    model_dir
        The model's folder.
    model_name
        The model plugin's name.
    """

    def __init__(self, model_dir: str, model_name: str) -> None:
        self.path = Path(model_dir) / f"{model_name}_state.json"
        self.backup = self.path.with_name(self.path.name + ".bk")

    def load(self) -> dict[str, Any]:
        """The stored state, or an empty dict where there is no file.

        Raises
        ------
        FaceswapError
            The file can't be read or is not a state.
        """
        try:
            state = json.loads(self.path.read_text(encoding="utf-8"), parse_constant=_refuse)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            raise self._damaged(str(error)) from error
        self._check(state)
        checked: dict[str, Any] = state
        return checked

    def _check(self, state: Any) -> None:
        if not isinstance(state, dict):
            raise self._damaged("it holds no object")
        for key, kind in _KINDS.items():
            if not isinstance(state.get(key), kind):
                raise self._damaged(f"'{key}' is missing or not {kind.__name__}")
        if not isinstance(state.get("run", {}), dict):
            raise self._damaged("'run' is not dict")
        for number, session in state["sessions"].items():
            if not (number.isdecimal() and len(number) < 10 and isinstance(session, dict)):
                raise self._damaged("a session is no session")
        if not 0 <= state["iterations"] < 2**53:
            raise self._damaged("the iterations are out of range")
        lows = state["lowest_avg_loss"]
        is_low = {side: isinstance(low, float | int) for side, low in lows.items()}
        if is_low not in ({}, {"a": True, "b": True}):
            raise self._damaged("the lowest losses are no losses of A and B")

    def _damaged(self, why: str) -> FaceswapError:
        mend = (
            f"restore '{self.backup.name}', the last backup, in its place"
            if self.backup.exists()
            else "there is no backup beside it"
        )
        return FaceswapError(f"state file '{self.path}' is damaged ({why}): {mend}")

    def save(self, state: dict[str, Any], *, back_up: bool) -> None:
        """Replace the file in one step; with `back_up` keep the old one as the backup."""
        text = json.dumps(state, indent=1, allow_nan=False)
        with replacing(self.path) as temporary:
            temporary.write_text(text, encoding="utf-8")
            if back_up:
                keep_as(self.path, self.backup)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")
