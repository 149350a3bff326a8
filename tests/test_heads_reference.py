"""The margin heads equal the authors' numbers: logits, losses, gradients, running state."""

import math

import pytest
import torch
import torch.nn.functional as F
from margin_heads import EXACT, numbers, with_prototypes

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
from irlib.losses import inter_prototype_loss


@pytest.fixture(scope="module")
def reference():
    return numbers("inter_prototype_heads.npz")


@pytest.fixture(scope="module")
def adaface():
    return numbers("adaface_heads.npz")


def arcface_logits(head, embeddings, labels):
    # The authors' ArcFace takes unit rows as they are. The fixture's are rounded to float32, and
    # normalising them again would move the logits by 64 * 6e-8.
    cosine = embeddings @ F.normalize(head.prototypes).T
    return head.logits(cosine, embeddings.norm(dim=1, keepdim=True), labels)


def assert_numbers(reference, name, head, loss, embeddings):
    loss.backward()
    torch.testing.assert_close(loss, reference[f"{name}_loss"], **EXACT)
    torch.testing.assert_close(embeddings.grad, reference[f"{name}_grad_emb"], **EXACT)
    torch.testing.assert_close(head.prototypes.grad.T, reference[f"{name}_grad_weight"], **EXACT)


def test_arcface_is_the_authors(reference):
    head = with_prototypes(ArcFace(16, 14), reference["weight"].T)
    embeddings = reference["emb"].clone().requires_grad_()
    logits = arcface_logits(head, embeddings, reference["label"])
    torch.testing.assert_close(logits, reference["arc_logits"], **EXACT)
    loss = F.cross_entropy(logits, reference["label"])
    assert_numbers(reference, "arc", head, loss, embeddings)


def test_arcface_fixture_has_targets_past_pi_less_margin(reference):
    # else the straight line would go untested
    own = F.normalize(reference["weight"].T)[reference["label"]]
    assert ((reference["emb"] * own).sum(dim=1) < -math.cos(0.5)).any()


def test_arcface_of_embeddings_gives_the_authors_logits(reference):
    head = with_prototypes(ArcFace(16, 14), reference["weight"].T)
    logits = head(7 * reference["emb"], reference["label"])  # the length has no effect
    torch.testing.assert_close(logits, reference["arc_logits"], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "make", "settings"),
    [
        ("cos_s64_m035", CosFace, {}),
        ("cos_s30_m035", CosFace, {"scale": 30.0}),
        ("curricular1", CurricularFace, {}),
        ("mvam_s32_m05_t02", MVAM, {}),
        ("mvarc_s32_m05_t02", MVArc, {}),
    ],
)
def test_a_head_by_its_defaults_is_the_authors(reference, name, make, settings):
    head = with_prototypes(make(16, 14, **settings), reference["weight"].T)
    embeddings = reference["emb"].clone().requires_grad_()
    logits = head(embeddings, reference["label"])
    torch.testing.assert_close(logits, reference[f"{name}_logits"], **EXACT)
    loss = F.cross_entropy(logits, reference["label"])
    assert_numbers(reference, name, head, loss, embeddings)


def test_sphereface_is_the_authors(reference):
    head = with_prototypes(SphereFace(16, 14), reference["weight"].T)
    embeddings = reference["emb"].clone().requires_grad_()
    loss = head.loss(embeddings, reference["label"])
    assert_numbers(reference, "sphere_s64_m135", head, loss, embeddings)


def test_sphereface_fixture_has_angles_that_the_margin_takes_past_pi(reference):
    own = F.normalize(reference["weight"].T)[reference["label"]]
    assert (1.35 * F.cosine_similarity(reference["emb"], own).acos() > math.pi).any()


def test_curricularface_carries_its_t_to_the_second_call_as_the_authors(reference):
    head = with_prototypes(CurricularFace(16, 14), reference["weight"].T)
    head(reference["emb"], reference["label"])
    torch.testing.assert_close(head.t, reference["curricular_t1"], **EXACT)
    logits = head(reference["emb"], reference["label"])
    loss = F.cross_entropy(logits, reference["label"])
    torch.testing.assert_close(head.t, reference["curricular_t2"], **EXACT)
    torch.testing.assert_close(logits, reference["curricular2_logits"], **EXACT)
    torch.testing.assert_close(loss, reference["curricular2_loss"], **EXACT)


def broadface_calls(reference):
    """Head, embeddings and loss of each of the fixture's three calls, after its backward."""
    head = with_prototypes(BroadFace(16, 14, queue_size=18), reference["weight"].T)
    waves = 1e-3 * torch.arange(14 * 16, dtype=torch.float64).sin().reshape(14, 16)
    for k in range(3):
        head.zero_grad()
        embeddings = reference["emb"].roll(k, dims=0).requires_grad_()
        loss = head.loss(embeddings, reference["label"].roll(k))
        loss.backward()
        yield head, embeddings, loss
        with torch.no_grad():
            head.prototypes.mul_(1 + 0.01 * (k + 1)).add_(waves)


def test_broadface_losses_are_the_authors_over_three_calls(reference):
    losses = torch.stack([loss.detach() for _, _, loss in broadface_calls(reference)])
    torch.testing.assert_close(losses, reference["broad_losses"], **EXACT)


def test_broadface_gradients_of_the_third_call_are_the_authors(reference):
    *_, (head, embeddings, _) = broadface_calls(reference)
    torch.testing.assert_close(embeddings.grad, reference["broad_grad_emb_step3"], **EXACT)
    expected = reference["broad_grad_weight_step3"]
    torch.testing.assert_close(head.prototypes.grad.T, expected, **EXACT)


def test_broadface_logits_are_those_of_arcface_for_the_batch_alone(reference):
    *_, (head, _, _) = broadface_calls(reference)
    arcface = with_prototypes(ArcFace(16, 14), head.prototypes.detach())
    logits = [h(reference["emb"], reference["label"]) for h in (head, arcface)]
    assert torch.equal(*logits)


ADAFACE = {
    "adaface": {},
    "adaface_ta1": {"t_alpha": 1.0},
    "adaface_h0": {"margin": 0.5, "h": 0.0},
}


def adaface_steps(adaface, variant, upto):
    """The head after the steps before the last one, then that step's inputs."""
    head = with_prototypes(AdaFace(8, 10, **ADAFACE[variant]), adaface["kernel"].T)
    for step in range(upto):
        head(adaface[f"feat{step}"], adaface[f"label{step}"])
    return head, adaface[f"feat{upto}"].clone().requires_grad_(), adaface[f"label{upto}"]


@pytest.mark.parametrize("variant", ADAFACE)
@pytest.mark.parametrize("step", [0, 1, 2])
def test_adaface_is_the_authors(adaface, variant, step):
    head, features, labels = adaface_steps(adaface, variant, step)
    logits = head(features, labels)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    wanted = {k: adaface[f"{variant}/{k}{step}"] for k in ("logits", "loss", "grad_feat")}
    torch.testing.assert_close(logits, wanted["logits"], **EXACT)
    torch.testing.assert_close(loss, wanted["loss"], **EXACT)
    # An embedding of length 1e-4 has gradients of 1e4, hence the relative part.
    torch.testing.assert_close(features.grad, wanted["grad_feat"], rtol=1e-11, atol=1e-9)
    kernel = adaface[f"{variant}/grad_kernel{step}"]
    torch.testing.assert_close(head.prototypes.grad.T, kernel, **EXACT)


@pytest.mark.parametrize("variant", ADAFACE)
@pytest.mark.parametrize("step", [0, 1, 2])
def test_adaface_gradient_of_unit_embeddings_is_the_authors(adaface, variant, step):
    head, features, labels = adaface_steps(adaface, variant, step)
    norms = features.detach().norm(dim=1, keepdim=True)
    unit = (features.detach() / norms).requires_grad_()
    cosine = (unit @ F.normalize(head.prototypes).T).clamp(-head.bound, head.bound)
    F.cross_entropy(head.logits(cosine, norms, labels), labels).backward()
    torch.testing.assert_close(unit.grad, adaface[f"{variant}/grad_emb{step}"], **EXACT)


@pytest.mark.parametrize("variant", ADAFACE)
@pytest.mark.parametrize("step", [0, 1, 2])
def test_adaface_running_statistics_are_the_authors(adaface, variant, step):
    head, features, labels = adaface_steps(adaface, variant, step)
    head(features, labels)
    for name in ("batch_mean", "batch_std"):
        expected = adaface[f"{variant}/{name}{step}"]
        torch.testing.assert_close(head.get_buffer(name), expected, **EXACT)


def test_adaface_fixture_has_norms_and_cosines_that_are_clipped(adaface):
    # else the clips would go untested
    features = torch.cat([adaface[f"feat{step}"] for step in range(3)])
    labels = torch.cat([adaface[f"label{step}"] for step in range(3)])
    own = F.cosine_similarity(features, adaface["kernel"].T[labels])
    norms = features.norm(dim=1)
    found = [norms < 1e-3, norms > 100, own > 1 - 1e-3, own < -1 + 1e-3]
    assert [bool(clipped.any()) for clipped in found] == [True] * 4


@pytest.mark.parametrize("step", [0, 1, 2])
@pytest.mark.parametrize(("name", "make"), [("if_arcface", ArcFace), ("mtl_cosface", CosFace)])
def test_a_head_of_other_code_with_the_same_rule_gives_the_same_logits(adaface, name, make, step):
    # ArcFace of InsightFace_Pytorch, CosFace of MTLFace
    head = with_prototypes(make(8, 10), adaface["kernel"].T)
    logits = head(adaface[f"feat{step}"], adaface[f"label{step}"])
    torch.testing.assert_close(logits, adaface[f"{name}/logits{step}"], **EXACT)


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
