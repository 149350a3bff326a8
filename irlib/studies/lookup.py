"""The study of a name, with settings changed if asked, and whether its data are there."""

import dataclasses
from pathlib import Path
from typing import Any

from irlib.data import needs
from irlib.studies.entries import STUDIES
from irlib.studies.study import Study
from irlib.training.config import TrainConfig
from irlib.training.synthesis.config import SynthesisConfig
from irlib.values import typed, unknown

# What of a study itself may be set from outside.
SETTABLE = {
    "child_below": "float", "child_at_least": "int", "allowed_bad": "int",
    "exclude_overlap": "bool", "num_groups": "int",
}  # fmt: skip
_OF_SYNTHESIS = "synthesis."  # before the fields of its config


def find(name: str, overrides: dict[str, Any] | None = None) -> Study:
    """The study of that name, or a variant of it.

    Args:
        name: as in `STUDIES`.
        overrides: fields to change, of the recipe or in `SETTABLE`, e.g. ``{"precision":
            "bf16"}``, or of the face age synthesis, as ``{"synthesis.steps": 100}``. The variant
            has them in its name, so its runs never mix with those of the study itself.

    Raises:
        ValueError: an unknown study or field, or a wrong value.
    """
    if name not in STUDIES:
        raise ValueError(unknown("study", name, STUDIES))
    study = STUDIES[name]
    if not overrides:
        return study
    named = {_OF_SYNTHESIS + field for field in SynthesisConfig.fields()}
    known = TrainConfig.fields() | SETTABLE.keys() | named
    if wrong := overrides.keys() - known:
        raise ValueError(unknown("setting of a study", min(wrong), known))
    own = {
        field: typed(field, overrides[field], SETTABLE[field])
        for field in overrides.keys() & SETTABLE
    }
    synthesis = _synthesis(study.synthesis, overrides)
    of_recipe = {f: v for f, v in overrides.items() if f not in own and f not in named}
    recipe = study.recipe.with_overrides(of_recipe)
    values = dataclasses.asdict(recipe) | own
    values |= {_OF_SYNTHESIS + f: v for f, v in dataclasses.asdict(synthesis).items()}
    texts = {f: "-".join(map(str, v)) if isinstance(v, tuple) else v for f, v in values.items()}
    told = "".join(f"+{field}={texts[field]}" for field in sorted(overrides)).replace("/", "_")
    return dataclasses.replace(
        study,
        name=name + told,
        title=f"{study.title}, but with {told[1:].replace('+', ', ')}",
        expected="something else than the study it varies, which was not measured",
        expected_synthesis="not measured",
        recipe=recipe,
        synthesis=synthesis,
        overridden=frozenset(of_recipe),
        **own,
    )


def _synthesis(config: SynthesisConfig, overrides: dict[str, Any]) -> SynthesisConfig:
    given = {
        name.removeprefix(_OF_SYNTHESIS): value
        for name, value in overrides.items()
        if name.startswith(_OF_SYNTHESIS)
    }
    try:
        return config.with_overrides(given)
    except ValueError as error:  # it begins with the name of the field
        raise ValueError(f"{_OF_SYNTHESIS}{error}") from None


def require_data(study: Study, data: Path, *, tests: bool = True, synthesis: bool = False) -> None:
    """See that what the user has to bring is there; a synthetic study needs nothing.

    Args:
        study: what is to be run.
        data: the data folder.
        tests: whether a test set is needed too, as it is for anything but training.
        synthesis: whether one is needed whose ages are known, as face age synthesis does.

    Raises:
        ValueError: the message says which folder must hold what, and whom to ask.
    """
    told = f"study {study.name!r}"
    try:
        needs.require(study.needs, study.test_needs if tests else (), data)
        if synthesis:
            told += ", --synthesis needs test faces of known age, LAG has no ages"
            needs.require((), study.synthesis_needs, data)
    except ValueError as error:
        raise ValueError(f"{told}: {error}") from None


def require_made(study: Study, data: Path) -> None:
    """See that the images that a study trains on are there, after notebook 01 made or found them.

    Raises:
        FileNotFoundError: they are gone; the message says how to have them back.
    """
    if study.train and not needs.present(data / study.train):
        again = "run notebook 01 again, or ./run_all.sh with -- --forcerun data"
        raise FileNotFoundError(f"{data / study.train} is gone: {again}")
