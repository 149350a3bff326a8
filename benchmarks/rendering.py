"""Rate at which synthetic portraits are painted, and painted and encoded, on one core.

Run `python -m benchmarks.rendering`.
"""

import time
from collections.abc import Callable

import numpy as np

from irlib.data.synthetic.dataset import encode
from irlib.data.synthetic.nuisance import draw_nuisance
from irlib.data.synthetic.render import render
from irlib.data.synthetic.traits import draw_identities

IMAGES = 256
REPEATS = 5


def measure() -> list[dict[str, float | int | str]]:
    """Rows of stage, images, seconds (the best of some repeats) and images per second."""
    index = np.arange(IMAGES)
    age = np.linspace(1.0, 80.0, IMAGES)
    people = draw_identities(1, index)
    nuisance = draw_nuisance(1, index, index, difficulty=1.0)
    pictures = render(people, age, nuisance)
    quality = nuisance["quality"].astype(int)

    stages: dict[str, Callable[[], object]] = {
        "draw identity and nuisance": lambda: (
            draw_identities(1, index),
            draw_nuisance(1, index, index, difficulty=1.0),
        ),
        "render": lambda: render(people, age, nuisance),
        "encode as JPEG": lambda: [
            encode(picture, ".jpg", int(q)) for picture, q in zip(pictures, quality, strict=True)
        ],
    }
    rows = [_row(stage, work) for stage, work in stages.items()]
    total = sum(float(row["seconds"]) for row in rows)
    return [*rows, _summary("all", total)]


def _row(stage: str, work: Callable[[], object]) -> dict[str, float | int | str]:
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return _summary(stage, min(seconds))


def _summary(stage: str, seconds: float) -> dict[str, float | int | str]:
    return {
        "stage": stage,
        "images": IMAGES,
        "seconds": round(seconds, 4),
        "images/s": round(IMAGES / seconds),
    }


if __name__ == "__main__":
    for row in measure():
        print("  ".join(f"{name} {value}" for name, value in row.items()))
