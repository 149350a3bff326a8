import io
import sys

import pytest

from irlib import progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still unless a test moves it, and nobody who watches."""
    clock = {"now": 100.0}
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock["now"])
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.setattr(sys, "stderr", io.StringIO())  # no terminal
    return clock


def slow(clock, count, seconds):
    for item in range(count):
        clock["now"] += seconds
        yield item


def test_items_pass_unchanged(clock):
    assert list(progress.track("abc", total=3, label="x")) == ["a", "b", "c"]


def test_quick_work_says_nothing(clock, capsys):
    list(progress.track(slow(clock, 10, 1.0), total=10, label="x"))
    assert capsys.readouterr().out == ""


def test_slow_work_says_a_line_now_and_then(clock, capsys):
    # 8 s an item: 16 s have passed when the second comes, with one item finished; then the fourth
    list(progress.track(slow(clock, 5, 8.0), total=5, label="epoch 1", unit="batches"))
    assert capsys.readouterr().out.splitlines() == [
        "epoch 1: 1 of 5 batches (0.1/s)",
        "epoch 1: 3 of 5 batches (0.1/s)",
    ]


def test_resumed_work_counts_what_was_done_before(clock, capsys):
    list(progress.track(slow(clock, 2, 8.0), total=9, label="x", unit="batches", done=7))
    # one batch in 16 s, not eight
    assert capsys.readouterr().out == "x: 8 of 9 batches (0.1/s)\n"


def test_a_teller_says_a_line_now_and_then(clock, capsys):
    tell = progress.teller("painting", "faces")
    for done in (10, 20, 30):
        clock["now"] += 8.0
        tell(done, 100)
    assert capsys.readouterr().out == "painting: 20 of 100 faces\n"


def test_a_terminal_is_somebody_who_watches(clock, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert progress.watched()


def test_jupyterlab_is_somebody_who_watches(clock, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "02_train.ipynb")
    assert progress.watched()


def test_a_pipe_is_nobody(clock):
    assert not progress.watched()


def test_a_bar_passes_the_items_too(clock, monkeypatch):
    monkeypatch.setattr(progress, "watched", lambda: True)
    monkeypatch.setattr(progress, "tqdm", lambda items, **_: items)
    assert list(progress.track("abc", total=3, label="x")) == ["a", "b", "c"]
