"""The page as a viewer sees it."""

from pathlib import Path

from nicegui import ui
from starlette.requests import Request

from lib.page.asking import Asking
from lib.page.charts import Charts
from lib.page.controls import Controls, Options
from lib.page.feed import Feed
from lib.page.figures import DARK_COOKIE, DARK_VALUES, Figures, Top
from lib.page.gallery import Gallery
from lib.page.lapse import Lapse
from lib.page.parts import News, Part, box

SECONDS_BETWEEN_UPDATES = 1.0
_STYLE = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
# The token is in the cookie by now; it need not stand in the browser's history.
_HIDE_TOKEN = "<script>history.replaceState(null, '', location.pathname)</script>"
_END = "document.body.classList.add('ended'); setTimeout(() => window.socket.disconnect(), 500)"


class Viewer:
    """The page of one viewer.

    Parameters
    ----------
    feed
        Of the run.
    asking
        Takes what is asked.
    dark
        Whether it begins dark; None follows the system.
    """

    def __init__(self, feed: Feed, asking: Asking, dark: bool | None) -> None:
        self._asking = asking
        with box("whole"):
            self._parts: list[Part] = [Top(feed, dark)]
            self._end = ui.label().classes("trouble")
            self._end.set_visibility(False)
            self._parts.append(Figures(feed))
            with box("columns"):
                with box("column-left"):
                    self._parts += [Gallery(feed), Lapse(feed), News(feed, asking)]
                with box("column-right"):
                    if not asking.read_only:
                        self._parts.append(Controls(feed, asking))
                    self._parts.append(Charts(feed))
                    if not asking.read_only:
                        self._parts.append(Options(feed, asking))

    def update(self) -> None:
        """Show what is new in all parts."""
        for part in self._parts:
            part.update()

    def end(self, text: str) -> None:
        """Tell that nothing new will come, and leave the page as it is."""
        self._end.set_text(text)
        self._end.set_visibility(True)
        ui.run_javascript(_END)


class House:
    """What all viewers share.

    Parameters
    ----------
    feed
        Of the run.
    asking
        Takes what is asked.

    Attributes
    ----------
    ending
        Set to a line before the server ends: viewers are told.
    """

    def __init__(self, feed: Feed, asking: Asking) -> None:
        self._feed, self._asking = feed, asking
        self.ending = ""

    def open(self) -> None:
        """Serve the page under ``/``."""
        title = f"{self._feed.model_dir.resolve().name} · {self._feed.name} · faceswap"
        ui.page("/", title=title, dark=None)(self._welcome)

    def _welcome(self, request: Request) -> None:
        ui.add_css(_STYLE)
        ui.add_head_html(_HIDE_TOKEN)
        dark = DARK_VALUES.get(request.cookies.get(DARK_COOKIE))
        viewer = Viewer(self._feed, self._asking, dark)
        viewer.update()
        timer = ui.timer(SECONDS_BETWEEN_UPDATES, lambda: self._refresh(viewer, timer))

    def _refresh(self, viewer: Viewer, timer: ui.timer) -> None:
        viewer.update()
        if self.ending:
            viewer.end(self.ending)
            timer.deactivate()
