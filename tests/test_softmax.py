"""The margin softmax in chunks and over a sample of the classes, against all logits at once."""

import copy
import itertools

import pytest
import torch
import torch.nn.functional as F
from margin_heads import HEADS, small, with_prototypes
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.profiler import ProfilerActivity, profile

from irlib.heads import ArcFace, BroadFace, CosFace, CurricularFace
from irlib.heads.rows import all_classes, unit_rows
from irlib.heads.softmax import LOWEST, log_sum_of_others, without_own

CLASSES = 7
LABELS = torch.tensor([0, 1, 1, 3, 6, 0])  # classes that are first, last, twice, absent

every_head = pytest.mark.parametrize("make", HEADS)
either_margin = pytest.mark.parametrize("detached", [False, True])


def after_two_batches(make, *, classes=CLASSES, detached=False):
    """A head in float64 whose running state, where it has one, is no longer that of the start."""
    torch.manual_seed(0)
    head = small(make, 8, classes, detached_margin=detached).double()
    for _ in range(2):
        head.loss(20 * torch.randn(4, 8).double(), torch.randint(classes, (4,)))
    return head


def embeddings(count, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return 20 * torch.randn(count, 8, dtype=torch.float64, generator=generator)


def loss_and_gradients(head, labels=LABELS, *, features=None, **settings):
    """Loss, gradient of the embeddings, gradient of the prototypes as it is, and state after."""
    head = copy.deepcopy(head)
    head.settle(**settings)
    features = (embeddings(len(labels)) if features is None else features).clone().requires_grad_()
    loss = head.loss(features, labels)
    loss.backward()
    return loss.detach(), features.grad, head.prototypes.grad, head.state_dict()


def assert_alike(found, expected, *, atol=1e-12):
    """Loss, gradients and state agree; gradients beside the longest one, 1 / |prototype|."""
    for one, other in zip(found[:3], expected[:3], strict=True):
        largest = max(other.abs().max().item(), 1.0)
        torch.testing.assert_close(one.to_dense(), other, rtol=0, atol=atol * largest)
    torch.testing.assert_close(found[3], expected[3], rtol=0, atol=atol)


@every_head
@either_margin
@pytest.mark.parametrize("chunk", [1, 3, CLASSES, 100])
def test_in_chunks_loss_and_gradients_are_those_of_all_logits(make, detached, chunk):
    head = after_two_batches(make, detached=detached)
    assert_alike(loss_and_gradients(head, class_chunk=chunk), loss_and_gradients(head))


@every_head
@either_margin
@pytest.mark.parametrize("chunk", [0, 2])
def test_a_sample_of_all_classes_is_no_sample(make, detached, chunk):
    head = after_two_batches(make, detached=detached)
    found = loss_and_gradients(head, sampled_share=0.99, class_chunk=chunk)
    assert found[2].is_sparse
    assert_alike(found, loss_and_gradients(head))


@every_head
def test_in_evaluation_all_classes_count(make):
    head = after_two_batches(make, classes=100).eval()
    found = loss_and_gradients(head, sampled_share=0.1)
    assert_alike(found, loss_and_gradients(head))


@pytest.mark.parametrize("make", [CurricularFace, ArcFace])
def test_gradients_in_chunks_agree_with_finite_differences(make):
    head = after_two_batches(make).eval()  # in training mode every call would move its state
    head.settle(class_chunk=3)

    def loss(features, prototypes):
        return head.loss(features, LABELS, all_classes(prototypes, torch.tensor([2, 3]), None))

    inputs = (
        embeddings(len(LABELS)).requires_grad_(),
        head.prototypes.detach().clone().requires_grad_(),
    )
    assert torch.autograd.gradcheck(loss, inputs)


@pytest.mark.parametrize("seed", range(20))
def test_chunks_of_random_sizes_change_nothing(seed):
    generator = torch.Generator().manual_seed(seed)
    count, chunk, images = torch.randint(1, 12, (3,), generator=generator).tolist()
    make = HEADS[seed % len(HEADS)]
    head = after_two_batches(make, classes=count, detached=seed % 2 == 0)
    labels = torch.randint(count, (images,), generator=generator)
    expected = loss_and_gradients(head, labels)
    assert_alike(loss_and_gradients(head, labels, class_chunk=chunk), expected)


@pytest.mark.parametrize("settings", [{"class_chunk": 2}, {"sampled_share": 0.99}])
def test_the_loss_of_a_sure_image_keeps_its_digits(settings):
    # cosine 0.999 to the own class, 0 to another: with scale 64 the loss is about e^-64 = 2e-28,
    # which 1 - p, or a log-sum-exp less the own logit, would give as 0
    cosine = torch.tensor(0.999, dtype=torch.float64)
    rows = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    feature = torch.stack([cosine, (1 - cosine**2).sqrt(), torch.zeros(()).double()])[None].float()
    head = with_prototypes(CosFace(3, 2, scale=64.0, margin=0.0), rows)
    loss = loss_and_gradients(head, torch.tensor([0]), features=feature, **settings)[0]
    expected = torch.log1p(torch.exp(-64 * cosine)).item()
    assert loss.item() == pytest.approx(expected, rel=1e-4, abs=0)  # fp32 knows 64 to 4e-6


def test_one_class_alone_costs_nothing():
    head = after_two_batches(ArcFace, classes=1)
    loss, of_embeddings, *_ = loss_and_gradients(
        head, torch.zeros(3, dtype=torch.int64), class_chunk=4
    )
    assert loss.item() == 0
    assert of_embeddings.abs().max().item() == 0


@pytest.mark.parametrize("settings", [{}, {"class_chunk": 3}, {"sampled_share": 0.99}])
def test_an_image_without_a_label_does_not_count(settings):
    head = after_two_batches(ArcFace)
    labels = LABELS.clone()
    labels[[1, 4]] = -100
    rest = [0, 2, 3, 5]
    found = loss_and_gradients(head, labels, **settings)
    expected = loss_and_gradients(head, LABELS[rest], features=embeddings(len(LABELS))[rest])
    torch.testing.assert_close(found[0], expected[0], rtol=0, atol=1e-12)
    torch.testing.assert_close(found[1][rest], expected[1], rtol=0, atol=1e-12)
    assert found[1][[1, 4]].abs().max().item() == 0


def test_the_own_class_is_left_out_where_it_is_among_the_columns():
    place, here = torch.tensor([0, 2, -1, 3]), torch.tensor([True, False, True, True])
    logits = without_own(torch.ones(4, 3), place, here)
    assert (logits == LOWEST).nonzero().tolist() == [[0, 0]]


def test_the_log_sum_is_that_of_the_other_classes():
    head = with_prototypes(CosFace(2, 3, scale=2.0), torch.eye(3, 2, dtype=torch.float64))
    classes = head.draw(torch.tensor([1]))
    unit = torch.tensor([[0.6, 0.8]], dtype=torch.float64)
    own = torch.tensor([[0.8]], dtype=torch.float64)
    found = log_sum_of_others(
        unit, own, classes.rows, classes, torch.tensor([1]), head._logits_of_others, chunk=1
    )
    # cosines 0.6 and, to a prototype of zeros, 0
    expected = torch.tensor([1.2, 0.0], dtype=torch.float64).logsumexp(dim=0)
    torch.testing.assert_close(found[0], expected, rtol=0, atol=1e-12)


def test_a_prototype_of_zeros_gets_the_same_gradient_in_chunks():
    head = after_two_batches(CosFace)
    with torch.no_grad():
        head.prototypes[2] = 0
    assert_alike(loss_and_gradients(head, class_chunk=3), loss_and_gradients(head))


@every_head
@pytest.mark.parametrize("settings", [{"class_chunk": 5}, {"sampled_share": 0.5}])
def test_loss_stays_fp32_under_bf16_autocast(make, settings):
    torch.manual_seed(0)
    head = small(make, 64, 30)
    head.settle(**settings)
    features, labels = torch.randn(4, 64), torch.arange(4)
    expected = copy.deepcopy(head).loss(features, labels)
    with torch.autocast("cpu", torch.bfloat16):
        loss = head.loss(features, labels)
        loss.backward()
    assert loss.dtype == head.prototypes.grad.dtype == torch.float32
    assert torch.equal(loss, expected)


def peak_bytes(work):
    """The most bytes of tensors that a piece of work holds at a time, beside what was there."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        work()
    events = [e for e in record.profiler.kineto_results.events() if e.name() == "[memory]"]
    return max(itertools.accumulate(e.nbytes() for e in sorted(events, key=lambda e: e.start_ns())))


def test_in_chunks_a_step_takes_little_more_than_the_gradient():
    count, size = 20_000, 64
    head = ArcFace(size, count)
    head.keep(range(0, count, 10))
    head.settle(class_chunk=500)
    features, labels = torch.randn(64, size, requires_grad=True), torch.arange(64) * 7

    def step():
        classes = head.draw(labels)
        (head.loss(features, labels, classes) + classes.kept_rows.square().sum()).backward()

    # the 64 x 20,000 logits would be as much again as the gradient, the kept rows are a tenth
    gradient = 4 * count * size
    assert gradient < peak_bytes(step) < 1.5 * gradient


@pytest.mark.parametrize("count", [3, 1024, 2500])
def test_unit_rows_and_their_gradient_are_normalizes_to_the_last_bit(count):
    generator = torch.Generator().manual_seed(count)
    rows, gradient = torch.randn(2, count, 33, generator=generator)
    rows[1] = 0
    found = []
    for unit in (unit_rows, F.normalize):
        leaf = rows.clone().requires_grad_()
        made = unit(leaf)
        made.backward(gradient)
        found.append((made.detach(), leaf.grad))
    assert all(torch.equal(*pair) for pair in zip(*found, strict=True))


# A sample of the classes


def drawn(head, labels, step=0):
    """Which classes a head draws."""
    head.begin_step(step)
    return head.draw(labels).drawn


def sampling(classes=100, share=0.1, seed=0):
    torch.manual_seed(0)
    head = CosFace(8, classes).double()
    head.settle(sampled_share=share, seed=seed)
    return head


def test_a_sample_has_the_batchs_and_the_kept_classes():
    head = sampling()
    head.keep([50, 3])
    labels = torch.tensor([99, 7, 7, 0])
    for step in range(20):
        assert {0, 3, 7, 50, 99} <= set(drawn(head, labels, step).tolist())


def test_a_sample_is_as_large_as_the_share_says():
    assert len(drawn(sampling(share=0.25), torch.tensor([1, 2]))) == 25


def test_a_sample_is_large_enough_for_any_batch_and_the_kept_classes():
    head = sampling(share=0.01)
    head.keep([1, 2, 3])
    # room for three kept classes and four of the batch, though these are but one
    assert len(drawn(head, torch.tensor([8, 8, 8, 8]))) == 7


def test_a_sample_has_each_class_once_in_ascending_order():
    found = drawn(sampling(share=0.5), torch.tensor([99, 0, 99]))
    assert (found.diff() > 0).all()


def test_a_sample_follows_from_seed_and_step():
    labels = torch.tensor([4])
    first, again = drawn(sampling(), labels, 3), drawn(sampling(), labels, 3)
    assert torch.equal(first, again)
    assert not torch.equal(first, drawn(sampling(), labels, 4))
    assert not torch.equal(first, drawn(sampling(seed=1), labels, 3))


def test_a_draw_leaves_the_global_generator_alone():
    head, before = sampling(), torch.get_rng_state()
    drawn(head, torch.tensor([4]))
    assert torch.equal(torch.get_rng_state(), before)


def test_every_other_class_is_drawn_equally_often():
    # of 50 classes 2 are the batch's, and 8 of the other 48 are drawn each time: in 1200 steps
    # each comes 200 times. The sum of (count - 200)^2 / 200 over them has mean 47 (1 - 8/48) = 39
    # and standard deviation 8.1
    head, steps = sampling(classes=50, share=0.2), 1200
    counts = torch.zeros(50)
    for step in range(steps):
        counts[drawn(head, torch.tensor([10, 20]), step)] += 1
    others = counts[[c for c in range(50) if c not in (10, 20)]]
    assert counts[[10, 20]].tolist() == [steps, steps]
    assert others.sum().item() == 8 * steps
    assert 39 - 4 * 8.1 < ((others - 200) ** 2 / 200).sum().item() < 39 + 4 * 8.1


def test_the_loss_of_a_sample_is_the_softmax_over_these_classes():
    head = sampling(classes=40, share=0.2)
    labels = torch.tensor([0, 17, 39, 17, 5, 6])
    ids = drawn(head, labels)
    few = with_prototypes(CosFace(8, len(ids)), head.prototypes.detach()[ids])
    found = loss_and_gradients(head, labels, sampled_share=0.2)
    expected = loss_and_gradients(few, torch.searchsorted(ids, labels))
    torch.testing.assert_close(found[0], expected[0], rtol=0, atol=1e-12)
    torch.testing.assert_close(found[1], expected[1], rtol=0, atol=1e-12)
    torch.testing.assert_close(found[2].to_dense()[ids], expected[2], rtol=0, atol=1e-12)


def test_the_gradient_of_a_sample_has_each_drawn_row_once():
    head = sampling()
    head.keep([3, 50])
    labels = torch.tensor([3, 7, 7])
    classes = head.draw(labels)
    loss = head.loss(embeddings(3), labels, classes)
    (loss + classes.kept_rows.square().sum()).backward()
    assert head.prototypes.grad._indices().tolist() == [classes.drawn.tolist()]


def test_kept_rows_come_in_ascending_order_with_or_without_a_sample():
    for share in (1.0, 0.1):
        head = sampling(share=share)
        head.keep([50, 3])
        assert torch.equal(head.draw(torch.tensor([9])).kept_rows, head.prototypes[[3, 50]])


def test_broadface_draws_the_classes_of_its_queue():
    head = after_two_batches(BroadFace, classes=60)
    head.settle(sampled_share=0.01)
    filled = head.queue_labels[head.queue_labels >= 0].tolist()
    assert set(filled) <= set(head.draw(torch.tensor([1])).drawn.tolist())


# What a head is asked beside its loss


@pytest.mark.parametrize("chunk", [0, 1, 3, 100])
def test_is_nearest_compares_with_every_other_prototype(chunk):
    head = after_two_batches(CosFace)
    head.settle(class_chunk=chunk, sampled_share=0.2)
    labels = torch.tensor([0, 1, 2, 3, 4, 5])
    wrong = torch.tensor([0, 1, 2, 4, 3, 5])
    found = head.is_nearest(3 * head.prototypes.detach()[wrong], labels)
    assert found.tolist() == [True, True, True, False, False, True]


def test_rows_of_classes_take_no_gradient():
    head = sampling()
    found = head.rows_of(torch.tensor([4, 4, 99]))
    assert torch.equal(found, head.prototypes[[4, 4, 99]])
    assert not found.requires_grad


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"class_chunk": -1}, "class_chunk: expected 0 or more, got -1"),
        ({"sampled_share": 0.0}, r"sampled_share: expected a share in \(0, 1\], got 0.0"),
        ({"sampled_share": 1.5}, "sampled_share: expected a share"),
        ({"sampled_share": float("nan")}, "sampled_share: expected a share"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        sampling().settle(**settings)


def test_a_head_is_divided_once():
    head = sampling()
    head.divide(rank=1, size=3)
    with pytest.raises(ValueError, match=r"expected a head that is not divided yet, .*first=34"):
        head.divide(rank=1, size=3)


def test_one_process_keeps_the_head_whole():
    head = sampling()
    head.divide(rank=0, size=1)
    assert head.shard is None
    assert len(head.prototypes) == 100


def test_a_divided_head_has_the_memory_of_its_rows_alone():
    head = sampling()
    parameter, expected = head.prototypes, head.prototypes.detach()[34:68].clone()
    head.keep([99, 33, 34, 67, 40])
    head.divide(rank=1, size=3)
    assert head.prototypes is parameter
    assert torch.equal(head.prototypes, expected)
    assert head.prototypes.untyped_storage().nbytes() == 34 * 8 * 8
    assert (head.shard.first, head.shard.count, head.num_classes) == (34, 34, 100)
    assert head.kept_counts == (1, 3, 1)


def test_kept_classes_follow_the_head_to_its_device_and_no_checkpoint():
    head = sampling()
    head.keep([1])
    assert set(head.state_dict()) == {"prototypes"}


@every_head
@pytest.mark.parametrize("settings", [{"class_chunk": 2}, {"sampled_share": 0.5}])
def test_a_training_step_waits_for_no_value_on_the_device(make, settings):
    # fake tensors have shapes and no values: item(), nonzero() and boolean masks are refused
    with FakeTensorMode():
        head = small(make, 8, 30)
        head.settle(**settings)
        features = torch.randn(5, 8, requires_grad=True)
        head.loss(features, torch.zeros(5, dtype=torch.int64)).backward()
    assert features.grad.shape == (5, 8)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@every_head
@pytest.mark.parametrize("settings", [{"class_chunk": 7}, {"sampled_share": 0.5}])
def test_a_training_step_never_synchronises_with_the_gpu(make, settings):
    head = small(make, 64, 60).cuda()
    head.keep([1, 5, 6])
    head.settle(**settings)
    features = torch.randn(16, 64, device="cuda", requires_grad=True)
    labels = torch.randint(60, (16,), device="cuda")

    def step():
        classes = head.draw(labels)
        head.prototypes.grad = None
        (head.loss(features, labels, classes) + classes.kept_rows.sum()).backward()

    step()  # set-up of libraries may synchronise
    torch.cuda.set_sync_debug_mode("error")
    try:
        step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert features.grad.isfinite().all()
