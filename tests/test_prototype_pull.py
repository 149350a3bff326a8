import numpy as np
import pytest
import torch

from irlib.losses import inter_prototype_loss
from irlib.prototypes import pull

RNG = np.random.default_rng(0)
PROTOTYPES = RNG.normal(size=(9, 4)) * RNG.uniform(0.5, 3.0, size=(9, 1))
CHILD = [1, 3, 4, 6, 7, 8]  # more than dimensions


def test_the_pull_is_the_gradient_that_training_sees():
    prototypes = torch.tensor(PROTOTYPES, requires_grad=True)
    (7.0 * inter_prototype_loss(prototypes[CHILD])).backward()
    expected = prototypes.grad[CHILD].norm(dim=1).mean().item()
    told = pull(PROTOTYPES, CHILD, weight=7.0, weight_decay=0.0)
    assert told["ip_gradient"] == pytest.approx(expected, rel=1e-12)


def test_the_decay_is_its_factor_times_the_mean_length():
    # lengths 3 and 5, mean 4
    told = pull(np.array([[3.0, 0.0], [3.0, 4.0]]), [0, 1], weight=1.0, weight_decay=5e-4)
    assert told["decay_gradient"] == pytest.approx(4 * 5e-4)


def test_prototypes_at_right_angles_are_not_pulled():
    told = pull(np.eye(3) * 2, [0, 1, 2], weight=1.0, weight_decay=0.0)
    assert told["ip_gradient"] == 0.0


def test_two_prototypes_at_sixty_degrees():
    # cos 1/2, n = 2, unit length: 4 / 4 * 1/2 * sin 60 = sqrt(3) / 4
    unit = np.array([[1.0, 0.0], [0.5, np.sqrt(0.75)]])
    told = pull(unit, [0, 1], weight=1.0, weight_decay=0.0)
    assert told["ip_gradient"] == pytest.approx(np.sqrt(3) / 4)


@pytest.mark.parametrize("child", [[0], [0, 1]])
def test_one_prototype_or_one_without_length_is_refused(child):
    with pytest.raises(ValueError, match="expected 2 or more of length above 0"):
        pull(np.array([[1.0, 0.0], [0.0, 0.0]]), child, weight=1.0, weight_decay=0.0)
