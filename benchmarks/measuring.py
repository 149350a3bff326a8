"""What the benchmarks of training share: the chip, its clock and its measured rate, and turns.

All that depends on the kind of device is in `Chip`; everything else runs alike everywhere.

Units: seconds; memory in MiB; a multiply-add is two operations.
"""

import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import torch
from torch.utils.flop_counter import FlopCounterMode

from irlib import backbones, devices

Work = Callable[[], None]
Turn = dict[str, float]  # seconds of each work in one turn
MIB = 2**20
TINY_SIZE, USUAL_SIZE = 128, 512  # numbers in an embedding


@dataclass(frozen=True)
class Chip:
    """A device with its clock, its memory and the arithmetic that suits it."""

    device: torch.device

    @classmethod
    def best(cls) -> Self:
        """The GPU where there is one, else the processor."""
        return cls(devices.pick("auto"))

    @property
    def is_gpu(self) -> bool:
        """Whether it is a CUDA device."""
        return self.device.type == "cuda"

    @property
    def name(self) -> str:
        """Of a GPU as its maker calls it."""
        return torch.cuda.get_device_name(self.device) if self.is_gpu else str(self.device)

    @property
    def precision(self) -> str:
        """Of the backbone, as a recipe calls it."""
        return "bf16" if self.is_gpu else "fp32"

    @property
    def product(self) -> tuple[int, torch.dtype, int]:
        """Rows and columns, numbers and repeats of the matrix product that tells its rate."""
        return (8192, torch.bfloat16, 20) if self.is_gpu else (3072, torch.float32, 1)

    def seconds(self, work: Work) -> float:
        """How long a piece of work takes; NaN if memory does not suffice for it."""
        begun = self.now()
        try:
            work()
        except torch.OutOfMemoryError:
            return math.nan
        return self.now() - begun

    def now(self) -> float:
        """The time once the device has done all that it was given."""
        if self.is_gpu:
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def allocated(self) -> float:
        """MiB of all tensors, NaN on a processor; `peak` counts from here on."""
        if not self.is_gpu:
            return math.nan
        torch.cuda.reset_peak_memory_stats(self.device)
        return torch.cuda.memory_allocated(self.device) / MIB

    def peak(self) -> float:
        """The most MiB since `allocated`, NaN on a processor."""
        return torch.cuda.max_memory_allocated(self.device) / MIB if self.is_gpu else math.nan


class MatrixProduct:
    """The product of two square matrices, whose rate is the chip's yardstick."""

    def __init__(self, chip: Chip) -> None:
        self.size, self.dtype, self.repeats = chip.product
        make = torch.Generator(chip.device).manual_seed(0)
        like = {"device": chip.device, "dtype": self.dtype, "generator": make}
        self.factors = [torch.randn(self.size, self.size, **like) for _ in range(2)]
        self.out = torch.empty_like(self.factors[0])

    def __call__(self) -> None:
        """Multiply."""
        for _ in range(self.repeats):
            torch.mm(*self.factors, out=self.out)

    @property
    def operations(self) -> float:
        """Of one call."""
        return 2.0 * self.size**3 * self.repeats

    def __str__(self) -> str:
        return f"{self.size} x {self.size}, {str(self.dtype).removeprefix('torch.')}"


def take_turn(chip: Chip, works: Mapping[str, Work]) -> Turn:
    """Seconds of each work, one after the other."""
    return {name: chip.seconds(work) for name, work in works.items()}


def ratio(turns: list[Turn], of: str, to: str) -> float:
    """Median over the turns of the ratio of two works' seconds within a turn."""
    return statistics.median(turn[of] / turn[to] for turn in turns)


def rate(turns: list[Turn], of: str, amount: float) -> float:
    """Amount a second of a work that does so much in a turn, by its median turn."""
    return amount / statistics.median(turn[of] for turn in turns)


def embedding_size(backbone: str) -> int:
    """Numbers in an embedding of a backbone, as the studies have it."""
    return TINY_SIZE if backbone == "tiny" else USUAL_SIZE


def multiply_adds(backbone: str) -> int:
    """Of one image's way through a backbone, forward."""
    with torch.device("meta"):
        network = backbones.build(backbone, embedding_size(backbone)).eval()
        with FlopCounterMode(display=False) as counter:
            network(torch.empty(1, 3, 112, 112))
    return counter.get_total_flops() // 2


@contextmanager
def threads(count: int) -> Iterator[None]:
    """A context in which torch computes with so many threads on a processor."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
