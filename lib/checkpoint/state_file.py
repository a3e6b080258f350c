"""The state of a model, as a save and ``<name>_state.json`` hold it; read strictly."""

import json
import math
from pathlib import Path
from typing import Any, NoReturn

from lib.checkpoint.generations import Generations
from lib.errors import FaceswapError
from lib.files import replacing

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
        self._saves = Generations(Path(model_dir), model_name)

    def load(self) -> dict[str, Any]:
        """The state of the newest save that is whole, or else that of the file; {} without either.

        Raises
        ------
        FaceswapError
            The file can't be read or is not a state.
        """
        newest, _ = self._saves.newest()
        return self.read(newest.state if newest else self.path)

    def read(self, path: Path) -> dict[str, Any]:
        """The state that a file holds, or an empty dict where there is no file.

        Raises
        ------
        FaceswapError
            The file can't be read or is not a state.
        """
        try:
            state = json.loads(
                path.read_text(encoding="utf-8"), parse_constant=_refuse, parse_float=_finite
            )
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            raise self._damaged(path, str(error)) from error
        self._check(path, state)
        checked: dict[str, Any] = state
        return checked

    def _check(self, path: Path, state: Any) -> None:
        if not isinstance(state, dict):
            raise self._damaged(path, "it holds no object")
        for key, kind in _KINDS.items():
            if not isinstance(state.get(key), kind):
                raise self._damaged(path, f"'{key}' is missing or not {kind.__name__}")
        for key in ("run", "set"):
            if not isinstance(state.get(key, {}), dict):
                raise self._damaged(path, f"'{key}' is not dict")
        for option in state.get("set", {}).values():
            if not isinstance(option, dict) or option.keys() != {"value", "instead_of"}:
                raise self._damaged(path, "an option that was set is none")
        for number, session in state["sessions"].items():
            if not (number.isdecimal() and len(number) < 10 and isinstance(session, dict)):
                raise self._damaged(path, "a session is no session")
        if not 0 <= state["iterations"] < 2**53:
            raise self._damaged(path, "the iterations are out of range")
        lows = state["lowest_avg_loss"]
        is_low = {side: isinstance(low, float | int) for side, low in lows.items()}
        if is_low not in ({}, {"a": True, "b": True}):
            raise self._damaged(path, "the lowest losses are no losses of A and B")

    def _damaged(self, path: Path, why: str) -> FaceswapError:
        advice = self._saves.way_back(self.path)
        return FaceswapError(f"state file '{path}' is damaged ({why}): {advice}")

    def save(self, state: dict[str, Any]) -> None:
        """Replace the file in one step; `load` goes by it only where there are no saves yet."""
        text = json.dumps(state, indent=1, allow_nan=False)
        with replacing(self.path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)
