"""The training loop of every method, in one process or as one of several.

Shapes: B images of a step in all processes, b in this one, D embedding.
"""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from irlib import parallel, runs
from irlib.backbones.features import Features
from irlib.images import Batch, Transfer, augment
from irlib.objectives import Objective
from irlib.progress import track
from irlib.training.config import TrainConfig
from irlib.training.optimizers import (
    build_optimizers,
    clip_gradients,
    gather_rows,
    set_learning_rate,
)
from irlib.training.recorder import Recorder, require_finite
from irlib.training.resuming import VALUES, States
from irlib.training.running import Running
from irlib.training.schedules import learning_rate
from irlib.training.spread import make_alike, spread, sum_gradients, without_sum


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
    *,
    seed: int,
) -> list[dict[str, Any]]:
    """Train in place, from the state in the recorder's folder if there is one.

    An interrupted run goes on as if nothing had happened: on the same device, number of threads
    and number of processes its weights end bit for bit as those of an undisturbed run. On another
    number of processes it goes on from the same numbers, bit for bit.

    Args:
        backbone: images (B, 3, 112, 112) to what the objective takes: (B, D) embeddings, or
            `Features` where it splits age off. Alike in every process.
        objective: named losses of a batch; whole, alike in every process. It comes to the
            backbone's device, and of several processes each keeps a part of its prototypes.
        loader: batches, epoch after epoch; of each, this process's part.
        config: the recipe.
        recorder: where history and checkpoints go.
        seed: of what augmentation draws, and of classes that are sampled.

    Returns:
        The history: one entry a log line, with the mean losses since the one before.

    Raises:
        FloatingPointError: a loss or a weight is not finite; the message gives the step.
        ValueError: the state in the folder is damaged.
        OSError: a state could not be written; the one before stays.
    """
    device = next(backbone.parameters()).device
    states = States(recorder.folder, asynchronous=device.type == "cuda")
    if content := recorder.finished():
        backbone.load_state_dict(content["backbone"])
        objective.load_state_dict(content["objective"])
        states.clear()
        return recorder.lines
    network = spread(backbone, objective, config, seed=seed)
    optimizers = build_optimizers(backbone, objective, config)
    draws = torch.Generator().manual_seed(seed)
    running = Running(backbone, objective, optimizers, draws)
    step = _restore(states, running, loader, recorder)
    while loader.epoch < config.epochs:
        step = _epoch(network, running, loader, config, recorder, states, step)
        make_alike(backbone)
        recorder.end_epoch(backbone, objective, step=step, images=loader.images_seen)
        _save(states, running, loader, recorder, step)
    recorder.finish(backbone, objective, step=step)
    states.clear()
    return recorder.lines


def _epoch(
    network: nn.Module,
    running: Running,
    loader: Loader,
    config: TrainConfig,
    recorder: Recorder,
    states: States,
    step: int,
) -> int:
    # what is left of the epoch under way, from so many steps to the number that is returned
    backbone, objective, optimizers = running.backbone, running.objective, running.optimizers
    transfer = Transfer(running.device)
    backbone.train()
    objective.train()
    drops = config.drops(loader.epoch)
    for batch in _told(loader, config):
        batch = transfer(batch)
        images = _augmented(batch, config, running.draws)  # (b, 3, 112, 112)
        lr = learning_rate(config, _batches_before(loader), len(loader))

        objective.head.begin_step(step)
        objective.begin_step(step, drops)
        _zero(optimizers)
        losses, features, part = _gradients(network, objective, images, batch, config)
        if config.clip_norm:
            clip_gradients(backbone, objective, config.clip_norm)
        _update(optimizers, lr)

        step += 1
        recorder.add(losses)
        last = loader.position == len(loader)
        if step % config.log_every == 0 or last:  # the only read that waits for the device
            accuracy = objective.accuracy(features, part).item()
            recorder.log(step=step, images=loader.images_seen, lr=lr, accuracy=accuracy)
        if step % config.save_every == 0 and not last:
            make_alike(backbone)
            _save(states, running, loader, recorder, step)
    return step


def _gradients(
    network: nn.Module, objective: Objective, images: Tensor, batch: Batch, config: TrainConfig
) -> tuple[dict[str, Tensor], Tensor | Features, Batch]:
    # the losses of the batch, and features and images of the last of its parts
    parts = batch.parts(config.accumulate)
    rows = images.split([len(part.labels) for part in parts])
    means: dict[str, Tensor] = {}
    for number, part in enumerate(parts, start=1):
        share = part.total / batch.total
        with nullcontext() if number == len(parts) else without_sum(network):
            bf16 = config.precision == "bf16"
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


def _zero(optimizers: list[Optimizer]) -> None:
    for optimizer in optimizers:
        optimizer.zero_grad()


def _update(optimizers: list[Optimizer], lr: float) -> None:
    set_learning_rate(optimizers, lr)
    for optimizer in optimizers:
        optimizer.step()


def _told(loader: Loader, config: TrainConfig) -> Iterator[Batch]:
    if parallel.rank():
        return iter(loader)
    label = f"epoch {loader.epoch + 1} of {config.epochs}"
    done = loader.position
    return track(loader, total=len(loader), label=label, unit="batches", done=done)


def _augmented(batch: Batch, config: TrainConfig, draws: torch.Generator) -> Tensor:
    return augment(
        batch,
        crop=config.crop,
        low_resolution=config.low_resolution,
        photometric=config.photometric,
        generator=draws,
        rank=parallel.rank(),
    )


def _batches_before(loader: Loader) -> int:
    # not the steps taken: a batch left with one sound image is none, and epochs end on time
    return loader.epoch * len(loader) + loader.position - 1


def _save(states: States, running: Running, loader: Loader, recorder: Recorder, step: int) -> None:
    states.finish()  # one that is still being written
    values = recorder.values(step)
    require_finite(step, running.backbone, running.objective)
    states.save(running, {**values, "loader": loader.state_dict()})


def _restore(states: States, running: Running, loader: Loader, recorder: Recorder) -> int:
    folder = states.newest()
    values = runs.read_json(folder / VALUES) if folder else {}
    if values.get("key") != recorder.key:
        states.set_aside()
        recorder.begin()
        return 0
    running.load(folder)
    loader.load_state_dict(values["loader"])
    recorder.go_on(values)
    return values["step"]
