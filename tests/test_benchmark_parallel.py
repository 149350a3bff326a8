import pytest
import torch
import torch.distributed as dist

from benchmarks import parallel as table
from benchmarks import shards
from benchmarks.ranks import Traffic, alone, in_processes
from benchmarks.turns import Case, recipe
from irlib import backbones, parallel

CASE = Case(backbone="tiny", classes=3_000, recipe=recipe(8, workers=0), turns=1)


def in_a_process(folder):
    traffic = Traffic()
    with traffic.counting():
        dist.all_reduce(torch.zeros(10))
        parallel.gathered(torch.zeros(parallel.rank() + 2, dtype=torch.float64), (2, 3))
    with alone():
        kept = parallel.summed(torch.ones(()))
    return {
        "rank": parallel.rank(),
        "bytes": traffic.bytes,
        "kept": kept.item(),
        "turns": table.take_turns(CASE),
        "MiB": shards.head_mib(50_000, 128, CASE.chosen),
        "seconds": shards.states(CASE, folder),
    }


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return in_processes(in_a_process, 2, tmp_path_factory.mktemp("states"))


def test_results_come_in_the_order_of_the_processes(found):
    assert [one["rank"] for one in found] == [0, 1]


def test_what_is_given_to_collectives_is_counted(found):
    # ten fp32 numbers, and three fp64 ones: two are filled up to the longest part
    assert [one["bytes"] for one in found] == [10 * 4 + 3 * 8] * 2


def test_a_process_alone_keeps_its_sum(found):
    assert [one["kept"] for one in found] == [1.0, 1.0]


def test_a_step_sends_the_gradients_of_the_backbone_and_not_those_of_the_prototypes(found):
    own = sum(p.nbytes for p in backbones.build("tiny", 128).parameters()) / 1e6
    prototypes = 3_000 * 128 * 4 / 1e6
    assert found[0]["turns"]["plain sent"] == pytest.approx(own + prototypes)
    # besides, sums of batch norms, embeddings and the D x D matrix: far less than prototypes
    assert own < found[0]["turns"]["sent"] < own + prototypes / 3


def test_loop_and_plain_way_are_measured_in_turns(found):
    for one in found:
        turns = one["turns"]
        assert turns["of apart"] == pytest.approx(turns["loop"] / turns["apart"])
        assert turns["by plain"] == pytest.approx(turns["loop"] / turns["plain"])


def test_a_process_holds_its_shard_and_not_the_whole(found):
    shard = 25_000 * 128 * 4 / 2**20
    for one in found:
        assert one["MiB"] > 3 * shard  # weights, gradient, momentum


def test_states_are_saved_and_restored(found):
    assert set(found[0]["seconds"]) == {"save", "restore", "plain save", "plain restore"}
    assert min(found[0]["seconds"].values()) > 0
