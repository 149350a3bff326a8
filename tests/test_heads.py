"""The margin heads: equal to the authors' numbers, closed forms, limits, edges."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from irlib.heads import ArcFace, CosFace, MarginHead
from irlib.losses import inter_prototype_loss

EXACT = {"rtol": 0, "atol": 1e-9}  # float64; the authors' and our order of operations differ


@pytest.fixture(scope="module")
def reference() -> dict[str, torch.Tensor]:
    path = Path(__file__).parent / "fixtures" / "inter_prototype_heads.npz"
    with np.load(path) as arrays:
        tensors = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    return tensors | {"emb": tensors["emb"].double(), "weight": tensors["weight"].double()}


def with_prototypes(head: MarginHead, rows: torch.Tensor) -> MarginHead:
    head = head.to(rows.dtype)
    with torch.no_grad():
        head.prototypes.copy_(rows)
    return head


def arcface_logits(head, embeddings, labels):
    # The authors' ArcFace takes unit rows as they are. The fixture's are rounded to float32, and
    # normalising them again would move the logits by 64 * 6e-8.
    cosine = embeddings @ F.normalize(head.prototypes).T
    return head.logits(cosine, embeddings.norm(dim=1, keepdim=True), labels)


def own_angle(head: MarginHead, theta: float) -> float:
    """The target logit of an embedding at the angle theta to its own prototype, scale 1."""
    rows = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    embedding = torch.tensor([[math.cos(theta), math.sin(theta)]], dtype=torch.float64)
    return with_prototypes(head, rows)(embedding, torch.tensor([0]))[0, 0].item()


def test_arcface_logits_and_gradients_are_the_authors(reference):
    head = with_prototypes(ArcFace(16, 14), reference["weight"].T)
    embeddings = reference["emb"].clone().requires_grad_()
    logits = arcface_logits(head, embeddings, reference["label"])
    loss = F.cross_entropy(logits, reference["label"])
    loss.backward()
    torch.testing.assert_close(logits, reference["arc_logits"], **EXACT)
    torch.testing.assert_close(loss, reference["arc_loss"], **EXACT)
    torch.testing.assert_close(embeddings.grad, reference["arc_grad_emb"], **EXACT)
    torch.testing.assert_close(head.prototypes.grad.T, reference["arc_grad_weight"], **EXACT)


def test_arcface_fixture_has_targets_past_pi_less_margin(reference):
    # else the straight line would go untested
    own = F.normalize(reference["weight"].T)[reference["label"]]
    assert ((reference["emb"] * own).sum(dim=1) < -math.cos(0.5)).any()


def test_arcface_of_embeddings_gives_the_authors_logits(reference):
    head = with_prototypes(ArcFace(16, 14), reference["weight"].T)
    logits = head(7 * reference["emb"], reference["label"])  # the length has no effect
    torch.testing.assert_close(logits, reference["arc_logits"], rtol=0, atol=1e-5)


@pytest.mark.parametrize(("name", "scale"), [("cos_s64_m035", 64.0), ("cos_s30_m035", 30.0)])
def test_cosface_logits_and_gradients_are_the_authors(reference, name, scale):
    head = with_prototypes(CosFace(16, 14, scale=scale, margin=0.35), reference["weight"].T)
    embeddings = reference["emb"].clone().requires_grad_()
    logits = head(embeddings, reference["label"])
    loss = F.cross_entropy(logits, reference["label"])
    loss.backward()
    torch.testing.assert_close(logits, reference[f"{name}_logits"], **EXACT)
    torch.testing.assert_close(loss, reference[f"{name}_loss"], **EXACT)
    torch.testing.assert_close(embeddings.grad, reference[f"{name}_grad_emb"], **EXACT)
    torch.testing.assert_close(head.prototypes.grad.T, reference[f"{name}_grad_weight"], **EXACT)


@pytest.mark.parametrize("child_weight", [1, 10, 100])
def test_total_loss_and_its_gradient_are_the_authors(reference, child_weight):
    head = with_prototypes(ArcFace(16, 14), reference["weight"].T)
    logits = arcface_logits(head, reference["emb"], reference["label"])
    child_loss = inter_prototype_loss(head.prototypes[reference["child"]])
    loss = F.cross_entropy(logits, reference["label"]) + child_weight * child_loss
    loss.backward()
    gradient = reference[f"total_grad_weight_lam{child_weight}"]
    torch.testing.assert_close(loss, reference[f"total_loss_lam{child_weight}"], **EXACT)
    torch.testing.assert_close(head.prototypes.grad.T, gradient, **EXACT)


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


@pytest.mark.parametrize("make", [ArcFace, CosFace])
def test_margin_zero_gives_the_scaled_cosine(make):
    torch.manual_seed(0)
    head = make(8, 5, scale=10.0, margin=0.0).double()
    embeddings = torch.randn(6, 8, dtype=torch.float64)
    expected = 10 * F.cosine_similarity(embeddings[:, None], head.prototypes[None], dim=2)
    torch.testing.assert_close(head(embeddings, torch.arange(6) % 5), expected, **EXACT)


@pytest.mark.parametrize("make", [ArcFace, CosFace])
def test_only_the_target_logit_depends_on_the_margin(make):
    torch.manual_seed(0)
    head = make(8, 5)
    embeddings, labels = torch.randn(6, 8), torch.arange(6) % 5
    changed = head(embeddings, labels) != 64 * head.cosine(embeddings)
    assert torch.equal(changed, F.one_hot(labels, 5).bool())


@pytest.mark.parametrize("make", [ArcFace, CosFace])
def test_gradients_agree_with_finite_differences(make):
    torch.manual_seed(0)
    head = make(4, 3).double()
    embeddings = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 1, 2, 0, 1])
    assert torch.autograd.gradcheck(lambda e, _: head(e, labels), (embeddings, head.prototypes))


@pytest.mark.parametrize("make", [ArcFace, CosFace])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sign", [1, -1])
def test_gradient_is_finite_where_embedding_and_prototype_are_parallel(make, dtype, sign):
    torch.manual_seed(0)
    head = make(512, 20).to(dtype)
    embeddings = (sign * 3 * head.prototypes.detach()).requires_grad_()
    F.cross_entropy(head(embeddings, torch.arange(20)), torch.arange(20)).backward()
    assert embeddings.grad.isfinite().all()
    assert head.prototypes.grad.isfinite().all()


@pytest.mark.parametrize("edge", [1.0, -1.0])
def test_arcface_slope_at_the_edge_is_bounded(edge):
    cosine = torch.tensor([[edge]], dtype=torch.float64, requires_grad=True)
    ArcFace(2, 2).margin_target(cosine, torch.ones(1, 1)).backward()
    assert abs(cosine.grad.item()) <= 1  # cos(m) at 1, and 1 on the straight line


@pytest.mark.parametrize("make", [ArcFace, CosFace])
def test_an_embedding_of_zeros_gives_finite_logits_and_gradients(make):
    head = make(8, 3)
    embeddings = torch.zeros(2, 8, requires_grad=True)
    F.cross_entropy(head(embeddings, torch.tensor([0, 1])), torch.tensor([0, 1])).backward()
    assert embeddings.grad.isfinite().all()


@pytest.mark.parametrize("make", [ArcFace, CosFace])
def test_logits_stay_fp32_under_bf16_autocast(make):
    torch.manual_seed(0)
    head, embeddings, labels = make(512, 30), torch.randn(4, 512), torch.arange(4)
    expected = head(embeddings, labels)
    with torch.autocast("cpu", torch.bfloat16):
        logits = head(embeddings, labels)
    assert logits.dtype == torch.float32
    assert torch.equal(logits, expected)


def test_bf16_embeddings_give_fp32_logits():
    logits = ArcFace(8, 3)(torch.randn(2, 8).bfloat16(), torch.tensor([0, 1]))
    assert logits.dtype == torch.float32


@pytest.mark.parametrize("make", [ArcFace, CosFace])
def test_the_rule_on_pieces_of_the_classes_is_the_rule_on_all(make):
    # as in a class-sharded softmax: the target from its own shard, the others shard by shard
    torch.manual_seed(0)
    head, embeddings, labels = make(8, 6), torch.randn(5, 8), torch.tensor([0, 1, 3, 4, 5])
    cosine, own = head.cosine(embeddings), labels[:, None]
    target = head.margin_target(cosine.gather(1, own), embeddings.norm(dim=1, keepdim=True))
    pieces = [head.margin_others(piece, cosine.gather(1, own)) for piece in cosine.split(2, dim=1)]
    logits = 64 * torch.cat(pieces, dim=1).scatter(1, own, target)
    assert torch.equal(logits, head(embeddings, labels))


def test_arcface_prototypes_start_as_unit_rows():
    torch.manual_seed(0)
    prototypes = ArcFace(64, 50).prototypes
    torch.testing.assert_close(prototypes.norm(dim=1), torch.ones(50))


def test_cosface_prototypes_start_within_the_xavier_bound():
    torch.manual_seed(0)
    bound = math.sqrt(6 / (64 + 50))
    largest = CosFace(64, 50).prototypes.abs().max().item()
    assert 0.99 * bound < largest <= bound


@pytest.mark.parametrize(
    ("make", "settings", "message"),
    [
        (ArcFace, {"margin": 3.2}, r"margin: expected radians in \[0, pi\), got 3.2"),
        (ArcFace, {"margin": float("nan")}, "margin: expected radians"),
        (ArcFace, {"scale": 0.0}, "scale: expected a positive number, got 0.0"),
        (CosFace, {"margin": -0.1}, "margin: expected a cosine of at least 0, got -0.1"),
    ],
)
def test_settings_out_of_range_are_refused(make, settings, message):
    with pytest.raises(ValueError, match=message):
        make(8, 3, **settings)


@pytest.mark.parametrize(("sizes", "name"), [((0, 3), "embedding_size"), ((8, 0), "num_classes")])
def test_sizes_below_one_are_refused(sizes, name):
    with pytest.raises(ValueError, match=f"{name}: expected at least 1, got 0"):
        ArcFace(*sizes)
