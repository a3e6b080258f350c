"""Signals: the first asks for a stop, a later one leaves."""

import signal
import threading

import pytest

from scripts.signals import Leave, Signals


def test_the_first_signal_asks_one_with_it_is_the_same_and_a_later_one_leaves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 10.0
    monkeypatch.setattr("scripts.signals.time.monotonic", lambda: now)
    stop = threading.Event()
    before = signal.getsignal(signal.SIGTERM)
    with Signals(stop):
        signal.raise_signal(signal.SIGTERM)
        assert stop.is_set()
        signal.raise_signal(signal.SIGTERM)
        now += 2
        with pytest.raises(Leave, match=str(128 + signal.SIGTERM)):
            signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before
