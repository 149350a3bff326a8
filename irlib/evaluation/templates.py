"""Templates: one embedding for all images of a person that stand together, and their cosines.

Within a template the images of one photograph or video (media) are averaged, the media added, and
the sum scaled to unit length. An embedding weighs as much as its own length unless it is scaled to
unit length before, and as much as its detector score where such are given: N1, N0 and D1 in
InsightFace's tables.

Shapes: N images, D embedding size, T templates, P pairs, M media.

Source: AdaFace and InsightFace, evaluation on IJB-B and IJB-C.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

WEIGHTINGS = ("norm", "unit")

_IMAGES = 16_384  # at once: 32 MiB of 512 float32 each
_PAIRS = 2_048  # at once: what a processor's cache holds


@dataclass(frozen=True, eq=False)
class Templates:
    """Unit vectors of templates.

    Args:
        ids: (T,) whole numbers, ascending.
        vectors: (T, D) float32 of unit length.
    """

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]

    def __len__(self) -> int:
        """Number of templates, T."""
        return len(self.ids)

    def rows(self, ids: ArrayLike) -> NDArray[np.int64]:
        """Place of each template, of the shape of the ids.

        Raises:
            ValueError: a template has no images; the first is named.
        """
        wanted = np.asarray(ids)
        rows = np.searchsorted(self.ids, wanted).clip(max=len(self.ids) - 1)
        if (absent := wanted[self.ids[rows] != wanted]).size:
            told = f"template {absent.flat[0]} has no images"
            raise ValueError(
                f"{told}, nor have {len(np.unique(absent)) - 1} more that are asked for"
            )
        return rows

    def of(self, ids: ArrayLike) -> NDArray[np.float32]:
        """Vectors of some templates, (..., D); ValueError as in `rows`."""
        return self.vectors[self.rows(ids)]


def pool(
    embeddings: NDArray[np.floating],
    template_ids: ArrayLike,
    media_ids: ArrayLike,
    *,
    weighting: str = "norm",
    scores: ArrayLike | None = None,
) -> Templates:
    """The templates of some images; one that stands in several templates has a row for each.

    Args:
        embeddings: (N, D) of any floating type; read in blocks, so that it may lie on the disk.
        template_ids: (N,) whole numbers.
        media_ids: (N,) whole numbers; the same number in another template is another media.
        weighting: "norm" leaves an embedding its own length; "unit" gives each the length 1.
        scores: (N,) of the detector, which each embedding is multiplied by; None for none.

    Raises:
        ValueError: lengths differ; an embedding that is zero or not finite; a score that is
            negative or not finite; a template whose images cancel out, which is named.
    """
    if weighting not in WEIGHTINGS:
        raise ValueError(f"weighting {weighting!r}: expected {' or '.join(WEIGHTINGS)}")
    columns = [np.asarray(column) for column in (template_ids, media_ids)]
    weights = np.ones(len(embeddings)) if scores is None else np.asarray(scores, dtype=np.float64)
    shapes = [column.shape for column in (*columns, weights)]
    if np.ndim(embeddings) != 2 or set(shapes) != {(len(embeddings),)} or not len(embeddings):
        raise ValueError(
            f"embeddings {np.shape(embeddings)}; template_ids, media_ids, scores {shapes}: "
            "expected (N, D) and (N,) each"
        )
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError("scores: some are negative or not finite; expected those of a detector")
    ids, template = np.unique(columns[0], return_inverse=True)
    weights = weights / _images_of_media(template, columns[1])
    sums = np.zeros((len(ids), embeddings.shape[1]), dtype=np.float32)
    for start in range(0, len(embeddings), _IMAGES):
        at = slice(start, start + _IMAGES)
        block = np.asarray(embeddings[at], dtype=np.float32)
        lengths = _lengths(block, start)
        weight = weights[at] / lengths if weighting == "unit" else weights[at]
        here, local = np.unique(template[at], return_inverse=True)
        places = (local, np.arange(len(block)))
        shape = (len(here), len(block))
        sums[here] += sparse.csr_array((weight.astype(np.float32), places), shape=shape) @ block
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    if (empty := ~(lengths[:, 0] > 0)).any():
        raise ValueError(f"template {ids[empty][0]}: its images cancel out; expected a direction")
    sums /= lengths
    return Templates(ids, sums)


def pair_scores(templates: Templates, pairs: NDArray[np.integer]) -> NDArray[np.float32]:
    """(P,) cosine of each pair of templates, a cache full at a time.

    Args:
        templates: T of them.
        pairs: (P, 2) template ids.

    Raises:
        ValueError: not (P, 2), or a template without images, which is named.
    """
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ValueError(f"pairs {pairs.shape}: expected (P, 2) template ids")
    scores = np.empty(len(pairs), dtype=np.float32)
    sides = np.empty((2, _PAIRS, templates.vectors.shape[1]), dtype=np.float32)
    for start in range(0, len(pairs), _PAIRS):
        at = slice(start, start + _PAIRS)
        rows = templates.rows(pairs[at])
        first, second = sides[:, : len(rows)]
        for side, column in zip((first, second), rows.T, strict=True):
            # the rows are in range; mode="raise" would make a copy first
            np.take(templates.vectors, column, axis=0, out=side, mode="clip")
        np.einsum("pd,pd->p", first, second, out=scores[at])
    return scores


def _images_of_media(template: NDArray[np.int64], media_ids: NDArray) -> NDArray[np.int64]:
    # (N,) images of the media of each image in its template
    media, of_image = np.unique(media_ids, return_inverse=True)
    _, place, count = np.unique(
        template * len(media) + of_image, return_inverse=True, return_counts=True
    )
    return count[place]


def _lengths(block: NDArray[np.float32], start: int) -> NDArray[np.float32]:
    lengths = np.linalg.norm(block, axis=1)
    if (bad := ~(np.isfinite(lengths) & (lengths > 0))).any():
        row = start + int(bad.argmax())
        raise ValueError(f"embeddings: row {row} is zero or not finite; expected a direction")
    return lengths
