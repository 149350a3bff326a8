"""DAL: identity and age parts of an embedding are made to be uncorrelated, against an adversary.

Shapes: b images in this process, D embedding. Unit of ages: years; NaN where unknown.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from irlib.age_invariant.ages import age_group, known_mean, known_sums
from irlib.backbones.features import Features
from irlib.heads.margin import MarginHead
from irlib.images import Batch
from irlib.objectives.base import Objective
from irlib.values import check_weight

GROUPS = 8  # years 0-12, 13-18, 19-25, 26-35, 36-45, 46-55, 56-65, 66 and more
EPSILON = 1e-6  # on each variance


class DAL(Objective):
    """A margin head on the identity part, age groups on the age part, and their correlation.

    The correlation is that of two linear projections, one of each part. In turn, the projections
    alone are trained to raise it, and all else to lower it. So a run updates the network in
    fewer steps than other methods do: in 50 of 70.

    Args:
        head: margin head over all classes; CosFace in the paper's tables.
        age_weight: of the cross entropy of the age group, a linear layer on the age part.
        correlation_weight: of the squared correlation.
        adversarial_steps: steps in a row that train the projections, first in each turn.
        ordinary_steps: steps in a row that train all else.

    Raises:
        ValueError: a weight is negative or not finite, or there are no such steps.

    Source: Wang et al., "Decorrelated Adversarial Learning for Age-Invariant Face Recognition",
        CVPR 2019; weights, groups and turns as in the baselines of Inter-Prototype (Lee et al.,
        BMVC 2021), which train it without weight decay and for 10,572 classes only.
    """

    decomposition = "residual"
    needs_ages = True

    def __init__(
        self,
        head: MarginHead,
        *,
        age_weight: float = 0.1,
        correlation_weight: float = 0.1,
        adversarial_steps: int = 20,
        ordinary_steps: int = 50,
    ) -> None:
        super().__init__(head)
        check_weight("age_weight", age_weight)
        check_weight("correlation_weight", correlation_weight)
        for name, steps in [
            ("adversarial_steps", adversarial_steps),
            ("ordinary_steps", ordinary_steps),
        ]:
            if steps < 1:
                raise ValueError(f"{name}: expected at least 1, got {steps}")
        self.age_weight, self.correlation_weight = age_weight, correlation_weight
        self.adversarial_steps, self.ordinary_steps = adversarial_steps, ordinary_steps
        embedding_size = head.prototypes.shape[1]
        self.age_groups = nn.Linear(embedding_size, GROUPS)
        self.project_age = nn.Linear(embedding_size, 1, bias=False)
        self.project_identity = nn.Linear(embedding_size, 1, bias=False)
        self.begin_step(0, 0)

    def begin_step(self, step: int, drops: int) -> None:
        """Choose by the step's number who is trained."""
        turn = self.adversarial_steps + self.ordinary_steps
        self.is_adversarial = step % turn < self.adversarial_steps
        self.trains_network = not self.is_adversarial
        for projection in (self.project_age, self.project_identity):
            projection.requires_grad_(self.is_adversarial)

    def forward(self, features: Features, batch: Batch) -> dict[str, Tensor]:
        """Losses ``id``, ``age`` and ``correlation``, the last two over the known ages."""
        known = batch.ages.isfinite()
        dtype = self.age_groups.weight.dtype  # the parts may be bf16
        age, identity = features.age.to(dtype), features.identity.to(dtype)
        groups = age_group(batch.ages.floor(), GROUPS)  # the groups are in completed years
        age_losses = F.cross_entropy(self.age_groups(age), groups, reduction="none")
        projected = self.project_age(age)[:, 0], self.project_identity(identity)[:, 0]
        return {
            **super().forward(features, batch),
            "age": known_mean(age_losses, known),
            "correlation": squared_correlation(*projected, known),
        }

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        """The weighted sum; for the projections, in their steps, minus the correlation.

        What does not enter gets no gradient, and the optimizer then leaves it as it is.
        """
        if self.is_adversarial:
            return -losses["correlation"]
        weighted = self.age_weight * losses["age"]
        return losses["id"] + weighted + self.correlation_weight * losses["correlation"]


def squared_correlation(first: Tensor, second: Tensor, known: Tensor) -> Tensor:
    """Squared covariance over both variances, each plus 1e-6, of the entries known anywhere.

    The covariance is a mean, the variances are unbiased: for n entries in perfect correlation it
    is ((n - 1) / n)^2.

    Args:
        first: (b,) of this process.
        second: (b,).
        known: (b,) bool.

    Returns:
        Scalar, the same in all processes; 0, with zero gradients, for less than two known entries.

    Source: Wang et al., CVPR 2019, canonical correlation of the batch; the two divisors as in the
        baselines of Inter-Prototype (Lee et al., BMVC 2021).
    """
    sums, count = known_sums([first, second], known)
    means = sums / count.clamp(min=1)
    first = torch.where(known, first - means[0], 0.0)
    second = torch.where(known, second - means[1], 0.0)
    sums, _ = known_sums([first * second, first.square(), second.square()], known)
    covariance = sums[0] / count.clamp(min=1)
    variances = sums[1:] / (count - 1).clamp(min=1) + EPSILON
    return covariance.square() / (variances[0] * variances[1])
