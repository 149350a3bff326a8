"""Time that embedding the five child-adult lists takes, beside two images at a time.

The lists have the sizes and multiplicities of the published ones: 11,370 pairs that use 22,740
images, of which 8,446 are different. The plain way, as in the released code, decodes both images of
a pair whenever they are used, puts the two through the network and reads their cosine. Ours embeds
every different image once, in batches that threads decode ahead. Both take turns in one process, on
the CPU, and must agree on the cosines. The plain way is measured on a sample of the pairs, and with
the larger networks ours is on the images of that sample; times are scaled to the whole. 2.69 of
what is gained are the images left out, with any network. The rest comes from batches and from
decoding beside the network: much with a small network or many cores, little where two images keep
all cores at work.

Run `python -m benchmarks.embedding`.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from irlib.backbones import build
from irlib.data.sources import Chosen, ImageFiles
from irlib.evaluation.embedding import Embedder
from irlib.evaluation.verifying import cosines

# Pairs and different images of each list. Those of one source share images, so that all together
# have 8,446: AgeDB 4,070, FG-NET 691, LAG 3,685.
LISTS = (
    ("AgeDB-C20", 3_786, range(0, 3_041)),
    ("AgeDB-C30", 2_778, range(1_826, 4_070)),
    ("FG-NET-C20", 1_034, range(4_070, 4_701)),
    ("FG-NET-C30", 372, range(4_423, 4_761)),
    ("LAG", 3_400, range(4_761, 8_446)),
)
# Pairs of the plain way that are measured a turn, and whether ours is measured on all images.
SAMPLES = {"tiny": (600, True), "mobilefacenet": (60, False), "ir_18": (16, False)}
TURNS = 2

Row = dict[str, float | int | str]


def measure() -> list[Row]:
    """Rows of network, images forwarded, seconds, the ratios and the largest difference."""
    with tempfile.TemporaryDirectory() as name:
        images = faces(Path(name))
        return [_row(network, images, pairs(), *sizes) for network, sizes in SAMPLES.items()]


def pairs() -> NDArray[np.int64]:
    """(11370, 2) rows of images: in each list every one of its images stands at least once."""
    rng = np.random.default_rng(0)
    lists = []
    for _, size, rows in LISTS:
        uses = np.concatenate([rows, rng.choice(rows, 2 * size - len(rows))])
        lists.append(rng.permutation(uses).reshape(size, 2))
    return np.concatenate(lists)


def faces(folder: Path) -> ImageFiles:
    """8,446 different crops as JPEG files of about 4 kB."""
    rng = np.random.default_rng(0)
    names = [f"{row}.jpg" for row in range(LISTS[-1][2].stop)]
    for name in names:
        coarse = Image.fromarray(rng.integers(0, 256, (14, 14, 3), dtype=np.uint8))
        coarse.resize((112, 112), Image.Resampling.BICUBIC).save(folder / name, quality=95)
    return ImageFiles(folder, np.array(names))


def plain(backbone: nn.Module, images: ImageFiles, rows: NDArray[np.int64]) -> list[float]:
    """Cosine of each pair, two images at a time."""
    found = []
    with torch.no_grad():
        for pair in rows.tolist():
            both = [_plainly_read(images.root / images.name(row)) for row in pair]
            first, second = backbone(torch.stack(both))
            found.append(F.cosine_similarity(first, second, dim=0).item())
    return found


def _plainly_read(path: Path) -> torch.Tensor:
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    return (torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255 - 0.5) / 0.5


def _row(
    network: str,
    images: ImageFiles,
    rows: NDArray[np.int64],
    plain_pairs: int,
    whole: bool,
) -> Row:
    torch.manual_seed(0)
    backbone = build(network).eval()
    counts: list[int] = []
    embedder = Embedder(backbone)
    named = np.unique(rows)
    sampled = np.random.default_rng(1).permutation(len(rows))[: TURNS * plain_pairs]
    some = named if whole else np.unique(rows[sampled])
    plain(backbone, images, rows[:2])  # buffers and thread pools are made
    embedder.embed(Chosen(images, some[:32]))
    hook = backbone.register_forward_pre_hook(lambda _, given: counts.append(len(given[0])))
    plain_seconds, our_seconds, theirs = 0.0, 0.0, []
    for turn in np.array_split(sampled, TURNS):
        start = time.perf_counter()
        theirs += plain(backbone, images, rows[turn])
        plain_seconds += time.perf_counter() - start
        counts.clear()
        start = time.perf_counter()
        embeddings = embedder.embed(Chosen(images, some))
        our_seconds += time.perf_counter() - start
    hook.remove()
    if sum(counts) != len(some):
        raise AssertionError(f"{sum(counts)} images forwarded, expected {len(some)}")
    ours = cosines(embeddings, np.searchsorted(some, rows[sampled]))
    difference = float(np.abs(ours - theirs).max())
    if difference > 1e-4:
        raise AssertionError(f"cosines differ by {difference:g}")
    plain_seconds *= len(rows) / len(sampled)
    our_seconds *= len(named) / len(some) / TURNS
    return {
        "network": network,
        "plain images": rows.size, "our images": len(named),
        "fewer": round(rows.size / len(named), 2),
        "pairs measured": len(sampled), "images measured": len(some),
        "plain seconds": round(plain_seconds, 1), "our seconds": round(our_seconds, 1),
        "faster": round(plain_seconds / our_seconds, 2), "difference": f"{difference:.0e}",
    }  # fmt: skip


if __name__ == "__main__":
    for row in measure():
        print("  ".join(f"{name} {value}" for name, value in row.items()))
