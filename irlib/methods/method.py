"""What a method is: a margin head with what it adds, as one value.

`irlib.objectives` says how the two are minimised.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from irlib import backbones, heads, runs
from irlib.class_groups import Group, Labelled
from irlib.heads import ArcFace, MarginHead
from irlib.methods.recipes import AS_THE_STUDY, Recipe
from irlib.objectives import Objective
from irlib.studies import Study
from irlib.training.config import LAST, TrainConfig
from irlib.values import unknown

_NONE = np.empty(0, dtype=np.int64)

TABLE, CONTROL, ABLATION, PUBLISHED = "table", "control", "ablation", "published"
ESTIMATOR = "estimator"  # measures the results of others, and stands in no table


@dataclass(frozen=True, kw_only=True)
class Method:
    """One row of a result table.

    Every method is trained by the recipe of its study; `recipe` holds what a method of kind
    "published" or "estimator" changes in it.
    """

    name: str  # as on the command line and in folder names
    title: str  # as in tables and legends
    head: type[MarginHead] = ArcFace
    head_options: Mapping[str, float | bool] = field(default_factory=dict)  # of its constructor
    objective: type[Objective] = Objective
    options: Mapping[str, Any] = field(default_factory=dict)  # of its constructor
    study_options: tuple[str, ...] = ()  # fields of the study that its constructor takes too
    group: Group | None = None  # the classes that the objective treats apart
    recipe: Recipe = AS_THE_STUDY
    start_from: str = ""  # method whose run of the same seed gives the first weights
    kind: str = TABLE
    baseline: str = "arcface"  # name of the method that its gain is measured against

    @property
    def settings(self) -> dict[str, Any]:
        """What its result depends on, besides the code of `sources` and the study."""
        group = self.group and [type(self.group).__qualname__, self.group.settings]
        return {
            "head": [self.head.__qualname__, dict(self.head_options)],
            "objective": [self.objective.__qualname__, dict(self.options)],
            "decomposition": self.objective.decomposition,
            "group": group,
            "recipe": dataclasses.asdict(self.recipe),
            "start_from": self.start_from,
        }

    def head_settings(self, study: Study) -> dict[str, Any]:
        """Options of the head's constructor on a study: the method's own go before the study's."""
        on_study = study.head_options.get(self.head.__name__, {})
        return {"scale": study.scale, **on_study, **self.head_options}

    def objective_settings(self, study: Study) -> dict[str, Any]:
        """Options of the objective's constructor on a study."""
        return {name: getattr(study, name) for name in self.study_options} | dict(self.options)

    @property
    def sources(self) -> tuple[str, ...]:
        """The modules that hold its code."""
        group = self.group.sources if self.group else ()
        return (self.head.__module__, self.objective.__module__, *group)

    def recipe_on(self, study: Study) -> TrainConfig:
        """The recipe of a study as this method changes it."""
        return dataclasses.replace(study.recipe_with(self.recipe.on(study)), **self.recipe.fixed)

    def check(self, study: Study) -> None:
        """See that the method can be built and trained on a study, without doing either.

        Raises:
            ValueError: an option or a recipe that does not fit; the message names the method.
        """
        try:
            if not study.train:
                raise ValueError("it has no training set; --models names what it evaluates")
            for head in study.head_options.keys() - set(heads.__all__):
                raise ValueError(unknown("head", head, heads.__all__))
            self.objective.require_recipe(self.recipe_on(study), self.objective_settings(study))
            with torch.device("meta"):  # shapes without memory
                self.build(study, self.network(study), 2, np.arange(2 if self.group else 0))
        except (TypeError, ValueError) as error:
            raise ValueError(f"method {self.name!r} on study {study.name!r}: {error}") from error

    def first_weights(self, study: Study, home: Path, seed: int) -> Path | None:
        """The checkpoint that training starts from, None for random weights.

        Args:
            study: its `start`, where the user sets one, goes before the method's own.
            home: the study's folder of runs.
            seed: of the run that is to start.

        Raises:
            FileNotFoundError: it is not there; the message names it.
        """
        if start := self.recipe_on(study).start:
            if not runs.resolve(start).is_file():
                raise FileNotFoundError(f"start is {start!r}: there is no such checkpoint")
            return runs.resolve(start)
        if not self.start_from:
            return None
        return runs.require(home / runs.run_name("train", self.start_from, seed), LAST, "02_train")

    def require_ages(self, faces: Labelled) -> None:
        """See that there are ages where the method needs them.

        Raises:
            ValueError: no image has an age.
        """
        if self.objective.needs_ages and not np.isfinite(faces.ages).any():
            raise ValueError(
                f"method {self.name!r} learns from ages, and none of {len(faces.ages):,} training "
                "images has one: expected a label file; see data/README.md"
            )

    def select(self, faces: Labelled, seed: int) -> NDArray[np.int64]:
        """(n,) ascending classes that the method treats apart; none where it has no group.

        Raises:
            ValueError: the group is empty.
        """
        if self.group is None:
            return _NONE
        ids = self.group.select(faces, seed)
        if not len(ids):
            raise ValueError(
                f"method {self.name!r}: {self.group} selects none of {faces.num_classes:,} "
                "classes; check the age labels, and the study's child_below and child_at_least"
            )
        return ids

    def model(self, study: Study) -> dict[str, Any]:
        """What a checkpoint has to record to rebuild the network."""
        return {
            "backbone": study.backbone,
            "embedding_size": study.embedding_size,
            "decomposition": self.objective.decomposition,
            "method": self.name,
        }

    def network(self, study: Study) -> nn.Module:
        """A network with random weights, drawn from torch's global generator."""
        return backbones.build(study.backbone, study.embedding_size, self.objective.decomposition)

    def build(
        self,
        study: Study,
        network: nn.Module,
        num_classes: int,
        class_ids: NDArray[np.int64] = _NONE,
    ) -> Objective:
        """A fresh objective; its prototypes are drawn from torch's global generator.

        Args:
            study: names the embedding size and the common scale.
            network: what `network` gave.
            num_classes: C.
            class_ids: (n,) classes that `select` gave.

        Raises:
            ValueError: options that do not fit; see the head and the objective.
        """
        head = self.head(study.embedding_size, num_classes, **self.head_settings(study))
        return self.objective.of(head, network, class_ids, **self.objective_settings(study))
