"""Age labels of MS1MV2's size: 5.8 million lines read, and matched to the records of a set.

The labels are made up, padded as MTLFace's converter writes them and out of order. `match` gives
ages to as many records, a tenth of them without a line. Both run in a fresh process whose peak
memory is shown, Python and numpy included. The plain formulation is a dictionary filled and asked
line by line; it is given a twentieth of the lines, and the ratio is of lines per second.
Run `python -m benchmarks.ages`.
"""

import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from irlib.data.ages import read_age_labels
from irlib.data.keys import numbered_keys

LINES = 5_800_000
CLASSES = 85_742  # of MS1MV2
PLAIN_SHARE = 20
CHUNK = 200_000  # lines written at a time


def measure() -> list[dict[str, float | int | str]]:
    """Rows of stage, lines, seconds, lines per second, peak memory and ratio to the plain way."""
    with tempfile.TemporaryDirectory() as folder:
        whole, part = Path(folder) / "whole.txt", Path(folder) / "part.txt"
        _write(whole, LINES)
        _write(part, LINES // PLAIN_SHARE)
        ours, plain = _apart("fast", whole), _apart("plain", part)
    rate = {"read": LINES / ours["read"], "match": LINES / ours["match"]}
    rows = []
    for stage in ("read", "match"):
        plain_rate = LINES // PLAIN_SHARE / plain[stage]
        rows.append(_row(stage, ours[stage], rate[stage], ours["peak"], rate[stage] / plain_rate))
    both = ours["read"] + ours["match"]
    plain_both = (plain["read"] + plain["match"]) * PLAIN_SHARE
    return [*rows, _row("both", both, LINES / both, ours["peak"], plain_both / both)]


def _row(
    stage: str, seconds: float, rate: float, peak: float, ratio: float
) -> dict[str, float | int | str]:
    return {
        "stage": stage,
        "lines": LINES,
        "seconds": round(seconds, 2),
        "lines/s": round(rate),
        "peak MB": round(peak),
        "ratio to plain": round(ratio, 1),
    }


def _records(lines: int) -> tuple[np.ndarray, np.ndarray]:
    # folder and image of as many records; the last tenth lies past the labelled ones
    image = np.arange(1, lines + 1) + lines // 10
    return image * CLASSES // (2 * LINES), image


def _write(path: Path, lines: int) -> None:
    random = np.random.default_rng(1)
    image = random.permutation(lines) + 1
    folder = image * CLASSES // (2 * LINES)
    age = random.uniform(0, 90, lines).round(1)
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, lines, CHUNK):
            parts = [part[start : start + CHUNK].tolist() for part in (folder, image, age)]
            rows = zip(*parts, strict=True)
            file.writelines(f"{f} ms1m/{f:06d}/{i:08d}.jpg {a} {i % 2}\n" for f, i, a in rows)


def _apart(way: str, path: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.ages", way, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def _fast(path: Path) -> dict[str, float]:
    start = time.perf_counter()
    labels = read_age_labels(path)
    read = time.perf_counter()
    ages = labels.ages_of(numbered_keys(*_records(len(labels.keys))))
    return _told(start, read, np.isnan(ages).sum(), len(ages))


def _plain(path: Path) -> dict[str, float]:
    start = time.perf_counter()
    table = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        _, name, age, _ = line.split()
        folder, image = name.split("/")[-2:]
        table[f"{int(folder)}/{int(image.split('.')[0].split('_')[0])}"] = float(age)
    read = time.perf_counter()
    records = zip(*(part.tolist() for part in _records(len(table))), strict=True)
    ages = [table.get(f"{folder}/{image}", math.nan) for folder, image in records]
    return _told(start, read, sum(map(math.isnan, ages)), len(ages))


def _told(start: float, read: float, missing: int, images: int) -> dict[str, float]:
    end = time.perf_counter()
    if missing != images // 10:
        raise RuntimeError(f"{missing} of {images} images without age, expected a tenth")
    return {"read": read - start, "match": end - read, "peak": _peak()}


def _peak() -> float:
    # in MB; ru_maxrss would take over what the parent held when it started this process
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return math.nan


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps({"fast": _fast, "plain": _plain}[sys.argv[1]](Path(sys.argv[2]))))
    else:
        for row in measure():
            print("  ".join(f"{name} {value}" for name, value in row.items()))
