"""Training batches of uint8 images with their labels and ages.

Shapes: B batch, N images.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from irlib.data.decoding import SIZE, decode_crop, decoded_quickly
from irlib.data.faces import Faces
from irlib.data.sampling import Sampler, Uniform
from irlib.data.sources import Images
from irlib.images import Batch

_PIECE = 64  # images a thread decodes at a time: fewer cost more handing over
_AHEAD = 4  # batches under way, where pieces suffice for all threads

Bad = list[tuple[int, str]]  # place in a batch, and what is wrong with the image


@dataclass(frozen=True, eq=False)
class _Pending:
    """A batch under way: the images it will hold, and the pieces still being decoded."""

    chosen: NDArray[np.int64]
    pixels: torch.Tensor
    pieces: list[Future[Bad]]


class TrainLoader:
    """Random training batches, epoch after epoch, that can go on from any batch.

    The order of an epoch depends on the seed and the epoch alone: neither on the file system, nor
    on the number of workers, nor on what was drawn elsewhere. A batch of one image is left out,
    since batch norm cannot take it.

    Args:
        faces: N images with labels and ages.
        batch_size: images a batch.
        seed: of the order.
        sampler: which images an epoch draws; each one once if it is None.
        workers: threads that decode, some batches ahead; with 0 all images are decoded at once
            and kept in memory (37,632 bytes each), which suits small sets.
        allowed_bad: so many different images may be damaged: they are left out of their batches
            and named in `bad`. One more stops the training.

    Raises:
        ValueError: fewer than two images or arrays of unequal length; or, with 0 workers, too
            many damaged images.
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
    ) -> None:
        counts = len(faces.images), len(faces.labels), len(faces.ages)
        if len(set(counts)) > 1:
            images, labels, ages = counts
            raise ValueError(
                f"{images} images, {labels} labels, {ages} ages: expected one of each an image"
            )
        if counts[0] < 2:
            raise ValueError(f"{counts[0]} images: expected at least 2 to train on")
        for name, value, least in (
            ("batch_size", batch_size, 2), ("workers", workers, 0), ("allowed_bad", allowed_bad, 0)
        ):  # fmt: skip
            if value < least:
                raise ValueError(f"{name}={value}: expected at least {least}")
        self.faces, self.batch_size, self.seed = faces, batch_size, seed
        self.sampler = sampler or Uniform(len(faces))
        self.workers, self.allowed_bad = workers, allowed_bad
        self.epoch = 0  # whole epochs given out
        self.position = 0  # batches given out in the epoch under way
        self.bad: list[str] = []  # names of the damaged images met so far, each once
        self._missing: NDArray[np.int64] = np.empty(0, dtype=np.int64)  # not among those kept
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
        chunks = (chunk for chunk in chunks if len(chunk) > 1)
        batches = self._from_memory(chunks) if self.kept is not None else self._decoded(chunks)
        try:
            for batch in batches:
                self.position += 1
                if len(batch.labels) > 1:
                    yield batch
        finally:
            batches.close()
        self.epoch, self.position = self.epoch + 1, 0

    @property
    def images_seen(self) -> int:
        """Images given out so far, over all epochs, with the damaged ones that were left out."""
        count = len(self.faces)
        an_epoch = count - (count % self.batch_size == 1)
        return self.epoch * an_epoch + min(self.position * self.batch_size, an_epoch)

    def state_dict(self) -> dict[str, Any]:
        """Where the loader stands."""
        return {"epoch": self.epoch, "position": self.position, "bad": list(self.bad)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where another loader over the same images stood."""
        self.epoch, self.position = state["epoch"], state["position"]
        known = state.get("bad", [])
        self.bad = [*known, *(name for name in self.bad if name not in known)]

    def _from_memory(self, chunks: Iterator[NDArray[np.int64]]) -> Iterator[Batch]:
        for chosen in chunks:
            sound = chosen[~np.isin(chosen, self._missing)]
            pixels = _buffer(len(sound))
            torch.index_select(self.kept, 0, torch.from_numpy(sound), out=pixels)
            yield self._batch(sound, pixels)

    def _decoded(self, chunks: Iterator[NDArray[np.int64]]) -> Iterator[Batch]:
        # pieces of later batches follow those of earlier ones, so no thread waits for a batch
        ahead = max(_AHEAD, 2 * self.workers * _PIECE // self.batch_size)
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="decode")
        pending: deque[_Pending] = deque()
        try:
            for chosen in chunks:
                pending.append(self._begin(pool, chosen))
                if len(pending) > ahead:
                    yield self._finished(pending.popleft())
            while pending:
                yield self._finished(pending.popleft())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _begin(self, pool: ThreadPoolExecutor, chosen: NDArray[np.int64]) -> _Pending:
        pixels = _buffer(len(chosen))
        rows = pixels.numpy()
        pieces = [
            pool.submit(_decode, self.faces.images, chosen, rows, start)
            for start in range(0, len(chosen), _PIECE)
        ]
        return _Pending(chosen, pixels, pieces)

    def _finished(self, batch: _Pending) -> Batch:
        bad = [fault for piece in batch.pieces for fault in piece.result()]
        if not bad:
            return self._batch(batch.chosen, batch.pixels)
        self._note(batch.chosen, bad)
        sound = np.delete(np.arange(len(batch.chosen)), [place for place, _ in bad])
        return self._batch(batch.chosen[sound], batch.pixels[torch.from_numpy(sound)])

    def _batch(self, chosen: NDArray[np.int64], pixels: torch.Tensor) -> Batch:
        batch = Batch(
            pixels,
            torch.from_numpy(self.faces.labels[chosen].astype(np.int64)),
            torch.from_numpy(self.faces.ages[chosen].astype(np.float32)),
        )
        # page-locked where there is a GPU: only from there can a copy run beside the computation
        return batch.pin_memory() if torch.cuda.is_available() else batch

    def _decode_all(self) -> torch.Tensor:
        everything = np.arange(len(self.faces))
        pixels = np.zeros((len(everything), SIZE, SIZE, 3), dtype=np.uint8)
        for start in range(0, len(everything), _PIECE):
            bad = _decode(self.faces.images, everything, pixels, start)
            self._note(everything, bad)
            missing = np.array([place for place, _ in bad], dtype=np.int64)
            self._missing = np.concatenate([self._missing, missing])
        return torch.from_numpy(pixels)

    def _note(self, chosen: NDArray[np.int64], bad: Bad) -> None:
        for place, reason in bad:
            name = self.faces.images.name(int(chosen[place]))
            if name in self.bad:
                continue
            self.bad.append(name)
            if len(self.bad) > self.allowed_bad:
                allowed = f"; {self.allowed_bad} may be damaged" if self.allowed_bad else ""
                raise ValueError(f"{reason}{allowed}")


def _decode(
    images: Images, chosen: NDArray[np.int64], pixels: NDArray[np.uint8], start: int
) -> Bad:
    bad = []
    for place, row in enumerate(chosen[start : start + _PIECE].tolist(), start=start):
        try:
            data = images.encoded(row)
            if not decoded_quickly(data, pixels[place]):  # a name costs a hundredth of decoding
                decode_crop(data, images.name(row), pixels[place])
        except ValueError as error:
            bad.append((place, str(error)))
    return bad


def _buffer(count: int) -> torch.Tensor:
    shape = (count, SIZE, SIZE, 3)
    if torch.cuda.is_available():  # page-locked at once, or the batch would be copied once more
        return torch.empty(shape, dtype=torch.uint8, pin_memory=True)
    # from numpy, which asks for huge pages: the first touch of small ones costs a twentieth
    return torch.from_numpy(np.empty(shape, dtype=np.uint8))
