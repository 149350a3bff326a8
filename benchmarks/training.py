"""The whole training iteration as a share of the bare backbone.

Bare: forward and backward of the same backbone on a float batch that lies in memory, nothing else.
Ours: the loop of `irlib.training.loop` as the studies run it: gather the batch, flip, normalise,
forward, margin head, Inter-Prototype loss, backward, optimizer, history. The two take turns in one
process, and medians are compared, so that a machine whose speed drifts slows both.

    python -m benchmarks.training
"""

import dataclasses
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from irlib import backbones, devices, methods, studies
from irlib.data.faces import Faces
from irlib.data.loading import TrainLoader
from irlib.data.sources import ImageFiles
from irlib.images import Batch, to_input
from irlib.training.config import TrainConfig
from irlib.training.loop import train
from irlib.training.recorder import Recorder

CLASSES, CHILDREN = 480, 96  # as many as demo trains on, about


class TimedLoader(TrainLoader):
    """A loader that notes when each batch is asked for."""

    def __iter__(self) -> Iterator[Batch]:
        """Batches; `seconds` keeps each iteration's, from asking for a batch to asking again."""
        self.seconds: list[float] = []
        begun = time.perf_counter()
        for batch in super().__iter__():
            yield batch
            synchronize()
            now = time.perf_counter()
            self.seconds.append(now - begun)
            begun = now


def synchronize() -> None:
    """Wait for the GPU, where there is one."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def faces(folder: Path, count: int) -> Faces:
    """Smooth random pictures as JPEG files, of about the size of a face crop's."""
    rng = np.random.default_rng(0)
    names = np.array([f"{index}.jpg" for index in range(count)])
    for name in names:
        small = rng.integers(0, 256, (14, 14, 3), dtype=np.uint8)
        picture = Image.fromarray(small).resize((112, 112), Image.Resampling.BICUBIC)
        picture.save(folder / name, quality=92)
    return Faces(
        images=ImageFiles(folder, names),
        labels=np.arange(count) % CLASSES,
        ages=np.full(count, np.nan),
        class_names=tuple(map(str, range(CLASSES))),
    )


def measure_loop(
    name: str, *, device: torch.device, rounds: int = 6, steps: int = 5, batch_size: int = 64
) -> dict[str, Any]:
    """Images/s of the bare backbone and of the loop, taking turns.

    Args:
        name: backbone.
        device: where both run.
        rounds: turns of each; the first is a warm-up.
        steps: steps a turn.
        batch_size: images a step.
    """
    backbone = backbones.build(name, 128 if name == "tiny" else 512).to(device)
    backbone = backbone.to(memory_format=torch.channels_last)
    size = 128 if name == "tiny" else 512
    method = methods.find("inter_prototype")
    study = dataclasses.replace(studies.find("demo"), embedding_size=size)
    objective = method.build(study, backbone, CLASSES, np.arange(CHILDREN))
    bare: list[float] = []
    ours: list[float] = []
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        loader = TimedLoader(faces(folder, steps * batch_size), batch_size=batch_size, seed=0)
        recipe = TrainConfig(epochs=1, batch_size=batch_size, lr=1e-3, log_every=steps, workers=0)
        images = to_input(loader.kept[:batch_size].to(device))
        for turn in range(rounds):
            bare_turn = bare_steps(backbone, images, steps)
            recorder = Recorder(folder / str(turn), model={}, key="")
            loader.load_state_dict({"epoch": 0, "position": 0})
            train(backbone, objective.to(device), loader, recipe, recorder)
            if turn:  # the first one warms up
                bare += bare_turn
                ours += loader.seconds
    rates = [batch_size / statistics.median(seconds) for seconds in (bare, ours)]
    return {
        "backbone": name, "device": str(device), "batch": batch_size,
        "bare images/s": rates[0], "loop images/s": rates[1], "share": rates[1] / rates[0],
    }  # fmt: skip


def bare_steps(backbone: torch.nn.Module, images: torch.Tensor, steps: int) -> list[float]:
    """Seconds of each bare forward and backward."""
    backbone.train()
    seconds = []
    for _ in range(steps):
        synchronize()
        begun = time.perf_counter()
        backbone.zero_grad()
        embeddings = backbone(images)
        # A random direction: gradients of an ordinary size, not zeros and denormal numbers.
        embeddings.backward(torch.randn_like(embeddings))
        synchronize()
        seconds.append(time.perf_counter() - begun)
    return seconds


def measure() -> list[dict[str, Any]]:
    """One row a backbone, on the CPU and on a GPU where there is one."""
    torch.set_num_threads(1)  # as the demo trains
    chosen = devices.pick("auto")
    where = {torch.device("cpu"), chosen}
    return [
        measure_loop(name, device=device, rounds=rounds)
        for device in sorted(where, key=str)
        for name, rounds in (("tiny", 8), ("mobilefacenet", 4))
    ]


if __name__ == "__main__":
    for row in measure():
        print({key: round(v, 3) if isinstance(v, float) else v for key, v in row.items()})
