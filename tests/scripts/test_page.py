"""The page beside a run: it starts, is seen, dies and ends without harm to the run."""

import os
import re
import signal
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("nicegui", reason="the page's packages are needed: pip install '.[web]'")

import httpx2
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from lib.errors import FaceswapError
from lib.live.samples import SideFaces, write_samples
from lib.live.status import Status, live_folder, write_status
from scripts import page
from scripts.arguments import make_parser
from scripts.page import Page, PageProcess

MOST_MEGABYTES = 200


def told(state: str, folder: Path) -> None:
    status = Status(state=state, plugin="tiny", iteration=4, end=9, changed=time.time())
    write_status(live_folder(folder, "tiny"), status)


def preview(folder: Path) -> None:
    import numpy as np

    faces, masks = np.zeros((2, 32, 32, 3), np.uint8), np.zeros((2, 32, 32), np.uint8)
    side = SideFaces(originals=faces, same=faces, swapped=faces, masks=masks)
    write_samples(live_folder(folder, "tiny"), 4, {"a": side, "b": side})


def until(is_so: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def make(folder: Path, **more) -> PageProcess:
    known = {"host": "127.0.0.1", "port": 28800, "read_only": False}
    return PageProcess(str(folder), "tiny", **(known | more))


def address(caplog: pytest.LogCaptureFixture) -> str:
    found = re.search(r"^Page: (http://\S+)$", "\n".join(caplog.messages), re.MULTILINE)
    assert found
    return found[1]


@pytest.fixture(autouse=True)
def no_browser(monkeypatch) -> list[str]:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_TTY"):
        monkeypatch.delenv(name, raising=False)
    return opened


@pytest.fixture
def started(tmp_path: Path, caplog) -> Iterator[tuple[PageProcess, str]]:
    caplog.set_level("INFO")
    told("stopped", tmp_path)
    preview(tmp_path)
    process = make(tmp_path)
    process.start()
    yield process, address(caplog)
    process.close()


def test_it_serves_those_alone_who_have_its_address(started: tuple[PageProcess, str]) -> None:
    _, url = started
    base, token = url.split("?token=")
    assert len(token) >= 43
    with httpx2.Client(base_url=base) as stranger:
        for path in ("", "?token=x", "face/a/0/swapped/small", "frame/0", "film/gif", "missing"):
            assert stranger.get(path).status_code == 403
    with httpx2.Client(base_url=base) as viewer:
        opened = viewer.get(f"?token={token}")
        assert opened.status_code == 200
        assert viewer.get("face/a/0/swapped/small").headers["content-type"] == "image/jpeg"
        # All that the page names is refused without the cookie, too.
        named = set(re.findall(r'["(](/_nicegui[^")\s]+\.(?:js|css))', opened.text))
        assert len(named) > 3
        for path in named:
            assert viewer.get(path).status_code == 200, path
            assert httpx2.get(base[:-1] + path).status_code == 403
        cookie = f"faceswap_{viewer.base_url.port}={token}"
    check_websockets(base, cookie)


def check_websockets(base: str, cookie: str) -> None:
    address = base.replace("http", "ws") + "_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    with connect(address, additional_headers={"Cookie": cookie}, origin=base[:-1]) as opened:
        assert opened.recv(timeout=20).startswith("0")
    for sent, origin in (({}, base[:-1]), ({"Cookie": cookie}, "http://evil.example")):
        with pytest.raises(InvalidStatus, match="403"):
            connect(address, additional_headers=sent, origin=origin)
    polling = base + "_nicegui_ws/socket.io/?EIO=4&transport=polling"
    assert httpx2.get(polling).status_code == 403


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs /proc")
def test_it_is_small_gives_way_and_holds_no_torch(started: tuple[PageProcess, str]) -> None:
    process, url = started
    httpx2.get(url)
    about = Path("/proc") / str(process._process.pid)
    assert not re.search(r"site-packages/(torch|keras|av)/", (about / "maps").read_text())
    resident = re.search(r"VmRSS:\s+(\d+) kB", (about / "status").read_text())
    assert int(resident[1]) < MOST_MEGABYTES * 1000
    own = os.nice(0)
    assert os.getpriority(os.PRIO_PROCESS, process._process.pid) == min(19, own + 10)
    assert url.partition("=")[2].encode() not in (about / "cmdline").read_bytes()
    assert url.partition("=")[2].encode() not in (about / "environ").read_bytes()


def test_one_that_dies_is_told_of_once(started: tuple[PageProcess, str], caplog) -> None:
    process, _ = started
    process.look()
    assert "The page has ended" not in caplog.text
    running = process._process
    running.kill()
    running.wait()
    for _ in range(3):
        process.look()
    warnings = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert re.match(r"The page has ended .*: training goes on; faceswap page -m '", warnings[0])


def test_one_that_is_closed_ends_when_the_run_has(tmp_path: Path, caplog) -> None:
    caplog.set_level("INFO")
    told("stopped", tmp_path)
    process = make(tmp_path)
    process.start()
    running = process._process
    process.close()
    process.close()
    until(lambda: running.returncode is not None, 20)
    assert running.returncode == 0
    process.look()
    assert "The page has ended" not in caplog.text


STARTER = """
import logging, os, sys, time
from scripts.page import PageProcess
logging.basicConfig(level="INFO")
process = PageProcess(sys.argv[1], "tiny", host="127.0.0.1", port=28800, read_only=False)
process.start()
print(process._process.pid, flush=True)
time.sleep(600)
"""


def test_a_page_whose_run_is_killed_ends(tmp_path: Path) -> None:
    told("training", tmp_path)  # nobody holds the folder: it was killed
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as run:
        pid = int(run.stdout.readline())
        os.kill(pid, 0)
        run.send_signal(signal.SIGKILL)
    until(lambda: not is_alive(pid), 20)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat")
        return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_a_page_that_cannot_be_served_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(FaceswapError, match="can't be served at '192.0.2.1'"):
        make(tmp_path, host="192.0.2.1").start()


def test_one_that_breaks_as_it_starts_is_told_with_its_last_words(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(page, "_environment", lambda: {**os.environ, "PYTHONPATH": str(tmp_path)})
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "__init__.py").write_text("raise SystemExit('no such thing')")
    monkeypatch.chdir(tmp_path)
    process = make(tmp_path)
    with pytest.raises(FaceswapError, match="ended at once: no such thing"):
        process.start()
    process.look()


def test_one_that_does_not_answer_is_given_up(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(page, "PATIENCE", 0.01)
    with pytest.raises(FaceswapError, match="not there within 0 s"):
        make(tmp_path).start()


def test_other_things_can_be_done_while_it_is_waited_for(tmp_path: Path) -> None:
    told("stopped", tmp_path)
    done: list[float] = []

    def work() -> None:
        done.append(time.monotonic())
        time.sleep(0.05)

    process = make(tmp_path)
    process.start(work)
    process.close()
    assert len(done) > 3


def test_missing_packages_are_told_with_the_command(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(page, "find_spec", lambda _: None)
    with pytest.raises(FaceswapError, match=r"pip install 'faceswap-train\[web\]'"):
        make(tmp_path).start()
    (tmp_path / "tiny_log.jsonl").touch()
    with pytest.raises(FaceswapError, match=r"pip install 'faceswap-train\[web\]'"):
        Page(arguments(tmp_path)).process()


def arguments(folder: Path, *more: str) -> Namespace:
    return make_parser().parse_args(["page", "-m", str(folder), *more])


def test_the_command_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    told("stopped", tmp_path)
    with subprocess.Popen(
        [sys.executable, "-m", "faceswap", "page", "-m", str(tmp_path), "--read-only"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as command:
        lines = iter(command.stdout.readline, "")
        url = next(found[0] for line in lines if (found := re.search(r"http://\S+", line)))
        assert httpx2.get(url).status_code == 200
        command.send_signal(signal.SIGINT)
        rest = command.stdout.read()
        assert command.wait(30) == 0, rest
    assert "Traceback" not in rest


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(FaceswapError, match="holds no model"):
        Page(arguments(tmp_path)).process()


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", {"DISPLAY": ":0", "SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}, False),
        ("darwin", {}, True),
        ("win32", {"SSH_TTY": "/dev/pts/1"}, False),
    ],
)
def test_a_browser_is_opened_where_there_is_one(
    platform, environment, expected, monkeypatch, no_browser, caplog
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    page.announce("http://127.0.0.1:1/", "127.0.0.1", opens_browser=True)
    until(lambda: bool(no_browser) == expected, 5)
    assert "not encrypted" not in caplog.text
    page.announce("http://127.0.0.1:1/", "127.0.0.1", opens_browser=False)
    assert len(no_browser) == expected


def test_who_can_reach_a_page_for_the_network_is_told(caplog) -> None:
    page.announce("http://box:1/?token=x", "0.0.0.0", opens_browser=False)
    assert re.search("whoever can reach this machine there.*not encrypted", caplog.text)
    assert "token=x" not in caplog.messages[-1]
