"""Pictures to look at: the same people at several ages."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from irlib.data.synthetic.canvas import SIZE
from irlib.data.synthetic.nuisance import draw_nuisance
from irlib.data.synthetic.render import render
from irlib.data.synthetic.traits import draw_identities


def portrait(
    seed: int, person: int, ages: Sequence[float], *, difficulty: float = 0.0
) -> NDArray[np.uint8]:
    """One person at several ages.

    Args:
        seed: of the set.
        person: number of the person in it.
        ages: A ages in years.
        difficulty: of the nuisance; 0 is the same calm studio portrait at every age.

    Returns:
        (A, SIZE, SIZE, 3) uint8 RGB.
    """
    people = np.full(len(ages), person)
    identities = draw_identities(seed, np.array([person])).take(np.zeros(len(ages), dtype=int))
    nuisance = draw_nuisance(seed, people, np.arange(len(ages)), difficulty=difficulty)
    return render(identities, np.asarray(ages, dtype=np.float64), nuisance)


def contact_sheet(
    seed: int, people: Sequence[int], ages: Sequence[float], *, difficulty: float = 0.0
) -> NDArray[np.uint8]:
    """People in rows and ages in columns, as one picture.

    Args:
        seed: of the set.
        people: R numbers of people.
        ages: A ages in years.
        difficulty: of the nuisance.

    Returns:
        (R * SIZE, A * SIZE, 3) uint8 RGB.
    """
    rows = [portrait(seed, person, ages, difficulty=difficulty) for person in people]
    sheet = np.stack(rows).transpose(0, 2, 1, 3, 4)
    return sheet.reshape(len(people) * SIZE, len(ages) * SIZE, 3)
