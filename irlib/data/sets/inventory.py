"""What is found of the sets that come with pairs, templates or galleries of their own."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from irlib.data.sets import catalog
from irlib.data.sets.bins import read_bin
from irlib.data.sets.cacd_vs import read_cacd_vs
from irlib.data.sets.ijb import read_ijb
from irlib.data.sets.leave_one_out import read_fgnet_loo
from irlib.data.sets.tinyface import read_tinyface


def _bin(path: Path) -> dict[str, int]:
    pairs = read_bin(path)
    return {
        "images": len(pairs.images),
        "pairs": len(pairs.is_same),
        "genuine pairs": int(pairs.is_same.sum()),
    }


def _cacd_vs(path: Path) -> dict[str, int]:
    pairs = read_cacd_vs(path)
    return {
        "images": len(pairs.images),
        "pairs": len(pairs.is_same),
        "genuine pairs": int(pairs.is_same.sum()),
        "rejected": len(pairs.rejected),
    }


def _leave_one_out(path: Path) -> dict[str, int]:
    found = read_fgnet_loo(path)
    return {
        "images": len(found.identities),
        "probes": len(found.probes),
        "probes without a mate": len(found.alone),
    }


_READERS: Mapping[str, Callable[[Path], Mapping[str, int]]] = {
    **dict.fromkeys(("lfw", "cfp_fp", "cplfw", "calfw", "agedb_30"), _bin),
    "ijbb": lambda path: read_ijb(path, "IJBB").counts,
    "ijbc": lambda path: read_ijb(path, "IJBC").counts,
    "tinyface": lambda path: read_tinyface(path).counts,
    "cacd_vs": _cacd_vs,
    "fgnet": _leave_one_out,
}


def inventory(data: Path) -> list[dict[str, Any]]:
    """One row for each such set below the data folder: what was found, and what is published.

    A set that cannot be used has the reason in its row; it stops nobody who does not ask for it.
    """
    rows = []
    for key, state in catalog.present(data).items():
        if key in _READERS and state != catalog.ABSENT:
            entry = catalog.find(key)
            try:
                found: Any = dict(_READERS[key](data / entry.place))
            except (ValueError, OSError) as error:
                found = f"cannot be used: {error}"
            rows.append({"set": entry.title, "found": found, "published": dict(entry.counts)})
    return rows
