"""The training loop of every method, on one device.

Shapes: B batch, D embedding.
"""

from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from irlib.checkpoints import random_state, set_random_state
from irlib.images import Batch, augment
from irlib.objectives import Objective
from irlib.progress import track
from irlib.training.config import TrainConfig
from irlib.training.optimizers import build_optimizer, set_learning_rate
from irlib.training.recorder import Recorder
from irlib.training.schedules import learning_rate


class Loader(Protocol):
    """What the loop asks of its batches; `irlib.data.loading.TrainLoader` is one."""

    epoch: int  # whole epochs given out
    position: int  # batches given out in the epoch under way
    images_seen: int  # images given out, over all epochs

    def __len__(self) -> int: ...  # batches an epoch

    def __iter__(self) -> Iterator[Batch]: ...  # what is left of the epoch under way

    def state_dict(self) -> dict[str, Any]:
        """Where the loader stands."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""


def train(
    backbone: nn.Module,
    objective: Objective,
    loader: Loader,
    config: TrainConfig,
    recorder: Recorder,
) -> list[dict[str, Any]]:
    """Train in place, from the recorder's last checkpoint if it has one.

    An interrupted run goes on as if nothing had happened: on the same device and number of
    threads its weights end bit for bit as those of an undisturbed run.

    Args:
        backbone: images (B, 3, 112, 112) to what the objective takes: (B, D) embeddings, or
            `Features` where it splits age off.
        objective: named losses of a batch; on the backbone's device.
        loader: batches, epoch after epoch.
        config: the recipe.
        recorder: where history and checkpoints go.

    Returns:
        The history: one entry a log line, with the mean losses since the one before.

    Raises:
        FloatingPointError: a loss is not finite; the message gives the step.
    """
    device = next(backbone.parameters()).device
    optimizer = build_optimizer(backbone, objective, config)
    parts = {
        "backbone": backbone, "objective": objective, "optimizer": optimizer, "loader": loader
    }  # fmt: skip
    step = _restore(recorder, parts, device)

    while loader.epoch < config.epochs:
        backbone.train()
        objective.train()
        drops = config.drops(loader.epoch)
        for batch in _told(loader, config):
            batch = batch.to(device)
            images = _augmented(batch.images, config)  # (B, 3, 112, 112)
            lr = learning_rate(config, _batches_before(loader), len(loader))

            objective.begin_step(step, drops)
            with torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bf16"):
                features = backbone(images)  # usually (B, D) embeddings
            losses = objective(features, batch)  # in fp32: bf16 logits would step by 0.25
            loss = objective.total(losses)

            set_learning_rate(optimizer, lr)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

            step += 1
            recorder.add(losses)
            last = loader.position == len(loader)
            if step % config.log_every == 0 or last:  # the only read that waits for the device
                accuracy = objective.accuracy(features, batch.labels).item()
                recorder.log(step=step, images=loader.images_seen, lr=lr, accuracy=accuracy)
            if step % config.save_every == 0 and not last:
                recorder.save(_state(parts, step, device))

        recorder.end_epoch(backbone, objective, step=step, images=loader.images_seen)
        recorder.save(_state(parts, step, device))
    return recorder.lines


def _told(loader: Loader, config: TrainConfig) -> Iterator[Any]:
    label = f"epoch {loader.epoch + 1} of {config.epochs}"
    done = loader.position
    return track(loader, total=len(loader), label=label, unit="batches", done=done)


def _augmented(images: Tensor, config: TrainConfig) -> Tensor:
    probabilities = {"low_resolution": config.low_resolution, "photometric": config.photometric}
    return augment(images, crop=config.crop, **probabilities)


def _batches_before(loader: Loader) -> int:
    # not the steps taken: a batch left with one sound image is none, and epochs end on time
    return loader.epoch * len(loader) + loader.position - 1


def _state(parts: dict[str, Any], step: int, device: torch.device) -> dict[str, Any]:
    states = {name: part.state_dict() for name, part in parts.items()}
    return {**states, "step": step, "random": random_state(device)}


def _restore(recorder: Recorder, parts: dict[str, Any], device: torch.device) -> int:
    content = recorder.restore()
    if content is None:
        return 0
    for name, part in parts.items():
        part.load_state_dict(content[name])
    set_random_state(content["random"], device)
    return content["step"]
