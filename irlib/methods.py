"""The methods that can be trained: one entry for each row of the result tables.

A method is a margin head with what it adds; `irlib.objectives` says how the two are minimised.
"""

from dataclasses import dataclass

import numpy as np

from irlib.heads import ArcFace, CosFace, MarginHead
from irlib.objectives import InterPrototypeObjective, Objective
from irlib.values import unknown


@dataclass(frozen=True)
class Method:
    """One row of a result table."""

    name: str  # as on the command line and in folder names
    title: str  # as in tables and legends
    head: type[MarginHead]
    objective: type[Objective] = Objective
    child_weight: float = 0.0  # lambda of what the objective adds; 0 is the plain head

    @property
    def settings(self) -> list[str | float]:
        """What its result depends on, besides the code of `sources`."""
        return [self.head.__qualname__, self.objective.__qualname__, self.child_weight]

    @property
    def sources(self) -> tuple[str, ...]:
        """The modules that hold its code."""
        return (self.head.__module__, self.objective.__module__)

    def build(
        self,
        embedding_size: int,
        num_classes: int,
        *,
        scale: float,
        child_ids: np.ndarray,
    ) -> Objective:
        """A fresh objective; its prototypes are drawn from torch's global generator.

        Args:
            embedding_size: D.
            num_classes: C.
            scale: of the logits.
            child_ids: (n,) child classes.

        Raises:
            ValueError: see `InterPrototypeObjective`.
        """
        head = self.head(embedding_size, num_classes, scale=scale)
        return self.objective(head, child_ids, self.child_weight)


METHODS = {
    method.name: method
    for method in (
        Method("arcface", "ArcFace", ArcFace),
        Method("cosface", "CosFace", CosFace),
        Method("arcface-ip", "ArcFace + Inter-Prototype", ArcFace, InterPrototypeObjective, 1.0),
        Method("cosface-ip", "CosFace + Inter-Prototype", CosFace, InterPrototypeObjective, 1.0),
    )
}


def find(name: str) -> Method:
    """The method of that name.

    Raises:
        ValueError: there is none; the nearest name is given.
    """
    if name not in METHODS:
        raise ValueError(unknown("method", name, METHODS))
    return METHODS[name]
