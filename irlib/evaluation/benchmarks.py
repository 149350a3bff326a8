"""General verification sets by the field's protocol: mirrored images, ten contiguous folds.

Shapes: P pairs; images 2k and 2k + 1 are pair k.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from irlib.data.sets import catalog
from irlib.data.sets.bins import PairBin, read_bin
from irlib.data.sets.cacd_vs import CacdVs, read_cacd_vs
from irlib.data.sources import ImageFiles
from irlib.evaluation.embedding import Embeds
from irlib.evaluation.protocols import Accuracy
from irlib.evaluation.student import student_interval
from irlib.evaluation.verifying import Verification, verify_with


def judge(
    paths: Mapping[str, Path], embedder: Embeds
) -> tuple[dict[str, Verification], dict[str, str]]:
    """What is reached on each set, and why those that cannot be used are left out.

    Args:
        paths: of `.bin` files, or of the folder of CACD-VS, by key.
        embedder: gives the images' embeddings; those of mirrored images are added.
    """
    found, refused = {}, {}
    for key, path in paths.items():
        try:
            verified = verified_pairs(_read(path), embedder)
        except (ValueError, OSError) as error:
            refused[key] = str(error)
            continue
        if verified.folds is None:
            refused[key] = verified.refused["folds"]
        else:
            found[key] = verified
    return found, refused


def _read(path: Path) -> PairBin | CacdVs:
    if path.suffix == ".bin":
        return read_bin(path)
    pairs = read_cacd_vs(path)
    # images are called by their paths below the test folder, as in a table of embeddings of it
    left, right = (
        ImageFiles(path, side).seen_from(path.parent) for side in (pairs.left, pairs.right)
    )
    return replace(pairs, root=path.parent, left=left.names, right=right.names)


def verified_pairs(pairs: PairBin | CacdVs, embedder: Embeds) -> Verification:
    """What is reached on the pairs of a general set, with mirrored images.

    Args:
        pairs: P pairs.
        embedder: gives the images' embeddings.

    Raises:
        ValueError: an image is damaged or has no embedding, or the pairs are all of one kind.
    """
    rows = np.arange(2 * len(pairs.is_same)).reshape(-1, 2)  # (P, 2)
    return verify_with(embedder, pairs.images, rows, pairs.is_same, flip=True)


def told(found: Verification) -> dict[str, Any]:
    """What is reported of a general set, as plain values: fractions.

    accuracy and deviation of the ten folds, with Student's interval; auc, eer, and tar by FAR as
    far as the impostor pairs suffice to tell. Folds of the field's sets share no person; a list
    whose folds do makes the interval too narrow.

    Args:
        found: of the set; its folds were not refused.
    """
    folds, tar = found.folds, found.tar
    rates = {} if tar is None else dict(zip(map("{:g}".format, tar.fars), tar.tar, strict=True))
    return {
        "accuracy": folds.mean,
        "deviation": folds.deviation,
        "interval": list(student_interval(folds.per_fold)),
        "auc": found.auc,
        "eer": found.eer,
        "tar": {far: float(value) for far, value in rates.items()},
    }


def title_of(key: str) -> str:
    """Title of a `.bin` set: that of the catalog, else its own name."""
    known = catalog.CATALOG.get(key)
    return known.title if known else key.replace("_", " ").capitalize()


def fold_columns(key: str, found: Accuracy) -> dict[str, Any]:
    """The folds of a set as columns: set, fold (from 1), accuracy and threshold."""
    folds = np.arange(1, len(found.per_fold) + 1)
    told = {"accuracy": found.per_fold, "threshold": found.thresholds}
    return {"set": title_of(key), "fold": folds, **told}
