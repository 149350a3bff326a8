"""The Inter-Prototype loss: the authors' numbers, closed forms, both Gram matrices, edges."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from irlib.heads import ArcFace
from irlib.losses import inter_prototype, inter_prototype_loss

FIXTURE = Path(__file__).parent / "fixtures" / "inter_prototype_heads.npz"

# Each form of the loss that makes the n x n matrix, or blocks of it.
BY_ROWS = {
    "one-sided": partial(inter_prototype_loss, sides="one"),
    "l1": partial(inter_prototype_loss, target="l1"),
    "one-sided l1": partial(inter_prototype_loss, sides="one", target="l1"),
    "ce": partial(inter_prototype_loss, target="ce"),
}


def naive(prototypes: torch.Tensor) -> torch.Tensor:
    """The formula as the paper prints it."""
    unit = F.normalize(prototypes)
    identity = torch.eye(len(unit), dtype=unit.dtype)
    return F.mse_loss(unit @ unit.T, identity)


def random(n: int, embedding_size: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(n)
    # a shared offset, so that the cosines are not near 0
    return torch.randn(n, embedding_size, dtype=torch.float64, generator=generator) + 0.3


@pytest.fixture(scope="module")
def authors():
    with np.load(FIXTURE) as arrays:
        return {name: torch.from_numpy(array) for name, array in arrays.items()}


@pytest.mark.parametrize(("name", "target"), [("ip", "mse"), ("ip_l1", "l1"), ("ip_ce", "ce")])
def test_loss_and_gradient_are_the_authors(authors, name, target):
    prototypes = authors["weight"].double().T.contiguous().requires_grad_()
    loss = inter_prototype_loss(prototypes[authors["child"]], target=target)
    loss.backward()
    torch.testing.assert_close(loss, authors[f"{name}_loss"], rtol=0, atol=1e-12)
    torch.testing.assert_close(
        prototypes.grad.T, authors[f"{name}_grad_weight"], rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("weight", [1, 10, 100])
def test_loss_and_gradient_beside_arcface_are_the_authors(authors, weight):
    head = ArcFace(16, 14, scale=64.0).double()
    head.prototypes.data = authors["weight"].double().T.contiguous()
    # their embeddings are of length 1 to fp32, and are not brought to length 1 again
    cosine = F.linear(authors["emb"].double(), F.normalize(head.prototypes))
    logits = head.logits(cosine, torch.ones(12, 1), authors["label"])
    child_loss = inter_prototype_loss(head.prototypes[authors["child"]])
    loss = F.cross_entropy(logits, authors["label"]) + weight * child_loss
    loss.backward()
    torch.testing.assert_close(loss, authors[f"total_loss_lam{weight}"], rtol=0, atol=1e-9)
    expected = authors[f"total_grad_weight_lam{weight}"]
    torch.testing.assert_close(head.prototypes.grad.T, expected, rtol=0, atol=1e-9)


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
def test_a_zero_row_costs_nothing_and_is_not_nan(n, embedding_size):
    prototypes = random(n, embedding_size)
    prototypes[0] = 0
    prototypes.requires_grad_()
    loss = inter_prototype_loss(prototypes)
    loss.backward()
    # what the other n - 1 rows cost, in the mean over n^2
    rest = naive(prototypes[1:]).item() * (n - 1) ** 2
    assert loss.item() == pytest.approx(rest / n**2, rel=1e-12)
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


# two equal, one opposite to both, one orthogonal: of 12 ordered pairs 2 have cosine 1, 4 have -1
FOUR = torch.tensor([[1.0, 0, 0, 0, 0], [2.0, 0, 0, 0, 0], [-1.0, 0, 0, 0, 0], [0, 3.0, 0, 0, 0]])


@pytest.mark.parametrize("columns", [5, 2])  # the n x n matrix, and the small one
@pytest.mark.parametrize(("reduction", "divisor"), [
    ("paper", 4 * 4), ("off_diagonal", 4 * 3), ("size_free", 4 * 229)
])  # fmt: skip
def test_a_reduction_is_what_the_sum_of_squares_is_divided_by(reduction, divisor, columns):
    loss = inter_prototype_loss(FOUR[:, :columns], reduction=reduction)
    assert loss.item() == pytest.approx(6 / divisor)


@pytest.mark.parametrize("target", ["mse", "l1"])
def test_one_sided_only_positive_cosines_cost(target):
    assert inter_prototype_loss(FOUR, sides="one", target=target).item() == pytest.approx(2 / 16)


def test_one_sided_a_negative_cosine_has_no_gradient():
    prototypes = torch.tensor([[1.0, 0.0, 0.0], [-1.0, 0.2, 0.0]], requires_grad=True)
    inter_prototype_loss(prototypes, sides="one").backward()
    assert prototypes.grad.abs().max().item() == 0


def test_l1_is_the_mean_absolute_cosine():
    # cosine 0.6 at (0, 1) and (1, 0), out of four entries
    prototypes = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    assert inter_prototype_loss(prototypes, target="l1").item() == pytest.approx(1.2 / 4)


def test_ce_of_orthogonal_prototypes():
    # each row of cosines is 1 once and 0 three times
    loss = inter_prototype_loss(torch.eye(4, dtype=torch.float64), target="ce")
    assert loss.item() == pytest.approx(np.log(np.e + 3) - 1, abs=1e-12)


def test_size_free_pulls_a_class_as_hard_in_a_group_of_any_size():
    # one class with the same cosine, 0.6, to n - 1 others that are orthogonal to each other
    def pull(n):
        prototypes = torch.eye(n, n + 1, dtype=torch.float64)
        prototypes[0] = 0.8 * prototypes[0] + 0.6 * prototypes[1]
        prototypes.requires_grad_()
        (inter_prototype_loss(prototypes, reduction="size_free") * n).backward()
        return prototypes.grad[0].norm().item()

    assert pull(40) == pytest.approx(pull(4), rel=1e-12)


def test_size_free_is_the_papers_at_the_papers_size():
    prototypes = random(229, 512)
    ours = inter_prototype_loss(prototypes, reduction="size_free").item()
    assert ours == pytest.approx(inter_prototype_loss(prototypes).item(), rel=1e-12)


@pytest.mark.parametrize("embedding_size", [1, 3])
def test_one_prototype_off_the_diagonal_costs_nothing(embedding_size):
    prototype = torch.full((1, embedding_size), 0.7, requires_grad=True)
    loss = inter_prototype_loss(prototype, reduction="off_diagonal")
    loss.backward()
    assert loss.item() == 0
    assert prototype.grad.tolist() == [[0.0] * embedding_size]


@pytest.mark.parametrize("loss", BY_ROWS.values(), ids=BY_ROWS)
def test_gradient_of_a_variant_agrees_with_finite_differences(loss):
    assert torch.autograd.gradcheck(loss, random(6, 4).requires_grad_())


@pytest.mark.parametrize("reduction", ["off_diagonal", "size_free"])
@pytest.mark.parametrize("n", [3, 6])
def test_gradient_of_a_reduction_agrees_with_finite_differences(n, reduction):
    loss = partial(inter_prototype_loss, reduction=reduction)
    assert torch.autograd.gradcheck(loss, random(n, 4).requires_grad_())


def loss_and_gradient(loss, prototypes):
    prototypes = prototypes.clone().requires_grad_()
    value = loss(prototypes)
    value.backward()
    return value.detach(), prototypes.grad


@pytest.mark.parametrize("loss", BY_ROWS.values(), ids=BY_ROWS)
def test_blocks_of_rows_give_what_the_whole_matrix_gives(monkeypatch, loss):
    prototypes = random(23, 8)
    whole = loss_and_gradient(loss, prototypes)
    monkeypatch.setattr(inter_prototype, "MOST_ENTRIES", 5 * 23)  # four blocks of 5 rows, one of 3
    blocks = loss_and_gradient(loss, prototypes)
    torch.testing.assert_close(blocks, whole, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("loss", BY_ROWS.values(), ids=BY_ROWS)
def test_no_block_is_kept_for_the_backward_pass(monkeypatch, loss):
    monkeypatch.setattr(inter_prototype, "MOST_ENTRIES", 5 * 200)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(kept.append, lambda _: None):
        value = loss(random(200, 8).requires_grad_())
    bytes_of = {(s := t.untyped_storage()).data_ptr(): s.nbytes() for t in kept}
    assert value.requires_grad
    # of the 200 x 200 cosines nothing; of the 200 x 8 prototypes a few copies, of 8 bytes a number
    assert sum(bytes_of.values()) < 8 * 200 * 200 / 4


@pytest.mark.parametrize(("options", "message"), [
    ({"reduction": "papers"}, "unknown reduction 'papers': did you mean 'paper'"),
    ({"sides": "both"}, "unknown sides 'both': .*known: one, two"),
    ({"target": "l2"}, "unknown target 'l2'"),
    ({"target": "ce", "reduction": "size_free"}, "target 'ce' has one reduction, 'paper'"),
    ({"target": "ce", "sides": "one"}, "target 'ce' has .* no sides: got .* sides 'one'"),
])  # fmt: skip
def test_words_that_are_unknown_or_do_not_go_together_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        inter_prototype_loss(torch.eye(2), **options)
