"""The age-invariant objectives: OE-CNN, DAL and MTLFace against the authors' numbers."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from irlib import methods
from irlib.age_invariant import DAL, OECNN, MTLFace
from irlib.age_invariant.dal import squared_correlation
from irlib.backbones.features import Features
from irlib.backbones.residual import ResidualSplit
from irlib.class_groups import Labelled
from irlib.heads import CosFace
from irlib.images import Batch

FIXTURE = Path(__file__).parent / "fixtures" / "dal_oecnn.npz"
NAN = math.nan
ORDINARY, ADVERSARIAL = 20, 0  # steps of DAL's turn of 20 and 50
MAPS = (4, 7, 7)  # (C, h, w)


@pytest.fixture(scope="module")
def authors():
    return {name: torch.as_tensor(value) for name, value in np.load(FIXTURE).items()}


def batch(labels, ages):
    images = torch.zeros(len(labels), 112, 112, 3, dtype=torch.uint8)
    return Batch(images, torch.as_tensor(labels), torch.as_tensor(ages))


def head_of(authors):
    head = CosFace(16, 14).double()  # scale 64, margin 0.35
    with torch.no_grad():
        head.prototypes.copy_(authors["w:fc.weight"])
    return head


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


# OE-CNN


@pytest.fixture
def oecnn(authors):
    objective = OECNN(head_of(authors)).double()
    nn.init.constant_(objective.norm_age.slope, 0.7)
    nn.init.constant_(objective.norm_age.offset, -1.5)
    return objective


def test_oecnn_predicts_the_authors_ages(authors, oecnn):
    close(oecnn.norm_age(authors["embs"].double()), authors["oecnn_age_pred"][:, 0])


def test_oecnn_has_the_authors_losses(authors, oecnn):
    losses = oecnn(authors["embs"].double(), batch(authors["label"], authors["age"].double()))
    close(losses["id"], authors["oecnn_id_loss"])
    close(losses["age"], authors["oecnn_age_loss"])
    close(oecnn.total(losses), authors["oecnn_total"])


def test_oecnn_has_the_authors_gradient(authors, oecnn):
    embeddings = authors["embs"].double().requires_grad_()
    faces = batch(authors["label"], authors["age"].double())
    oecnn.total(oecnn(embeddings, faces)).backward()
    close(embeddings.grad, authors["oecnn_grad_embs"])


def test_oecnn_starts_by_taking_the_norm_for_the_age():
    embeddings = torch.tensor([[3.0, 4.0], [0.0, 30.0]])
    objective = OECNN(CosFace(2, 2))
    losses = objective(embeddings, batch([0, 1], [5.0, 36.0]))
    assert losses["age"].item() == pytest.approx(18)  # norms 5 and 30: (0 + 6^2) / 2


def test_oecnn_leaves_its_line_out_of_the_decay():
    objective = OECNN(CosFace(2, 2))
    assert objective.undecayed() == (objective.norm_age,)


# DAL


class Given(nn.Module):
    """Stands for a backbone: the embeddings themselves."""

    def forward(self, embeddings):
        return embeddings


def dal_on(authors, step):
    """DAL with the authors' weights at a step; their losses; and the embeddings behind them."""
    network, objective = ResidualSplit(Given(), 16).double(), DAL(head_of(authors)).double()
    weights = {name.removeprefix("w:"): v for name, v in authors.items() if name.startswith("w:")}
    network.rfm.load_state_dict(
        {name.removeprefix("rfm.seq."): v for name, v in weights.items() if "rfm" in name}
    )
    with torch.no_grad():
        objective.project_age.weight.copy_(weights["dal.w_age.weight"])
        objective.project_identity.weight.copy_(weights["dal.w_id.weight"])
    objective.begin_step(step, 0)
    embeddings = authors["embs"].double().requires_grad_()
    with torch.set_grad_enabled(objective.trains_network):  # as the loop does
        features = network(embeddings)
    losses = objective(features, batch(authors["label"], authors["age"].double()))
    return objective, losses, embeddings


def test_dal_has_the_authors_losses(authors):
    _, losses, _ = dal_on(authors, ORDINARY)
    close(losses["id"], authors["dal_id_loss"])
    close(losses["correlation"], authors["dal_rho"])


def test_dal_has_the_authors_logits(authors):
    found = head_of(authors)(authors["dal_feat_id"], authors["label"])
    close(found, authors["dal_logits"])


def test_dal_has_the_authors_gradient_to_the_embeddings(authors):
    # theirs is of identity loss + 0.1 correlation, without the age loss
    _, losses, embeddings = dal_on(authors, ORDINARY)
    (losses["id"] + 0.1 * losses["correlation"]).backward()
    close(embeddings.grad, authors["dal_grad_embs"])


def test_dals_projections_climb_the_authors_gradient(authors):
    # theirs is of 0.1 correlation, downhill; ours in the adversarial steps of minus the correlation
    objective, losses, _ = dal_on(authors, ADVERSARIAL)
    objective.total(losses).backward()
    close(objective.project_age.weight.grad, -10 * authors["dal_grad_w_age"])
    close(objective.project_identity.weight.grad, -10 * authors["dal_grad_w_id"])


def test_dals_total_weighs_age_and_correlation_by_a_tenth(authors):
    objective, losses, _ = dal_on(authors, ORDINARY)
    expected = losses["id"] + 0.1 * losses["age"] + 0.1 * losses["correlation"]
    close(objective.total(losses), expected)


def test_dal_takes_turns_of_20_and_50_steps():
    objective = DAL(CosFace(2, 2))
    turns = []
    for step in range(140):
        objective.begin_step(step, 0)
        turns.append(objective.is_adversarial)
    assert turns == ([True] * 20 + [False] * 50) * 2


def test_dals_adversarial_steps_move_the_projections_alone(authors):
    objective, losses, _ = dal_on(authors, ADVERSARIAL)
    objective.total(losses).backward()
    moved = {name for name, p in objective.named_parameters() if p.grad is not None}
    assert moved == {"project_age.weight", "project_identity.weight"}


def test_dal_trains_its_network_in_ordinary_steps_alone():
    objective = DAL(CosFace(2, 2))
    assert not objective.trains_network  # the first step is adversarial
    objective.begin_step(ORDINARY, 0)
    assert objective.trains_network


def test_dals_ordinary_steps_move_all_but_the_projections(authors):
    objective, losses, embeddings = dal_on(authors, ORDINARY)
    objective.total(losses).backward()
    moved = {name for name, p in objective.named_parameters() if p.grad is not None}
    assert moved == {"head.prototypes", "age_groups.weight", "age_groups.bias"}
    assert embeddings.grad is not None


def test_dals_age_groups_are_in_completed_years():
    objective = DAL(CosFace(2, 2))
    with torch.no_grad():  # logits are -100 but for group 0, where they are 100
        objective.age_groups.weight.zero_()
        objective.age_groups.bias.fill_(-100.0)
        objective.age_groups.bias[0] = 100.0
    parts = Features(*[torch.ones(1, 2)] * 3)
    # a child is twelve until the thirteenth birthday
    assert objective(parts, batch([0], [12.9]))["age"].item() == pytest.approx(0, abs=1e-6)
    assert objective(parts, batch([0], [13.0]))["age"].item() == pytest.approx(200)


def test_the_correlation_of_equal_values_is_one_but_for_the_divisors():
    values = torch.tensor([0.0, 10.0, 20.0, 50.0], dtype=torch.float64)
    # covariance by n, variances by n - 1: (3 / 4)^2
    found = squared_correlation(values, -values, torch.ones(4, dtype=torch.bool))
    assert found.item() == pytest.approx(9 / 16, rel=1e-6)


def test_the_correlation_sees_known_ages_alone():
    first = torch.tensor([0.0, 10.0, 20.0, 7.0])
    second = torch.tensor([1.0, 5.0, 2.0, -90.0])
    known = torch.tensor([True, True, True, False])
    expected = squared_correlation(first[:3], second[:3], known[:3])
    assert squared_correlation(first, second, known).item() == pytest.approx(expected.item())


def test_the_correlation_of_a_single_known_age_is_zero():
    values = torch.tensor([3.0, 9.0])
    assert squared_correlation(values, values, torch.tensor([True, False])).item() == 0.0


@pytest.mark.parametrize("option", ["adversarial_steps", "ordinary_steps"])
def test_dal_without_steps_of_one_kind_is_refused(option):
    with pytest.raises(ValueError, match=f"{option}: expected at least 1, got 0"):
        DAL(CosFace(2, 2), **{option: 0})


# MTLFace


def maps_of(seed):
    return torch.randn(3, *MAPS, generator=torch.Generator().manual_seed(seed))


def mtlface():
    torch.manual_seed(0)
    return MTLFace(CosFace(8, 4), MAPS)


def test_mtlfaces_total_has_the_papers_weights():
    losses = {"id": torch.tensor(2.0), "age": torch.tensor(100.0), "adversary": torch.tensor(300.0)}
    assert mtlface().total(losses).item() == pytest.approx(2 + 0.1 + 0.6)


def test_mtlface_drives_age_out_of_the_identity_maps():
    objective = mtlface()
    identity = maps_of(1).requires_grad_()
    faces = batch([0, 1, 2], [5.0, 40.0, 70.0])
    objective(Features(torch.ones(3, 8), identity, maps_of(2)), faces)["adversary"].backward()
    reversed_gradient = identity.grad.clone()

    plain = maps_of(1).requires_grad_()
    same_weights = Features(torch.ones(3, 8), maps_of(2), plain)
    objective.age_head.load_state_dict(objective.adversary.state_dict())
    objective.age_head.train()
    objective(same_weights, faces)["age"].backward()
    assert plain.grad.abs().max() > 0
    torch.testing.assert_close(reversed_gradient, -plain.grad)


def test_mtlfaces_adversary_itself_goes_downhill():
    objective = mtlface()
    faces = batch([0, 1, 2], [5.0, 40.0, 70.0])
    features = Features(torch.ones(3, 8), maps_of(1), maps_of(2))
    optimizer = torch.optim.SGD(objective.adversary.parameters(), lr=1e-4)
    before = objective(features, faces)["adversary"]
    before.backward()
    optimizer.step()
    assert objective(features, faces)["adversary"] < before


def test_mtlface_has_seven_groups_and_years_to_a_hundred():
    logits, group_logits = mtlface().age_head(maps_of(1), torch.ones(3, dtype=torch.bool))
    assert (logits.shape, group_logits.shape) == ((3, 101), (3, 7))


def test_mtlfaces_adversary_is_not_decayed():
    objective = mtlface()
    assert objective.undecayed() == (objective.adversary,)


# What is unknown or wrong


def features_of(count):
    """Parts that a gradient can reach."""
    generator = torch.Generator().manual_seed(0)
    draw = lambda *shape: torch.randn(count, *shape, generator=generator).requires_grad_()  # noqa: E731
    return {"oecnn": draw(8), "dal": Features(*[draw(8)] * 2, draw(8)),
            "mtlface": Features(draw(8), draw(*MAPS), draw(*MAPS))}  # fmt: skip


def built(name):
    torch.manual_seed(0)
    head = CosFace(8, 4)
    makers = {"oecnn": OECNN, "dal": DAL, "mtlface": lambda head: MTLFace(head, MAPS)}
    objective = makers[name](head)
    objective.begin_step(ORDINARY, 0)
    return objective


NAMES = ["oecnn", "dal", "mtlface"]
AGE_LOSSES = {"oecnn": ["age"], "dal": ["age", "correlation"], "mtlface": ["age", "adversary"]}


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_without_any_age_has_age_losses_of_zero(name):
    losses = built(name)(features_of(3)[name], batch([0, 1, 2], [NAN] * 3))
    assert [losses[age].item() for age in AGE_LOSSES[name]] == [0.0] * len(AGE_LOSSES[name])
    assert losses["id"] > 0


@pytest.mark.parametrize("step", [ORDINARY, ADVERSARIAL])
@pytest.mark.parametrize("name", NAMES)
def test_a_batch_without_any_age_has_finite_gradients(name, step):
    objective = built(name)
    objective.begin_step(step, 0)
    objective.total(objective(features_of(3)[name], batch([0, 1, 2], [NAN] * 3))).backward()
    gradients = [p.grad for p in objective.parameters() if p.grad is not None]
    assert gradients
    assert all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_without_an_age_takes_no_part_in_the_age_losses(name):
    objective = built(name)
    features = features_of(3)[name]
    first = features[:2] if name == "oecnn" else Features(*(part[:2] for part in features))
    masked = objective(features, batch([0, 1, 2], [5.0, 40.0, NAN]))
    expected = objective(first, batch([0, 1], [5.0, 40.0]))
    for age in AGE_LOSSES[name]:
        assert masked[age].item() == pytest.approx(expected[age].item(), rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_without_an_age_takes_part_in_the_identity_loss(name):
    objective, features = built(name), features_of(3)[name]
    with_age = objective(features, batch([0, 1, 2], [5.0, 40.0, 70.0]))
    without = objective(features, batch([0, 1, 2], [5.0, 40.0, NAN]))
    assert torch.equal(with_age["id"], without["id"])


@pytest.mark.parametrize("name", NAMES)
def test_parts_in_bf16_give_losses_in_fp32(name):
    features = features_of(3)[name]
    if name == "oecnn":
        half = features.bfloat16()
    else:
        half = Features(*(part.bfloat16() for part in features))
    losses = built(name)(half, batch([0, 1, 2], [5.0, 40.0, 70.0]))
    assert {value.dtype for value in losses.values()} == {torch.float32}


@pytest.mark.parametrize("weight", [NAN, math.inf, -0.1])
@pytest.mark.parametrize(("make", "option"), [
    (OECNN, "age_weight"),
    (DAL, "age_weight"),
    (DAL, "correlation_weight"),
    (lambda head, **options: MTLFace(head, MAPS, **options), "age_weight"),
    (lambda head, **options: MTLFace(head, MAPS, **options), "adversary_weight"),
])  # fmt: skip
def test_a_weight_that_is_negative_or_not_finite_is_refused(make, option, weight):
    with pytest.raises(ValueError, match=f"{option}: expected a finite number of at least 0"):
        make(CosFace(2, 2), **{option: weight})


def test_an_unknown_number_of_age_groups_is_refused():
    with pytest.raises(ValueError, match="num_groups: expected one of 4, 5, 6, 7, 8, got 9"):
        MTLFace(CosFace(8, 4), MAPS, num_groups=9)


@pytest.mark.parametrize("name", NAMES)
def test_a_training_set_without_ages_is_refused_by_the_methods_name(name):
    none = Labelled(np.array([0, 1]), np.array([NAN, NAN]), 2, np.array([]))
    with pytest.raises(ValueError, match=f"method '{name}' learns from ages, and none of 2"):
        methods.find(name).require_ages(none)


@pytest.mark.parametrize("name", NAMES)
def test_one_age_is_enough_to_begin(name):
    some = Labelled(np.array([0, 1]), np.array([8.0, NAN]), 2, np.array([]))
    assert methods.find(name).require_ages(some) is None
