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


def test_kernels_are_chosen_as_asked():
    devices.choose_kernels(tf32=True, deterministic=False)
    found = torch.backends.cudnn
    chosen = found.allow_tf32, torch.backends.cuda.matmul.allow_tf32, found.benchmark
    devices.seed_everything(0)  # back to what repeats
    assert chosen == (True, True, True)
    assert (found.allow_tf32, found.benchmark, found.deterministic) == (False, False, True)


def test_freed_memory_is_kept_where_the_c_library_is_glibc():
    # in a process of its own: it is for good. After some tensors the next one finds its pages
    code = """
import resource, torch
from irlib import devices
kept = devices.keep_freed_memory()
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    before = faults()
    torch.ones(2**24)
print(kept, faults() - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    kept, faults = done.stdout.split()
    if kept == "False":
        pytest.skip("another C library")
    # 64 MiB are 16,384 pages, or 32 huge ones
    assert int(faults) < 20
