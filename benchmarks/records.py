"""Opening a record file of 5.8 million images, and reading records of one at random.

Opened by a process of its own, whose largest memory is told with all that it loads: a file of
small records with identity records; the same without them, where each image's header is read;
and a sparse file in which the images lie 8 kB apart, as crops do (46 GB, of which only what is
read is on the disk). Read at random: records of 4 to 12 kB, against seeking and reading by a plain
Python file; `ratio` is the rate by that of the plain file. All files are in the system's cache.

Run `python -m benchmarks.records`.
"""

import json
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from irlib.data.faces import open_faces
from irlib.data.recordio import open_records
from irlib.data.recordio.framing import HEAD, MAGIC, framed, with_header

IMAGES, IDENTITIES = 5_800_000, 85_742
SMALL = 48  # bytes of a record with 16 bytes of image
SPACED = 8000  # bytes from one crop to the next
TABLE_RECORD = 40  # bytes of an identity record
READS = 20_000
REPEATS = 5

Row = dict[str, float | int | str]


def measure() -> list[Row]:
    """Rows of opening (seconds, MiB) and of reading (records per second)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [
            _opened("identity records", _small(folder / "table.rec", with_table=True)),
            _opened("headers of all", _small(folder / "headers.rec", with_table=False)),
            _opened("identity records, 46 GB", _sparse(folder / "sparse.rec")),
        ]
        return [*rows, *_read(folder / "crops.rec")]


def _opened(kind: str, path: Path) -> Row:
    command = [sys.executable, "-c", "import benchmarks.records as r; r.open_alone()", str(path)]
    results = [
        json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        for _ in range(REPEATS)
    ]
    best = min(results, key=lambda result: result["seconds"])
    return {"labels by": kind, "images": IMAGES, **best}


def open_alone() -> None:
    """Print what opening the file on the command line takes, as JSON."""
    start = time.perf_counter()
    faces = open_faces(sys.argv[1])
    seconds = time.perf_counter() - start
    status = Path("/proc/self/status").read_text()  # rusage would count the parent's too
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    if len(faces) != IMAGES or not np.array_equal(faces.labels, _labels()):
        raise ValueError("the set was read wrongly")
    print(json.dumps({"seconds": round(seconds, 3), "peak MiB": round(peak)}))


def _labels() -> NDArray[np.int64]:
    return np.arange(IMAGES) * IDENTITIES // IMAGES


def _ranges() -> NDArray[np.int64]:
    # (M + 1,) first key of each identity, and the key after the last image
    return np.searchsorted(_labels(), np.arange(IDENTITIES + 1)) + 1


def _image_records(labels: NDArray[np.int64], size: int) -> NDArray[np.void]:
    records = np.zeros(len(labels), HEAD)
    records["magic"], records["length"] = int.from_bytes(MAGIC, "little"), size - 8
    records["label"] = labels
    return records


def _small(path: Path, *, with_table: bool) -> Path:
    images = np.zeros((IMAGES, SMALL), np.uint8)
    images[:, : HEAD.itemsize] = (
        _image_records(_labels(), SMALL).view(np.uint8).reshape(IMAGES, HEAD.itemsize)
    )
    offsets = TABLE_RECORD * with_table + np.arange(IMAGES) * SMALL
    with path.open("wb") as file:
        if with_table:
            file.write(_table_record(IMAGES + 1, IMAGES + 1 + IDENTITIES))
        file.write(images.data)
        if with_table:
            file.write(_identity_records())
    _write_index(path, offsets, with_table, int(offsets[-1]) + SMALL)
    return path


def _sparse(path: Path) -> Path:
    offsets = TABLE_RECORD + np.arange(IMAGES) * SPACED
    ranges, end = _ranges(), int(offsets[-1]) + SPACED
    rows = np.unique(np.concatenate([ranges[:-1] - 1, ranges[1:] - 2]))
    heads = _image_records(_labels()[rows], SPACED)
    with path.open("wb") as file:
        file.write(_table_record(IMAGES + 1, IMAGES + 1 + IDENTITIES))
        for place, head in zip(offsets[rows].tolist(), heads, strict=True):
            file.seek(place)
            file.write(head.tobytes())
        file.seek(end)
        file.write(_identity_records())
    _write_index(path, offsets, True, end)
    return path


def _table_record(first: int, last: int) -> bytes:
    return framed(with_header(b"", (first, last), 0))


def _identity_records() -> bytes:
    ranges = _ranges().tolist()
    return b"".join(map(_table_record, ranges[:-1], ranges[1:]))


def _write_index(path: Path, offsets: NDArray[np.int64], with_table: bool, end: int) -> None:
    places = offsets.tolist()
    if with_table:
        places = [0, *places, *range(end, end + IDENTITIES * TABLE_RECORD, TABLE_RECORD)]
    with path.with_suffix(".idx").open("w") as file:
        file.writelines(f"{key}\t{place}\n" for key, place in enumerate(places))


def _read(path: Path) -> list[Row]:
    rng = np.random.default_rng(1)
    sizes = rng.integers(4000, 12000, READS).tolist()
    places = []
    with path.open("wb") as file, path.with_suffix(".idx").open("w") as index:
        for key, size in enumerate(sizes):
            places.append(file.tell())
            index.write(f"{key}\t{places[-1]}\n")
            file.write(framed(with_header(rng.bytes(size), 0, key)))
    records, order = open_records(path), rng.permutation(READS).tolist()

    def plainly() -> int:
        with path.open("rb") as file:
            return sum(len(_plain_read(file, places[row])) for row in order)

    seconds = [_best(plainly), _best(lambda: sum(len(records.encoded(row)) for row in order))]
    return [
        {
            "read by": by, "records": READS, "records/s": round(READS / time),
            "ratio": round(seconds[0] / time, 2),
        }
        for by, time in zip(["plain file", "open_records"], seconds, strict=True)
    ]  # fmt: skip


def _plain_read(file, place: int) -> bytes:
    file.seek(place)
    _, length = struct.unpack("<II", file.read(8))
    return file.read(length)[24:]


def _best(work: Callable[[], int]) -> float:
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


if __name__ == "__main__":
    for row in measure():
        print("  ".join(f"{name} {value}" for name, value in row.items()))
