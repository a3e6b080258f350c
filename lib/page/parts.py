"""Small pieces that the page is put together from."""

from collections.abc import Sequence
from typing import Protocol

from nicegui import ui
from nicegui.element import Element

from lib.page import words
from lib.page.asking import Asking
from lib.page.feed import Feed


class Part(Protocol):
    """A part of the page, as one viewer sees it."""

    def update(self) -> None:
        """Show what is new."""


def box(classes: str, tag: str = "div") -> Element:
    """An element with classes of the style sheet."""
    return ui.element(tag).classes(classes)


def heading(text: str) -> ui.label:
    """Heading of a card, with room for a smaller text that it gives."""
    with ui.element("h2"):
        ui.label(text)
        return ui.label().classes("quiet")


class Lines:
    """A list of lines, each with its time; built anew only where one has changed."""

    def __init__(self, empty: str) -> None:
        self._empty = empty
        self._shown: Sequence[tuple[str, str, bool]] | None = None
        self._box = box("lines")

    def show(self, lines: Sequence[tuple[str, str, bool]]) -> None:
        """Show lines: time, text, and whether it is a bad one."""
        if lines == self._shown:
            return
        self._shown = lines
        self._box.clear()
        with self._box:
            if not lines:
                ui.label(self._empty).classes("quiet")
            for when, text, is_bad in lines:
                with box("line bad" if is_bad else "line"):
                    ui.label(when).classes("when")
                    ui.label(text)


class News:
    """What happened in the run, in words, and what was asked of it through this page."""

    MOST = 40

    def __init__(self, feed: Feed, asking: Asking) -> None:
        self._feed, self._asking = feed, asking
        with box("card"):
            heading("What happened").set_text("the newest first")
            self._news = Lines("Nothing yet.")
            if not asking.read_only:
                heading("Asked from this page")
                self._asked = Lines("Nothing yet.")

    def update(self) -> None:
        """Show what is new."""
        self._news.show(self._told())
        if not self._asking.read_only:
            self._asked.show(
                [
                    (words.clock(one.time), f"{one.text}: {_fate(one.is_taken)}", False)
                    for one in reversed(self._asking.asked)
                ]
            )

    def _told(self) -> list[tuple[str, str, bool]]:
        lines = []
        for event in reversed(self._feed.events):
            if (text := words.news(event)) is not None:
                lines.append((words.clock(event["time"]), text, words.is_bad(event)))
            if len(lines) == self.MOST:
                break
        return lines


def _fate(is_taken: bool) -> str:
    return "the run has taken it" if is_taken else "waits for the run"
