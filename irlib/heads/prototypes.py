"""The prototypes of a head: which of them this process holds, and which take part in a step.

Shapes: C classes, c of them in this process, D numbers in a prototype.
"""

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from irlib.heads.rows import Classes, all_classes, drawn_classes
from irlib.parallel import Shard


class PrototypeTable(nn.Module):
    """Prototypes that can be divided over processes, and drawn from in training.

    `prototypes` is a Parameter (C, D), one row a class. Once divided it has the rows (c, D) of
    `shard`, which is None before. `kept_counts` then tells how many of the kept classes each
    process holds.

    Args:
        embedding_size: D.
        num_classes: C.

    Raises:
        ValueError: a size below 1.
    """

    def __init__(self, embedding_size: int, num_classes: int) -> None:
        super().__init__()
        for name, value in [("embedding_size", embedding_size), ("num_classes", num_classes)]:
            if value < 1:
                raise ValueError(f"{name}: expected at least 1, got {value}")
        self.prototypes = nn.Parameter(torch.empty(num_classes, embedding_size))
        self.num_classes = num_classes
        self.shard: Shard | None = None
        self.kept_counts: tuple[int, ...] | None = None
        self.keep([])
        self.settle()
        self.begin_step(0)

    def settle(self, *, class_chunk: int = 0, sampled_share: float = 1.0, seed: int = 0) -> None:
        """Say how a softmax over the classes is computed.

        Args:
            class_chunk: classes whose logits are in memory at a time; 0: all.
            sampled_share: of this process's classes, those that a training step takes, drawn anew
                in each. Below 1 the gradient of the prototypes is sparse, each row once.
            seed: of the draws.

        Raises:
            ValueError: a value out of its range.
        """
        if class_chunk < 0:
            raise ValueError(f"class_chunk: expected 0 or more, got {class_chunk}")
        if not 0 < sampled_share <= 1:
            raise ValueError(f"sampled_share: expected a share in (0, 1], got {sampled_share}")
        self.class_chunk, self.sampled_share, self._seed = class_chunk, sampled_share, seed

    def keep(self, class_ids: ArrayLike) -> None:
        """Name the classes (n,), each once, that are in every draw, in place of others before.

        Raises:
            ValueError: the head is divided already.
        """
        self._require_whole()
        kept = torch.as_tensor(np.sort(np.asarray(class_ids, dtype=np.int64)))
        self.register_buffer("_kept", kept.to(self.prototypes.device), persistent=False)

    def divide(self, *, rank: int, size: int) -> None:
        """Leave this process its own prototypes, in place; one process alone keeps all.

        Args:
            rank: number of the process.
            size: how many there are; each of them calls it.

        Raises:
            ValueError: the head is divided already.
        """
        self._require_whole()
        if size == 1:
            return
        shards = [Shard.of(self.num_classes, rank=each, size=size) for each in range(size)]
        ends = np.searchsorted(self._kept.cpu().numpy(), [0, *(shard.end for shard in shards)])
        self.kept_counts = tuple(np.diff(ends).tolist())
        self.shard = shards[rank]
        self._kept = self._kept[ends[rank] : ends[rank + 1]] - self.shard.first
        own = self.prototypes.detach()[self.shard.first : self.shard.end]
        self.prototypes.data = own.clone()  # of a mere view the whole table would stay

    def begin_step(self, step: int) -> None:
        """Draw other classes from now on than in other steps."""
        self._step = step

    def draw(self, labels: Tensor) -> Classes:
        """The classes that take part in a step: all, or in training a sample.

        Args:
            labels: (B,) of the batch of all processes.
        """
        if self.sampled_share == 1 or not self.training or len(self.prototypes) == 0:
            return self._all()
        first = 0 if self.shard is None else self.shard.first
        seed = np.random.SeedSequence([self._seed, self._step, first]).generate_state(1)
        return drawn_classes(
            self.prototypes, self._kept, self.shard, labels, share=self.sampled_share,
            seed=int(seed[0]),
        )  # fmt: skip

    @torch.no_grad()
    def rows_of(self, labels: Tensor) -> Tensor:
        """Prototypes (n, D) of any classes (n,), from whatever process holds them; no gradient."""
        classes = self._all()
        place, here = classes.places(labels)
        return classes.summed(torch.where(here[:, None], classes.rows[place], 0))

    def _all(self) -> Classes:
        return all_classes(self.prototypes, self._kept, self.shard)

    def _require_whole(self) -> None:
        if self.shard is not None:
            raise ValueError(f"expected a head that is not divided yet, but it has {self.shard}")
