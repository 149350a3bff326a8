"""The training loop of every method, in one process or as one of several.

What a step does stands in `irlib.training.stepping`.

Shapes: B images of a step in all processes, D embedding.
"""

from collections.abc import Iterator
from typing import Any

from torch import nn

from irlib import parallel
from irlib.images import Batch
from irlib.objectives import Objective
from irlib.progress import track
from irlib.training.config import TrainConfig
from irlib.training.recorder import Recorder
from irlib.training.resuming import States, restore, save
from irlib.training.running import Running
from irlib.training.spread import make_alike
from irlib.training.stepping import Loader, Stepping


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
    stepping = Stepping(backbone, objective, loader, config, seed=seed)
    modules = {"backbone": backbone, "objective": objective}
    draws = {"draws": stepping.draws}
    running = Running(modules, stepping.optimizers, draws, head=objective.head)
    step = restore(states, running, loader, recorder)
    while loader.epoch < config.epochs:
        step = _epoch(stepping, running, recorder, states, step)
        make_alike(backbone)
        recorder.end_epoch(backbone, objective, step=step, images=loader.images_seen)
        save(states, running, loader, recorder, step)
    recorder.finish(backbone, objective, step=step)
    states.clear()
    return recorder.lines


def _epoch(
    stepping: Stepping, running: Running, recorder: Recorder, states: States, step: int
) -> int:
    # what is left of the epoch under way, from so many steps to the number that is returned
    loader, config = stepping.loader, stepping.config
    stepping.train()
    for batch in _told(loader, config):
        taken = stepping.take(batch, step)
        step += 1
        recorder.add(taken.losses)
        last = loader.position == len(loader)
        if step % config.log_every == 0 or last:  # the only read that waits for the device
            told = {"lr": taken.lr, "accuracy": stepping.accuracy(taken)}
            recorder.log(step=step, images=loader.images_seen, **told)
        if step % config.save_every == 0 and not last:
            make_alike(stepping.backbone)
            save(states, running, loader, recorder, step)
    return step


def _told(loader: Loader, config: TrainConfig) -> Iterator[Batch]:
    if parallel.rank():
        return iter(loader)
    label = f"epoch {loader.epoch + 1} of {config.epochs}"
    done = loader.position
    return track(loader, total=len(loader), label=label, unit="batches", done=done)
