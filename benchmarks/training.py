"""The training iteration as a share of the bare backbone and of the chip, and beside the plain way.

Bare: forward and backward of the backbone on a float batch that lies in memory, nothing else.
Loop: `irlib.training.loop` as a run has it: loader, mirroring, forward, margin head,
Inter-Prototype loss, backward, optimizer, history; all but what comes once in many steps, a line of
history and a checkpoint. Plain: as a straightforward script does it (`benchmarks.plain`), in the
same precision. Chip: a product of large square matrices; an image counts as 3 x 2 x the
multiply-adds of its way forward. All take turns in one process, and shares are medians of the
ratio within a turn, since the speed of a shared machine drifts. Both loaders decode ahead while
the others have their turn. On a GPU the network is in bf16, in its best batch between 64 and
1,024; memory is what the loop adds, at the most. On a processor one thread computes, in batches so
small that many classes weigh: a pass over all prototypes costs as much for 8 images as for 64.

Run `python -m benchmarks.training [BACKBONE ...]`: eleven minutes on two cores.
"""

import math
import sys
from typing import Any

import torch

from benchmarks.measuring import (
    Chip,
    MatrixProduct,
    embedding_size,
    multiply_adds,
    rate,
    ratio,
    threads,
)
from benchmarks.turns import CASIA, MS1M, Bare, Case, recipe, repeated, take_turns
from irlib import backbones, devices
from irlib.training.config import TrainConfig

MILLION, WEBFACE = 1_000_000, 2_059_906  # classes; the latter as WebFace42M has
BATCHES = (64, 128, 256, 512, 1024)  # among which a GPU's best is looked for
CHUNK, CACHED = 65_536, 4_096  # classes at a time, on a GPU and within a processor's cache


def row(case: Case, chip: Chip) -> dict[str, Any]:
    """Rates and shares of a case; dashes where memory does not suffice for the loop."""
    recipe, product = case.recipe, MatrixProduct(chip)
    try:
        turns, mib = take_turns(case, chip)
    except torch.OutOfMemoryError:
        turns, mib = [dict.fromkeys(("chip", "bare", "plain", "loop"), math.nan)], math.nan
    images = recipe.batch_size * case.steps
    operations = 6 * multiply_adds(case.backbone) * images
    found = {
        "backbone": case.backbone,
        "batch": recipe.batch_size,
        "classes": f"{case.classes:,}",
        "way": way(recipe),
        "bare images/s": rate(turns, "bare", images),
        "loop images/s": rate(turns, "loop", images),
        "of bare": ratio(turns, "bare", "loop"),
        "of the chip": ratio(turns, "chip", "loop") * operations / product.operations,
        "plain images/s": rate(turns, "plain", images),
        "loop by plain": ratio(turns, "plain", "loop"),
    }
    return found | ({"GPU MiB": mib} if chip.is_gpu else {})


def way(recipe: TrainConfig) -> str:
    """What a recipe says of precision, compilation and the head, in words."""
    words = [recipe.precision]
    words += ["TF32"] if recipe.tf32 else []
    words += [f"compiled ({recipe.compile})"] if recipe.compile else []
    words += [f"{recipe.class_chunk:,} classes at a time"] if recipe.class_chunk else []
    words += [f"{recipe.sampled_share:.0%} of classes"] if recipe.sampled_share < 1 else []
    return ", ".join(words)


def cases_of_processor() -> list[Case]:
    """Small batches, the demo study's own network as it trains, and MS1MV2 at the paper's batch."""
    demo = Case(backbone="tiny", classes=480, recipe=recipe(64, workers=0), turns=8, steps=5)
    small = (
        ("mobilefacenet", 16, CASIA, 0),
        ("ir_18", 16, CASIA, 0),
        ("ir_18", 16, MS1M, 0),
        ("ir_18", 16, MS1M, CACHED),
        ("ir_50", 8, CASIA, 0),
        ("ir_50", 8, MS1M, CACHED),
        ("ir_100", 4, CASIA, 0),
    )
    others = (
        Case(backbone=name, classes=classes, recipe=recipe(batch, class_chunk=chunk))
        for name, batch, classes, chunk in small
    )
    ms1m = recipe(64, class_chunk=CACHED)
    return [demo, *others, Case(backbone="ir_50", classes=MS1M, recipe=ms1m, turns=2)]


def cases_of_gpu(backbone: str, batch_size: int) -> list[Case]:
    """As it is and compiled; with ir_50 also many classes, in each way of computing them.

    Args:
        backbone: name.
        batch_size: the best one.
    """
    fast = {"precision": "bf16", "deterministic": False}
    plans: list[tuple[int, dict[str, Any]]] = [(CASIA, {}), (CASIA, {"compile": "default"})]
    if backbone == "ir_50":
        plans += [
            (MS1M, {}),
            (MILLION, {}),
            (MILLION, {"tf32": True}),
            (MILLION, {"class_chunk": CHUNK}),
            (MILLION, {"sampled_share": 0.1}),
            (WEBFACE, {"tf32": True}),
            (WEBFACE, {"class_chunk": CHUNK, "tf32": True}),
            (WEBFACE, {"sampled_share": 0.1, "tf32": True}),
        ]
    return [
        Case(backbone=backbone, classes=classes, recipe=recipe(batch_size, **fast | plan), steps=5)
        for classes, plan in plans
    ]


def best_batch(backbone: str, chip: Chip, batches: tuple[int, ...] = BATCHES) -> int:
    """The batch size with the highest rate of the bare backbone."""
    rates = {}
    for size in batches:
        network = backbones.build(backbone, embedding_size(backbone))
        network = network.to(chip.device, memory_format=torch.channels_last)
        bare = Bare(network, recipe(size, precision=chip.precision, deterministic=False))
        seconds = [chip.seconds(repeated(bare, 5)) for _ in range(3)]  # the first warms up
        rates[size] = 0.0 if math.isnan(seconds[-1]) else size / min(seconds[1:])
    return max(rates, key=rates.__getitem__)


def measure(*names: str) -> list[dict[str, Any]]:
    """One row a case, and the rate of the chip.

    Args:
        names: of backbones; all of them if there is none.
    """
    chip = Chip.best()
    if chip.is_gpu:
        devices.choose_kernels(tf32=False, deterministic=False)
        chosen = names or ("mobilefacenet", "ir_18", "ir_50", "ir_100")
        cases = [case for name in chosen for case in cases_of_gpu(name, best_batch(name, chip))]
    else:
        cases = [case for case in cases_of_processor() if not names or case.backbone in names]
    with threads(1):  # as the demo trains
        product = MatrixProduct(chip)
        best = min(chip.seconds(product) for _ in range(3))
        rows = [row(case, chip) for case in cases]
    told = {"chip": chip.name, "product": str(product), "TFLOP/s": product.operations / best / 1e12}
    return [*rows, told]


if __name__ == "__main__":
    for found in measure(*sys.argv[1:]):
        print({key: round(v, 3) if isinstance(v, float) else v for key, v in found.items()})
