"""Invented names of people, from syllables."""

import numpy as np

STARTS = (
    "Ba Be Bri Ca Da De Do E Fa Ga Gi Ha I Ja Jo Ka Ke La Le Li Lo Ma Me Mi Na Ne No O Pa Pe "
    "Ra Re Ri Ro Sa Se Si So Ta Te Ti To U Va Ve Vi Wi Ya Za Ze"
)
MIDDLES = "la le li lo na ne ni no ra re ri ro sa se si ta te ti to va vi da di ma mi ka ko"
ENDS = "n na ra ris l la lin s sa ta ton den mar nor vik ster ley man sen der dis mon bel"


def _pick(rng: np.random.Generator, syllables: str) -> str:
    choices = syllables.split()
    return choices[rng.integers(len(choices))]


def person_names(seed: int, count: int) -> list[tuple[str, str]]:
    """Distinct pairs of a given and a family name.

    Args:
        seed: of the draw.
        count: number of names.
    """
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 4])))
    taken: dict[tuple[str, str], None] = {}
    while len(taken) < count:
        words = []
        for _ in range(2):
            middle = _pick(rng, MIDDLES) if rng.random() < 0.5 else ""
            words.append(_pick(rng, STARTS) + middle + _pick(rng, ENDS))
        taken.setdefault((words[0], words[1]))
    return list(taken)
