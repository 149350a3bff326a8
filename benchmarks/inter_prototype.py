"""Inter-Prototype loss and gradient: the n x n matrix of the paper's text against irlib's.

Run `python -m benchmarks.inter_prototype`: one to three minutes and 7 GiB on two cores.

Shapes: n prototypes of D = 512 numbers, fp32.
Units: seconds; memory in MiB, the peak of torch's allocations above what it held before.
"""

import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from irlib import devices
from irlib.losses import inter_prototype_loss

SIZES = (229, 1148, 20_000)  # children of CASIA, of MS1MV2, and far more than D
EMBEDDING_SIZE = 512
MIB = 2**20


def naive_loss(prototypes: Tensor) -> Tensor:
    """The loss as the paper's text puts it: an n x n cosine matrix against the identity."""
    unit = F.normalize(prototypes)
    cosine = unit @ unit.T
    return F.mse_loss(cosine, torch.eye(len(unit), device=unit.device))


FORMULATIONS = {"naive": naive_loss, "ours": inter_prototype_loss}


def measure(*, device: str = "cpu", sizes: tuple[int, ...] = SIZES) -> list[dict[str, float]]:
    """Time and peak memory of loss and gradient, one row for each n.

    Both formulations are timed in turn, in one process; the seconds are medians. The peak memory
    is that of torch's allocator, without the workspace inside a matrix product.

    Args:
        device: cpu, or cuda.
        sizes: the n to measure.

    Returns:
        Rows with n; naive_s, ours_s and time_ratio = naive / ours; naive_mib, ours_mib and
        memory_ratio; difference, the relative one between the two losses.

    Raises:
        ValueError: a device that is absent, or whose memory cannot be read.
    """
    if devices.pick(device).type not in ("cpu", "cuda"):
        raise ValueError(f"device {device!r}: expected cpu or cuda, whose peak memory can be read")
    return [_row(n, device) for n in sizes]


def _row(n: int, device: str) -> dict[str, float]:
    losses, memory = {}, {}
    for name, loss in FORMULATIONS.items():
        losses[name], memory[name] = _loss_and_peak_mib(loss, n, device)
    seconds = _seconds(n, device)
    return {
        "n": n,
        "naive_s": seconds["naive"],
        "ours_s": seconds["ours"],
        "time_ratio": seconds["naive"] / seconds["ours"],
        "naive_mib": memory["naive"],
        "ours_mib": memory["ours"],
        "memory_ratio": memory["naive"] / memory["ours"],
        "difference": abs(losses["ours"] / losses["naive"] - 1),
    }


def _prototypes(n: int, device: str) -> Tensor:
    generator = torch.Generator().manual_seed(n)
    prototypes = torch.randn(n, EMBEDDING_SIZE, generator=generator)
    return prototypes.to(device).requires_grad_()


def _step(loss: Callable[[Tensor], Tensor], prototypes: Tensor) -> float:
    prototypes.grad = None
    value = loss(prototypes)
    value.backward()
    return value.item()  # waits for the device


def _seconds(n: int, device: str) -> dict[str, float]:
    # In turn, so that whatever else the machine does falls on both; rounds until 2 s have passed.
    # Reading the memory before has warmed both up.
    prototypes = _prototypes(n, device)
    seconds: dict[str, list[float]] = {name: [] for name in FORMULATIONS}
    while sum(map(sum, seconds.values())) < 2:
        for name, loss in FORMULATIONS.items():
            start = time.perf_counter()
            _step(loss, prototypes)
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def _loss_and_peak_mib(
    loss: Callable[[Tensor], Tensor], n: int, device: str
) -> tuple[float, float]:
    prototypes = _prototypes(n, device)
    if prototypes.is_cuda:
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        value = _step(loss, prototypes)
        return value, (torch.cuda.max_memory_allocated() - before) / MIB
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        value = _step(loss, prototypes)
    # Bytes taken (and given back, negative) one by one: exact where the process's own peak is
    # blurred by heap that is kept and by libraries that are loaded at first use.
    changes = [event["args"]["Bytes"] for event in _trace(record) if event["name"] == "[memory]"]
    return value, max(itertools.accumulate(changes)) / MIB


def _trace(record: profile) -> list[dict]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        record.export_chrome_trace(str(path))
        events = json.loads(path.read_text())["traceEvents"]
    return sorted(events, key=lambda event: event.get("ts", 0))


def main() -> None:
    """Print the table."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    print(f"loss and gradient, D = {EMBEDDING_SIZE}, fp32, {device}, torch {torch.__version__}")
    print("     n   naive ms    ours ms  ratio   naive MiB    ours MiB  ratio  difference")
    for row in measure(device=device):
        print(
            f"{row['n']:6d} {row['naive_s'] * 1e3:10.2f} {row['ours_s'] * 1e3:10.2f} "
            f"{row['time_ratio']:6.2f} {row['naive_mib']:11.1f} {row['ours_mib']:11.1f} "
            f"{row['memory_ratio']:6.2f} {row['difference']:11.1e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
