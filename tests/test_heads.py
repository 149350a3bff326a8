"""What holds for every margin head: the gradient, edges, precision, pieces, settings."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from margin_heads import EXACT, HEADS, small
from torch._subclasses.fake_tensor import FakeTensorMode

from irlib.heads import (
    MVAM,
    AdaFace,
    ArcFace,
    BroadFace,
    CosFace,
    CurricularFace,
    MVArc,
    SphereFace,
)

every_head = pytest.mark.parametrize("make", HEADS)


@pytest.mark.parametrize(
    ("make", "none"), [(h, 0.0) for h in (ArcFace, CosFace, BroadFace, AdaFace)] + [(SphereFace, 1)]
)
def test_without_a_margin_logits_are_the_scaled_cosines(make, none):
    torch.manual_seed(0)
    head = small(make, 8, 5, scale=10.0, margin=none).double()
    embeddings = torch.randn(6, 8, dtype=torch.float64)
    expected = 10 * F.cosine_similarity(embeddings[:, None], head.prototypes[None], dim=2)
    torch.testing.assert_close(head(embeddings, torch.arange(6) % 5), expected, **EXACT)


@pytest.mark.parametrize("make", [ArcFace, CosFace, BroadFace, AdaFace, SphereFace])
def test_only_the_target_logit_depends_on_the_margin(make):
    torch.manual_seed(0)
    head = make(8, 5)
    embeddings, labels = torch.randn(6, 8), torch.arange(6) % 5
    changed = head(embeddings, labels) != 64 * head.cosine(embeddings)
    assert torch.equal(changed, F.one_hot(labels, 5).bool())


@pytest.mark.parametrize("make", [CurricularFace, MVAM, MVArc])
def test_only_the_target_and_the_hard_cosines_above_it_are_changed(make):
    torch.manual_seed(0)
    head = make(8, 50).eval()
    embeddings, labels = torch.randn(6, 8), torch.arange(6)
    logits = head(embeddings, labels) / head.scale
    cosine, own = head.cosine(embeddings), labels[:, None]
    # no target here is past pi - m, where CurricularFace's is not its threshold
    assert cosine.gather(1, own).min() > -math.cos(0.5)
    hard = cosine > logits.gather(1, own)
    assert torch.equal(logits != cosine, hard | F.one_hot(labels, 50).bool())


@every_head
def test_gradients_agree_with_finite_differences(make):
    torch.manual_seed(0)
    head = small(make, 4, 3).double().eval()  # in training mode every call would move its state
    embeddings = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    norms, labels = torch.full((5, 1), 30.0).double(), torch.tensor([0, 1, 2, 0, 1])
    # norms apart, which AdaFace takes as constants

    def logits(embeddings, prototypes):
        return head.logits(head.cosine(embeddings), norms, labels)

    assert torch.autograd.gradcheck(logits, (embeddings, head.prototypes))


@every_head
def test_detached_margin_gives_the_gradient_of_a_plain_softmax_at_the_shifted_logits(make):
    torch.manual_seed(0)
    head = small(make, 8, 5, detached_margin=True).double()
    cosine = (2 * torch.rand(6, 5, dtype=torch.float64) - 1).requires_grad_()
    labels = torch.arange(6) % 5
    logits = head.logits(cosine, torch.full((6, 1), 30.0, dtype=torch.float64), labels)
    F.cross_entropy(logits, labels).backward()
    # each logit is scale * cosine + constant, and the loss is a mean over six images
    expected = head.scale * (logits.softmax(dim=1) - F.one_hot(labels, 5)) / 6
    torch.testing.assert_close(cosine.grad, expected, **EXACT)


@pytest.mark.parametrize(
    ("detached", "slope"), [(True, 1.0), (False, math.sin(1.5) / math.sin(1.0))]
)
def test_slope_of_arcface_is_that_of_the_widened_angle_unless_detached(detached, slope):
    # d cos(theta + m) / d cos(theta) = sin(theta + m) / sin(theta), here at theta = 1
    cosine = torch.tensor([[math.cos(1.0), 0.0]], dtype=torch.float64, requires_grad=True)
    head = ArcFace(2, 2, scale=1.0, margin=0.5, detached_margin=detached)
    head.logits(cosine, torch.ones(1, 1), torch.tensor([0]))[0, 0].backward()
    assert cosine.grad[0, 0].item() == pytest.approx(slope, abs=1e-9)


@every_head
def test_detached_margin_leaves_the_loss_as_it_is(make):
    torch.manual_seed(0)
    heads = [small(make, 8, 5, detached_margin=detached).double() for detached in (False, True)]
    heads[1].load_state_dict(heads[0].state_dict())
    embeddings, labels = torch.randn(6, 8, dtype=torch.float64), torch.arange(6) % 5
    losses = [head.loss(embeddings, labels) for head in heads]
    torch.testing.assert_close(*losses, **EXACT)


@every_head
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sign", [1, -1])
def test_gradient_is_finite_where_embedding_and_prototype_are_parallel(make, dtype, sign):
    torch.manual_seed(0)
    head = small(make, 512, 20).to(dtype)
    embeddings = (sign * 3 * head.prototypes.detach()).requires_grad_()
    head.loss(embeddings, torch.arange(20)).backward()
    assert embeddings.grad.isfinite().all()
    assert head.prototypes.grad.isfinite().all()


@every_head
@pytest.mark.parametrize("edge", [1.0, -1.0])
def test_slope_at_the_edge_of_the_cosines_is_bounded(make, edge):
    head = small(make, 2, 2).double()
    cosine = torch.tensor([[edge * head.bound]], dtype=torch.float64, requires_grad=True)
    head.margin_target(cosine, torch.full((1, 1), 250.0)).backward()
    # SphereFace: m sin(m theta) / sin(theta) where 1 - |cosine| = 1e-7; AdaFace: 1 / sin(theta)
    # where it is 1e-3; the others' slopes are those of a line
    bound = {SphereFace: 1.35 / math.sqrt(2e-7), AdaFace: 1 / math.sqrt(2e-3)}.get(make, 1.0)
    assert abs(cosine.grad.item()) <= 1.001 * bound


@every_head
def test_an_embedding_of_zeros_gives_a_finite_loss_and_gradient(make):
    head = small(make, 8, 3)
    embeddings = torch.zeros(2, 8, requires_grad=True)
    loss = head.loss(embeddings, torch.tensor([0, 1]))
    loss.backward()
    assert loss.isfinite()
    assert embeddings.grad.isfinite().all()


@every_head
def test_loss_stays_fp32_under_bf16_autocast(make):
    torch.manual_seed(0)
    head, embeddings, labels = small(make, 512, 30), torch.randn(4, 512), torch.arange(4)
    expected = copy.deepcopy(head).loss(embeddings, labels)
    with torch.autocast("cpu", torch.bfloat16):
        loss = head.loss(embeddings, labels)
    assert loss.dtype == torch.float32
    assert torch.equal(loss, expected)


@every_head
def test_bf16_embeddings_give_fp32_logits_and_loss(make):
    head, embeddings = small(make, 8, 3), torch.randn(2, 8).bfloat16()
    labels = torch.tensor([0, 1])
    assert head(embeddings, labels).dtype == head.loss(embeddings, labels).dtype == torch.float32


@every_head
def test_a_double_head_keeps_all_its_state_in_fp64(make):
    state = small(make, 8, 3).double().state_dict()
    assert {t.dtype for t in state.values() if t.is_floating_point()} == {torch.float64}


@every_head
def test_the_rule_on_pieces_of_the_classes_is_the_rule_on_all(make):
    # as in a class-sharded softmax: the target from its own shard, the others shard by shard
    torch.manual_seed(0)
    head, embeddings = small(make, 8, 6).eval(), torch.randn(5, 8)
    labels = torch.tensor([0, 1, 3, 4, 5])
    cosine, column = head.cosine(embeddings), labels[:, None]
    own = cosine.gather(1, column)
    target = head.margin_target(own, embeddings.norm(dim=1, keepdim=True))
    pieces = [head.margin_others(piece, own) for piece in cosine.split(2, dim=1)]
    logits = head.scale * torch.cat(pieces, dim=1).scatter(1, column, target)
    assert torch.equal(logits, head(embeddings, labels))


@every_head
def test_a_training_step_waits_for_no_value_on_the_device(make):
    # fake tensors have shapes and no values: item(), nonzero() and boolean masks are refused
    with FakeTensorMode():
        head = small(make, 8, 3)
        embeddings = torch.randn(5, 8, requires_grad=True)
        head.loss(embeddings, torch.zeros(5, dtype=torch.int64)).backward()
    assert embeddings.grad.shape == (5, 8)


@pytest.mark.parametrize("make", [ArcFace, AdaFace])
def test_prototypes_start_as_unit_rows(make):
    torch.manual_seed(0)
    torch.testing.assert_close(make(64, 50).prototypes.norm(dim=1), torch.ones(50))


@pytest.mark.parametrize("make", [CosFace, MVAM, MVArc, BroadFace, SphereFace])
def test_prototypes_start_within_the_xavier_bound(make):
    torch.manual_seed(0)
    bound = math.sqrt(6 / (64 + 50))
    largest = small(make, 64, 50).prototypes.abs().max().item()
    assert 0.99 * bound < largest <= bound


def test_curricularface_prototypes_start_normal_with_std_one_hundredth():
    torch.manual_seed(0)
    # the standard error of the std of 64 * 50 draws is 0.01 / sqrt(6400)
    assert CurricularFace(64, 50).prototypes.std().item() == pytest.approx(0.01, abs=4e-4)


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("make", "settings", "message"),
    [
        (ArcFace, {"margin": 3.2}, r"margin: expected radians in \[0, pi\), got 3.2"),
        (ArcFace, {"margin": NAN}, "margin: expected radians"),
        (CosFace, {"margin": -0.1}, "margin: expected a cosine of at least 0, got -0.1"),
        (CosFace, {"margin": INF}, "margin: expected a cosine of at least 0, got inf"),
        (MVArc, {"hard_weight": -0.1}, "hard_weight: expected a number of at least 0, got -0.1"),
        (MVAM, {"hard_weight": NAN}, "hard_weight: expected a number of at least 0, got nan"),
        (BroadFace, {"queue_size": 0}, "queue_size: expected a whole number from 1, got 0"),
        (BroadFace, {"queue_size": 1.5}, "queue_size: expected a whole number from 1, got 1.5"),
        (AdaFace, {"margin": -0.1}, "margin: expected radians"),
        (AdaFace, {"h": NAN}, "h: expected a finite number, got nan"),
        (AdaFace, {"t_alpha": 0.0}, r"t_alpha: expected a share in \(0, 1\], got 0.0"),
        (AdaFace, {"t_alpha": 1.1}, "t_alpha: expected a share"),
        (SphereFace, {"margin": 0.5}, "margin: expected a factor of at least 1, got 0.5"),
    ],
)
def test_settings_out_of_range_are_refused(make, settings, message):
    with pytest.raises(ValueError, match=message):
        make(8, 3, **settings)


@every_head
@pytest.mark.parametrize("scale", [0.0, -1.0, NAN, INF])
def test_a_scale_that_is_not_a_positive_number_is_refused(make, scale):
    with pytest.raises(ValueError, match=f"scale: expected a positive number, got {scale}"):
        make(8, 3, scale=scale)


@every_head
@pytest.mark.parametrize("margin", [NAN, INF, -0.1])
def test_a_margin_that_is_no_margin_is_refused(make, margin):
    with pytest.raises(ValueError, match=f"margin: expected .* got {margin}"):
        make(8, 3, margin=margin)


@pytest.mark.parametrize(("sizes", "name"), [((0, 3), "embedding_size"), ((8, 0), "num_classes")])
def test_sizes_below_one_are_refused(sizes, name):
    with pytest.raises(ValueError, match=f"{name}: expected at least 1, got 0"):
        ArcFace(*sizes)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@every_head
def test_a_training_step_never_synchronises_with_the_gpu(make):
    head = small(make, 64, 30).cuda()
    embeddings = torch.randn(16, 64, device="cuda", requires_grad=True)
    labels = torch.randint(30, (16,), device="cuda")
    head.loss(embeddings, labels).backward()  # set-up of libraries may synchronise
    torch.cuda.set_sync_debug_mode("error")
    try:
        head.loss(embeddings, labels).backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert embeddings.grad.isfinite().all()
