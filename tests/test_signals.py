import os
import signal

import pytest

from irlib import signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_noted_although_somebody_else_handles_it(number):
    previous = signal.signal(number, lambda *_: None)
    try:
        with signals.received() as found:
            os.kill(os.getpid(), number)
    finally:
        signal.signal(number, previous)
    assert found == [number]


def test_without_a_signal_nothing_is_noted():
    with signals.received() as found:
        pass
    assert found == []


def test_a_signal_that_stops_nothing_is_not_noted():
    previous = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with signals.received() as found:
            os.kill(os.getpid(), signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert found == []


def test_signals_after_the_block_go_elsewhere():
    with signals.received():
        pass
    assert signal.set_wakeup_fd(-1) == -1
