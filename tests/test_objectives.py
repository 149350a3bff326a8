import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from irlib.heads import ArcFace, CosFace
from irlib.images import Batch
from irlib.losses import inter_prototype_loss
from irlib.objectives import InterPrototypeObjective, Objective
from irlib.training.config import TrainConfig

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
    moved = head.prototypes.grad.to_dense().abs().sum(dim=1) > 0
    assert moved.tolist() == [False, True, False, False, True]


@pytest.mark.parametrize(("class_ids", "message"), [
    ([], "class_ids: no class is chosen"),
    ([1, 5], "class_ids: no class 5, only 0 to 4"),
    ([-1, 3], "class_ids: no class -1, only 0 to 4"),
    ([1, 4, 1], "class_ids: class 1 is named twice"),
    ([1.0, 2.5], "class_ids: expected .* whole numbers, got float64"),
    ([[1, 2]], r"class_ids: expected \(n,\) whole numbers, got int64 of shape \(1, 2\)"),
])  # fmt: skip
def test_classes_that_cannot_be_are_refused(head, class_ids, message):
    with pytest.raises(ValueError, match=message):
        InterPrototypeObjective(head, np.array(class_ids))


@pytest.mark.parametrize("weight", [-0.1, float("nan"), float("inf")])
def test_a_weight_that_is_negative_or_not_finite_is_refused(head, weight):
    with pytest.raises(ValueError, match=f"weight: expected a finite .* at least 0, got {weight}"):
        InterPrototypeObjective(head, np.array([1, 4]), weight=weight)


@pytest.mark.parametrize(("options", "message"), [
    ({"reduction": "sum"}, "unknown reduction 'sum'"),
    ({"sides": "three"}, "unknown sides 'three'"),
    ({"target": "hinge"}, "unknown target 'hinge'"),
    ({"target": "ce", "sides": "one"}, "target 'ce' has one reduction, 'paper', and no sides"),
    ({"when": "until_drops"}, "unknown when 'until_drops': did you mean 'until_drop'"),
])  # fmt: skip
def test_an_unknown_form_of_the_loss_is_refused_before_a_step(head, options, message):
    with pytest.raises(ValueError, match=message):
        InterPrototypeObjective(head, np.array([1, 4]), **options)


def test_the_form_of_the_loss_is_that_of_the_options(head, embeddings, batch):
    options = {"reduction": "size_free", "sides": "one", "target": "l1"}
    objective = InterPrototypeObjective(head, np.array([0, 1, 4]), **options)
    expected = inter_prototype_loss(head.prototypes[[0, 1, 4]], **options)
    assert torch.equal(objective(embeddings, batch)["child"], expected)


def test_the_loss_goes_with_another_head(embeddings, batch):
    head = CosFace(3, 5, scale=8.0)
    losses = InterPrototypeObjective(head, np.array([1, 4]))(embeddings, batch)
    assert torch.equal(losses["id"], F.cross_entropy(head(embeddings, LABELS), LABELS))
    assert torch.equal(losses["child"], inter_prototype_loss(head.prototypes[[1, 4]]))


LOSSES = {"id": torch.tensor(2.0), "child": torch.tensor(3.0)}


@pytest.mark.parametrize(("when", "totals"), [
    ("always", [32.0, 32.0, 32.0]),  # 2 + 10 * 3
    ("until_drop", [32.0, 2.0, 2.0]),
    ("after_drop", [2.0, 32.0, 32.0]),
])  # fmt: skip
def test_the_first_drop_of_the_learning_rate_turns_the_loss_off_or_on(head, when, totals):
    objective = InterPrototypeObjective(head, np.array([1, 4]), weight=10.0, when=when)
    found = []
    for step, drops in enumerate([0, 1, 2]):
        objective.begin_step(step, drops)
        found.append(objective.total(LOSSES).item())
    assert found == totals


def test_a_loss_that_is_off_is_told_without_a_gradient(head, embeddings, batch):
    objective = InterPrototypeObjective(head, np.array([1, 4]), when="after_drop")
    child_loss = objective(embeddings, batch)["child"]
    assert child_loss.item() == inter_prototype_loss(head.prototypes[[1, 4]]).item()
    assert not child_loss.requires_grad


def test_while_the_loss_is_off_a_step_is_the_baselines(head, embeddings, batch):
    objective = InterPrototypeObjective(head, np.array([1, 4]), weight=1e6, when="after_drop")
    gradients = []
    for trained in (objective, Objective(head)):
        head.zero_grad()
        trained.total(trained(embeddings, batch)).backward()
        gradients.append(head.prototypes.grad.clone())
    assert torch.equal(*gradients)


STEPS = TrainConfig(epochs=6, milestones=(4, 5))


def test_a_schedule_of_the_loss_fits_a_recipe_whose_rate_drops():
    InterPrototypeObjective.require_recipe(STEPS, {"when": "until_drop"})


def test_a_loss_that_is_always_on_fits_any_recipe():
    recipe = dataclasses.replace(STEPS, milestones=())
    InterPrototypeObjective.require_recipe(recipe, {"weight": 10.0})


@pytest.mark.parametrize("changes", [
    {"milestones": ()},
    {"milestones": (6,)},  # after the last of six epochs
    {"schedule": "cosine"},
])  # fmt: skip
def test_a_schedule_of_the_loss_without_a_drop_is_refused(changes):
    recipe = dataclasses.replace(STEPS, **changes)
    with pytest.raises(
        ValueError, match="when is 'after_drop': expected a learning rate that drop"
    ):
        InterPrototypeObjective.require_recipe(recipe, {"when": "after_drop"})


def test_accuracy_counts_the_nearest_prototype_without_a_margin(head):
    # each embedding is a prototype, with its own class as the label but for the last
    batch = Batch(torch.zeros(4, 112, 112, 3), torch.tensor([0, 1, 2, 4]), torch.zeros(4))
    found = Objective(head).accuracy(head.prototypes[[0, 1, 2, 3]], batch)
    assert found.item() == 0.75


def test_accuracy_takes_no_gradient(head, embeddings, batch):
    assert not Objective(head).accuracy(embeddings.requires_grad_(), batch).requires_grad


def test_the_child_classes_are_part_of_the_state(head):
    state = InterPrototypeObjective(head, np.array([1, 4]), weight=1.0).state_dict()
    assert state["class_ids"].tolist() == [1, 4]
    assert state["head.prototypes"].shape == (5, 3)


def test_a_sample_of_the_classes_leaves_the_child_loss_and_its_gradient_as_they_are(batch):
    torch.manual_seed(0)
    head = CosFace(3, 60, scale=8.0)
    objective = InterPrototypeObjective(head, np.array([50, 1, 4]))
    found = []
    for share in (1.0, 0.2):
        head.settle(sampled_share=share)
        head.prototypes.grad = None
        child_loss = objective(torch.ones(4, 3), batch)["child"]
        child_loss.backward()
        found.append((child_loss.detach(), head.prototypes.grad.to_dense()))
    assert all(torch.equal(*pair) for pair in zip(*found, strict=True))


def test_losses_of_bf16_embeddings_are_those_in_fp32(head, embeddings, batch):
    found = Objective(head)(embeddings.bfloat16(), batch)["id"]
    assert torch.equal(found, Objective(head)(embeddings.bfloat16().float(), batch)["id"])
