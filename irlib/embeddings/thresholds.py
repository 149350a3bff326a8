"""A threshold for comparing two faces, and the error rates it had, from an evaluation run.

Units: thresholds are cosines; rates are fractions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from irlib import runs, studies
from irlib.data.ages import CHILD_BELOW
from irlib.data.pairs.sets import PAIR_SETS
from irlib.provenance import file_digest

CHILDREN = (
    "A threshold from pairs of adults does not hold for children, nor one from child-adult pairs "
    "for adults: the cosines of children lie elsewhere. No threshold holds for another model."
)
WITHOUT = (
    "No threshold: the cosine from which two images show one person differs from model to model. "
    "--threshold-from takes one from an evaluation run of this very model."
)


@dataclass(frozen=True)
class SetThreshold:
    """The threshold that was best on a set of pairs, and its errors on those very pairs.

    Args:
        key: of the set.
        title: of the set.
        adults: whether its pairs show adults; else a child and an adult.
        threshold: cosine at or above which a pair was accepted.
        genuine: pairs of one person.
        false_rejects: of them, below the threshold.
        impostor: pairs of two people.
        false_accepts: of them, at or above it.
    """

    key: str
    title: str
    adults: bool
    threshold: float
    genuine: int
    false_rejects: int
    impostor: int
    false_accepts: int

    @property
    def false_reject_rate(self) -> float:
        """Share of the genuine pairs that were rejected."""
        return self.false_rejects / self.genuine

    @property
    def false_accept_rate(self) -> float:
        """Share of the impostor pairs that were accepted."""
        return self.false_accepts / self.impostor


@dataclass(frozen=True)
class Suggestion:
    """A threshold, and where it comes from.

    Args:
        run: the evaluation run's folder.
        study: its study.
        synthetic: whether the study's faces are synthetic; None where it is not known.
        chosen: the set whose threshold is suggested.
        sets: all sets of the run.
        checked: whether the file that the run evaluated was there, and is the model's.
    """

    run: Path
    study: str
    synthetic: bool | None
    chosen: SetThreshold
    sets: tuple[SetThreshold, ...]
    checked: bool

    @property
    def faces(self) -> str:
        """What kind of faces the error rates speak of, in words."""
        kind = {True: "synthetic faces", False: "the faces", None: "unknown faces"}[self.synthetic]
        return f"{kind} of study {self.study}"


def suggestion(
    source: str, model: Path, *, key: str | None = None, color_order: str | None = None
) -> Suggestion:
    """The threshold that an evaluation of a model found best on a set.

    Args:
        source: folder of an evaluation run; or a set's key, for the run that the suite keeps
            beside the model's own training run.
        model: file of the model that compares the faces.
        key: the set to take; by default the child-adult set with most pairs, else the one with
            most pairs.
        color_order: that the model is loaded with.

    Raises:
        FileNotFoundError: there is no such run, or it is not complete.
        ValueError: the run evaluated another model, or has no such set.
    """
    folder = Path(source)
    if not folder.is_dir():
        folder, key = _run_of(model, source), source
    runs.require(folder, "metrics.json", "03_evaluate")
    record, metrics = runs.read_record(folder), runs.read_json(folder / "metrics.json")
    sets = _sets(folder, metrics)
    parameters = record.get("parameters", {})
    return Suggestion(
        run=folder,
        study=str(parameters.get("study", "")),
        synthetic=_is_synthetic(parameters),
        chosen=_chosen(folder, sets, key),
        sets=sets,
        checked=_is_of(folder, parameters, model, color_order or ""),
    )


# The suite puts train-<method>-s<seed>/last.pt beside evaluate-<method>-s<seed>.
def _run_of(model: Path, key: str) -> Path:
    stage, _, name = model.resolve().parent.name.partition("-")
    variant = "" if model.stem == "last" else f"-{model.stem}"
    folder = model.resolve().parents[1] / f"evaluate-{name}{variant}"
    if stage != "train" or not folder.is_dir():
        raise FileNotFoundError(
            f"{key}: no such folder, and no evaluation run beside {model}; expected the folder of "
            "a run of notebook 03"
        )
    return folder


def _sets(folder: Path, metrics: Mapping[str, Any]) -> tuple[SetThreshold, ...]:
    try:
        titles = {key: values["title"] for key, values in metrics["sets"].items()}
        return tuple(
            SetThreshold(key, titles[key], _shows_adults(key), **errors)
            for key, errors in metrics["analyses"]["a12"].items()
            if errors["genuine"] and errors["impostor"]
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{folder / 'metrics.json'}: tells no errors at a threshold ({error}); run notebook 03 "
            "again"
        ) from None


def _shows_adults(key: str) -> bool:
    return key in PAIR_SETS and PAIR_SETS[key].first_age[0] >= CHILD_BELOW


def _chosen(folder: Path, sets: tuple[SetThreshold, ...], key: str | None) -> SetThreshold:
    if key is None:
        if not sets:
            raise ValueError(f"{folder}: evaluated no set of pairs")
        return max(sets, key=lambda each: (not each.adults, each.genuine + each.impostor))
    for each in sets:
        if each.key == key:
            return each
    raise ValueError(f"set {key!r}: {folder} has {', '.join(each.key for each in sets)}")


def _is_synthetic(parameters: Mapping[str, Any]) -> bool | None:
    try:
        study = studies.find(parameters["study"], parameters.get("overrides"))
    except (KeyError, ValueError):
        return None
    return study.synthetic is not None


# A run tells a model that was brought by its file, and one of the suite by method and seed.
def _is_of(folder: Path, parameters: Mapping[str, Any], model: Path, color_order: str) -> bool:
    brought = parameters.get("model", "")
    name = runs.run_name("train", parameters.get("method", ""), parameters.get("seed"))
    weights = folder.parent / name / f"{parameters.get('checkpoint', 'last')}.pt"
    path = Path(brought) if brought else weights
    if not path.is_file():
        return False
    if file_digest(path) != file_digest(model):
        raise ValueError(f"{folder}: evaluated {path}, whose content is not that of {model}")
    if brought and (parameters.get("color_order") or "") != color_order:
        raise ValueError(
            f"{folder}: evaluated with color order {parameters.get('color_order') or 'not given'!r}"
            f", now {color_order or 'not given'!r}"
        )
    return True
