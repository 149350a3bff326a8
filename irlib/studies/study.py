"""A study as a value: which data, which backbone, which recipe, and what to expect of it."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from irlib.data.ages import CHILD_BELOW, CHILD_IMAGES
from irlib.data.needs import Need
from irlib.data.synthetic import SyntheticSpec
from irlib.training.config import TrainConfig
from irlib.training.synthesis.config import SynthesisConfig

AGE_GROUPS = range(4, 9)  # how many there may be; see `irlib.age_invariant.ages`


@dataclass(frozen=True, kw_only=True)
class Study:
    """One study of the suite."""

    name: str
    title: str
    expected: str  # time and result, and on what; or that nobody measured it yet
    expected_synthesis: str = "not measured yet"  # time that face age synthesis adds
    # What `open_faces` reads; empty for a study that trains nothing. This and the next three are
    # relative to the data folder.
    train: str
    age_labels: str
    test_dir: str
    val_dir: str | None = None  # identities of its own, for choosing the best epoch
    synthetic: SyntheticSpec | None = None  # None: the user brings the images
    needs: tuple[Need, ...] = ()  # all of these
    test_needs: tuple[Need, ...] = ()  # at least one of these
    synthesis_needs: tuple[Need, ...] = ()  # and of these, which have ages, for synthesis
    backbone: str = "ir_se_50"
    embedding_size: int = 512
    scale: float = 64.0  # of the margin heads
    # of heads by class name, where these data need others than the defaults
    head_options: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    recipe: TrainConfig
    synthesis: SynthesisConfig = SynthesisConfig()  # noqa: RUF009  it is frozen
    num_groups: int = 7  # age groups of MTLFace's age head, so of its synthesis
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
    synthesis_threads: int = 2  # of the one synthesis training, beside which little else runs
    gpus: int = 0  # of one training
    disk_gib: float = 1.0  # data made and outputs together

    def __post_init__(self) -> None:
        """Check the values that a user may set."""
        if not 0 < self.child_below <= 130:
            raise ValueError(f"child_below is {self.child_below}: expected years above 0")
        if self.num_groups not in AGE_GROUPS:
            raise ValueError(f"num_groups is {self.num_groups}: expected 4 to 8 age groups")
        for name, least in (("child_at_least", 1), ("allowed_bad", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}: expected at least {least}")

    @property
    def settings(self) -> dict[str, Any]:
        """Every value that a result depends on, as plain JSON values; `synthesis` stands apart."""
        told_only = {
            "name",
            "title",
            "expected",
            "expected_synthesis",
            "needs",
            "test_needs",
            "synthesis_needs",
            "methods",
            "seeds",
            "overridden",
            "synthesis",
            "synthesis_threads",
        }
        values = dataclasses.asdict(self)
        return {
            name: value
            for name, value in values.items()
            if name not in told_only | {"gpus", "disk_gib"}
        }

    @property
    def synthesis_settings(self) -> dict[str, Any]:
        """The values that face age synthesis depends on, besides `settings`."""
        return {**self.synthesis.settings, "threads": self.synthesis_threads}

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
