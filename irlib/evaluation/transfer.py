"""Thresholds fitted on one set of pairs and carried over to the others.

Shapes: P pairs of a set.
Units: accuracies are fractions; thresholds are cosines.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from irlib.evaluation.protocols import accuracy


def transfer(
    similarity: Mapping[str, NDArray[np.floating]], truths: Mapping[str, NDArray[np.bool_]]
) -> pd.DataFrame:
    """Accuracy on each set at the threshold that is best on each: a row for both.

    Where both are one set it is the oracle, which flatters. Two lists of the same images, such as
    AgeDB-C20 and AgeDB-C30, share their people: between them nothing is carried to strangers.

    Args:
        similarity: (P,) cosine of each pair, by title of the set.
        truths: (P,) bool, True where both images show one person, by title.

    Returns:
        fitted_on, set, threshold, accuracy, and lost: the accuracy at the set's own best
        threshold less that at the one carried over, 0 or more.

    Raises:
        ValueError: the titles differ, or as in `irlib.evaluation.protocols.accuracy`.
    """
    if similarity.keys() != truths.keys():
        differ = ", ".join(sorted(similarity.keys() ^ truths.keys()))
        raise ValueError(f"similarity and truths: {differ} in one only; expected the same sets")
    own = {key: accuracy(each, truths[key], "oracle") for key, each in similarity.items()}
    rows = []
    for fitted_on, oracle in own.items():
        for key, each in similarity.items():
            carried = accuracy(each, truths[key], threshold=oracle.threshold).mean
            rows.append((fitted_on, key, oracle.threshold, carried, own[key].mean - carried))
    return pd.DataFrame(rows, columns=["fitted_on", "set", "threshold", "accuracy", "lost"])
