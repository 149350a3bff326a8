"""What is found of the sets that come with pairs, templates or galleries of their own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from irlib.data.examining import examine
from irlib.data.manifests import Manifest
from irlib.data.sets import catalog
from irlib.data.sets.bins import read_bin
from irlib.data.sets.cacd_vs import read_cacd_vs
from irlib.data.sets.ijb import read_ijb
from irlib.data.sets.leave_one_out import read_fgnet_loo
from irlib.data.sets.tinyface import read_tinyface
from irlib.data.sources import Images


@dataclass(frozen=True, eq=False)
class Found:
    """A set as it was read.

    Args:
        counts: what it holds.
        images: its images, by part of the set; none where another entry has them.
        are_crops: whether they are aligned; else they are as they are read.
    """

    counts: Mapping[str, int]
    images: Mapping[str, Images] = field(default_factory=dict)
    are_crops: bool = True


def _bin(path: Path) -> Found:
    pairs = read_bin(path)
    counts = {"pairs": len(pairs.is_same), "genuine pairs": int(pairs.is_same.sum())}
    return Found({"images": len(pairs.images), **counts}, {"": pairs.images})


def _cacd_vs(path: Path) -> Found:
    pairs = read_cacd_vs(path)
    counts = {"pairs": len(pairs.is_same), "genuine pairs": int(pairs.is_same.sum())}
    counts["rejected pairs"] = len(pairs.rejected)
    return Found({"images": len(pairs.images), **counts}, {"": pairs.images})


def _ijb(path: Path) -> Found:
    found = read_ijb(path, path.name)
    return Found(found.counts, {"": found.images}, are_crops=False)


def _tinyface(path: Path) -> Found:
    found = read_tinyface(path)
    return Found(found.counts, {"-probes": found.probes, "-gallery": found.gallery})


def _leave_one_out(path: Path) -> Found:
    found = read_fgnet_loo(path)
    counts = {"probes": len(found.probes), "probes without a mate": len(found.alone)}
    return Found({"images": len(found.identities), **counts})  # FG-NET's images are examined there


_READERS: Mapping[str, Callable[[Path], Found]] = {
    **dict.fromkeys(("lfw", "cfp_fp", "cplfw", "calfw", "agedb_30"), _bin),
    "ijbb": _ijb,
    "ijbc": _ijb,
    "tinyface": _tinyface,
    "cacd_vs": _cacd_vs,
    "fgnet": _leave_one_out,
}


def inventory(
    data: Path,
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[list[dict[str, Any]], dict[str, Manifest]]:
    """What lies below the data folder of such sets: a row for each, and the manifests.

    Every image is read once, and damaged ones are set aside. A set that cannot be used has the
    reason in its row; it stops nobody who does not ask for it.

    Args:
        data: the data folder.
        workers: threads.
        progress: told the images done and in all, set by set.

    Returns:
        Rows with `set`, `found`, `published` and `set aside`; manifests by key.
    """
    rows, manifests = [], {}
    for key, state in catalog.present(data).items():
        if key not in _READERS or state == catalog.ABSENT:
            continue
        entry, place = catalog.find(key), data / catalog.find(key).place
        row = {"set": entry.title, "published": dict(entry.counts), "set aside": None}
        try:
            found = _READERS[key](place)
            made = {
                key + part: examine(
                    key + part, place, images, are_crops=found.are_crops,
                    workers=workers, progress=progress,
                )
                for part, images in found.images.items()
            }  # fmt: skip
        except (ValueError, OSError) as error:
            rows.append({**row, "found": f"cannot be used: {error}"})
            continue
        aside = sum(len(manifest.quarantined) for manifest in made.values())
        rows.append({**row, "found": dict(found.counts), "set aside": aside if made else None})
        manifests |= made
    return rows, manifests
