"""The Inter-Prototype loss: the authors' numbers, closed forms, both Gram matrices, edges."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from irlib.losses import inter_prototype_loss


def naive(prototypes: torch.Tensor) -> torch.Tensor:
    """The formula as the paper prints it."""
    unit = F.normalize(prototypes)
    identity = torch.eye(len(unit), dtype=unit.dtype)
    return F.mse_loss(unit @ unit.T, identity)


def random(n: int, embedding_size: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(n)
    # a shared offset, so that the cosines are not near 0
    return torch.randn(n, embedding_size, dtype=torch.float64, generator=generator) + 0.3


def test_loss_and_gradient_are_the_authors():
    with np.load(Path(__file__).parent / "fixtures" / "inter_prototype_heads.npz") as arrays:
        weight, child = torch.from_numpy(arrays["weight"]), torch.from_numpy(arrays["child"])
        loss, gradient = torch.from_numpy(arrays["ip_loss"]), arrays["ip_grad_weight"]
    prototypes = weight.double().T.contiguous().requires_grad_()
    ours = inter_prototype_loss(prototypes[child])
    ours.backward()
    torch.testing.assert_close(ours, loss, rtol=0, atol=1e-12)
    np.testing.assert_allclose(prototypes.grad.T, gradient, rtol=0, atol=1e-12)


def test_a_repeated_prototype():
    # two equal of three: ones at (0, 1) and (1, 0), out of nine entries
    prototypes = torch.tensor([[1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    assert inter_prototype_loss(prototypes).item() == pytest.approx(2 / 9)


def test_a_repeated_prototype_through_the_small_gram_matrix():
    # the same three rows with D = 2 < n = 3
    prototypes = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
    assert inter_prototype_loss(prototypes).item() == pytest.approx(2 / 9)


def test_opposite_prototypes_cost_as_much_as_equal_ones():
    # cosine -1 at (0, 1) and (1, 0), out of four entries
    prototypes = torch.tensor([[1.0, 0.0], [-3.0, 0.0]])
    assert inter_prototype_loss(prototypes).item() == pytest.approx(2 / 4)


def test_orthogonal_prototypes_cost_nothing():
    assert inter_prototype_loss(5 * torch.eye(4)).item() == 0


@pytest.mark.parametrize("embedding_size", [1, 5])
def test_equal_prototypes_cost_all_but_the_diagonal(embedding_size):
    # (n^2 - n) / n^2 with n = 4
    prototypes = torch.ones(4, embedding_size)
    assert inter_prototype_loss(prototypes).item() == pytest.approx(12 / 16)


@pytest.mark.parametrize("embedding_size", [1, 3])
def test_one_prototype_costs_nothing(embedding_size):
    prototype = torch.full((1, embedding_size), 0.7)
    assert inter_prototype_loss(prototype).item() == pytest.approx(0, abs=1e-12)


def test_a_tight_frame_reaches_the_welch_floor():
    # three directions at 120 degrees: n = 3, D = 2, floor 1/2 - 1/3
    angles = torch.arange(3, dtype=torch.float64) * 2 * torch.pi / 3
    frame = torch.stack([angles.cos(), angles.sin()], dim=1)
    assert inter_prototype_loss(frame).item() == pytest.approx(1 / 2 - 1 / 3, abs=1e-12)


@pytest.mark.parametrize(("n", "embedding_size"), [(7, 8), (8, 8), (9, 8), (60, 8)])
def test_both_gram_matrices_give_the_loss_and_gradient_of_the_formula(n, embedding_size):
    ours = random(n, embedding_size).requires_grad_()
    theirs = random(n, embedding_size).requires_grad_()
    loss, expected = inter_prototype_loss(ours), naive(theirs)
    loss.backward()
    expected.backward()
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=0)
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("n", [229, 1148])
def test_fp32_keeps_six_digits_at_the_sizes_of_the_paper(n):
    prototypes = random(n, 512)
    loss = inter_prototype_loss(prototypes.float()).item()
    assert loss == pytest.approx(naive(prototypes).item(), rel=1e-6)


def test_the_length_of_a_prototype_does_not_matter():
    prototypes = random(6, 8)
    longer = prototypes * torch.arange(1, 7)[:, None]
    expected = inter_prototype_loss(prototypes).item()
    assert inter_prototype_loss(longer).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("n", [3, 6])
def test_gradient_agrees_with_finite_differences(n):
    assert torch.autograd.gradcheck(inter_prototype_loss, random(n, 4).requires_grad_())


@pytest.mark.parametrize(("n", "embedding_size"), [(3, 4), (6, 4)])
def test_a_zero_row_costs_its_own_diagonal_and_is_not_nan(n, embedding_size):
    prototypes = random(n, embedding_size)
    prototypes[0] = 0
    prototypes.requires_grad_()
    loss = inter_prototype_loss(prototypes)
    loss.backward()
    # the other n - 1 rows, and (0 - 1)^2 at the zero row's diagonal entry
    rest = naive(prototypes[1:]).item() * (n - 1) ** 2
    assert loss.item() == pytest.approx((rest + 1) / n**2, rel=1e-12)
    assert prototypes.grad.isfinite().all()


def test_prototypes_that_are_no_children_get_no_gradient():
    prototypes = random(6, 8).requires_grad_()
    inter_prototype_loss(prototypes[torch.tensor([1, 4])]).backward()
    assert prototypes.grad.abs().sum(dim=1).nonzero().flatten().tolist() == [1, 4]


@pytest.mark.parametrize("n", [20, 60])
def test_the_loss_stays_fp32_under_bf16_autocast(n):
    prototypes = random(n, 32).float()
    with torch.autocast("cpu", torch.bfloat16):
        loss = inter_prototype_loss(prototypes)
    assert torch.equal(loss, inter_prototype_loss(prototypes))


@pytest.mark.parametrize("shape", [(0, 8), (8,), (2, 3, 4)])
def test_anything_but_a_matrix_with_rows_is_refused(shape):
    with pytest.raises(ValueError, match=r"prototypes: expected \(n, D\) with n >= 1, got shape"):
        inter_prototype_loss(torch.zeros(shape))
