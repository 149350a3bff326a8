"""General verification sets by the field's protocol: mirrored images, ten contiguous folds.

Shapes: P pairs.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irlib.data.sets import catalog
from irlib.data.sets.bins import read_bin
from irlib.data.sets.cacd_vs import read_cacd_vs
from irlib.data.sources import Images
from irlib.evaluation.embedding import Embeds
from irlib.evaluation.protocols import Accuracy, accuracy


def judge(
    paths: Mapping[str, Path], embedder: Embeds
) -> tuple[dict[str, Accuracy], dict[str, str]]:
    """The accuracy on each set, and why those that cannot be used are left out.

    Args:
        paths: of `.bin` files, or of the folder of CACD-VS, by key.
        embedder: gives the images' embeddings.
    """
    found, refused = {}, {}
    for key, path in paths.items():
        try:
            images, is_same = _pairs(path)
            found[key] = accuracy(pair_cosines(images, embedder), is_same, "folds")
        except (ValueError, OSError) as error:
            refused[key] = str(error)
    return found, refused


def title_of(key: str) -> str:
    """Title of a `.bin` set: that of the catalog, else its own name."""
    known = catalog.CATALOG.get(key)
    return known.title if known else key.replace("_", " ").capitalize()


def fold_columns(key: str, found: Accuracy) -> dict[str, Any]:
    """The folds of a set as columns: set, fold (from 1), accuracy and threshold."""
    folds = np.arange(1, len(found.per_fold) + 1)
    told = {"accuracy": found.per_fold, "threshold": found.thresholds}
    return {"set": title_of(key), "fold": folds, **told}


def pair_cosines(images: Images, embedder: Embeds) -> NDArray[np.float64]:
    """(P,) cosine of each pair; an image's embedding is that of it plus that of its mirror image.

    Args:
        images: (2P,); images 2k and 2k + 1 are pair k.
        embedder: gives the images' embeddings.

    Raises:
        ValueError: an image is damaged, or an embedding is not finite.
    """
    embeddings = embedder.embed(images, flip=True)
    unit = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
    return np.einsum("pd,pd->p", unit[0::2], unit[1::2], dtype=np.float64)


def _pairs(path: Path) -> tuple[Images, NDArray[np.bool_]]:
    # the images (2P,) and which pairs show one person (P,)
    if path.suffix == ".bin":
        listed = read_bin(path)
        return listed.images, listed.is_same
    pairs = read_cacd_vs(path)
    # by their paths below the test folder, as in a table of embeddings of it
    return pairs.images.seen_from(path.parent), pairs.is_same
