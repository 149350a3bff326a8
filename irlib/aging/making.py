"""Aligned crops to faces at other ages, and what two networks say of them.

Shapes: N faces, A of the age groups; crops of 112x112. Units: ages in years.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irlib.age_invariant.synthesis.groups import check_group, group_names
from irlib.aging.opening import SynthesisRun
from irlib.evaluation.embedding import embed
from irlib.evaluation.synthesized.faces import estimated_ages, in_groups
from irlib.evaluation.synthesized.means import cosines

_BATCH = 64


@dataclass(frozen=True, eq=False)
class Aged:
    """Faces at other ages.

    Args:
        sources: (N, 112, 112, 3) uint8 RGB.
        faces: (N, A, 112, 112, 3) uint8 RGB.
        groups: A names of age groups.
        ages: (N, 1 + A) that the estimator reads in source and faces; None without one.
        cosines: (N, A) of each face with its source, by the judge; None without one.
    """

    sources: NDArray[np.uint8]
    faces: NDArray[np.uint8]
    groups: tuple[str, ...]
    ages: NDArray[np.float64] | None = None
    cosines: NDArray[np.float64] | None = None


def chosen_groups(groups: Sequence[int] | None, num_groups: int) -> tuple[int, ...]:
    """The age groups that are asked for; all of them for None.

    Raises:
        ValueError: an unknown group, one given twice, or none at all.
    """
    if groups is None:
        return tuple(range(num_groups))
    if not groups:
        raise ValueError("groups: none given; expected at least one")
    if twice := sorted({each for each in groups if list(groups).count(each) > 1}):
        raise ValueError(f"groups: {twice[0]} is given twice")
    return tuple(check_group(each, num_groups) for each in groups)


def aged(
    run: SynthesisRun, crops: NDArray[np.uint8], *, groups: Sequence[int] | None = None
) -> Aged:
    """Every face in some age groups.

    Args:
        run: makes the faces and looks at them.
        crops: (N, 112, 112, 3) uint8 RGB, aligned; see `open_photographs`.
        groups: numbers of groups; None for all.

    Raises:
        ValueError: an unknown group, or crops of another form.
    """
    count = run.synthesizer.num_groups
    asked = chosen_groups(groups, count)
    made = in_groups(run.synthesizer, crops, asked, device=run.device)
    every = np.stack([crops, *made], axis=1)  # (N, 1 + A, 112, 112, 3)
    names = tuple(group_names(count)[group] for group in asked)
    return Aged(crops, every[:, 1:], names, _ages(run, every), _cosines(run, every))


def _ages(run: SynthesisRun, every: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    if run.estimator is None:
        return None
    flat = every.reshape(-1, *every.shape[2:])
    return estimated_ages(run.estimator, flat, device=run.device).reshape(every.shape[:2])


def _cosines(run: SynthesisRun, every: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    if run.judge is None:
        return None
    flat = every.reshape(-1, *every.shape[2:])
    batches = (flat[start : start + _BATCH] for start in range(0, len(flat), _BATCH))
    rows = embed(run.judge, batches, device=run.device).reshape(*every.shape[:2], -1)
    return cosines(rows[:, 1:], rows[:, :1])
