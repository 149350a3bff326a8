"""Which trainings a study needs: those of its methods, what they start from, and what measures."""

from collections.abc import Mapping, Sequence
from typing import Any

from irlib import methods, runs
from irlib.studies import Study

# Whose network face age synthesis rests on; who then judges identity, and who age.
ENCODER, JUDGE, ESTIMATOR = "mtlface", "arcface", "age_estimator"


def trained(study: Study, names: Sequence[str]) -> list[str]:
    """The methods, each after the one whose weights it starts from, which is trained as well.

    Args:
        study: what is run.
        names: methods, by name.

    Raises:
        ValueError: an unknown method, or methods that start from each other.
    """
    found: dict[str, None] = {}
    for name in names:
        chain = [name]
        while start := start_of(study, chain[-1]):
            if start in chain:
                raise ValueError(f"methods that start from each other: {', '.join(chain)}")
            chain.append(start)
        found |= dict.fromkeys(reversed(chain))
    return list(found)


def start_of(study: Study, name: str) -> str:
    """Name of the method whose weights one starts from; empty for none."""
    method = methods.find(name)
    # weights that the user names go before the method's own
    return "" if method.recipe_on(study).start else method.start_from


def estimator_seed(seed: int) -> int:
    """Seed of the estimator of age that measures a synthesis run of a seed.

    Another one, so that it shares neither draws nor order of images with the network.
    """
    return (seed + 1) % 2**32


def require_joint_steps(study: Study, images: int | None) -> None:
    """See that joint training has at least as many steps as the recognition in it.

    Args:
        study: that trains both tasks together.
        images: that it trains on; None where that is not known, and nothing is checked.

    Raises:
        ValueError: it has fewer; the message says what to set.
    """
    if images is None:
        return
    recipe, steps = methods.find(ENCODER).recipe_on(study), study.synthesis.steps
    full, rest = divmod(images, recipe.batch_size)
    least = recipe.epochs * (full + (rest > 1))  # a batch of one image is left out
    if steps < least:
        raise ValueError(
            f"synthesis.steps is {steps:,}: expected at least the {least:,} of the recognition "
            f"training that is joined to it, {recipe.epochs} epochs of {images:,} images: "
            f"--set synthesis.steps={least}"
        )


def of_synthesis(study: Study, seeds: Sequence[int]) -> dict[str, dict[str, Any]]:
    """The runs of face age synthesis by name, as plain JSON values.

    Args:
        study: what is run; where it trains both tasks together, no recognition comes before.
        seeds: one run a seed.

    Returns:
        Of each: ``method``, ``seed``, ``judge``, ``estimator``; ``trainings``, each a method and a
        seed; and ``rests_on``, names of the runs whose results it reads.
    """
    found = {}
    for seed in seeds:
        needed = [] if study.synthesis.joint else [[ENCODER, seed]]
        needed += [[ESTIMATOR, estimator_seed(seed)], [JUDGE, seed]]
        read = [runs.run_name("train", *training) for training in needed]
        found[runs.run_name("synthesis", ENCODER, seed)] = {
            "method": ENCODER, "seed": seed, "judge": JUDGE, "estimator": ESTIMATOR,
            "trainings": needed,
            "rests_on": [runs.run_name("data"), *read, runs.run_name("evaluate", JUDGE, seed)],
        }  # fmt: skip
    return found


def by_method(
    study: Study,
    names: Sequence[str],
    seeds: Sequence[int],
    synthesis: Mapping[str, Mapping[str, Any]],
) -> dict[str, list[int]]:
    """Seeds of all trainings by method, each method after the one whose weights it starts from.

    Args:
        study: what is run.
        names: methods, by name.
        seeds: one training a method and seed.
        synthesis: what `of_synthesis` gave.

    Raises:
        ValueError: as `trained` does.
    """
    found = {name: list(seeds) for name in trained(study, names)}
    for told in synthesis.values():
        for method, seed in told["trainings"]:
            for name in trained(study, [method]):
                if seed not in found.setdefault(name, []):
                    found[name].append(seed)
    return found
