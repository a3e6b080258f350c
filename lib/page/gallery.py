"""The newest preview: all its faces, and one of them large."""

from nicegui import ui

from lib.page.feed import Feed
from lib.page.parts import box, heading

_KINDS = {"swapped": "the other side (swap)", "same": "its own side"}
_TITLES = {"a": "A, drawn as B", "b": "B, drawn as A"}
Face = tuple[str, int]
"""Side and number."""


class Gallery:
    """Faces in a grid, original and swap beside each other; a click makes one large."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._counts: tuple[int, ...] = ()
        self._version = -1
        self._pictures: list[tuple[ui.element, str]] = []
        self._large = Large(feed)
        with box("card"):
            self._when = heading("Preview")
            self._grid = box("sides")

    def update(self) -> None:
        """Show what is new."""
        feed = self._feed
        if feed.preview_version == self._version:
            return
        self._version = feed.preview_version
        counts = tuple(len(feed.faces[side].originals) for side in sorted(feed.faces))
        if counts != self._counts or not counts:
            self._counts = counts
            self._build()
        if counts:
            at = f"at iteration {feed.preview:,}, renewed at every save"
            self._when.set_text(f"{at}; click a face to compare")
        for picture, path in self._pictures:
            picture.props(f'src="{path}?v={self._version}"')
        self._large.update()

    def _build(self) -> None:
        self._grid.clear()
        self._pictures = []
        with self._grid:
            if not self._counts:
                ui.label("None yet: it comes with the first save.").classes("quiet")
            for side, count in zip("ab", self._counts, strict=False):
                ui.label(_TITLES[side]).classes("quiet")
                with box("faces"):
                    for index in range(count):
                        self._add((side, index))

    def _add(self, face: Face) -> None:
        side, index = face
        pair = box("pair", "button").props(f'type=button aria-label="Face {index + 1} of {side}"')
        pair.on("click", lambda: self._large.show(face))
        with pair:
            for kind in ("originals", "swapped"):
                picture = ui.element("img").props(f'loading=lazy alt="{kind}"')
                self._pictures.append((picture, f"/face/{side}/{index}/{kind}/small"))


class Large:
    """One face, large: a slider between original and swap, zoom, and the mask."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._face: Face = ("a", 0)
        with ui.dialog() as self._dialog, box("large"):
            with box("bar"):
                self._title = ui.label()
                box("space")
                for icon, step, text in (
                    ("chevron_left", -1, "Last"),
                    ("chevron_right", 1, "Next"),
                ):
                    ui.button(icon=icon, on_click=lambda step=step: self._go(step)).props(
                        f'flat round dense aria-label="{text} face"'
                    )
                ui.button(icon="close", on_click=self._dialog.close).props(
                    'flat round dense aria-label="Close"'
                )
            with box("view"), box("compare") as self._compare:
                self._original = ui.element("img").props('alt="original"')
                self._drawn = ui.element("img").classes("over").props('alt="drawn by the model"')
                self._mask = ui.element("img").props('alt="what the mask leaves out"')
                self._mask.set_visibility(False)
                box("edge")
            self._range("split", 0, 100, 50, "Between original and swap")
            with box("ends"):
                ui.label("original")
                ui.label("drawn by the model")
            with box("bar"):
                self._kind = ui.radio(_KINDS, value="swapped", on_change=self.update).props(
                    "inline dense"
                )
                ui.checkbox("Mask", on_change=lambda event: self._mask.set_visibility(event.value))
            ui.label("Zoom").classes("quiet")
            self._range("zoom", 100, 800, 100, "Zoom")

    def show(self, face: Face) -> None:
        """Show a face."""
        self._face = face
        self.update()
        self._dialog.open()

    def update(self) -> None:
        """Show the face as it is in the newest preview."""
        side, index = self._face
        path, version = f"/face/{side}/{index}", self._feed.preview_version
        self._title.set_text(f"Face {index + 1} of {side.upper()}")
        self._original.props(f'src="{path}/originals/whole?v={version}"')
        self._drawn.props(f'src="{path}/{self._kind.value}/whole?v={version}"')
        self._mask.props(f'src="/mask/{side}/{index}?v={version}"')

    def _go(self, step: int) -> None:
        faces = [
            (side, index)
            for side, held in sorted(self._feed.faces.items())
            for index in range(len(held.originals))
        ]
        if self._face in faces:
            self._face = faces[(faces.index(self._face) + step) % len(faces)]
            self.update()

    def _range(self, name: str, least: int, most: int, value: int, label: str) -> None:
        """A slider that the browser heeds by itself, without a way to the server and back."""
        slider = ui.element("input").props(
            f'type=range min={least} max={most} value={value} aria-label="{label}"'
        )
        slider.on(
            "input",
            js_handler=f"""(event) => {{
              const picture = document.getElementById("{self._compare.html_id}");
              picture.style.setProperty("--{name}", event.target.value + "%");
              if ("{name}" === "zoom")
                picture.parentElement.classList.toggle("zoomed", event.target.value > 100);
            }}""",
        )
