"""Synthesized faces beside the true ones, which are known of painted people alone.

The truth is the source's person at the central age of the group, in the source's pose and light.
Beside each error stands that of the source as it is. No network can come to 0: how traits drift,
and which hair style a decade brings, is chance that the source does not show.

Shapes: G age groups, S sources, D embedding size. Units: ages in years.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irlib.evaluation.bootstrap import Interval
from irlib.evaluation.synthesized.means import cosines, means, require_shape, told

YEARS = (0.0, 10.0, 20.0, 40.0, np.inf)  # bounds of the bands of years that a face is moved


class Shown(NamedTuple):
    """Results, their sources and the truth: uint8 RGB pictures, or their embeddings.

    Args:
        results: (G, S, ...).
        sources: (S, ...).
        truths: (G, S, ...).
    """

    results: NDArray[Any]
    sources: NDArray[Any]
    truths: NDArray[Any]


@dataclass(frozen=True)
class Beside:
    """A mean over results beside that over their unchanged sources.

    Args:
        made: of results and truth.
        copy: of sources and truth.
        difference: made less copy.
    """

    made: Interval
    copy: Interval
    difference: Interval

    @property
    def metrics(self) -> dict[str, Any]:
        """Plain numbers, with intervals."""
        return told(made=self.made, copy=self.copy, difference=self.difference)


@dataclass(frozen=True)
class Errors:
    """How far some of the results are from the truth.

    Args:
        pixels: mean absolute error, of 255.
        cosine: of the judge's embeddings.
        faces: results.
        people: who they show.
    """

    pixels: Beside
    cosine: Beside
    faces: int
    people: int

    @property
    def metrics(self) -> dict[str, Any]:
        """Plain numbers, with intervals."""
        values = {"pixels": self.pixels.metrics, "cosine": self.cosine.metrics}
        return {**values, "faces": self.faces, "people": self.people}


@dataclass(frozen=True)
class Truth:
    """How far results are from the truth.

    Args:
        every: of all results.
        groups: of each group asked for.
        years: by bounds, of the results whose truth is so many years older or younger than the
            source, from the first bound to below the second; bands without a result are absent.
    """

    every: Errors
    groups: tuple[Errors, ...]
    years: dict[tuple[float, float], Errors]

    @property
    def metrics(self) -> dict[str, Any]:
        """Plain numbers, with intervals."""
        bands = {f"{low:g} to {high:g}": each.metrics for (low, high), each in self.years.items()}
        groups = [each.metrics for each in self.groups]
        return {**self.every.metrics, "groups": groups, "years": bands}


def against_truth(
    pictures: Shown, embeddings: Shown, identity: ArrayLike, years: ArrayLike
) -> Truth:
    """Pixel and identity error of results against the truth, and of their unchanged sources.

    Args:
        pictures: uint8 RGB (..., 112, 112, 3).
        embeddings: (..., D) of the same pictures by the judge, of any length.
        identity: (S,) the person in each source.
        years: (G, S) age of the truth less that of the source.

    Raises:
        ValueError: shapes differ, or an embedding is zero or not finite.
    """
    person, moved = np.asarray(identity), np.abs(np.asarray(years, dtype=np.float64))
    require_shape("years", moved, (None, len(person)))
    for name, shown in (("pictures", pictures), ("embeddings", embeddings)):
        require_shape(f"{name} of sources", shown.sources, (len(person), *shown.sources.shape[1:]))
        expected = (len(moved), *shown.sources.shape)
        require_shape(f"{name} of results", shown.results, expected)
        require_shape(f"{name} of truths", shown.truths, expected)
    values = np.stack(
        [
            pixel_errors(pictures.results, pictures.truths),
            pixel_errors(pictures.sources, pictures.truths),
            cosines(embeddings.results, embeddings.truths),
            cosines(embeddings.sources, embeddings.truths),
        ]
    )  # (4, G, S)
    everyone = np.broadcast_to(person, moved.shape)
    bands = {}
    for low, high in pairwise(YEARS):
        cells = (moved >= low) & (moved < high)
        if cells.any():
            bands[low, high] = _errors(values[:, cells], everyone[cells], int(cells.sum()))
    groups = (_errors(each, person, len(person)) for each in values.swapaxes(0, 1))
    return Truth(_errors(values.mean(axis=1), person, moved.size), tuple(groups), bands)


def pixel_errors(pictures: NDArray[np.uint8], truths: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(G, S) mean absolute difference of pictures, of 255.

    Args:
        pictures: (G, S, H, W, 3) RGB, or (S, H, W, 3) that are compared with every group's truths.
        truths: (G, S, H, W, 3).
    """
    beside = np.broadcast_to(pictures, truths.shape)
    # picture by picture: signed copies of all would take twice their memory
    cells = np.ndindex(truths.shape[:2])
    apart = [np.abs(beside[cell].astype(np.int16) - truths[cell]).mean() for cell in cells]
    return np.array(apart).reshape(truths.shape[:2])


def _errors(values: NDArray, person: NDArray, faces: int) -> Errors:
    made, copy, cosine, copied = values
    columns = (made, copy, made - copy, cosine, copied, cosine - copied)
    found = means(np.stack(columns, axis=1), person)
    return Errors(Beside(*found[:3]), Beside(*found[3:]), faces, len(np.unique(person)))
