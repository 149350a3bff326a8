import dataclasses
import itertools

import numpy as np
import pytest
import torch

from benchmarks import measuring, training, turns
from benchmarks.measuring import Chip, MatrixProduct
from benchmarks.plain import PlainTraining
from irlib import backbones
from irlib.heads import ArcFace

CPU = Chip(torch.device("cpu"))


class Ticking(Chip):
    """A chip whose clock moves by one second at each look."""

    ticks = itertools.count()

    def now(self):
        return float(next(self.ticks))


def tiny(**values):
    recipe = turns.recipe(4, workers=0, **values)
    return turns.Case(backbone="tiny", classes=30, recipe=recipe, turns=2, steps=2)


@pytest.mark.parametrize(("name", "giga"), [("ir_50", 6.3), ("ir_100", 12.1)])
def test_multiply_adds_of_a_backbone(name, giga):
    # 6.3 G and 12.1 G are what the field counts (FaceX-Zoo)
    assert measuring.multiply_adds(name) == pytest.approx(giga * 1e9, rel=0.005)


def test_a_ratio_is_the_median_of_those_within_a_turn():
    # 2, 3 and 1: their median is 2; that of the seconds would be 30 / 20
    found = [{"a": 2.0, "b": 1.0}, {"a": 60.0, "b": 20.0}, {"a": 30.0, "b": 30.0}]
    assert measuring.ratio(found, "a", "b") == 2


def test_a_rate_is_that_of_the_median_turn():
    assert measuring.rate([{"a": 1.0}, {"a": 4.0}, {"a": 9.0}], "a", 8) == 2


def test_a_work_that_memory_does_not_suffice_for_takes_no_time():
    def work():
        raise torch.OutOfMemoryError

    assert np.isnan(CPU.seconds(work))


def test_the_number_of_threads_is_that_of_the_context():
    before = torch.get_num_threads()
    with measuring.threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_operations_of_the_matrix_product(monkeypatch):
    monkeypatch.setattr(Chip, "product", (10, torch.float32, 3))
    product = MatrixProduct(CPU)
    product()
    assert product.operations == 3 * 2 * 10**3
    assert torch.allclose(product.out, product.factors[0] @ product.factors[1], atol=1e-5)


def test_works_have_their_turn_before_the_loop_has_its_own():
    done = []
    case = tiny()
    loader = turns.TurnsLoader(
        turns.faces(40, 30), case, Ticking(CPU.device), {"other": lambda: done.append("other")}
    )
    with pytest.raises(turns.EnoughTurnsError):
        for _ in loader:
            done.append("step")  # noqa: PERF401
    assert done == ["other", "step", "step"] * 3
    # each is looked at in the beginning and the end; the first of the three turns warms up
    assert loader.turns == [{"other": 1.0, "loop": 1.0}] * 2


def test_the_plain_margin_is_arcfaces():
    torch.manual_seed(0)
    plain = PlainTraining(
        backbones.build("tiny", 16), turns.faces(8, 30), 30, np.arange(3),
        batch_size=4, in_bf16=False, workers=0,
    )  # fmt: skip
    head = ArcFace(16, 30, scale=64.0, margin=0.5)
    head.prototypes.data = plain.prototypes.data
    embeddings, labels = torch.randn(6, 16), torch.arange(6)
    embeddings[0] = -head.prototypes.data[0]  # past pi - m
    assert torch.allclose(plain.logits(embeddings, labels), head(embeddings, labels), atol=1e-3)


@pytest.mark.parametrize(
    "values",
    [{}, {"precision": "bf16"}, {"class_chunk": 7}, {"sampled_share": 0.5}, {"tf32": True}],
)
def test_every_way_of_the_loop_is_measured(values, monkeypatch):
    monkeypatch.setattr(Chip, "product", (10, torch.float32, 1))
    found = training.row(tiny(**values), Ticking(CPU.device))
    # by this clock each turn takes a second, of two steps with 4 images or of one product
    assert found["bare images/s"] == found["loop images/s"] == found["plain images/s"] == 8
    assert found["of bare"] == found["loop by plain"] == 1
    share = 8 * 3 * 2 * measuring.multiply_adds("tiny") / (2 * 10**3)
    assert found["of the chip"] == pytest.approx(share)


def test_a_case_too_large_for_the_memory_is_told_by_dashes(monkeypatch):
    def fail(*_):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(training, "take_turns", fail)
    assert np.isnan(training.row(tiny(), CPU)["loop images/s"])


def test_the_best_batch_is_that_with_the_highest_rate():
    # by a clock that gives every batch the same time, the largest
    assert training.best_batch("tiny", Ticking(CPU.device), (2, 6, 4)) == 6


def test_a_gpu_measures_a_million_classes_in_every_way():
    cases = training.cases_of_gpu("ir_50", 512)
    ways = {training.way(c.recipe) for c in cases if c.classes == training.MILLION}
    assert ways == {
        "bf16", "bf16, TF32", "bf16, 65,536 classes at a time", "bf16, 10% of classes"
    }  # fmt: skip


@pytest.mark.parametrize(("classes", "count"), [(10_572, 229), (85_742, 1_148), (30, 1)])
def test_classes_of_the_inter_prototype_term(classes, count):
    chosen = dataclasses.replace(tiny(), classes=classes).chosen
    assert len(np.unique(chosen)) == count
    assert chosen.max() < classes
