"""What a method changes in the recipe of a study."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from irlib.studies import STUDIES, Study


@dataclass(frozen=True)
class Schedule:
    """How long a training is, and when its learning rate rises and falls; in epochs."""

    epochs: int
    milestones: tuple[int, ...]
    warmup_epochs: float = 0.0

    def scaled(self, ratio: float) -> "Schedule":
        """The same in another number of epochs: whole ones, of which falls are rounded down."""
        epochs = max(round(self.epochs * ratio), 1)
        falls = {int(milestone * ratio + 1e-9) for milestone in self.milestones}  # 0.6 * 5 is 3
        milestones = tuple(sorted(falls & set(range(1, epochs))))
        return Schedule(epochs, milestones, min(self.warmup_epochs * ratio, epochs))


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Changes of fields of `TrainConfig`, which give way to what the user sets, `fixed` aside."""

    changes: Mapping[str, Any] = field(default_factory=dict)  # on every study
    # Where images are brought, not painted: a painted set is too small for the authors' batches.
    on_real_images: Mapping[str, Any] = field(default_factory=dict)
    # By name of the study; elsewhere casia's, in proportion to the epochs. None: the study's own.
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    # These stand also against the user: a measuring instrument is no subject of the study.
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def on(self, study: Study) -> dict[str, Any]:
        """The changes on a study, by field."""
        real = {} if study.synthetic else self.on_real_images
        return {**self.changes, **real, **self._schedule_on(study)}

    def _schedule_on(self, study: Study) -> dict[str, Any]:
        # A user who sets the epochs or the falls means both: half of another schedule fits neither.
        if not self.schedules or study.overridden & {"epochs", "milestones"}:
            return {}
        name = study.name.partition("+")[0]  # what follows are the user's settings
        if name in self.schedules:
            return dataclasses.asdict(self.schedules[name])
        ratio = study.recipe.epochs / STUDIES["casia"].recipe.epochs
        return dataclasses.asdict(self.schedules["casia"].scaled(ratio))


AS_THE_STUDY = Recipe()
