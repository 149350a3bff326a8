"""What a synthesis and its measures rest on, looked for before anything is trained."""

from collections.abc import Iterable
from pathlib import Path

from irlib import runs
from irlib.data.pairs.sets import PAIR_SETS

_LAST, _METRICS = "last.pt", "metrics.json"


def runs_behind(
    home: Path,
    *,
    method: str,
    seed: int,
    judge: str,
    estimator: str,
    estimator_seed: int,
    joint: bool,
) -> dict[str, str]:
    """Names of the run folders by what they are: network, judge, estimator and evaluation.

    The network, which the synthesis learns from, is absent where both are trained together; the
    evaluation is the judge's.

    Args:
        home: the study's folder of runs.
        method: of the network.
        seed: of the network and of the judge.
        judge: method that judges identity.
        estimator: method that reads ages.
        estimator_seed: of its run.
        joint: whether recognition and synthesis are trained together.

    Raises:
        FileNotFoundError: runs are not there; the message names the notebook, the method and the
            seed of each.
        ValueError: the judge is what the synthesis learned from, or began with the same weights.
    """
    if judge == method:
        raise ValueError(
            f"judge {judge!r}: the synthesis learned from it; name another method as the judge"
        )
    wanted = {} if joint else {"network": ("02_train", method, seed)}
    wanted |= {
        "judge": ("02_train", judge, seed),
        "estimator": ("02_train", estimator, estimator_seed),
        "evaluation": ("03_evaluate", judge, seed),
    }
    found = {
        part: runs.run_name(notebook.partition("_")[2], *which)
        for part, (notebook, *which) in wanted.items()
    }
    absent = [
        f"notebooks/{notebook}.ipynb with method={name} and seed={number}"
        for part, (notebook, name, number) in wanted.items()
        if not (home / found[part] / (_METRICS if part == "evaluation" else _LAST)).exists()
    ]
    if absent:
        raise FileNotFoundError(f"{home}: first run {'; '.join(absent)}")
    if not joint:
        _require_apart(home / found["network"], home / found["judge"])
    return found


def thresholds(evaluation: Path, keys: Iterable[str]) -> dict[str, float]:
    """The judge's best threshold on the child-adult pairs of each test set, by layout.

    Args:
        evaluation: run folder of the judge's evaluation.
        keys: of `PAIR_SETS`; of several of one layout the first counts.

    Raises:
        ValueError: the evaluation has none of a set.
    """
    judged, found = runs.read_json(evaluation / _METRICS).get("sets", {}), {}
    for key in keys:
        if (level := judged.get(key, {}).get("oracle_threshold")) is None:
            raise ValueError(
                f"{evaluation.name}: has no threshold of {PAIR_SETS[key].title}; run notebook 03 "
                "again for this method and seed"
            )
        found.setdefault(PAIR_SETS[key].layout, level)
    return found


def _require_apart(network: Path, judge: Path) -> None:
    first, second = (_first_weights(folder) for folder in (network, judge))
    if first and first == second:
        raise ValueError(
            f"judge {judge.name}: began with the same weights as {network.name}, from which the "
            "synthesis learned; name another method as the judge"
        )


def _first_weights(folder: Path) -> str:
    path = folder / "run.json"
    record = runs.read_json(path) if path.exists() else {}
    return (record.get("first_weights") or {}).get("digest", "")
