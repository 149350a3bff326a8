"""The rule of each margin head, by hand: the target logit, and what becomes of the others."""

import math

import pytest
import torch
from margin_heads import with_prototypes

from irlib.heads import (
    MVAM,
    AdaFace,
    ArcFace,
    CosFace,
    CurricularFace,
    MVArc,
    SphereFace,
)


def own_angle(head, theta):
    """The target logit of an embedding at the angle theta to its own prototype."""
    rows = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    embedding = torch.tensor([[math.cos(theta), math.sin(theta)]], dtype=torch.float64)
    return with_prototypes(head, rows)(embedding, torch.tensor([0]))[0, 0].item()


def logits_at(head, own, other):
    """Logits (2,) of an image at these cosines to its own prototype and to another one."""
    cosine = torch.tensor([[own, other]], dtype=torch.float64)
    norms = torch.ones(1, 1, dtype=torch.float64)
    return head.double().logits(cosine, norms, torch.tensor([0]))[0].tolist()


@pytest.mark.parametrize("theta", [0.3, 1.0, 2.0, math.pi - 0.6])
def test_arcface_adds_the_margin_to_the_angle(theta):
    expected = math.cos(theta + 0.5)
    assert own_angle(ArcFace(2, 2, scale=1, margin=0.5), theta) == pytest.approx(expected, abs=1e-9)


def test_arcface_goes_on_in_a_straight_line_past_pi_less_margin():
    theta = math.pi - 0.4
    expected = math.cos(theta) - 0.5 * math.sin(0.5)
    assert own_angle(ArcFace(2, 2, scale=1, margin=0.5), theta) == pytest.approx(expected, abs=1e-9)


def test_cosface_subtracts_the_margin_from_the_cosine():
    expected = math.cos(1.0) - 0.35
    assert own_angle(CosFace(2, 2, scale=1), 1.0) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("theta", [0.3, 1.0, 3.0])
def test_sphereface_multiplies_the_angle(theta):
    expected = math.cos(1.35 * theta)
    assert own_angle(SphereFace(2, 2, scale=1), theta) == pytest.approx(expected, abs=1e-9)


def test_curricularface_multiplies_a_hard_cosine_by_t_and_itself():
    head = CurricularFace(2, 2, scale=10.0, margin=0.5).eval()
    head.t.fill_(0.3)
    own = math.cos(1.0)
    # cos(1.5) = 0.07 is below 0.5, so that 0.5 becomes 0.5 * (0.3 + 0.5)
    expected = [10 * math.cos(1.5), 10 * 0.4]
    assert logits_at(head, own, 0.5) == pytest.approx(expected, abs=1e-6)  # t came from float32


def test_curricularface_leaves_an_easy_cosine():
    head = CurricularFace(2, 2, scale=10.0, margin=0.5)
    assert logits_at(head, 0.9, 0.0)[1] == 0.0


def test_curricularface_compares_with_the_widened_angle_even_past_pi_less_margin():
    head = CurricularFace(2, 2, scale=10.0, margin=0.5)
    # -0.97 is above the target on the straight line, -1.22, but below cos(pi + 0.3) = -0.96
    assert logits_at(head, math.cos(math.pi - 0.2), -0.97)[1] == pytest.approx(-9.7, abs=1e-9)


def test_mvam_raises_a_cosine_above_the_target():
    # target 0.6 - 0.5; 1.2 * 0.8 + 0.2 for the other
    head = MVAM(2, 2, scale=10.0)
    assert logits_at(head, 0.6, 0.8) == pytest.approx([1.0, 11.6], abs=1e-9)


def test_mvarc_raises_a_cosine_above_the_target():
    head = MVArc(2, 2, scale=10.0, hard_weight=0.5)
    # 1.5 * 0.8 + 0.5 for the other
    expected = [10 * math.cos(1.5), 17.0]
    assert logits_at(head, math.cos(1.0), 0.8) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("make", [MVAM, MVArc])
def test_mv_softmax_leaves_a_cosine_below_the_target(make):
    assert logits_at(make(2, 2, scale=10.0), 0.9, 0.1)[1] == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(
    ("straight_line", "expected"),
    [
        (False, math.cos(math.pi - 0.2 + 0.5)),
        (True, math.cos(math.pi - 0.2) - 0.5 * math.sin(0.5)),
    ],
)
def test_mvarc_has_a_straight_line_past_pi_less_margin_if_asked(straight_line, expected):
    head = MVArc(2, 2, scale=1, straight_line=straight_line)
    assert own_angle(head, math.pi - 0.2) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("norm", "expected"),
    [
        (10.0, math.cos(1.0 + 0.4)),  # z = -1: ArcFace
        (50.0, math.cos(1.0) - 0.4),  # z = 0: CosFace
        (90.0, math.cos(1.0 - 0.4) - 0.8),  # z = 1
    ],
)
def test_adaface_margins_go_with_the_norm(norm, expected):
    head = AdaFace(2, 2, scale=1.0, margin=0.4, h=0.333).double().eval()
    head.batch_mean.fill_(50.0)
    head.batch_std.fill_(1.0)  # 40 of them times h is beyond the clip of z at 1
    own = torch.tensor([[math.cos(1.0)]], dtype=torch.float64)
    target = head.margin_target(own, torch.tensor([[norm]], dtype=torch.float64))
    assert target.item() == pytest.approx(expected, abs=1e-9)


def test_adaface_with_h_below_zero_takes_a_low_norm_as_good():
    heads = [AdaFace(2, 2, h=h).eval() for h in (0.3, -0.3)]
    own, above, below = torch.tensor([[0.5]]), torch.tensor([[30.0]]), torch.tensor([[10.0]])
    # 20 is the mean at the start
    targets = heads[0].margin_target(own, above), heads[1].margin_target(own, below)
    torch.testing.assert_close(*targets)


def test_adaface_passes_no_gradient_through_the_norm():
    torch.manual_seed(0)
    embeddings = (20 * torch.randn(6, 8, dtype=torch.float64)).requires_grad_()
    AdaFace(8, 5).double().loss(embeddings, torch.arange(6) % 5).backward()
    # along an embedding its direction, and with it every cosine, stays the same
    along = (embeddings.grad * embeddings).sum(dim=1)
    torch.testing.assert_close(along, torch.zeros(6).double(), rtol=0, atol=1e-12)
