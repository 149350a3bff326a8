"""Batches from a record file as a share of bare decoding, and the memory that they take.

Bare: every JPEG of the set, already in memory, decoded by simplejpeg into one buffer, in the order
of an epoch, by as many threads. Ours: an epoch of the training loader over the `.rec` with those
JPEGs: random access, decoding and batching into uint8 batches of 256. For comparison, the same by
torch's DataLoader with as many processes. All take turns; a share is the median over the turns of
the ratio within a turn, since the speed of a shared machine drifts. Sharded: as many processes as
cores, each with the training loader over its own images of every batch and one thread, against one
process with as many threads. Memory: peak of a fresh process after opening the set and after an
epoch of it, for a file and for one eight times as large.

Run `python -m benchmarks.loading`.
"""

import io
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg
import torch
from PIL import Image

from irlib.data.decoding import SIZE
from irlib.data.faces import Faces, open_faces
from irlib.data.loading import TrainLoader
from irlib.data.recordio import pack
from irlib.data.sources import crops

IMAGES, SMALL = 12_288, 4_096  # of the file that is timed, and of the smaller for the memory
TURNS = 8  # the first one warms up
BATCH = 256


class Pictures:
    """Random smooth pictures as JPEGs of about 6 kB, the size of an aligned face."""

    def __init__(self, count: int) -> None:
        self.count = count
        rng = np.random.default_rng(0)
        self.made = [self._jpeg(rng) for _ in range(min(count, IMAGES))]

    def __len__(self) -> int:
        """Number of images."""
        return self.count

    def name(self, index: int) -> str:
        """A number."""
        return f"{index:08d}.jpg"

    def encoded(self, index: int) -> bytes:
        """The JPEG; a large set repeats them."""
        return self.made[index % len(self.made)]

    def _jpeg(self, rng: np.random.Generator) -> bytes:
        small = rng.integers(0, 256, (26, 26, 3), dtype=np.uint8)
        file = io.BytesIO()
        picture = Image.fromarray(small).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
        picture.save(file, "JPEG", quality=90)
        return file.getvalue()


class Processes(torch.utils.data.Dataset):
    """What torch's DataLoader needs: a batch by its indices."""

    def __init__(self, faces: Faces) -> None:
        self.faces = faces

    def __getitems__(self, indices: list[int]) -> torch.Tensor:
        """A batch of crops."""
        return torch.from_numpy(crops(self.faces.images, indices))


def bare(jpegs: list[bytes], workers: int) -> None:
    """Decode all, each thread into a buffer of its own."""

    def decode(some: list[bytes]) -> None:
        buffer = np.empty((SIZE, SIZE, 3), dtype=np.uint8)
        for jpeg in some:
            simplejpeg.decode_jpeg(jpeg, buffer=buffer)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(decode, [jpegs[start::workers] for start in range(workers)]))


def ours(faces: Faces, workers: int) -> None:
    """An epoch of the training loader."""
    for _ in TrainLoader(faces, batch_size=BATCH, seed=0, workers=workers):
        pass


def by_processes(faces: Faces, workers: int) -> None:
    """An epoch of torch's loader, in the same order."""
    order = np.random.default_rng([0, 0]).permutation(len(faces))
    chunks = [order[at : at + BATCH].tolist() for at in range(0, len(order), BATCH)]
    loader = torch.utils.data.DataLoader(
        Processes(faces), batch_sampler=chunks, collate_fn=as_it_is, num_workers=workers
    )
    for _ in loader:
        pass


def as_it_is(batch: torch.Tensor) -> torch.Tensor:
    """The batch, which is collated already."""
    return batch


def measure_rate(folder: Path, workers: int) -> dict[str, Any]:
    """Images/s of the three, taking turns."""
    faces = open_faces(folder)
    order = np.random.default_rng([0, 0]).permutation(len(faces)).tolist()
    jpegs = [faces.images.encoded(row) for row in order]
    works: tuple[Callable[[], None], ...] = (
        lambda: bare(jpegs, workers), lambda: ours(faces, workers),
        lambda: by_processes(faces, workers),
    )  # fmt: skip
    turns = np.array([[seconds(work) for work in works] for _ in range(TURNS)])[1:]  # (T, 3)
    rates = len(faces) / np.median(turns, axis=0)
    shares = np.median(turns[:, :1] / turns, axis=0)
    return {
        "workers": workers, "bytes/image": round(statistics.mean(map(len, jpegs))),
        "bare images/s": float(rates[0]), "loader images/s": float(rates[1]),
        "share": float(shares[1]), "share with processes": float(shares[2]),
    }  # fmt: skip


def measure_shards(folder: Path, size: int) -> dict[str, Any]:
    """Images/s of several processes with a thread each and of one with as many, taking turns."""
    context = multiprocessing.get_context("spawn")
    turn = context.Barrier(size + 1, timeout=600)
    processes = [
        context.Process(target=epochs_of_a_shard, args=(folder, rank, size, turn), daemon=True)
        for rank in range(size)
    ]
    for process in processes:
        process.start()
    faces = open_faces(folder)

    def sharded() -> None:
        turn.wait()  # all begin
        turn.wait()  # all are done

    works: tuple[Callable[[], None], ...] = (lambda: ours(faces, size), sharded)
    turns = np.array([[seconds(work) for work in works] for _ in range(TURNS)])[1:]
    for process in processes:
        process.join()
    rates = len(faces) / np.median(turns, axis=0)
    return {
        "processes": size, "images/s of all": float(rates[1]),
        "images/s of one with as many threads": float(rates[0]),
        "ratio": float(np.median(turns[:, 0] / turns[:, 1])),
    }  # fmt: skip


def epochs_of_a_shard(folder: Path, rank: int, size: int, turn: Any) -> None:
    """Epochs of one process's images, at the word of the one that takes the time."""
    torch.set_num_threads(1)
    loader = TrainLoader(
        open_faces(folder), batch_size=BATCH, seed=0, workers=1, rank=rank, size=size
    )
    for _ in range(TURNS):
        turn.wait()
        for _ in loader:
            pass
        turn.wait()


def seconds(work: Callable[[], None]) -> float:
    """How long a piece of work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def measure_memory(folder: Path) -> dict[str, Any]:
    """Peak memory of a fresh process that opens a set and reads an epoch of it."""
    command = [sys.executable, "-m", "benchmarks.loading", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    count, opened, read = done.stdout.split()
    size = (folder / "train.rec").stat().st_size
    return {
        "images": int(count), "file MB": size / 1e6, "peak MiB when open": float(opened),
        "peak MiB after an epoch": float(read),
    }  # fmt: skip


def tell_memory(folder: Path) -> str:
    """Images, and the peak in MiB when they are open and after an epoch."""
    faces = open_faces(folder)
    opened = peak()
    ours(faces, workers=2)
    return f"{len(faces)} {opened:.1f} {peak():.1f}"


def peak() -> float:
    """Largest resident memory so far, MiB: Linux alone, and not that of the starting process."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def measure() -> list[dict[str, Any]]:
    """Rows of the rate with one thread and with one a core, of shards, and of the memory."""
    torch.set_num_threads(1)
    cores = len(os.sched_getaffinity(0))
    rows = []
    with tempfile.TemporaryDirectory() as text:
        for count in (IMAGES, SMALL, 8 * SMALL):
            labels = np.arange(count) // 50
            pack(Pictures(count), labels, Path(text) / str(count))
        rows += [measure_rate(Path(text) / str(IMAGES), n) for n in sorted({1, cores})]
        rows += [measure_shards(Path(text) / str(IMAGES), cores)] if cores > 1 else []
        rows += [measure_memory(Path(text) / str(count)) for count in (SMALL, 8 * SMALL)]
    return rows


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(tell_memory(Path(sys.argv[1])))
    else:
        for row in measure():
            print({key: round(v, 3) if isinstance(v, float) else v for key, v in row.items()})
