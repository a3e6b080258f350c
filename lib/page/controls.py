"""Buttons, and a form for the options that may change while the run trains."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from lib.config.options import NONE, Option, allowed, to_text
from lib.errors import FaceswapError
from lib.page.asking import Asking, known_options
from lib.page.feed import Feed
from lib.page.parts import box, heading

_BUTTONS = {
    "save": ("Save", "save"),
    "snapshot": ("Snapshot", "photo_library"),
    "refresh": ("New preview", "refresh"),
}


class Controls:
    """Buttons save, snapshot, new preview and stop, which asks back."""

    def __init__(self, feed: Feed, asking: Asking) -> None:
        self._feed, self._asking = feed, asking
        with ui.dialog() as self._dialog, box("large"):
            ui.label("Stop the run after this iteration, with a save?")
            ui.label("The same command goes on from there.").classes("quiet")
            with box("buttons"):
                ui.button("Stop the run", on_click=self._stop).props("no-caps color=negative")
                ui.button("Go on", on_click=self._dialog.close).props("no-caps flat")
        with box("card"):
            heading("Ask the run").set_text("it does so after the iteration")
            with box("buttons"):
                self._buttons = [
                    ui.button(text, icon=icon, on_click=self._asks(action)).props("no-caps outline")
                    for action, (text, icon) in _BUTTONS.items()
                ]
                stop = ui.button("Stop", icon="stop", on_click=self._dialog.open)
                self._buttons.append(stop.props("no-caps outline color=negative"))

    def update(self) -> None:
        """Show what is new."""
        for button in self._buttons:
            button.set_enabled(self._feed.is_running)

    def _asks(self, action: str) -> Callable[[], None]:
        return lambda: attempt(lambda: self._asking.put(action), f"Asked: {action}")

    def _stop(self) -> None:
        self._dialog.close()
        self._asks("stop")()


class Options:
    """Chooses an option, tells about it, and asks for another value; below it all values."""

    def __init__(self, feed: Feed, asking: Asking) -> None:
        self._feed, self._asking = feed, asking
        self._known = known_options()
        self._shown: dict[str, Any] = {}
        self._field: ui.input | ui.select | None = None
        with box("card") as self._card:
            heading("Options").set_text("that may change while the run trains")
            with box("option"):
                self._name = ui.select([], label="Option", on_change=self._choose)
                self._place = box("place")
                self._button = ui.button("Set", on_click=self._set).props("no-caps outline")
            self._help = ui.label().classes("quiet")
            with ui.expansion("All values").classes("w-full").props("dense"):
                self._values = box("values")
        self._card.set_visibility(False)

    def update(self) -> None:
        """Show what is new."""
        status = self._feed.status
        options = status.options if status else {}
        self._button.set_enabled(self._feed.is_running)
        if options == self._shown:
            return
        before, self._shown = self._shown, dict(options)
        self._card.set_visibility(bool(options))
        self._show_values()
        chosen = self._name.value
        if before.keys() != options.keys():
            names = list(options)
            kept = chosen if chosen in options else next(iter(names), None)
            self._name.set_options(names, value=kept)
        elif chosen is not None and before.get(chosen) != options[chosen]:
            self._choose()

    def _show_values(self) -> None:
        self._values.clear()
        with self._values:
            for name, value in self._shown.items():
                ui.label(name)
                ui.label(to_text(value))

    def _choose(self) -> None:
        name = self._name.value
        if name not in self._shown:
            return
        option, text = self._known.get(name), to_text(self._shown[name])
        self._place.clear()
        with self._place:
            self._field = _field(option, text)
        self._help.set_text(
            f"{option.help} It is {allowed(option)}." if option else "An option of this plugin."
        )

    def _set(self) -> None:
        if self._field is None or self._name.value is None:
            return
        name, text = self._name.value, str(self._field.value)
        attempt(lambda: self._asking.set(name, text), f"Asked: {name} = {text}")


def _field(option: Option | None, text: str) -> ui.input | ui.select:
    choices: list[str] = []
    if option is not None and option.type is bool:
        choices = ["True", "False"]
    elif option is not None and option.choices is not None:
        choices = [to_text(choice) for choice in option.choices]
        choices += [NONE] if option.optional else []
    if text in choices:
        return ui.select(choices, label="Value", value=text)
    return ui.input("Value", value=text)


def attempt(act: Callable[[], None], done: str) -> None:
    """Do something, and tell the viewer that it is done, or why it is not."""
    try:
        act()
    except FaceswapError as error:
        ui.notify(str(error), type="negative", multi_line=True)
        return
    ui.notify(done, type="positive")
