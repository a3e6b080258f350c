"""A browser names pictures by numbers alone."""

import threading

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from lib.page import routes
from lib.page.feed import Feed


@pytest.fixture
def browser(feed: Feed, left) -> TestClient:
    left.preview(3)
    left.lapse((16, 16), (16, 16))
    left.status(timelapse=str(left.folder / "lapse"))
    feed.look()
    app = FastAPI()
    app.include_router(routes.make_routes(feed))
    return TestClient(app)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/face/a/0/swapped/small", "image/jpeg"),
        ("/face/b/2/originals/whole", "image/jpeg"),
        ("/mask/a/1", "image/png"),
        ("/frame/1", "image/jpeg"),
        ("/film/gif", "image/gif"),
        ("/film/mp4", "video/mp4"),
    ],
)
def test_pictures_and_films(browser: TestClient, path: str, kind: str) -> None:
    answer = browser.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content


@pytest.mark.parametrize(
    "path",
    [
        *("/frame/2", "/frame/-1", "/frame/99999999999999999999", "/frame/0.jpg"),
        *("/frame/..%2f..%2fetc%2fpasswd", "/frame/%2fetc%2fpasswd", "/frame/..\\x", "/frame/0%00"),
        *("/face/a/3/swapped/small", "/face/c/0/swapped/small", "/face/a/0/..%2f/small"),
        *("/face/a/0/__class__/small", "/face/a/0/masks/small", "/mask/a/-1"),
        *("/film/avi", "/film/..%2fx", "/etc/passwd"),
    ],
)
def test_no_path_leads_to_a_file_of_the_browsers_choice(browser: TestClient, path: str) -> None:
    assert browser.get(path).status_code in (404, 422)


def test_a_picture_that_has_gone_is_not_found(browser: TestClient, left) -> None:
    for file in (left.folder / "lapse").iterdir():
        file.unlink()
    assert browser.get("/frame/0").status_code == 404
    assert browser.get("/film/gif").status_code == 404


def test_one_film_is_made_at_a_time(browser: TestClient, monkeypatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow_film(*_: object) -> bytes:
        begun.set()
        assert go_on.wait(20)
        return b"film"

    monkeypatch.setattr(routes, "film", slow_film)
    first: list[int] = []
    thread = threading.Thread(target=lambda: first.append(browser.get("/film/gif").status_code))
    thread.start()
    assert begun.wait(20)
    assert browser.get("/film/mp4").status_code == 503
    go_on.set()
    thread.join()
    assert first == [200]
    assert browser.get("/film/mp4").status_code == 200
