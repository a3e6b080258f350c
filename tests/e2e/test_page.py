"""The page of a real run in a real browser: it shows, steers, refuses, and outlives nothing."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytest.importorskip("nicegui", reason="the page's packages are needed: pip install '.[web]'")
sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is needed")

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / "tests" / "fixtures" / "plugins"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
IMAGES = os.environ.get("FACESWAP_PAGE_IMAGES")
"""A folder that pictures of the page are written to, to be looked at."""
PATIENCE = 60_000
"""Milliseconds for which a browser waits for something to come true."""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="a browser is needed: install chromium")


class Program:
    """A command that runs meanwhile, and what it prints."""

    def __init__(self, output: Path, home: Path, *words: str) -> None:
        self._output = output
        hidden = ("DISPLAY", "WAYLAND_DISPLAY")
        kept = {name: value for name, value in os.environ.items() if name not in hidden}
        with output.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "faceswap", *words],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**kept, "OMP_NUM_THREADS": "1", "XDG_CONFIG_HOME": str(home)},
                cwd=ROOT,
            )

    @property
    def printed(self) -> str:
        return self._output.read_text(errors="replace")

    def until(self, is_so: Callable[[], object], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < end, self.printed
            assert self.process.poll() is None, self.printed
            time.sleep(0.05)

    def url(self) -> str:
        """The address of its page, when it serves."""
        self.until(lambda: re.search(r"Page: http\S+\s", self.printed))
        return re.search(r"Page: (http\S+)", self.printed)[1]

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def run(folder: Path, rendered: dict[str, Path]) -> Iterator[Program]:
    faces = [str(rendered[side]) for side in "ab"]
    program = Program(
        *(folder / "printed.txt", folder / "home"),
        *("train", "-A", faces[0], "-B", faces[1], "-m", str(folder / "model")),
        *("-t", "tiny", "--plugin-dir", str(PLUGINS), "-b", "4", "-it", "100000000"),
        *("-s", "150", "-p", "--page-port", "28900", "--holdout", "0.1", "-ss", "0"),
        *("-tia", faces[0], "-tib", faces[1], "-to", str(folder / "lapse")),
    )
    program.until(lambda: (folder / "model" / "tiny_live" / "preview.npz").exists())
    yield program
    program.end()


@pytest.fixture(scope="module")
def browser() -> Iterator["sync_api.Browser"]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def show(browser: "sync_api.Browser") -> Iterator[Callable[..., "sync_api.Page"]]:
    """Open a page, as a viewer of his own."""
    contexts = []

    def opened(url: str, **more) -> "sync_api.Page":
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 900}, **more))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()


def events(folder: Path, kind: str) -> list[dict]:
    lines = (folder / "model" / "tiny_log.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == kind]


def iterations(page: "sync_api.Page") -> int:
    return int(page.locator(".figure .value").first.text_content().replace(",", ""))


def test_the_page_goes_on_showing_what_the_run_makes(run: Program, show: Callable) -> None:
    page = show(run.url())
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda websocket: asked.append(websocket.url))
    page.reload()
    page.locator(".pair img").first.wait_for()
    first, at = page.locator(".pair img").nth(1).get_attribute("src"), iterations(page)
    page.wait_for_function(
        "first => document.querySelectorAll('.pair img')[1].getAttribute('src') !== first",
        arg=first,
    )
    page.get_by_text("faces that are not trained on").wait_for()
    assert iterations(page) > at
    assert page.evaluate("document.querySelectorAll('.pair img')[1].naturalWidth") > 0
    assert "token" not in page.url
    # Nothing is fetched from elsewhere.
    own = urlsplit(page.url).netloc
    assert len(asked) > 20
    assert {urlsplit(url).netloc for url in asked if not url.startswith("data:")} == {own}


def test_without_the_token_there_is_nothing(run: Program, show: Callable) -> None:
    url = run.url()
    for wrong in (url.partition("?")[0], url[:-1]):
        page = show(wrong)
        assert page.locator("body").text_content().startswith("Refused:")
        assert page.locator(".figure").count() == 0


def test_one_face_can_be_compared(run: Program, show: Callable) -> None:
    page = show(run.url())
    page.locator(".pair").nth(1).click()
    large = page.locator(".compare")
    large.wait_for()
    page.get_by_label("Between original and swap").fill("20")
    page.get_by_label("Zoom").fill("300")
    style = large.get_attribute("style")
    assert "--split: 20%" in style
    assert "--zoom: 300%" in style
    view = page.locator(".view").evaluate("view => [view.scrollWidth, view.clientWidth]")
    assert view[0] == pytest.approx(3 * view[1], rel=0.05)
    mask = page.get_by_alt_text("what the mask leaves out")
    assert not mask.is_visible()
    page.get_by_text("Mask", exact=True).click()
    mask.wait_for()
    assert mask.evaluate("mask => mask.decode().then(() => mask.naturalWidth)") > 0
    page.get_by_text("its own side").click()
    page.wait_for_function("document.querySelector('.compare .over').src.includes('/same/')")
    page.get_by_label("Next face").click()
    page.get_by_text("Face 3 of A").wait_for()


def test_buttons_act(run: Program, show: Callable, folder: Path) -> None:
    page = show(run.url())
    page.get_by_role("button", name="Snapshot").click()
    run.until(lambda: list(folder.glob("model_snapshot_*_iters")))
    page.get_by_text("save: the run has taken it").wait_for(state="hidden")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("save: the run has taken it").wait_for()
    page.get_by_role("button", name="New preview").click()
    page.get_by_text("refresh: the run has taken it").wait_for()
    run.until(lambda: "Save asked for by the page" in run.printed)


def test_an_option_changes_the_run_for_all_viewers(
    run: Program, show: Callable, folder: Path
) -> None:
    one, other = show(run.url()), show(run.url())
    field = one.get_by_label("Value", exact=True)
    field.fill("7")
    one.get_by_role("button", name="Set").click()
    one.get_by_text("learning_rate must be a number").wait_for()
    assert not events(folder, "option")
    field.fill("1e-05")
    one.get_by_role("button", name="Set").click()
    other.get_by_text(re.compile("learning_rate: .* → 1e-05, asked for by the page")).wait_for()
    (event,) = events(folder, "option")
    assert (event["name"], event["new"], event["by"]) == ("learning_rate", 1e-5, "the page")
    other.wait_for_function(
        "[...document.querySelectorAll('input')].some(input => input.value === '1e-05')"
    )


def test_it_survives_a_reload_and_a_lost_connection(run: Program, show: Callable) -> None:
    page = show(run.url())
    page.reload()
    at = iterations(page)
    page.context.set_offline(True)
    page.evaluate("window.socket.io.engine.close()")
    page.locator("#popup[aria-hidden=false]").wait_for()
    page.context.set_offline(False)
    page.locator("#popup[aria-hidden=true]").wait_for(state="attached")
    page.wait_for_function(
        "at => Number(document.querySelector('.figure .value').textContent.replace(',', '')) > at",
        arg=at + 50,
    )


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize(("name", "width"), [("desktop", 1280), ("phone", 390)])
def test_it_fits_a_phone_and_follows_the_systems_colours(
    run: Program, show: Callable, colours: str, name: str, width: int
) -> None:
    page = show(run.url(), color_scheme=colours)
    page.set_viewport_size({"width": width, "height": 844})
    page.locator(".chart canvas").first.wait_for()
    # Charts follow the window's width a moment later.
    page.wait_for_function("width => document.scrollingElement.scrollWidth <= width", arg=width)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground)[:3])) > 384) == (colours == "light")
    columns = page.evaluate(
        "getComputedStyle(document.querySelector('.columns')).gridTemplateColumns"
    )
    assert len(columns.split()) == (1 if name == "phone" else 2)
    if IMAGES:
        page.wait_for_timeout(1500)
        page.screenshot(path=f"{IMAGES}/{name}_{colours}.png", full_page=True)
    if colours == "light":
        page.get_by_label("Colours:").click()
        page.wait_for_function("document.body.classList.contains('body--dark')")
        page.reload()  # it stays so
        page.wait_for_function("document.body.classList.contains('body--dark')")


@pytest.mark.slow
def test_the_time_lapse_can_be_scrubbed_and_taken_away(
    run: Program, show: Callable, folder: Path, tmp_path: Path
) -> None:
    run.until(lambda: len(list((folder / "lapse").glob("*.jpg"))) > 2)
    page = show(run.url())
    page.locator(".q-slider").click(position={"x": 1, "y": 10})
    page.get_by_text(re.compile("^1 of ")).wait_for()
    assert "/frame/0?" in page.get_by_alt_text("time-lapse").get_attribute("src")
    with page.expect_download() as download:
        page.get_by_text("Save as GIF").click()
    assert download.value.suggested_filename == "time-lapse.gif"
    assert Path(download.value.path()).read_bytes().startswith(b"GIF89a")


@pytest.mark.slow
def test_the_run_outlives_its_page_and_is_stopped_from_another(
    run: Program, show: Callable, folder: Path
) -> None:
    page = show(run.url())
    os.kill(page_of(run.process.pid), signal.SIGKILL)
    run.until(lambda: "training goes on; faceswap page -m" in run.printed)
    port = *("page", "-m", str(folder / "model")), "--port", "28950"
    watching = Program(folder / "watching.txt", folder / "home", *port, "--read-only")
    other = Program(folder / "other.txt", folder / "home", *port)
    try:
        watched, page = show(watching.url()), show(other.url())
        watched.locator(".pair").first.wait_for()
        assert watched.get_by_role("button", name="Stop", exact=True).count() == 0
        assert watched.get_by_label("Option").count() == 0
        page.get_by_role("button", name="Stop", exact=True).click()
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("button", name="Stop", exact=True).click()
        page.get_by_role("button", name="Stop the run").click()
        for one in (page, watched):
            one.get_by_text("with a save. The same command goes on from there.").wait_for()
        assert run.process.wait(60) == 0
        assert page.get_by_role("button", name="Save").is_disabled()
    finally:
        watching.end()
        other.end()
    at = int(re.search(r"Stopped at iteration ([\d,]+)", run.printed)[1].replace(",", ""))
    assert events(folder, "saved")[-1]["iteration"] == at
    assert "Traceback" not in run.printed


def page_of(parent: int) -> int:
    """The process of a run's page."""
    listed = subprocess.run(
        ["ps", "--ppid", str(parent), "-o", "pid=,args="], capture_output=True, text=True
    ).stdout
    return next(int(line.split()[0]) for line in listed.splitlines() if "lib.page" in line)
