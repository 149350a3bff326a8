"""When a 95 % interval over people is not to be taken at its word.

The bounds are those of `benchmarks.coverage`, whose table is in docs/statistics.md.
"""

MEASURED_FROM = 15  # people; below it nothing was simulated
ON_TARGET_FROM = 30  # people from which the coverage is 92 to 98 %
ENOUGH_ERRORS = 20  # wrong pairs (or right ones, if they are fewer)
ENOUGH_ACCEPTED = 10  # impostor pairs above the threshold
ON_TARGET_CROWDED = 50  # people from which many errors a person do not matter
CROWDED = 2.5  # errors a person


def reliable(num_identities: int, errors: float) -> str:
    """What to say of the interval of a share or of a paired difference; empty if nothing.

    It holds for `irlib.evaluation.wilson` and `irlib.evaluation.paired`.

    Args:
        num_identities: people in the pairs.
        errors: pairs judged wrongly, or rightly if those are fewer; of a difference the pairs that
            two models judge differently.
    """
    if num_identities < MEASURED_FROM:
        return (
            f"the interval rests on {num_identities} people; intervals over fewer than "
            f"{MEASURED_FROM} were not checked"
        )
    if num_identities < ON_TARGET_FROM:
        return (
            f"the interval rests on {num_identities} people; over fewer than {ON_TARGET_FROM}, "
            "intervals held the truth in up to 99.6 % of simulations, so it may be wider than "
            "need be"
        )
    if errors < ENOUGH_ERRORS:
        return (
            f"the interval rests on {errors:g} errors; with fewer than {ENOUGH_ERRORS}, intervals "
            "held the truth in up to 99 % of simulations, so it may be wider than need be"
        )
    if num_identities < ON_TARGET_CROWDED and errors > CROWDED * num_identities:
        return (
            f"the interval rests on {errors:g} errors of {num_identities} people; where 30 people "
            "had ten times as many impostor pairs as genuine ones, intervals held the truth in as "
            "few as 90.8 % of simulations, so it may be too short"
        )
    return ""


def reliable_auc(num_identities: int, errors: float) -> str:
    """What to say of the interval of an AUC or an equal error rate; empty if nothing.

    Args:
        num_identities: people in the pairs.
        errors: pairs judged wrongly at equal error rates, of the kind of which they are fewer.
    """
    if num_identities < ON_TARGET_FROM:
        return (
            f"the interval rests on {num_identities} people; those of AUC and EER over fewer than "
            f"{ON_TARGET_FROM} were not checked"
        )
    if errors < ENOUGH_ERRORS:
        return (
            f"the interval rests on {errors:g} errors; with fewer than {ENOUGH_ERRORS} of a kind, "
            "those of AUC and EER held the truth in up to 99 % of simulations, so it may be wider "
            "than need be"
        )
    return ""


def reliable_tar(num_other: int, far: float) -> str:
    """What to say of the interval of a true accept rate at a false accept rate; empty if nothing.

    Args:
        num_other: impostor pairs.
        far: the rate, in (0, 1].
    """
    accepted = num_other * far
    if accepted >= ENOUGH_ACCEPTED:
        return ""
    return (
        f"the threshold rests on {accepted:.3g} of {num_other} impostor pairs; with fewer than "
        f"{ENOUGH_ACCEPTED}, the rate comes out too high, and intervals held the truth in 91 to "
        "96 % of simulations with 2"
    )


def reliable_percentiles(num_identities: int) -> str:
    """What to say of a share whose interval is the percentiles of draws of people.

    Such an interval is too short where few people decide the share. Differences of two models are
    better off: theirs held the truth in 93 to 99 % from 30 people on.

    Args:
        num_identities: people drawn.
    """
    lowest = next(
        (low for people, low in ((100, 85), (50, 80), (30, 76)) if num_identities >= people), None
    )
    if lowest is None:
        return (
            f"the percentiles rest on {num_identities} people; over fewer than 30 such intervals "
            "of a share held the truth in as few as 70 % of simulations"
        )
    return (
        f"the percentiles rest on {num_identities} people; over as few as that such intervals of "
        f"a share held the truth in {lowest} to 99 % of simulations"
    )
