"""Sums, rows and shards over processes, with their gradients."""

import pytest
import ranks
import torch

from irlib import parallel
from irlib.parallel import Shard

COUNTS = (3, 0, 2, 1)  # rows of each of four processes


def measured():
    """What one of four processes finds; values are numbered by rank and place."""
    rank = parallel.rank()
    values = torch.tensor([1.0 * rank, 2.0], requires_grad=True)
    total = parallel.summed(values.square())
    (total.sum() / parallel.size()).backward()
    rows = torch.full((COUNTS[rank], 2), float(rank), requires_grad=True)
    everyone = parallel.gathered(rows, COUNTS)
    weights = torch.arange(6.0)[:, None]
    ((everyone * weights).sum() / parallel.size()).backward()
    return {
        "total": total.detach(), "gradient": values.grad, "everyone": everyone.detach(),
        "rows gradient": rows.grad, "largest": parallel.largest(values),
        "exchanged": parallel.exchanged({"rank": rank}),
    }  # fmt: skip


@pytest.fixture(scope="module")
def four():
    return ranks.run(measured, 4)


def test_a_sum_is_over_all_processes(four):
    # 0 + 1 + 4 + 9, and four times 4
    assert all(found["total"].tolist() == [14.0, 16.0] for found in four)


def test_the_gradient_of_a_sum_is_whole_in_each_process(four):
    # d total / d value = 2 value: each process adds a quarter for each of the four
    assert [found["gradient"].tolist() for found in four] == [[2.0 * r, 4.0] for r in range(4)]


def test_rows_come_in_the_order_of_the_processes(four):
    assert all(found["everyone"][:, 0].tolist() == [0, 0, 0, 2, 2, 3] for found in four)


def test_the_gradient_of_gathered_rows_is_that_of_the_own_rows(four):
    found = [each["rows gradient"][:, 0].tolist() for each in four]
    assert found == [[0, 1, 2], [], [3, 4], [5]]


def test_the_largest_value_is_found(four):
    assert all(found["largest"].tolist() == [3.0, 2.0] for found in four)


def test_plain_values_are_exchanged(four):
    expected = [{"rank": rank} for rank in range(4)]
    assert all(found["exchanged"] == expected for found in four)


def test_one_process_is_a_world_of_its_own():
    values = torch.ones(2)
    assert (parallel.rank(), parallel.size()) == (0, 1)
    assert parallel.summed(values) is values
    assert parallel.gathered(values, (2,)) is values
    assert parallel.exchanged(3) == [3]


@pytest.mark.parametrize(("total", "size"), [(10, 4), (3, 4), (8, 2), (1, 1)])
def test_shards_are_cut_as_torch_cuts_chunks(total, size):
    shards = [Shard.of(total, rank=rank, size=size) for rank in range(size)]
    chunks = [len(chunk) for chunk in torch.arange(total).chunk(size)]
    assert [s.count for s in shards] == chunks + [0] * (size - len(chunks))
    assert [s.first for s in shards] == [sum(chunks[:r]) for r in range(size)]
