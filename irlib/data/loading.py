"""Training batches of uint8 images with their labels and ages.

Shapes: N images, B in a batch of all processes, b of them in this process.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from irlib.data.decoding import SIZE
from irlib.data.faces import Faces
from irlib.data.sampling import Sampler, Uniform
from irlib.data.sources import Bad, crops_into
from irlib.images import Batch, even_sizes
from irlib.parallel import exchanged
from irlib.provenance import available_cores
from irlib.training.config import EVERY_CORE

_PIECE = 64  # images a thread decodes at a time: fewer cost more handing over
_AHEAD = 4  # batches under way, where pieces suffice for all threads
_MOST = 16  # threads: all but a twentieth of decoding is outside the interpreter's lock

Rows = NDArray[np.int64]
_Part = tuple[Rows, torch.Tensor, Bad]  # rows (b,) of the set, their pixels, the damaged of them


@dataclass(frozen=True, eq=False)
class _Pending:
    """What this process will have of a batch, and the pieces of it still being decoded."""

    rows: Rows
    pixels: torch.Tensor
    pieces: list[Future[Bad]]

    def part(self) -> _Part:
        """Wait for the pieces."""
        return self.rows, self.pixels, [bad for piece in self.pieces for bad in piece.result()]


class TrainLoader:
    """Random training batches, epoch after epoch, that can go on from any batch.

    The order of an epoch depends on the seed and the epoch alone: neither on the file system, nor
    on the number of workers or processes, nor on what was drawn elsewhere. A batch of one image is
    left out, since batch norm cannot take it.

    Of several processes each decodes and gives out its own images of every batch: one after the
    other in the order of the processes, cut by `even_sizes`. All stand at the same batch, and any
    number of processes can go on from there.

    Args:
        faces: N images with labels and ages.
        batch_size: images a batch, of all processes together.
        seed: of the order.
        sampler: which images an epoch draws; each one once if it is None.
        workers: threads that decode, some batches ahead; `EVERY_CORE` for as many as this process
            has cores. With 0 all N images are decoded at once, by every process, and kept in
            memory (37,632 bytes each), which suits small sets.
        allowed_bad: so many different images may be damaged: they are left out of their batches
            and named in `bad`. One more stops the training. Above 0, several processes tell each
            other at every batch what they met, so that they give out the same batches.
        rank: number of this process.
        size: how many there are.
        local_size: how many of them share this machine's cores.

    Raises:
        ValueError: fewer than two images, arrays of unequal length or a number out of its range;
            or, with 0 workers, too many damaged images.
    """

    def __init__(
        self,
        faces: Faces,
        *,
        batch_size: int,
        seed: int,
        sampler: Sampler | None = None,
        workers: int = 0,
        allowed_bad: int = 0,
        rank: int = 0,
        size: int = 1,
        local_size: int = 1,
    ) -> None:
        _require_equal_lengths(faces)
        for name, value, least in (
            ("size", size, 1), ("local_size", local_size, 1), ("rank", rank, 0),
            ("batch_size", batch_size, max(2, size)), ("workers", workers, EVERY_CORE),
            ("allowed_bad", allowed_bad, 0),
        ):  # fmt: skip
            if value < least:
                raise ValueError(f"{name}={value}: expected at least {least}")
        if rank >= size:
            raise ValueError(f"rank={rank}: expected less than size={size}")
        self.faces, self.batch_size, self.seed = faces, batch_size, seed
        self.sampler = sampler or Uniform(len(faces))
        self.workers = _cores(local_size) if workers == EVERY_CORE else workers
        self.allowed_bad = allowed_bad
        self.rank, self.size = rank, size
        self.epoch = 0  # whole epochs given out
        self.position = 0  # batches given out in the epoch under way
        self.bad: list[str] = []  # names of the damaged images met so far, each once
        self._missing: Rows = np.empty(0, dtype=np.int64)  # not among those kept
        self.kept = self._decode_all() if workers == 0 else None

    def __len__(self) -> int:
        """Batches an epoch."""
        full, rest = divmod(len(self.faces), self.batch_size)
        return full + (rest > 1)

    def __iter__(self) -> Iterator[Batch]:
        """What is left of the epoch under way; then the next epoch is due.

        Raises:
            ValueError: an image is damaged, and more are than allowed; the message names it.
        """
        order = self.sampler.order(np.random.default_rng([self.seed, self.epoch]))
        starts = range(self.position * self.batch_size, len(order), self.batch_size)
        chunks = (order[start : start + self.batch_size] for start in starts)
        own = (np.array_split(c, self.size)[self.rank] for c in chunks if len(c) > 1)
        parts = self._from_memory(own) if self.kept is not None else self._decoded(own)
        try:
            for part in parts:
                batch = self._batch(*part)
                self.position += 1
                if batch.total > 1:
                    yield batch
        finally:
            parts.close()
        self.epoch, self.position = self.epoch + 1, 0

    @property
    def images_seen(self) -> int:
        """Images given out so far by all, over all epochs, with damaged ones that were left out."""
        count = len(self.faces)
        an_epoch = count - (count % self.batch_size == 1)
        return self.epoch * an_epoch + min(self.position * self.batch_size, an_epoch)

    def state_dict(self) -> dict[str, Any]:
        """Where the loader stands; the same in every process."""
        return {"epoch": self.epoch, "position": self.position, "bad": list(self.bad)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where another loader over the same images stood."""
        self.epoch, self.position = state["epoch"], state["position"]
        known = state.get("bad", [])
        self.bad = [*known, *(name for name in self.bad if name not in known)]

    def _from_memory(self, own: Iterator[Rows]) -> Iterator[_Part]:
        for rows in own:
            sound = rows[~np.isin(rows, self._missing)]
            pixels = _buffer(len(sound))
            torch.index_select(self.kept, 0, torch.from_numpy(sound), out=pixels)
            yield sound, pixels, []

    def _decoded(self, own: Iterator[Rows]) -> Iterator[_Part]:
        # pieces of later batches follow those of earlier ones, so no thread waits for a batch
        images = -(-self.batch_size // self.size)
        ahead = max(_AHEAD, 2 * self.workers * _PIECE // images)
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="decode")
        pending: deque[_Pending] = deque()
        try:
            for rows in own:
                pending.append(self._begin(pool, rows))
                if len(pending) > ahead:
                    yield pending.popleft().part()
            while pending:
                yield pending.popleft().part()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _begin(self, pool: ThreadPoolExecutor, rows: Rows) -> _Pending:
        pixels = _buffer(len(rows))
        out, images = pixels.numpy(), self.faces.images
        cuts = (slice(start, start + _PIECE) for start in range(0, len(rows), _PIECE))
        pieces = [pool.submit(crops_into, out[cut], images, rows[cut]) for cut in cuts]
        return _Pending(rows, pixels, pieces)

    def _batch(self, rows: Rows, pixels: torch.Tensor, bad: Bad) -> Batch:
        if bad:
            sound = np.flatnonzero(~np.isin(rows, [row for row, _ in bad]))
            rows, pixels = rows[sound], pixels[torch.from_numpy(sound)]
        batch = Batch(
            pixels,
            torch.from_numpy(self.faces.labels[rows].astype(np.int64)),
            torch.from_numpy(self.faces.ages[rows].astype(np.float32)),
            self._counts(len(rows), bad),
        )
        # page-locked where there is a GPU: only from there can a copy run beside the computation
        return batch.pin_memory() if torch.cuda.is_available() else batch

    def _counts(self, sound: int, bad: Bad) -> tuple[int, ...] | None:
        # the images that each process has of the next batch; all note the damaged ones of all
        if self.size > 1 and self.allowed_bad:
            # by the training's own thread, so that every process comes here once a batch
            met = exchanged((sound, bad))
            self._note([fault for _, faults in met for fault in faults])
            return tuple(count for count, _ in met)
        self._note(bad)  # where none is allowed, the first one ends this process
        left = len(self.faces) - self.position * self.batch_size
        return even_sizes(min(self.batch_size, left), self.size) if self.size > 1 else None

    def _decode_all(self) -> torch.Tensor:
        everything = np.arange(len(self.faces))
        pixels = np.zeros((len(everything), SIZE, SIZE, 3), dtype=np.uint8)
        for start in range(0, len(everything), _PIECE):
            piece = slice(start, start + _PIECE)
            bad = crops_into(pixels[piece], self.faces.images, everything[piece])
            self._note(bad)
            missing = np.array([row for row, _ in bad], dtype=np.int64)
            self._missing = np.concatenate([self._missing, missing])
        return torch.from_numpy(pixels)

    def _note(self, bad: Bad) -> None:
        for row, reason in bad:
            name = self.faces.images.name(row)
            if name in self.bad:
                continue
            self.bad.append(name)
            if len(self.bad) > self.allowed_bad:
                allowed = f"; {self.allowed_bad} may be damaged" if self.allowed_bad else ""
                raise ValueError(f"{reason}{allowed}")


def _require_equal_lengths(faces: Faces) -> None:
    images, labels, ages = len(faces.images), len(faces.labels), len(faces.ages)
    if not images == labels == ages:
        raise ValueError(
            f"{images} images, {labels} labels, {ages} ages: expected one of each an image"
        )
    if images < 2:
        raise ValueError(f"{images} images: expected at least 2 to train on")


def _cores(local_size: int) -> int:
    return max(1, min(available_cores() // local_size, _MOST))


def _buffer(count: int) -> torch.Tensor:
    shape = (count, SIZE, SIZE, 3)
    if torch.cuda.is_available():  # page-locked at once, or the batch would be copied once more
        return torch.empty(shape, dtype=torch.uint8, pin_memory=True)
    # from numpy, which asks for huge pages: the first touch of small ones costs a twentieth
    return torch.from_numpy(np.empty(shape, dtype=np.uint8))
