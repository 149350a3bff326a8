import subprocess
import sys

import pytest
import torch

from irlib import devices


def present(monkeypatch, *names):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in names)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in names)


@pytest.mark.parametrize(
    ("names", "chosen"),
    [((), "cpu"), (("mps",), "mps"), (("cuda",), "cuda"), (("cuda", "mps"), "cuda")],
)
def test_auto_takes_the_fastest_that_is_there(monkeypatch, names, chosen):
    present(monkeypatch, *names)
    assert devices.pick("auto") == torch.device(chosen)


def test_a_named_device_is_taken(monkeypatch):
    present(monkeypatch, "cuda")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert devices.pick("cpu") == torch.device("cpu")
    assert devices.pick("cuda:1") == torch.device("cuda:1")
    with pytest.raises(ValueError, match=r"'cuda:2': this machine has 2 GPUs"):
        devices.pick("cuda:2")


@pytest.mark.parametrize("name", ["cuda", "cuda:1", "mps"])
def test_a_device_that_is_not_there_is_refused(monkeypatch, name):
    present(monkeypatch)
    with pytest.raises(ValueError, match=f"device '{name}': torch .* finds no such device here"):
        devices.pick(name)


@pytest.mark.parametrize("name", ["gpu", "", "CUDA", "cpu:x", "auto:1", "cuda:x"])
def test_a_name_that_is_none_is_refused(monkeypatch, name):
    present(monkeypatch, "cuda")
    with pytest.raises(ValueError, match=f"device '{name}': "):
        devices.pick(name)


def test_seeding_repeats_what_torch_draws():
    devices.seed_everything(3)
    first = torch.rand(4)
    devices.seed_everything(3)
    assert torch.equal(torch.rand(4), first)


def test_seeding_leaves_numpys_global_generator_alone():
    code = (
        "import numpy as np; from irlib import devices; np.random.seed(1); a = np.random.rand();"
        "np.random.seed(1); devices.seed_everything(3); raise SystemExit(np.random.rand() != a)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
