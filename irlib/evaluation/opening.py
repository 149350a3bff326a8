"""A model to evaluate out of any file: a network that embeds images, or embeddings made elsewhere.

Shapes: N images, P pairs.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from irlib import checkpoints, provenance
from irlib.checkpoints.brought import COLOR_ORDERS, Brought
from irlib.data.embeddings import ENDINGS, read_table
from irlib.data.pairs.rules import PairList
from irlib.data.sources import Chosen, Images
from irlib.evaluation.cache import EmbeddingCache
from irlib.evaluation.embedding import Embedder, Embeds, TableEmbedder
from irlib.evaluation.protocols import accuracy
from irlib.evaluation.roc import area_under_roc, roc

TABLE = "table of embeddings"  # as the family of a file

_FEW = 400  # pairs that show whether a color order is the right one


@dataclass(frozen=True, eq=False)
class Opened:
    """What a file holds.

    Args:
        embedder: gives embeddings of images.
        network: on its device; None of a table.
        told: file, family, color_order, embedding_size and digest, as plain values.
    """

    embedder: Embeds
    network: Brought | None
    told: dict[str, Any]

    @property
    def has_maps(self) -> bool:
        """Whether the network has maps that Grad-CAM can show: those of `irlib.backbones` have."""
        return any(hasattr(each, "maps") for each in _modules(self.network))


def open_model(
    path: Path,
    *,
    color_order: str = "",
    device: torch.device | str = "cpu",
    cache: EmbeddingCache | None = None,
) -> Opened:
    """The model of a file, ready to embed.

    Args:
        path: what `irlib.checkpoints.load_backbone` loads, or what
            `irlib.data.embeddings.read_table` reads, known by its ending.
        color_order: RGB or BGR, goes before what the file tells; empty takes that.
        device: where the network goes.
        cache: where embeddings are kept and looked up.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it cannot be read; a color order for a table, which has none.
    """
    if path.suffix.lower() in ENDINGS:
        if color_order:
            raise ValueError(f"{path}: a table of embeddings has no color order to be told")
        table = read_table(path)
        size, digest = table.embeddings.shape[1], provenance.file_digest(path)
        told = {"file": path.name, "family": TABLE, "color_order": "", "embedding_size": size}
        return Opened(TableEmbedder(table), None, {**told, "digest": digest})
    network = checkpoints.load_backbone(path, color_order or None).to(device)
    embedder = Embedder(network, devices=(device,), cache=cache)
    told = {
        "file": path.name, "family": network.family, "color_order": network.color_order,
        "embedding_size": network.embedding_size, "digest": network.digest,
    }  # fmt: skip
    return Opened(embedder, network, told)


def color_orders(
    path: Path, pairs: PairList, images: Images, *, device: torch.device | str = "cpu"
) -> pd.DataFrame:
    """How a network does on a few pairs in either color order, so that a wrong choice is seen.

    Args:
        path: of the network.
        pairs: up to 400 of them are taken, spread over the list.
        images: all images of the list, by the names in it.
        device: where the network goes.

    Returns:
        color_order, pairs, accuracy (best threshold on these very pairs) and auc, fractions.
    """
    few = pairs.taken(np.linspace(0, len(pairs) - 1, min(_FEW, len(pairs))).astype(np.int64))
    place = {images.name(row): row for row in range(len(images))}
    shown = Chosen(images, np.array([place[name] for name in few.images], dtype=np.int64))
    rows = []
    for order in COLOR_ORDERS:
        opened = open_model(path, color_order=order, device=device)
        cosine = few.cosine(few.images, opened.embedder.embed(shown))
        rows.append({
            "color_order": order, "pairs": len(few),
            "accuracy": accuracy(cosine, few.is_same, "oracle").mean,
            "auc": float(area_under_roc(roc(cosine, few.is_same))),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _modules(network: Brought | None) -> list[Any]:
    return [] if network is None else list(network.modules())
