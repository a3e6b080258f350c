"""What is known of a model beside its weights: sessions, iterations, lowest losses, options."""

import logging
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from lib.checkpoint.state_file import StateFile

logger = logging.getLogger(__name__)


class State:
    """State of a plugin's saved model.

    Loads ``<model_name>_state.json`` from the model's folder where there is one, applies the
    options that may change on resume, and opens a new session. Nothing is written until `save`.

    Parameters
    ----------
    model_dir : str
        Full path of the model's folder.
    model_name : str
        Name of the model plugin.
    config_changeable_items : dict
        Options that may be altered when a model is resumed, with their present values.
    no_logs : bool
        Whether this session keeps no TensorBoard log.

    Raises
    ------
    FaceswapError
        The state file is damaged.
    """

    def __init__(
        self,
        model_dir: str,
        model_name: str,
        config_changeable_items: Mapping[str, Any],
        no_logs: bool,
    ) -> None:
        self._file = StateFile(model_dir, model_name)
        self._name = model_name
        stored = self._file.load()
        self.is_stored = bool(stored)
        """Whether there was a state file."""
        self._sessions: dict[str, dict[str, Any]] = stored.get("sessions", {})
        self._iterations: int = stored.get("iterations", 0)
        self.lowest_avg_loss: dict[str, float] = stored.get("lowest_avg_loss", {})
        """The lowest average loss between two saves for each side, ``{"a": ..., "b": ...}``; empty
        before the first save."""
        self.config: dict[str, Any] = stored.get("config", {})
        """Every option that the model was made and last trained with."""
        self.last_run: dict[str, Any] = stored.get("run", {})
        """What the last run left for one that resumes it, beside weights and options."""
        self.describe_run: Callable[[], dict[str, Any]] = lambda: self.last_run
        """Gives what this run leaves, at every save. A trainer puts its own in place."""
        self._set: dict[str, dict[str, Any]] = stored.get("set", {})
        self._wanted: dict[str, Any] = {}
        self._told: set[str] = set()
        self._session_id = max(map(int, self._sessions), default=0) + 1
        self._open_session(no_logs)
        self.restore_config(config_changeable_items, config_changeable_items.keys())

    def _open_session(self, no_logs: bool) -> None:
        self._sessions[str(self._session_id)] = {
            "timestamp": time.time(),
            "no_logs": no_logs,
            "loss_names": [],
            "batchsize": 0,
            "iterations": 0,
            "config": {},
        }

    @property
    def session_id(self) -> int:
        """Number of the current session; the first is 1."""
        return self._session_id

    @property
    def current_session(self) -> dict[str, Any]:
        """The current session's part of the state."""
        return self._sessions[str(self._session_id)]

    @property
    def iterations(self) -> int:
        """Iterations that the model has been trained for, over all sessions."""
        return self._iterations

    @property
    def loss_names(self) -> list[str]:
        """Names of the current session's losses, the total first."""
        names: list[str] = self.current_session["loss_names"]
        return names

    def add_session_batchsize(self, batch_size: int) -> None:
        """Note the current session's batch size."""
        self.current_session["batchsize"] = batch_size

    def add_session_loss_names(self, loss_names: list[str]) -> None:
        """Note the current session's loss names, which are TensorBoard's tags."""
        self.current_session["loss_names"] = list(loss_names)

    def increment_iterations(self) -> None:
        """Count one more iteration, in all and in this session."""
        self._iterations += 1
        self.current_session["iterations"] += 1

    def restore_config(
        self, config: Mapping[str, Any], changeable: Collection[str]
    ) -> dict[str, Any]:
        """Options as this model must be trained with.

        Changeable options take their new value and the change is logged; all others keep the value
        that the model was begun with. One that was set while a run trained stays so, until the
        user gives it another value than the one that it had then.

        Parameters
        ----------
        config
            Options as the user set them.
        changeable
            Names of those that may change on resume.

        Returns
        -------
        dict
            The same options, with the values to use.
        """
        for key, value in config.items():
            stored = self.config.setdefault(key, value)
            if key in changeable:
                value = self._unless_set(key, value)
                self.config[key] = self.current_session["config"][key] = value
                if stored != value:
                    logger.info("Option %s: %s -> %s", key, stored, value)
            elif stored != value:
                logger.info(
                    "Option %s stays %s, not %s: it can't change once a model is begun",
                    key,
                    stored,
                    value,
                )
        return {key: self.config[key] for key in config}

    def _unless_set(self, key: str, value: Any) -> Any:
        """The value that an option was set to while training, or else the user's present one."""
        self._wanted[key] = value
        was_set = self._set.get(key)
        if was_set is None:
            return value
        if was_set["instead_of"] != value:
            del self._set[key]
            return value
        if key not in self._told:
            self._told.add(key)
            logger.info(
                "Option %s stays %s, to which it was set while training; another value than %s in "
                "train.ini takes its place",
                key,
                was_set["value"],
                value,
            )
        return was_set["value"]

    def set_option(self, key: str, value: Any) -> None:
        """Note that a changeable option was set while the run trains.

        Parameters
        ----------
        key
            Its name; it has been through `restore_config`.
        value
            Its new value.
        """
        self.config[key] = self.current_session["config"][key] = value
        self._set.pop(key, None)
        if value != self._wanted[key]:
            self._set[key] = {"value": value, "instead_of": self._wanted[key]}

    def describe(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        held = {"set": self._set} if self._set else {}
        return {
            "name": self._name,
            "sessions": self._sessions,
            "lowest_avg_loss": self.lowest_avg_loss,
            "iterations": self._iterations,
            "config": self.config,
            "run": self.describe_run(),
            **held,
        }

    def go_back(self, stored: Mapping[str, Any]) -> None:
        """Count on from an earlier state, to which the model has been taken back."""
        session = self.current_session
        gone = self._iterations - stored["iterations"]
        session["iterations"] = max(0, session["iterations"] - gone)
        self._iterations = stored["iterations"]
        self.lowest_avg_loss = stored["lowest_avg_loss"]

    def save(self) -> None:
        """Write the state file by itself.

        A save of the model has a state of its own, and a run goes on from that: once there are
        saves, this file is for other programs, and the next save or run replaces it.
        """
        self._file.save(self.describe())
