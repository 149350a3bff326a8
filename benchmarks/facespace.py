"""What the two checks of aligned crops refuse: the face space of a run, and the face detector.

The space is made of the training crops of a set of the demo's size and kind that is painted anew,
from another seed. "held out" are its test and validation crops, of people who are not in training.
Crops are moved out of their places, with gray around them, and cuts are all squares of 112 pixels,
56 apart, of three photographs of something else: a cat, coffee, a rocket. Refused, percent: of the
detector those without one face, or with landmarks more than 10 pixels from their places.

Run `python -m benchmarks.facespace`: two minutes on two quiet cores. The detector's file is that of
`data/README.md`; without it its column is empty.
"""

import math
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from irlib import runs, studies
from irlib.aging.facespace import FaceSpace
from irlib.aging.photographs import require_aligned
from irlib.data.alignment.detection import Detector
from irlib.data.decoding import SIZE
from irlib.data.folders import IMAGE_SUFFIXES
from irlib.data.sources import ImageFiles, crops
from irlib.data.synthetic import dataset

SEED = 77  # of the painted set; the demo has another
MOVED, SEEN = 400, 300  # crops that are moved; of each row those that the detector looks at
STEP = 56  # pixels between two cuts
DETECTOR = runs.ROOT / "data/models/yunet_n_640_640.onnx"
GRAY = (128, 128, 128)
WAYS = {
    "shifted by 10 pixels": {"shift": (10, 0)},
    "shifted by 15 pixels": {"shift": (15, 0)},
    "turned by 25 degrees": {"turn": 25.0},
    "upside down": {"turn": 180.0},
    "larger by 1.5": {"zoom": 1.5},
    "smaller by 0.7": {"zoom": 0.7},
}

Row = dict[str, float | int | str]


def measure() -> list[Row]:
    """Rows of crops, their number, and the shares that space and detector refuse, percent."""
    detector = Detector(DETECTOR) if DETECTOR.is_file() else None
    with tempfile.TemporaryDirectory() as name:
        root = Path(name, "painted")
        spec = replace(studies.find("demo").synthetic, seed=SEED)
        dataset.write(spec, root, workers=os.cpu_count() or 1)
        space = FaceSpace.of(below(root, "train"), seed=0)
        held_out = [below(root, part) for part in ("test", "val")]
        pictures = np.concatenate([crops(each, range(len(each))) for each in held_out])
    return [_row(name, shown, space, detector) for name, shown in _kinds(pictures)]


def below(root: Path, part: str) -> ImageFiles:
    """The images below a folder of a set, in order of their names."""
    files = (root / part).rglob("*")
    names = (str(file.relative_to(root)) for file in files if file.suffix.lower() in IMAGE_SUFFIXES)
    return ImageFiles(root, np.array(sorted(names)))


def moved(
    pictures: NDArray[np.uint8],
    *,
    shift: tuple[int, int] = (0, 0),
    turn: float = 0.0,
    zoom: float = 1.0,
) -> NDArray[np.uint8]:
    """Crops (N, 112, 112, 3) out of their places, gray around them.

    Args:
        pictures: (N, 112, 112, 3) uint8 RGB.
        shift: to the right and down, pixels.
        turn: about the middle, against the clock, degrees.
        zoom: enlargement about the middle.
    """
    done, side = [], round(SIZE * zoom)
    for picture in pictures:
        canvas = Image.new("RGB", (3 * SIZE, 3 * SIZE), GRAY)
        enlarged = Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR)
        corner = 3 * SIZE // 2 - side // 2
        canvas.paste(enlarged, (corner + shift[0], corner + shift[1]))
        canvas = canvas.rotate(turn, Image.Resampling.BILINEAR, fillcolor=GRAY)
        done.append(np.asarray(canvas.crop((SIZE, SIZE, 2 * SIZE, 2 * SIZE))))
    return np.stack(done)


def cuts(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """All squares (N, 112, 112, 3) of a photograph (H, W, 3), 56 pixels apart."""
    height, width = picture.shape[:2]
    ends = height - SIZE + 1, width - SIZE + 1
    corners = np.mgrid[0 : ends[0] : STEP, 0 : ends[1] : STEP].reshape(2, -1).T
    return np.stack([picture[y : y + SIZE, x : x + SIZE] for y, x in corners])


def _kinds(held_out: NDArray[np.uint8]) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    yield "held out", held_out
    drawn = np.random.default_rng(0).permutation(len(held_out))[:MOVED]
    for name, way in WAYS.items():
        yield name, moved(held_out[drawn], **way)
    others = skimage.data.chelsea(), skimage.data.coffee(), skimage.data.rocket()
    yield "cuts of something else", np.concatenate([cuts(each) for each in others])


def _row(
    name: str, pictures: NDArray[np.uint8], space: FaceSpace, detector: Detector | None
) -> Row:
    drawn = np.random.default_rng(1).permutation(len(pictures))[:SEEN]
    found = [] if detector is None else [_is_refused(pictures[at], detector) for at in drawn]
    return {
        "crops": name,
        "number": len(pictures),
        "refused by the space, %": round(100 * float(1 - space.accepts(pictures).mean()), 1),
        "looked at by the detector": len(found),
        "refused by the detector, %": round(100 * float(np.mean(found)), 1) if found else math.nan,
    }


def _is_refused(picture: NDArray[np.uint8], detector: Detector) -> bool:
    try:
        require_aligned(picture, detector, None)
    except ValueError:
        return True
    return False


if __name__ == "__main__":
    for row in measure():
        print("  ".join(f"{name} {value}" for name, value in row.items()))
