"""What a reader must know besides the results: whose faces, what a number means, what is absent."""

from typing import Any

import numpy as np

from irlib.evaluation.reliability import ENOUGH_ERRORS
from irlib.report.collected import Found
from irlib.report.trainings import FEWEST
from irlib.tables import DOUBT, signed

SYNTHETIC = (
    "Synthetic faces. Every image here was drawn by this suite; none shows a real person. The "
    "numbers compare methods in a made world and cannot stand beside published ones."
)

_JUDGED = (
    "The paper's rule chooses the threshold on the very pairs it is judged on. It flatters every "
    "method, most on small sets, and is told here because the published tables use it.",
    "The 10-fold accuracy chooses each threshold on pairs that touch, on either side, none of the "
    "people whom its fold shows first, that is of its children. This page calls it \u201con other "
    "people\u201d; the second person of a tested impostor pair may still be among those chosen on. "
    "It is the number to expect on new people.",
    "Intervals speak of other people from the same population, never of other training runs. The "
    "deviation after \u00b1 is over training seeds: it speaks of other training runs, not of "
    "other people.",
    "The accuracy on one set and the rates of a band have Wilson's interval with as many pairs as "
    "tell as much and share nobody (Fogliato, Patil and Perona, IJCV 2024), with their thresholds "
    "as they are. In simulations with 30 people and more it held the truth in 92 to 98 % of lists; "
    f"{DOUBT} marks those that rest on fewer people or on fewer than {ENOUGH_ERRORS} errors and "
    "are rather too wide. The accuracy at the best threshold flatters, and its interval with it.",
    "Means over several sets, and searches, have percentile intervals of draws of people. With 30 "
    "people they held an accuracy in 88 to 99 % of simulated lists, a share of genuine pairs in 76 "
    "to 93 %: too short where few people decide the number. The interval of a mean accuracy is not "
    "centred on it: a draw of people repeats some and lacks others, so it holds fewer different "
    "pairs, the best threshold flatters it more (its draws lie 0.3 to 1.3 points above the "
    "accuracy, on average), and ten folds teach it less (0.2 to 2.9 points below). Compare methods "
    "by their differences, where both shifts are subtracted.",
    "The child\u2013adult sets share people, and some share images: five sets are not five "
    "independent confirmations.",
    "A true accept rate is told only where the set has enough pairs of different people to show "
    "such a false accept rate at all. Where fewer than ten of them lie above the threshold it "
    "comes out too high.",
)
_TRAINED = (
    "A gain is paired: both methods are judged on the same draws of people and on the same seeds. "
    "Its threshold is chosen anew in each draw. Its interval is the percentiles of these draws, "
    "which held the truth in 93 to 99 % of simulations with 30 people and more.",
    "The intervals for all comparisons together (marked *, where they exclude zero) are corrected "
    "for looking at many methods and sets, by the largest error of all comparisons in each draw of "
    "people (Westfall and Young's maximum-T method).",
    "Student's interval over trainings rests on the gains of single seeds alone. A change is told "
    f"apart from zero only if it and the interval over people exclude zero, with {FEWEST} "
    "trainings or more a method that agree in sign.",
    "The analyses A1 to A9 use plain 95 % intervals, uncorrected for how many there are: one in "
    "twenty would exclude zero by chance. A10 is corrected for all methods that it compares.",
    "The last checkpoint of a training is the one reported. The best one was chosen on identities "
    "kept for validation, never on a test set.",
)
_BROUGHT = (
    "Models made elsewhere were trained on other data, perhaps on people of these very sets, which "
    "a file does not tell. They are compared as files: paired over the same pairs, with Student's "
    "intervals over people and p values by Holm for the whole table; nothing is known of other "
    "trainings by their recipe.",
)


def protocol(found: Found) -> tuple[str, ...]:
    """Notes on what the numbers of a page support and what not."""
    trained = _TRAINED if found.trained else ()
    return (*_JUDGED, *trained, *(_BROUGHT if found.brought else ()))


PAPER = (
    "These numbers are the paper's, not this suite's. They were measured on photographs, with "
    "networks of 44 million parameters and the best checkpoint of each test set; the mean and "
    "deviation are over three runs. No number of this page on other faces may be set beside them."
)


def premise(data: dict[str, Any]) -> str:
    """Whether the paper's premise holds on the data, by the data run's short ArcFace training."""
    told = data.get("premise")
    if not told:
        return (
            "The data run did not check the premise; the cosines between different people by the "
            "networks judged here stand in the section on how alike different people look."
        )
    low, high = told["difference_interval"]
    holds = (
        "holds" if low > 0 else "is not told apart from chance" if high >= 0 else "does not hold"
    )
    text = (
        f"The premise that children look more alike {holds} on these data: for a plain ArcFace, "
        f"images of two different children have a mean cosine of {signed(told['child_child'], 3)}, "
        f"of two different adults {signed(told['adult_adult'], 3)} (difference "
        f"[{signed(low, 3)}, {signed(high, 3)}])."
    )
    children, adults = (
        list(told[name].values()) for name in ("child_adult_accuracy", "adult_adult_accuracy")
    )
    if not (children and adults):
        return text
    return (
        f"{text} It judges {100 * np.mean(children):.1f} % of child\u2013adult pairs rightly and "
        f"{100 * np.mean(adults):.1f} % of adult\u2013adult pairs."
    )


def completeness(found: Found) -> str:
    """How many runs the numbers rest on."""
    total = len(found.runs)
    if not found.absent:
        return f"All {total} runs are complete."
    names = ", ".join(f"{run.folder.name} ({run.status})" for run in found.absent[:6])
    more = len(found.absent) - 6
    rest = f" and {more} more" if more > 0 else ""
    return (
        f"{len(found.absent)} of {total} runs are not complete and count nowhere: {names}{rest}. "
        "The tables say how many seeds went into each number."
    )
