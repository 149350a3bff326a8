"""What notebook 06 finishes with, from the measures themselves on a few made up faces."""

import numpy as np

from irlib.data.pairs.rules import PairList
from irlib.evaluation.synthesized import truth
from irlib.evaluation.synthesized.crossing import crossing
from irlib.evaluation.synthesized.following import Estimates, agreement, following
from irlib.evaluation.synthesized.kept import kept
from irlib.evaluation.synthesized.kid import kid
from irlib.evaluation.synthesized.means import means, told

GROUPS = ["0-30", "31-40", "41-50", "over 50"]
CENTRAL = np.array([15.0, 35.0, 45.0, 60.0])
PEOPLE = np.array([f"p{number:02d}" for number in range(24)])
DRAWS = {"seed": 0, "repeats": 20}


def followed():
    """Every face of every group is estimated at the group's central age."""
    estimated = np.repeat(CENTRAL[:, None], len(PEOPLE), axis=1)
    age = np.tile([10.0, 35.0, 45.0, 70.0], 6)
    return following(estimated, PEOPLE, CENTRAL, Estimates(age, age, PEOPLE), **DRAWS)


def true_faces():
    """The estimator reads all true faces as 35; one of the judge's four groups has its sources."""
    same = np.full((len(GROUPS), len(PEOPLE)), 35.0)
    sources, results = embedded()
    results[1:] = np.roll(sources, 1, axis=1)
    return {
        "following": agreement(same, PEOPLE, CENTRAL, **DRAWS).metrics,
        "kept": kept(sources, results, PEOPLE, np.full(len(PEOPLE), 0.3)).metrics,
    }


def embedded():
    """Sources that share nothing; results that are their sources, and real faces of 24 others."""
    sources = np.eye(len(PEOPLE))
    results = np.stack([sources] * len(GROUPS))
    return sources, results


def crossed():
    """The younger and the older face of each person, and of each two neighbors."""
    first, second = np.tile(PEOPLE, 2), np.concatenate([PEOPLE, np.roll(PEOPLE, 1)])
    files = [np.char.add(each, ".jpg") for each in (first, second)]
    ages = np.full(len(first), 8.0), np.full(len(first), 38.0)
    pairs = PairList(*files, first == second, first, second, *ages)
    before = np.where(pairs.is_same, 0.5, 0.1)
    # genuine pairs rise by 0.1, the others by 0.02
    return crossing(pairs, before, before + np.where(pairs.is_same, 0.1, 0.02))


def metrics(**changed):
    """All of it, as plain values; some parts changed if asked."""
    sources, results = embedded()
    group = np.tile(np.arange(4), 12)
    others = np.repeat([f"q{number}" for number in range(12)], 4)
    distances = kid(sources, results, PEOPLE, np.eye(48, len(PEOPLE)) + 0.1, others, group, **DRAWS)
    pictures = np.zeros((len(PEOPLE), 2, 2, 3), np.uint8)
    shown = truth.Shown(np.stack([pictures + 6] * 4), pictures, np.stack([pictures + 10] * 4))
    seen = truth.Shown(results, sources, results)
    moved = np.repeat(CENTRAL[:, None], len(PEOPLE), axis=1) - 10
    ways = means(np.full((len(PEOPLE), 2), (0.5, 0.25)), PEOPLE)
    found = {
        "following": followed().metrics,
        "kept": kept(sources, results, PEOPLE, np.full(len(PEOPLE), 0.3)).metrics,
        "there_and_back": told(there=ways[0], back=ways[1]) | {"faces": len(PEOPLE)},
        "crossing": {"agedb20_child": {"title": "AgeDB-C20", **crossed().metrics}},
        "kid": distances.metrics,
        "truth": truth.against_truth(shown, seen, PEOPLE, moved).metrics,
        "true_faces": true_faces(),
        "shared_people": 0,
        "groups": GROUPS,
        "synthetic": True,
    }
    return found | changed
