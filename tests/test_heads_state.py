"""The running state of the margin heads: what it holds, when it moves, that it is restored."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from margin_heads import EXACT, HEADS, small, with_prototypes

from irlib.heads import AdaFace, BroadFace, CurricularFace

STATEFUL = [CurricularFace, BroadFace, AdaFace]


def step(head, seed):
    """The loss of a batch drawn from a seed, after which the prototypes move."""
    generator = torch.Generator().manual_seed(seed)
    embeddings = 20 * torch.randn(5, 8, generator=generator)
    loss = head.loss(embeddings, torch.randint(6, (5,), generator=generator))
    loss.backward()
    torch.optim.SGD(head.parameters(), lr=0.1).step()
    head.zero_grad()
    return loss.detach()


def buffers(head):
    """What a checkpoint holds of a head beside its prototypes."""
    return {name: value for name, value in head.state_dict().items() if name != "prototypes"}


def state(head):
    return copy.deepcopy(buffers(head))


def moved(before, head):
    """Names of the buffers that differ."""
    return {name for name, value in buffers(head).items() if not torch.equal(value, before[name])}


@pytest.mark.parametrize("make", HEADS)
@pytest.mark.parametrize("steps", [1, 4])  # the queue holds 7 of 5, then of 20
def test_a_restored_head_goes_on_bit_for_bit(make, steps):
    torch.manual_seed(0)
    head = small(make, 8, 6)
    for seed in range(steps):
        step(head, seed)
    restored = small(make, 8, 6)
    restored.load_state_dict(copy.deepcopy(head.state_dict()))
    losses = [[step(h, seed) for seed in (10, 11, 12)] for h in (head, restored)]
    assert torch.equal(*map(torch.stack, losses))
    assert moved(state(head), restored) == set()


@pytest.mark.parametrize("make", STATEFUL)
def test_state_matters_to_the_loss(make):
    # else a restored one would prove nothing
    torch.manual_seed(0)
    head = small(make, 8, 6)
    fresh = copy.deepcopy(head)
    for seed in range(4):
        step(head, seed)
    with torch.no_grad():
        fresh.prototypes.copy_(head.prototypes)
    assert not torch.equal(step(head, 10), step(fresh, 10))


@pytest.mark.parametrize("make", STATEFUL)
def test_a_training_step_moves_all_state(make):
    torch.manual_seed(0)
    head = small(make, 8, 6)
    before = state(head)
    step(head, 0)
    assert moved(before, head) == set(before)


@pytest.mark.parametrize("make", STATEFUL)
def test_evaluation_leaves_the_state_alone(make):
    torch.manual_seed(0)
    head = small(make, 8, 6).eval()
    before = state(head)
    step(head, 0)
    assert moved(before, head) == set()


@pytest.mark.parametrize("make", STATEFUL)
def test_state_takes_no_part_in_the_gradient(make):
    torch.manual_seed(0)
    head = small(make, 8, 6)
    head.loss(torch.randn(5, 8, requires_grad=True), torch.arange(5))
    assert [name for name, value in head.named_buffers() if value.requires_grad] == []


def test_curricularface_t_is_a_running_mean_of_the_own_cosines():
    head = with_prototypes(CurricularFace(2, 2), torch.eye(2, dtype=torch.float64))
    embeddings = torch.tensor([[3.0, 4.0], [0.0, 1.0]], dtype=torch.float64)
    for _ in range(2):
        head(embeddings, torch.tensor([0, 1]))
    # own cosines 0.6 and 1.0, mean 0.8: first 0.008, then 0.99 * 0.008 + 0.008
    assert head.t.item() == pytest.approx(0.01592, abs=1e-12)


def test_adaface_statistics_are_the_mean_and_unbiased_std_of_the_norms():
    head = AdaFace(2, 2, t_alpha=1.0).double()
    head(torch.tensor([[3.0, 0.0], [0.0, 5.0]], dtype=torch.float64), torch.tensor([0, 1]))
    # mean of 3 and 5; squares 1 + 1 over 2 - 1
    found = head.batch_mean.item(), head.batch_std.item()
    assert found == pytest.approx((4.0, math.sqrt(2)), abs=1e-12)


def test_adaface_batch_of_one_moves_the_mean_and_leaves_the_std():
    head = AdaFace(2, 2, t_alpha=0.1).double()
    head(torch.tensor([[30.0, 0.0]], dtype=torch.float64), torch.tensor([0]))
    # 0.9 * 20 + 0.1 * 30
    found = head.batch_mean.item(), head.batch_std.item()
    assert found == pytest.approx((21.0, 100.0), abs=1e-12)


def test_adaface_statistics_clip_norms_at_one_hundred():
    head = AdaFace(2, 2, t_alpha=1.0).double()
    head(torch.tensor([[500.0, 0.0]], dtype=torch.float64), torch.tensor([0]))
    assert head.batch_mean.item() == 100.0


def batches(head, count, size):
    """Train on so many batches whose images carry ascending labels, one class an image."""
    for labels in torch.arange(count * size).split(size):
        features = labels[:, None].double().expand(-1, 3) + 1
        head.loss(features, labels)


@pytest.mark.parametrize(
    ("count", "size", "kept"),
    [
        (1, 3, {0, 1, 2}),  # one place stays unfilled
        (3, 3, {5, 6, 7, 8}),
        (2, 4, {4, 5, 6, 7}),
        (2, 7, {10, 11, 12, 13}),  # batches longer than the queue
    ],
)
def test_broadface_queue_keeps_the_newest(count, size, kept):
    head = BroadFace(3, 14, queue_size=4).double()
    batches(head, count, size)
    filled = head.queue_labels[head.queue_labels != -100]
    assert (set(filled.tolist()), len(filled)) == (kept, len(kept))


def test_broadface_queue_keeps_features_and_prototypes_beside_their_labels():
    head = BroadFace(3, 14, queue_size=4).double()
    batches(head, 3, 3)
    expected = head.queue_labels[:, None].double().expand(-1, 3) + 1
    assert torch.equal(head.queue_features, expected)
    assert torch.equal(head.queue_prototypes, head.prototypes[head.queue_labels])


def test_broadface_first_loss_is_twice_the_cross_entropy():
    # the queue is empty: both terms are those of the batch
    torch.manual_seed(0)
    head = BroadFace(8, 6, queue_size=100).double()
    embeddings, labels = torch.randn(5, 8, dtype=torch.float64), torch.arange(5)
    expected = 2 * F.cross_entropy(head(embeddings, labels), labels)
    torch.testing.assert_close(head.loss(embeddings, labels), expected, **EXACT)


def test_broadface_places_unfilled_have_no_effect():
    torch.manual_seed(0)
    heads = [BroadFace(8, 6, queue_size=size).double() for size in (15, 100)]
    heads[1].prototypes.data.copy_(heads[0].prototypes)
    first, second = torch.randn(2, 5, 8, dtype=torch.float64)
    gradients = []
    for head in heads:
        head.loss(first, torch.arange(5))
        head.loss(second, torch.arange(5)).backward()
        gradients.append(head.prototypes.grad)
    torch.testing.assert_close(*gradients, **EXACT)


def test_broadface_moves_a_queued_embedding_along_with_its_prototype():
    start = torch.tensor([[2.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    head = with_prototypes(BroadFace(2, 2, queue_size=1), start)
    head.loss(torch.tensor([[3.0, 4.0]], dtype=torch.float64), torch.tensor([0]))
    with_prototypes(head, start + torch.tensor([[0.0, 1.0], [9.0, 9.0]], dtype=torch.float64))
    # |f| = 5 and |w| = 2, so that the prototype's step (0, 1) counts 5 / 2 times
    expected = torch.tensor([[3.0, 6.5]], dtype=torch.float64)
    torch.testing.assert_close(head.compensated(), expected, **EXACT)


def test_broadface_logits_leave_the_queue_alone():
    head = BroadFace(8, 6, queue_size=7)
    before = state(head)
    head(torch.randn(5, 8), torch.arange(5))
    assert moved(before, head) == set()
