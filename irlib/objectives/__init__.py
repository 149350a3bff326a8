"""What a method minimises, as the training loop sees it: named losses, weights, state."""

from irlib.objectives.base import Objective
from irlib.objectives.inter_prototype import InterPrototypeObjective

__all__ = ["InterPrototypeObjective", "Objective"]
