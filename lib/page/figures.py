"""The top of the page: how the run fares, in words and figures."""

import time
from collections.abc import Callable

from nicegui import ui

from lib.live import figures
from lib.live.status import Status
from lib.page import words
from lib.page.feed import Feed
from lib.page.parts import box

_DARK = {None: ("brightness_auto", "as the system"), False: ("light_mode", "light")}
_DARK_NEXT: dict[bool | None, bool | None] = {None: True, True: False, False: None}
DARK_COOKIE = "faceswap_dark"
DARK_VALUES: dict[str | None, bool | None] = {"on": True, "off": False}


class Top:
    """Name and state of the run, and the switch between dark and light.

    Parameters
    ----------
    feed
        Of the run.
    dark
        How the page begins; None follows the system.
    """

    def __init__(self, feed: Feed, dark: bool | None) -> None:
        self._feed = feed
        self._dark = ui.dark_mode(dark)
        with box("top"):
            with ui.element("h1"):
                ui.label(f"{feed.model_dir.resolve().name} · {feed.name}")
            self._chip = ui.label().classes("chip")
            box("space")
            self._switch = ui.button(on_click=self._turn).props("flat round dense color=grey-6")
            self._show_switch()
        self._words = ui.label().classes("words").props("role=status")
        self._trouble = ui.label().classes("trouble").props("role=alert")

    def update(self) -> None:
        """Show what is new."""
        feed = self._feed
        state = feed.state or "empty"
        self._chip.set_text(state)
        self._chip.classes(replace=f"chip {state}")
        self._words.set_text(words.state(feed.state, feed.status))
        self._trouble.set_text(feed.trouble)
        self._trouble.set_visibility(bool(feed.trouble))

    def _turn(self) -> None:
        self._dark.value = _DARK_NEXT[self._dark.value]
        self._show_switch()
        kept = {True: "on", False: "off", None: "auto"}[self._dark.value]
        year = 365 * 24 * 3600
        ui.run_javascript(
            f"document.cookie = '{DARK_COOKIE}={kept}; path=/; max-age={year}; samesite=strict'"
        )

    def _show_switch(self) -> None:
        icon, text = _DARK.get(self._dark.value, ("dark_mode", "dark"))
        self._switch.props(f'icon={icon} aria-label="Colours: {text}" title="Colours: {text}"')


class Figures:
    """The run's figures of the moment."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._labels: list[tuple[ui.label, Callable[[Status], str]]] = []
        with box("figures"):
            for name, text in self._all().items():
                with box("figure"):
                    ui.label(name).classes("name")
                    self._labels.append((ui.label(figures.UNKNOWN).classes("value"), text))

    def update(self) -> None:
        """Show what is new."""
        status = self._feed.status
        if status is not None:
            for label, text in self._labels:
                label.set_text(text(status))

    def _all(self) -> dict[str, Callable[[Status], str]]:
        return {
            "Iterations": lambda status: f"{status.iteration:,}",
            "In this run": lambda status: f"{status.iteration - status.begin:,}",
            "Since its start": self._lasted,
            "Speed": lambda status: figures.rate(self._now(status.rate)),
            "Waits for data": lambda status: figures.share(self._now(status.waiting)),
            "Loss A": lambda status: figures.loss(status.loss_a),
            "Loss B": lambda status: figures.loss(status.loss_b),
            "Next save in": lambda status: figures.duration(self._now(status.seconds_to_save)),
            "End in": lambda status: figures.duration(self._now(status.seconds_to_end)),
            "Memory": lambda status: figures.memory(status.memory),
        }

    def _now(self, value: float | None) -> float | None:
        """A figure that means something only while the run goes on."""
        return value if self._feed.is_running else None

    def _lasted(self, status: Status) -> str:
        end = time.time() if self._feed.is_running else status.changed
        return figures.duration(end - status.started if status.started else None)
