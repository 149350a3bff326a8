"""Heads and objectives whose classes are divided over processes, against one process."""

import copy
import itertools

import numpy as np
import pytest
import ranks
import torch
from margin_heads import HEADS, small, with_prototypes

from irlib import parallel
from irlib.heads import AdaFace, ArcFace, BroadFace, CosFace, CurricularFace
from irlib.images import Batch
from irlib.objectives import InterPrototypeObjective, Objective
from irlib.parallel import Shard

PATHS = {
    "all logits": {},
    "chunks": {"class_chunk": 2},
    "a sample of all": {"sampled_share": 0.99},
    "chunks of a sample of all": {"sampled_share": 0.99, "class_chunk": 1},
}
VARIANTS = {
    "mse": {},
    "one-sided mse": {"sides": "one"},
    "l1": {"target": "l1"},
    "one-sided l1": {"sides": "one", "target": "l1"},
    "ce": {"target": "ce"},
    "size-free": {"reduction": "size_free"},
    "off diagonal": {"reduction": "off_diagonal"},
}
IMAGES = {2: (4, 2), 4: (3, 0, 2, 1)}  # of each process
CHILDREN = [0, 1, 2, 5]


def batch_of(classes, seed, *, divided):
    """Features (b, D) and a batch; the same numbers in every process, or its part of them."""
    counts = IMAGES[parallel.size()]
    generator = torch.Generator().manual_seed(seed)
    features = 20 * torch.randn(sum(counts), 8, dtype=torch.float64, generator=generator)
    labels = torch.randint(classes, (sum(counts),), generator=generator)
    if divided:
        first, counted = sum(counts[: parallel.rank()]), counts[parallel.rank()]
        features, labels = features[first : first + counted], labels[first : first + counted]
    images, ages = torch.zeros(len(labels), 1), torch.zeros(len(labels))
    features = features.clone().requires_grad_()
    return features, Batch(images, labels, ages, counts if divided else None)


def two_steps(objective, settings, *, divided):
    """Losses, gradients and state of an objective over two steps of gradient descent.

    Either it holds all classes and sees all images, or it is one of several that share them out.
    """
    objective = copy.deepcopy(objective)
    head, size = objective.head, parallel.size() if divided else 1
    classes = head.num_classes
    head.settle(**settings)
    head.divide(rank=parallel.rank(), size=size)
    found = {}
    for step in range(2):
        features, batch = batch_of(classes, step, divided=divided)
        losses = objective(features, batch)
        (objective.total(losses) / size).backward()
        gradient = head.prototypes.grad.to_dense()
        found |= {
            **{f"{name} {step}": loss.detach() for name, loss in losses.items()},
            f"of embeddings {step}": features.grad,
            f"of prototypes {step}": gradient,
            f"accuracy {step}": objective.accuracy(features, batch),
        }
        with torch.no_grad():
            head.prototypes -= 0.1 / head.scale * gradient
        head.prototypes.grad = None
    return found | {name: v for name, v in head.state_dict().items() if name != "prototypes"}


def own_rows(name, value, classes):
    """What this process has of a value of all."""
    if name.startswith("of embeddings"):
        return value.split(list(IMAGES[parallel.size()]))[parallel.rank()]
    if name.startswith("of prototypes"):
        shard = Shard.of(classes, rank=parallel.rank(), size=parallel.size())
        return value[shard.first : shard.end]
    return value


def farthest(objective, settings, expected):
    """The largest difference, beside the largest entry of its array, from one process."""
    found, most = two_steps(objective, settings, divided=True), 0.0
    for name, value in expected.items():
        own = own_rows(name, value, objective.head.num_classes)
        assert found[name].shape == own.shape, name
        if own.numel():
            difference = (found[name] - own).abs().max() / value.abs().max().clamp(min=1)
            most = max(most, difference.item())
    return most


def plain(make, classes, *, detached=False):
    torch.manual_seed(0)
    return Objective(small(make, 8, classes, detached_margin=detached).double())


def with_children(classes, **options):
    torch.manual_seed(0)
    head = CosFace(8, classes).double()
    children = np.array([child for child in CHILDREN if child < classes])
    return InterPrototypeObjective(head, children, weight=10.0, **options)


def measured(objectives, paths):
    """How far each objective on each path is from one process, by their names."""
    found = {}
    for name, objective in objectives.items():
        expected = two_steps(objective, {}, divided=False)
        for path in paths:
            found[name, path] = farthest(objective, PATHS[path], expected)
    return found


def by_two():
    """All heads and all forms of the Inter-Prototype loss; 7 classes are 4 and 3."""
    objectives = {
        **{f"{make.__name__}": plain(make, 7) for make in HEADS},
        **{f"{make.__name__}, detached": plain(make, 7, detached=True) for make in HEADS},
        **{f"children, {name}": with_children(7, **VARIANTS[name]) for name in VARIANTS},
    }
    return measured(objectives, PATHS) | facts(7) | {"sample": sample()}


def by_four(classes):
    """Fewer of them; 7 classes are 2, 2, 2 and 1, of 3 classes one process has none."""
    makes = (ArcFace, CurricularFace, AdaFace, BroadFace)
    objectives = {
        **{f"{make.__name__}": plain(make, classes) for make in makes},
        **{f"children, {name}": with_children(classes, **VARIANTS[name]) for name in ("mse", "ce")},
    }
    paths = ("all logits", "chunks of a sample of all")
    return measured(objectives, paths) | facts(classes)


def facts(classes):
    """What a divided head says of prototypes that other processes hold."""
    head = plain(CosFace, classes).head
    whole, labels = copy.deepcopy(head.prototypes.detach()), torch.arange(classes).repeat(2)
    head.divide(rank=parallel.rank(), size=parallel.size())
    off = with_children(classes, when="after_drop")
    off.head.divide(rank=parallel.rank(), size=parallel.size())
    child_loss = off(*batch_of(classes, 0, divided=True))["child"]
    return {
        "rows": torch.equal(head.rows_of(labels), whole[labels]),
        "nearest": head.is_nearest(whole[labels], labels).tolist(),
        "not nearest": head.is_nearest(whole[labels.roll(1)], labels).tolist(),
        "off": child_loss.requires_grad,
    }


def sample():
    """Of a sample of 40 classes: the loss against a softmax over the classes of all samples."""
    classes = 40
    objective = with_children(classes)
    whole = objective.head.prototypes.detach().clone()
    objective.head.settle(sampled_share=0.2, seed=1)
    objective.head.divide(rank=parallel.rank(), size=parallel.size())
    features, batch = batch_of(classes, 0, divided=True)
    labels = batch_of(classes, 0, divided=False)[1].labels
    drawn = objective.head.draw(labels).drawn + objective.head.shard.first
    ids = torch.tensor([*itertools.chain(*parallel.exchanged(drawn.tolist()))])
    few = with_prototypes(CosFace(8, len(ids)), whole[ids])
    losses = objective(features, batch)
    (losses["child"] / parallel.size()).backward()
    return {
        "losses": (losses["id"].item(), losses["child"].item()),
        "of the drawn": few.loss(
            batch_of(classes, 0, divided=False)[0], torch.searchsorted(ids, labels)
        ).item(),
        "child gradient": objective.head.prototypes.grad.to_dense(),
        "drawn": drawn.tolist(),
        "whole": whole,
    }


@pytest.fixture(scope="module")
def two():
    return ranks.run(by_two, 2)


@pytest.fixture(scope="module", params=[7, 3])
def four(request):
    return ranks.run(by_four, 4, request.param)


def differences(found):
    """The largest of all processes, of each case."""
    cases = [key for key in found[0] if isinstance(key, tuple)]
    return {case: max(each[case] for each in found) for case in cases}


def test_two_processes_give_the_losses_gradients_and_state_of_one(two):
    found = differences(two)
    assert len(found) == (2 * len(HEADS) + len(VARIANTS)) * len(PATHS)
    assert {case: value for case, value in found.items() if value > 1e-10} == {}


def test_four_processes_give_the_losses_gradients_and_state_of_one(four):
    found = differences(four)
    assert len(found) == 6 * 2
    assert {case: value for case, value in found.items() if value > 1e-10} == {}


def test_prototypes_come_from_the_process_that_holds_them(two, four):
    assert all(each["rows"] for each in two + four)


def test_the_nearest_prototype_may_be_in_another_process(two, four):
    assert all(all(each["nearest"]) for each in two + four)
    assert not any(any(each["not nearest"]) for each in two + four)


def test_a_loss_that_is_off_has_no_gradient(two, four):
    assert not any(each["off"] for each in two + four)


def test_a_sample_in_each_process_gives_the_softmax_over_all_of_them(two):
    for each in two:
        found = each["sample"]
        assert found["losses"][0] == pytest.approx(found["of the drawn"], rel=1e-12)


def test_each_process_draws_of_its_own_classes(two):
    first, second = (np.array(each["sample"]["drawn"]) for each in two)
    # a fifth of 20 classes is less than 6 images and 4 children, which are all in the first
    assert (len(first), len(second)) == (10, 6)
    assert (first.max() < 20, second.min() >= 20) == (True, True)
    assert set(CHILDREN) <= set(first)


def test_the_inter_prototype_loss_is_unharmed_by_a_sample(two):
    whole = two[0]["sample"]["whole"].requires_grad_()
    head = with_prototypes(CosFace(8, 40), whole.detach())
    child_loss = InterPrototypeObjective(head, np.array(CHILDREN))(
        torch.zeros(1, 8).double(), Batch(torch.zeros(1, 1), torch.tensor([0]), torch.zeros(1))
    )["child"]
    child_loss.backward()
    found = torch.cat([each["sample"]["child gradient"] for each in two])
    torch.testing.assert_close(found, head.prototypes.grad, rtol=0, atol=1e-14)
    assert two[0]["sample"]["losses"][1] == pytest.approx(child_loss.item(), rel=1e-12)
