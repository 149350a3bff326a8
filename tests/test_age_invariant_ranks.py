"""The age-invariant objectives over several processes, against one with all images."""

import math

import pytest
import ranks
import torch

from irlib import parallel
from irlib.age_invariant import DAL, OECNN, MTLFace
from irlib.age_invariant.ages import known_mean
from irlib.backbones.features import Features
from irlib.heads import CosFace
from irlib.images import Batch

COUNTS = {2: (4, 2), 4: (3, 0, 2, 1)}  # images of each process, six in all
# the last of two processes has no known age, nor has the last of four; the second has no image
AGES = torch.tensor([5.0, math.nan, 40.0, 70.0, math.nan, math.nan])
LABELS = torch.tensor([0, 1, 2, 3, 0, 1])
MAPS = (4, 7, 7)  # (C, h, w)
ORDINARY, ADVERSARIAL = 20, 0  # steps of DAL's turn
CASES = ["oecnn", "dal", "dal's adversary", "mtlface"]


def built(case):
    torch.manual_seed(0)
    head = CosFace(8, 4)
    if case == "oecnn":
        return OECNN(head).double()
    if case == "mtlface":
        return MTLFace(head, MAPS, age_weight=1.0, adversary_weight=2.0).double()
    objective = DAL(head).double()
    objective.begin_step(ADVERSARIAL if "adversary" in case else ORDINARY, 0)
    return objective


def parts_of(case):
    """What a network would give for the six images, the same in every process."""
    generator = torch.Generator().manual_seed(1)
    shape = MAPS if case == "mtlface" else (8,)
    shapes = [(8,)] if case == "oecnn" else [(8,), shape, shape]
    return [torch.randn(6, *s, generator=generator, dtype=torch.float64) for s in shapes]


def one_step(case):
    """Losses, gradients and statistics of a step with this process's images."""
    objective, counts = built(case), COUNTS.get(parallel.size())
    first = sum(counts[: parallel.rank()]) if counts else 0
    rows = slice(first, first + counts[parallel.rank()] if counts else None)
    images = torch.zeros(len(LABELS[rows]), 112, 112, 3, dtype=torch.uint8)
    mine = [part[rows].requires_grad_(objective.trains_network) for part in parts_of(case)]
    features = Features(*mine) if len(mine) == 3 else mine[0]
    losses = objective(features, Batch(images, LABELS[rows], AGES[rows].double(), counts))
    (objective.total(losses) / parallel.size()).backward()
    return {
        "losses": {name: value.detach() for name, value in losses.items()},
        "parameters": {n: p.grad for n, p in objective.named_parameters() if p.grad is not None},
        "features": [part.grad for part in mine if part.grad is not None],
        "statistics": {name: value.clone() for name, value in objective.named_buffers()},
    }


def every_case():
    nothing = torch.zeros(len(LABELS), requires_grad=True)
    none = known_mean(nothing, torch.zeros(len(LABELS), dtype=torch.bool))
    (none / parallel.size()).backward()
    return {**{case: one_step(case) for case in CASES}, "none known": (none.item(), nothing.grad)}


@pytest.fixture(scope="module")
def two():
    return ranks.run(every_case, 2)


@pytest.fixture(scope="module")
def four():
    return ranks.run(every_case, 4)


@pytest.fixture(params=[2, 4])
def several(request, two, four):
    return {2: two, 4: four}[request.param]


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("case", CASES)
def test_every_process_has_the_losses_of_one(several, case):
    expected = one_step(case)["losses"]
    for found in several:
        close(found[case]["losses"], expected)


@pytest.mark.parametrize("case", CASES)
def test_gradients_of_the_parameters_add_up_to_those_of_one(several, case):
    expected = one_step(case)["parameters"]
    for found in several:
        assert found[case]["parameters"].keys() == expected.keys()
    for name, gradient in expected.items():
        close(sum(found[case]["parameters"][name] for found in several), gradient)


@pytest.mark.parametrize("case", CASES)
def test_gradients_to_the_features_are_those_of_one(several, case):
    expected = one_step(case)["features"]
    found = [found[case]["features"] for found in several]
    close([torch.cat(parts) for parts in zip(*found, strict=True)], expected)


def test_the_statistics_of_known_images_are_those_of_one_process_everywhere(several):
    expected = one_step("mtlface")["statistics"]
    for found in several:
        close(found["mtlface"]["statistics"], expected)


def test_no_known_age_anywhere_has_a_mean_of_zero_with_zero_gradient(several):
    for mean, gradient in (found["none known"] for found in several):
        assert (mean, gradient.tolist()) == (0.0, [0.0] * 6)
