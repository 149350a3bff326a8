"""The studies: which data, which backbone, which recipe, and what to expect of them.

A study is a value. Importing this module is cheap (no torch), so that a wrong name is told at once.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from irlib.data import needs
from irlib.data.ages import CHILD_BELOW, CHILD_IMAGES
from irlib.data.needs import Need
from irlib.data.sets import catalog
from irlib.data.synthetic import SyntheticSpec
from irlib.training.config import TrainConfig
from irlib.values import typed, unknown


@dataclass(frozen=True, kw_only=True)
class Study:
    """One study of the suite."""

    name: str
    title: str
    expected: str  # time and result, and on what; or that nobody measured it yet
    train: str  # what `open_faces` reads; this and the next three are relative to the data folder
    age_labels: str
    test_dir: str
    val_dir: str | None = None  # identities of its own, for choosing the best epoch
    synthetic: SyntheticSpec | None = None  # None: the user brings the images
    needs: tuple[Need, ...] = ()  # all of these
    test_needs: tuple[Need, ...] = ()  # at least one of these
    backbone: str = "ir_se_50"
    embedding_size: int = 512
    scale: float = 64.0  # of the margin heads
    # of heads by class name, where these data need others than the defaults
    head_options: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    recipe: TrainConfig
    overridden: frozenset[str] = frozenset()  # fields of the recipe that the user set
    methods: tuple[str, ...] = ("arcface", "inter_prototype")
    seeds: tuple[int, ...] = (4885, 1234, 5678)  # the paper's
    child_below: float = CHILD_BELOW  # years; younger is a child
    child_at_least: int = CHILD_IMAGES  # child images that make an identity a child identity
    allowed_bad: int = 0  # damaged images that a training run leaves out before it stops
    exclude_overlap: bool = False  # leave people of the training set out of the test pairs
    pair_seed: int = 4885  # of the negatives
    probe_epochs: int = 0  # of the short ArcFace training that checks the premise in notebook 01
    probe_threads: int = 2  # CPU threads of that training, while nothing else runs
    bootstrap_repeats: int = 1000
    threads: int = 1  # CPU threads of one training; fixed, so that results do not depend on cores
    gpus: int = 0  # of one training
    disk_gib: float = 1.0  # data made and outputs together

    def __post_init__(self) -> None:
        """Check the values that a user may set."""
        if not 0 < self.child_below <= 130:
            raise ValueError(f"child_below is {self.child_below}: expected years above 0")
        for name, least in (("child_at_least", 1), ("allowed_bad", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}: expected at least {least}")

    @property
    def settings(self) -> dict[str, Any]:
        """Every value that a result depends on, as plain JSON values."""
        told_only = {
            "name",
            "title",
            "expected",
            "needs",
            "test_needs",
            "methods",
            "seeds",
            "overridden",
        }
        values = dataclasses.asdict(self)
        return {
            name: value
            for name, value in values.items()
            if name not in told_only | {"gpus", "disk_gib"}
        }

    def recipe_with(self, changes: Mapping[str, Any]) -> TrainConfig:
        """The recipe with some fields changed, but not those that the user set."""
        wanted = {name: value for name, value in changes.items() if name not in self.overridden}
        return dataclasses.replace(self.recipe, **wanted)

    @property
    def training_settings(self) -> dict[str, Any]:
        """The values that a training run depends on, besides its data."""
        names = (
            "backbone", "embedding_size", "scale", "head_options", "recipe", "child_below",
            "child_at_least", "allowed_bad",
        )  # fmt: skip
        return {name: self.settings[name] for name in names}


def _synthetic(name: str, **values: Any) -> Study:
    return _placed(name, test_dir=f"{name}/test", val_dir=f"{name}/val", **values)


def _placed(name: str, **values: Any) -> Study:
    return Study(name=name, train=f"{name}/train", age_labels=f"{name}/age-labels.txt", **values)


def _brought(name: str, **values: Any) -> Study:
    return _placed(
        name,
        test_dir="test",
        needs=(catalog.need(name), catalog.need(f"{name}_ages")),
        test_needs=tuple(catalog.need(key) for key in ("agedb", "fgnet", "lag")),
        threads=8,
        gpus=1,
        **values,
    )


_DEMO_FACES = SyntheticSpec(
    seed=2021,
    identities=420,
    images_per_identity=14,
    child_identity_share=0.15,
    child_images=12,
    child_image_share=0.02,
    agedb_identities=70,
    fgnet_identities=60,
    lag_identities=150,
    val_identities=20,
    test_images_per_identity=11,
    difficulty=1.0,
    age_noise=2.5,
    unlabelled_share=0.05,
)

# A queue as large a part of the images as the authors' is; fewer steps bear less of hard classes.
_FEW_IMAGES = {
    "BroadFace": {"queue_size": 400}, "MVAM": {"hard_weight": 0.1}, "MVArc": {"hard_weight": 0.05}
}  # fmt: skip

STUDIES = {
    study.name: study
    for study in (
        _synthetic(
            "demo",
            title="Synthetic cross-age faces, for two CPU cores",
            expected=(
                "15 minutes on 2 cores; ArcFace 82 % on child-adult and 95 % on adult pairs, the "
                "same with Inter-Prototype"
            ),
            synthetic=_DEMO_FACES,
            backbone="tiny",
            embedding_size=128,
            scale=16.0,
            head_options=_FEW_IMAGES,
            recipe=TrainConfig(
                epochs=6, milestones=(4, 5), batch_size=32, log_every=50, save_every=200, workers=0
            ),
            probe_epochs=3,
        ),
        _synthetic(
            "smoke",
            title="A miniature of demo, to see that everything runs",
            expected="90 seconds on 2 cores; its numbers mean nothing",
            synthetic=dataclasses.replace(
                _DEMO_FACES,
                identities=24,
                images_per_identity=14,
                child_identity_share=0.5,
                agedb_identities=16,
                fgnet_identities=16,
                lag_identities=16,
                val_identities=8,
                test_images_per_identity=8,
            ),
            backbone="tiny",
            embedding_size=32,
            scale=16.0,
            head_options=_FEW_IMAGES,
            recipe=TrainConfig(
                epochs=2, milestones=(1,), batch_size=32, log_every=5, save_every=5, workers=0
            ),
            seeds=(1,),
            probe_epochs=1,
            bootstrap_repeats=100,
        ),
        _synthetic(
            "demo-large",
            title="Synthetic cross-age faces at CASIA-WebFace's size, for a GPU",
            expected="painting takes about 30 minutes of one core; training is not measured yet",
            synthetic=dataclasses.replace(
                _DEMO_FACES,
                identities=10_572,
                images_per_identity=46,
                child_identity_share=0.0217,
                child_image_share=0.014,
                agedb_identities=300,
                fgnet_identities=82,
                lag_identities=1_000,
                val_identities=100,
            ),
            recipe=TrainConfig(
                epochs=12, milestones=(6, 9, 11), batch_size=256, precision="bf16", workers=12
            ),
            threads=12,
            gpus=1,
            disk_gib=8.0,
        ),
        _brought(
            "casia",
            title="CASIA-WebFace with the paper's recipe",
            expected="the CASIA table of the paper, within its deviations; not measured yet",
            recipe=TrainConfig(),
            disk_gib=10.0,
        ),
        _brought(
            "ms1m",
            title="MS1MV2 with the paper's recipe",
            expected="the MS1M table of the paper, within its deviations; not measured yet",
            recipe=TrainConfig(epochs=25, milestones=(14, 19, 23)),
            head_options={"BroadFace": {"queue_size": 4_096}},  # 32,000 x 85,742 numbers are 11 GB
            disk_gib=20.0,
        ),
    )
}

# What of a study itself may be set from outside.
SETTABLE = {
    "child_below": "float", "child_at_least": "int", "allowed_bad": "int",
    "exclude_overlap": "bool",
}  # fmt: skip


def find(name: str, overrides: dict[str, Any] | None = None) -> Study:
    """The study of that name, or a variant of it.

    Args:
        name: as in `STUDIES`.
        overrides: fields to change, of the recipe or in `SETTABLE`, e.g. ``{"precision":
            "bf16"}``. The variant has them in its name, so its runs never mix with those of the
            study itself.

    Raises:
        ValueError: an unknown study or field, or a wrong value.
    """
    if name not in STUDIES:
        raise ValueError(unknown("study", name, STUDIES))
    study = STUDIES[name]
    if not overrides:
        return study
    if wrong := overrides.keys() - TrainConfig.fields() - SETTABLE.keys():
        known = TrainConfig.fields() | SETTABLE.keys()
        raise ValueError(unknown("setting of a study", min(wrong), known))
    own = {
        field: typed(field, overrides[field], SETTABLE[field])
        for field in overrides.keys() & SETTABLE
    }
    recipe = study.recipe.with_overrides({f: v for f, v in overrides.items() if f not in own})
    values = dataclasses.asdict(recipe) | own
    texts = {f: "-".join(map(str, v)) if isinstance(v, tuple) else v for f, v in values.items()}
    told = "".join(f"+{field}={texts[field]}" for field in sorted(overrides)).replace("/", "_")
    return dataclasses.replace(
        study,
        name=name + told,
        title=f"{study.title}, but with {told[1:].replace('+', ', ')}",
        expected="something else than the study it varies, which was not measured",
        recipe=recipe,
        overridden=frozenset(overrides) - own.keys(),
        **own,
    )


def require_data(study: Study, data: Path, *, tests: bool = True) -> None:
    """See that what the user has to bring is there; a synthetic study needs nothing.

    Args:
        study: what is to be run.
        data: the data folder.
        tests: whether a test set is needed too, as it is for anything but training.

    Raises:
        ValueError: the message says which folder must hold what, and whom to ask.
    """
    try:
        needs.require(study.needs, study.test_needs if tests else (), data)
    except ValueError as error:
        raise ValueError(f"study {study.name!r}: {error}") from None


def require_made(study: Study, data: Path) -> None:
    """See that the images that a study trains on are there, after notebook 01 made or found them.

    Raises:
        FileNotFoundError: they are gone; the message says how to have them back.
    """
    if not needs.present(data / study.train):
        again = "run notebook 01 again, or ./run_all.sh with -- --forcerun data"
        raise FileNotFoundError(f"{data / study.train} is gone: {again}")
