"""The step of recognition: a batch forward and back through network and objective.

Shapes: B images of a step in all processes, b in this one, D embedding.
"""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from irlib import parallel
from irlib.backbones.features import Features
from irlib.images import Batch, Transfer, augment
from irlib.objectives import Objective
from irlib.training.config import TrainConfig
from irlib.training.optimizers import (
    build_optimizers,
    clip_gradients,
    gather_rows,
    set_learning_rate,
)
from irlib.training.schedules import learning_rate
from irlib.training.spread import spread, sum_gradients, without_sum


class Loader(Protocol):
    """What a training asks of its batches; `irlib.data.loading.TrainLoader` is one."""

    epoch: int  # whole epochs given out
    position: int  # batches given out in the epoch under way
    images_seen: int  # images given out, over all epochs

    def __len__(self) -> int: ...  # batches an epoch

    def __iter__(self) -> Iterator[Batch]: ...  # what is left of the epoch under way

    def state_dict(self) -> dict[str, Any]:
        """Where the loader stands."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""


class Taken(NamedTuple):
    """What a step leaves, on the device."""

    losses: dict[str, Tensor]  # means over the batch of all processes
    lr: float
    features: Tensor | Features  # of the images of the last part of the batch
    batch: Batch  # that part


class Stepping:
    """A training of recognition, of which one step is taken at a time.

    Args:
        backbone: alike in every process, on its device; laid out over all of them from now on.
        objective: whole, alike in every process; it comes to the backbone's device, and of
            several processes each keeps a part of its prototypes from now on.
        loader: gives the batches; the learning rate follows where it stands.
        config: the recipe.
        seed: of what augmentation draws, and of classes that are sampled.
    """

    def __init__(
        self,
        backbone: nn.Module,
        objective: Objective,
        loader: Loader,
        config: TrainConfig,
        *,
        seed: int,
    ) -> None:
        self.backbone, self.objective = backbone, objective
        self.loader, self.config = loader, config
        self.network = spread(backbone, objective, config, seed=seed)
        self.optimizers = build_optimizers(backbone, objective, config)
        self.draws = torch.Generator().manual_seed(seed)
        self.transfer = Transfer(next(backbone.parameters()).device)

    def train(self) -> None:
        """Put network and objective in training mode."""
        self.backbone.train()
        self.objective.train()

    def take(self, batch: Batch, step: int) -> Taken:
        """Take one step, on the batch that the loader gave last.

        Args:
            batch: this process's part of it.
            step: steps taken before.
        """
        objective, loader = self.objective, self.loader
        batch = self.transfer(batch)
        images = self._augmented(batch)  # (b, 3, 112, 112)
        # not the steps taken: a batch left with one sound image is none, and epochs end on time
        before = loader.epoch * len(loader) + loader.position - 1
        lr = learning_rate(self.config, before, len(loader))

        objective.head.begin_step(step)
        objective.begin_step(step, self.config.drops(loader.epoch))
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        losses, features, part = self._gradients(images, batch)
        if self.config.clip_norm:
            clip_gradients(self.backbone, objective, self.config.clip_norm)
        set_learning_rate(self.optimizers, lr)
        for optimizer in self.optimizers:
            optimizer.step()
        return Taken(losses, lr, features, part)

    def accuracy(self, taken: Taken) -> float:
        """Share of a step's images nearest to their own prototype; waits for the device."""
        return self.objective.accuracy(taken.features, taken.batch).item()

    def _augmented(self, batch: Batch) -> Tensor:
        return augment(
            batch,
            crop=self.config.crop,
            low_resolution=self.config.low_resolution,
            photometric=self.config.photometric,
            generator=self.draws,
            rank=parallel.rank(),
        )

    def _gradients(
        self, images: Tensor, batch: Batch
    ) -> tuple[dict[str, Tensor], Tensor | Features, Batch]:
        # the losses of the batch, and features and images of the last of its parts
        network, objective = self.network, self.objective
        parts = batch.parts(self.config.accumulate)
        rows = images.split([len(part.labels) for part in parts])
        means: dict[str, Tensor] = {}
        for number, part in enumerate(parts, start=1):
            share = part.total / batch.total
            with nullcontext() if number == len(parts) else without_sum(network):
                bf16 = self.config.precision == "bf16"
                with (
                    torch.autocast(images.device.type, torch.bfloat16, enabled=bf16),
                    torch.set_grad_enabled(objective.trains_network),
                ):
                    features = network(rows[number - 1])  # usually (b, D) embeddings
                losses = objective(features, part)  # in fp32: bf16 logits would step by 0.25
                loss = objective.total(losses)
                # each process holds the whole loss; see `irlib.parallel`
                (loss * (share / parallel.size())).backward()
            for name, value in losses.items():
                means[name] = means.get(name, 0) + share * value.detach()
        sum_gradients(objective)
        gather_rows(objective.head.prototypes, parts=len(parts))
        return means, features, part
