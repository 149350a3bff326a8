"""Prototypes in the plane: two projections, both repeatable from a seed.

Shapes: n points, D embedding size.
"""

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import TSNE

from irlib.prototypes.classes import unit_rows


def tsne(points: NDArray[np.floating], *, seed: int, perplexity: float = 30.0) -> NDArray:
    """The points in the plane by t-SNE, (n, 2), from a PCA start and a fixed seed.

    Args:
        points: (n, D), of any length.
        seed: of the optimisation.
        perplexity: neighbours each point attends to, below n.
    """
    if not 0 < perplexity < len(points):
        raise ValueError(f"perplexity {perplexity}: expected below {len(points)}, the points")
    projection = TSNE(2, perplexity=perplexity, init="pca", random_state=seed)
    return projection.fit_transform(unit_rows(points).astype(np.float32))


def umap_projection(points: NDArray[np.floating], *, seed: int, neighbours: int = 15) -> NDArray:
    """The points in the plane by UMAP on cosine distance, (n, 2), repeatable from the seed.

    Args:
        points: (n, D), of any length.
        seed: of the optimisation.
        neighbours: neighbours each point attends to, below n.
    """
    if not 2 <= neighbours < len(points):
        raise ValueError(f"neighbours {neighbours}: expected 2 to {len(points) - 1}")
    from umap import UMAP  # compiles for seconds on import: only who draws it should wait

    projection = UMAP(
        n_neighbors=neighbours,
        metric="cosine",
        random_state=seed,
        n_jobs=1,  # more threads would not repeat
    )
    return projection.fit_transform(unit_rows(points).astype(np.float32))
