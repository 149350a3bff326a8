"""Two or more photographs beside each other, and how alike they are to a model.

Shapes: N photographs; crops of 112x112.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from irlib import plots, runs
from irlib.embeddings.listing import photographs
from irlib.embeddings.photographs import PhotoEmbedder, unit
from irlib.embeddings.thresholds import Suggestion

MATRIX, PICTURE = "similarity.csv", "comparison.png"  # files of `write_comparison`


@dataclass(frozen=True, eq=False)
class Comparison:
    """How alike photographs are.

    Args:
        names: N, as given.
        crops: (N, 112, 112, 3) uint8 RGB, what the model saw.
        similarity: (N, N) cosines.
        norms: (N,) lengths of the embeddings, a score of quality.
        notes: (name, remark), such as a choice among several faces.
        suggestion: a threshold and where it comes from, None without one.
    """

    names: tuple[str, ...]
    crops: NDArray[np.uint8]
    similarity: NDArray[np.float64]
    norms: NDArray[np.float64]
    notes: tuple[tuple[str, str], ...]
    suggestion: Suggestion | None = None

    @property
    def pairs(self) -> dict[tuple[int, int], tuple[float, bool | None]]:
        """The cosine of each pair of rows, and whether it reaches the threshold, if any."""
        bound = None if self.suggestion is None else self.suggestion.chosen.threshold
        cosines = {(a, b): float(self.similarity[a, b]) for a, b in combinations(self._rows, 2)}
        return {
            at: (each, None if bound is None else each >= bound) for at, each in cosines.items()
        }

    @property
    def _rows(self) -> range:
        return range(len(self.names))


def compare(
    paths: Sequence[Path], embedder: PhotoEmbedder, *, suggestion: Suggestion | None = None
) -> Comparison:
    """The aligned crops of photographs and their similarity matrix.

    Args:
        paths: of at least two photographs.
        embedder: finds, cuts and embeds the faces.
        suggestion: a threshold that was found for this very model.

    Raises:
        FileNotFoundError: a photograph is not there.
        ValueError: fewer than two, one given twice, those that give no embedding, by name, or a
            suggestion for embeddings without flip where the embedder flips.
    """
    if len(paths) < 2:
        raise ValueError(f"{len(paths)} photographs: expected at least two to compare")
    if suggestion is not None and embedder.flip:
        raise ValueError("flip: the threshold was found without it; expected flip=False")
    cuts = embedder.cut(photographs(paths))
    if bad := [f"{each.name}: {each.remark}" for each in cuts if each.kind]:
        raise ValueError("; ".join(bad))
    embeddings = np.stack(embedder.embed_crops(cuts))
    direction = unit(embeddings)
    return Comparison(
        names=tuple(each.name for each in cuts),
        crops=np.stack([each.crop for each in cuts if each.crop is not None]),
        similarity=np.clip(direction @ direction.T, -1.0, 1.0),
        norms=np.linalg.norm(embeddings.astype(np.float64), axis=1),
        notes=tuple((each.name, each.remark) for each in cuts if each.remark),
        suggestion=suggestion,
    )


def write_comparison(folder: Path, comparison: Comparison) -> tuple[Path, Path]:
    """Write the matrix as CSV and crops and matrix as a picture; the two paths.

    Args:
        folder: made if it is missing.
        comparison: what is written.

    Raises:
        OSError: the folder cannot be written.
    """
    matrix, picture = folder / MATRIX, folder / PICTURE
    with (
        runs.atomic_path(matrix) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["name", "norm", *comparison.names])
        lines = zip(comparison.names, comparison.norms, comparison.similarity, strict=True)
        writer.writerows([name, float(norm), *row.tolist()] for name, norm, row in lines)
    figure = plots.comparison(
        comparison.crops,
        comparison.similarity,
        names=[Path(name).stem for name in comparison.names],
        threshold=comparison.suggestion and comparison.suggestion.chosen.threshold,
    )
    with runs.atomic_path(picture) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
    return matrix, picture
