import numpy as np
import pytest
import torch
import torch.nn.functional as F

from irlib.heads import ArcFace
from irlib.images import Batch
from irlib.losses import inter_prototype_loss
from irlib.objectives import InterPrototypeObjective, Objective

LABELS = torch.tensor([0, 1, 2, 2])


@pytest.fixture
def head():
    torch.manual_seed(0)
    return ArcFace(3, 5, scale=8.0)


@pytest.fixture
def embeddings():
    return torch.randn(4, 3, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def batch():
    return Batch(torch.zeros(4, 112, 112, 3, dtype=torch.uint8), LABELS, torch.zeros(4))


def test_the_plain_objective_is_cross_entropy_on_the_heads_logits(head, embeddings, batch):
    losses = Objective(head)(embeddings, batch)
    assert set(losses) == {"id"}
    assert torch.equal(losses["id"], F.cross_entropy(head(embeddings, LABELS), LABELS))


def test_the_plain_total_is_the_sum_of_the_losses(head):
    losses = {"id": torch.tensor(2.0), "other": torch.tensor(3.0)}
    assert Objective(head).total(losses).item() == 5.0


def test_the_child_loss_acts_on_the_prototypes_of_the_child_classes(head, embeddings, batch):
    objective = InterPrototypeObjective(head, np.array([1, 4]), weight=1.0)
    losses = objective(embeddings, batch)
    assert set(losses) == {"id", "child"}
    assert torch.equal(losses["child"], inter_prototype_loss(head.prototypes[[1, 4]]))


def test_the_weight_multiplies_the_child_loss(head):
    losses = {"id": torch.tensor(2.0), "child": torch.tensor(3.0)}
    objective = InterPrototypeObjective(head, np.array([1, 4]), weight=0.5)
    assert objective.total(losses).item() == 3.5  # 2 + 0.5 * 3


def test_the_child_loss_moves_no_prototype_of_an_adult(head, embeddings, batch):
    objective = InterPrototypeObjective(head, np.array([1, 4]), weight=1.0)
    objective(embeddings, batch)["child"].backward()
    moved = head.prototypes.grad.abs().sum(dim=1) > 0
    assert moved.tolist() == [False, True, False, False, True]


def test_no_child_class_is_refused(head):
    with pytest.raises(ValueError, match="no class counts as a child"):
        InterPrototypeObjective(head, np.array([], dtype=np.int64), weight=1.0)


def test_a_child_class_that_the_head_does_not_have_is_refused(head):
    with pytest.raises(ValueError, match="child class 5: only 5 classes"):
        InterPrototypeObjective(head, np.array([1, 5]), weight=1.0)


def test_accuracy_counts_the_nearest_prototype_without_a_margin(head):
    # each embedding is a prototype, with its own class as the label but for the last
    found = Objective(head).accuracy(head.prototypes[[0, 1, 2, 3]], torch.tensor([0, 1, 2, 4]))
    assert found.item() == 0.75


def test_accuracy_takes_no_gradient(head, embeddings):
    assert not Objective(head).accuracy(embeddings.requires_grad_(), LABELS).requires_grad


def test_the_child_classes_are_part_of_the_state(head):
    state = InterPrototypeObjective(head, np.array([1, 4]), weight=1.0).state_dict()
    assert state["class_ids"].tolist() == [1, 4]
    assert state["head.prototypes"].shape == (5, 3)
