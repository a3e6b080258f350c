"""The time-lapse, to be scrubbed and taken away as a film."""

from nicegui import ui

from lib.page import words
from lib.page.feed import Feed
from lib.page.film import FORMATS
from lib.page.parts import box, heading


class Lapse:
    """A picture of the time-lapse and a slider through all of them; it follows the newest."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._count = 0
        with box("card") as self._card:
            self._when = heading("Time-lapse")
            self._picture = box("lapse", "img").props('alt="time-lapse"')
            self._slider = ui.slider(min=0, max=0, value=0, on_change=self._show).props(
                'aria-label="Picture of the time-lapse"'
            )
            with box("buttons"):
                for kind in FORMATS:
                    ui.link(f"Save as {kind.upper()}", f"/film/{kind}").props("download")
        self._card.set_visibility(False)

    def update(self) -> None:
        """Show what is new."""
        count = len(self._feed.frames)
        if count == self._count:
            return
        follows = self._slider.value >= self._count - 1
        self._count = count
        self._card.set_visibility(count > 0)
        self._slider.props(f"max={max(0, count - 1)}")
        if follows:
            self._slider.set_value(max(0, count - 1))
        self._show()

    def _show(self) -> None:
        index = min(int(self._slider.value or 0), len(self._feed.frames) - 1)
        if index < 0:
            return
        stem = self._feed.frames[index].stem
        self._when.set_text(f"{index + 1} of {self._count}, {words.clock(int(stem))}")
        self._picture.props(f'src="/frame/{index}?v={stem}"')
