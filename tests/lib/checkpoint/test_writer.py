"""Saves in a thread of their own."""

import threading
import time

import pytest

from lib.checkpoint.writer import Writer


def test_jobs_run_beside_the_caller_and_one_at_a_time() -> None:
    writer, go, order = Writer("saving"), threading.Event(), []

    def first() -> None:
        go.wait(10)
        order.append("first")

    assert not writer.is_busy
    writer.start(first)
    assert writer.is_busy
    assert order == []
    threading.Timer(0.05, go.set).start()
    writer.start(lambda: order.append("second"))
    writer.wait()
    assert order == ["first", "second"]
    assert not writer.is_busy


def test_a_failure_is_raised_once_by_whoever_waits() -> None:
    writer = Writer("saving")
    writer.start(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        writer.wait()
    writer.wait()


def test_the_failure_of_a_job_is_over_once_the_next_begins() -> None:
    writer = Writer("saving")
    writer.start(lambda: 1 / 0)
    writer.start(lambda: time.sleep(0))
    writer.wait()
