"""The true face at any age of a person who was painted, under the light and pose of a photograph.

Shapes: N pictures.
Units: ages in years.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irlib.data.synthetic.nuisance import draw_nuisance
from irlib.data.synthetic.population import Plan, plan
from irlib.data.synthetic.render import render
from irlib.data.synthetic.spec import SyntheticSpec
from irlib.data.synthetic.traits import draw_identities

_TEST = "test"  # folder of a set that holds its test photographs


def at_ages(
    spec: SyntheticSpec, names: Sequence[str] | NDArray[np.str_], ages: ArrayLike
) -> NDArray[np.uint8]:
    """The people of test photographs painted at other ages, in the photographs' circumstances.

    Pose, light, expression, camera and backdrop are the photograph's; what comes with age (shape,
    skin, gray, the hair style of the decade) is the person's own. Nothing is compressed, so that
    at a photograph's own age the picture is the stored one up to JPEG.

    Args:
        spec: description of the set.
        names: N paths below the test folder, such as AgeDB-aligned/...; they may repeat.
        ages: (N,) years to paint each at.

    Returns:
        (N, 112, 112, 3) uint8 RGB.

    Raises:
        ValueError: the set has no such test photograph, or ages are negative or not finite.
    """
    years = np.asarray(ages, dtype=np.float64)
    if years.shape != (len(names),) or not (np.isfinite(years) & (years >= 0)).all():
        raise ValueError(f"ages {years.shape}: expected ({len(names)},) finite years, 0 or more")
    whole = plan(spec, dataset="")
    rows = _rows(whole, names)
    person, image = whole.person[rows], whole.image[rows]
    people, index = np.unique(person, return_inverse=True)
    nuisance = draw_nuisance(spec.seed, person, image, difficulty=spec.difficulty)
    return render(draw_identities(spec.seed, people).take(index), years, nuisance)


def _rows(whole: Plan, names: Sequence[str] | NDArray[np.str_]) -> NDArray[np.int64]:
    place = {name: row for row, name in enumerate(whole.names)}
    wanted = [f"{_TEST}/{name}" for name in names]
    if absent := [name for name in wanted if name not in place]:
        raise ValueError(f"{absent[0]}: no photograph of this synthetic set")
    return np.array([place[name] for name in wanted], dtype=np.int64)
