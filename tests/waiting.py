"""Other processes: whether one lives, and waiting for what they do."""

import time

import psutil


def wait_until(fact, seconds=20):
    """What `fact()` gives, as soon as it holds or so many seconds have passed."""
    deadline = time.monotonic() + seconds
    while not fact() and time.monotonic() < deadline:
        time.sleep(0.05)
    return fact()


def is_alive(pid):
    """Whether a process is at work; a zombie is none."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
