import numpy as np
import pytest
import torch

from irlib.losses import inter_prototype_loss
from irlib.prototypes import (
    child_purity,
    cosines,
    sample_prototypes,
    summary,
    tsne,
    umap_projection,
    unit_rows,
    welch_floors,
)


def clumped(num_classes=60, num_child=20, size=16, pull=1.0, seed=0):
    # child prototypes share a direction
    points = np.random.default_rng(seed).normal(size=(num_classes, size))
    points[:num_child] += pull
    return points.astype(np.float32), np.arange(num_child)


def off_diagonal(points):
    cosine = unit_rows(points) @ unit_rows(points).T
    return cosine[~np.eye(len(points), dtype=bool)]


def test_child_cosines_by_the_full_matrix():
    points, child = clumped()
    found = summary(points, child, seed=0)
    expected = off_diagonal(points[child])
    assert found["child_mean"] == pytest.approx(expected.mean(), abs=1e-6)
    assert found["child_rms"] == pytest.approx(np.sqrt(np.square(expected).mean()), abs=1e-6)
    assert found["child_max"] == pytest.approx(expected.max(), abs=1e-6)


def test_other_cosines_by_the_full_matrix():
    points, child = clumped(num_classes=900)  # more rows than one block compares
    found = summary(points, child, seed=0)
    expected = off_diagonal(points[20:])
    assert found["others_mean"] == pytest.approx(expected.mean(), abs=1e-6)
    assert found["others_rms"] == pytest.approx(np.sqrt(np.square(expected).mean()), abs=1e-6)


def test_largest_cosine_lies_in_any_block():
    points, _ = clumped(num_classes=1300, size=32)
    points[1150] = 2 * points[1190]  # neither among the first 512
    assert summary(points, np.arange(1200), seed=0)["child_max"] == pytest.approx(1, abs=1e-6)


def test_largest_absolute_cosine_may_be_negative():
    points = np.array([[1, 0], [-1, 0.1], [0, 1], [0.1, 1]], dtype=float)
    found = summary(points, [0, 1], seed=0, neighbours=1)
    assert found["child_max"] == pytest.approx(-1 / np.sqrt(1.01))
    assert found["child_max_abs"] == pytest.approx(1 / np.sqrt(1.01))


@pytest.mark.parametrize("num_child", [10, 40])  # below and above the embedding size of 16
def test_loss_is_that_of_training(num_child):
    points, child = clumped(num_child=num_child)
    expected = inter_prototype_loss(torch.from_numpy(points[child]).double()).item()
    assert summary(points, child, seed=0)["loss"] == pytest.approx(expected, rel=1e-5)


def test_the_sample_of_others_is_as_large_as_the_children():
    points, child = clumped()
    found = summary(points, child, seed=0)
    assert (found["num_child"], found["num_sampled"], found["num_others"]) == (20, 20, 40)


def test_there_is_no_floor_below_the_embedding_size():
    assert welch_floors(229, 512) == {"max_abs_floor": None, "loss_floor": None}


def test_floors_of_the_paper_s_larger_set():
    floors = welch_floors(1148, 512)
    assert floors["loss_floor"] == pytest.approx(0.001082, abs=5e-7)
    assert floors["max_abs_floor"] == pytest.approx(np.sqrt(636 / (512 * 1147)))


def test_floors_are_reached_by_an_equiangular_frame():
    # three unit vectors 120 degrees apart in the plane: |cosine| 1/2, loss (6 / 4) / 9
    angle = 2 * np.pi * np.arange(3) / 3
    frame = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    floors = welch_floors(3, 2)
    assert floors["max_abs_floor"] == pytest.approx(np.abs(off_diagonal(frame)).max())
    assert floors["loss_floor"] == pytest.approx(inter_prototype_loss(torch.tensor(frame)).item())


def test_purity_of_a_clump_is_one():
    points, child = clumped(pull=50.0)
    assert child_purity(points, child) == 1.0


def test_purity_of_a_random_arrangement_is_chance():
    points, child = clumped(num_classes=2000, num_child=400, pull=0.0)
    found = summary(points, child, seed=0)
    assert found["purity_by_chance"] == pytest.approx(399 / 1999)
    # 2,000 neighbours, correlated: 5 standard errors of independent draws
    assert found["purity"] == pytest.approx(399 / 1999, abs=5 * np.sqrt(0.16 / 2000))


def test_a_prototype_is_not_its_own_neighbour():
    assert child_purity(np.eye(4), [0], neighbours=3) == 0.0


def test_cosines_are_of_every_two_once():
    assert cosines(np.array([[2.0, 0.0], [0.0, 3.0], [1.0, 1.0]])).tolist() == pytest.approx(
        [0.0, np.sqrt(0.5), np.sqrt(0.5)]
    )


def test_sample_marks_its_children():
    index, is_child = sample_prototypes([3, 5, 8], 100, seed=0, children=2, others=10)
    assert is_child.tolist() == [True] * 2 + [False] * 10
    assert set(index[is_child]) < {3, 5, 8}
    assert not set(index[~is_child]) & {3, 5, 8}
    assert len(set(index)) == 12


def test_sample_takes_all_where_there_are_few():
    index, is_child = sample_prototypes([3, 5], 10, seed=0)
    assert sorted(index) == list(range(10))
    assert is_child.sum() == 2


def test_a_child_class_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="child_ids 3 to 100: expected 0 to 99"):
        sample_prototypes([3, 100], 100, seed=0)


def test_too_few_children_are_named():
    with pytest.raises(ValueError, match="1 child and 59 other classes: expected 2 of each"):
        summary(clumped()[0], [4], seed=0)


def test_non_finite_prototypes_are_refused():
    points, child = clumped()
    points[0, 0] = np.nan
    with pytest.raises(ValueError, match="expected finite numbers"):
        summary(points, child, seed=0)


def test_tsne_repeats_and_parts_a_clump():
    points, child = clumped(num_classes=80, num_child=30, pull=20.0)
    plane = tsne(points, seed=0, perplexity=10)
    np.testing.assert_array_equal(plane, tsne(points, seed=0, perplexity=10))
    spread = plane[child].std(axis=0).mean()
    apart = np.linalg.norm(plane[child].mean(axis=0) - plane[30:].mean(axis=0))
    assert apart > spread


def test_perplexity_must_be_below_the_points():
    with pytest.raises(ValueError, match=r"perplexity 30\.0: expected below 12"):
        tsne(np.eye(12), seed=0)


@pytest.mark.slow
def test_umap_repeats():
    points, _ = clumped()
    plane = umap_projection(points, seed=0)
    assert plane.shape == (60, 2)
    np.testing.assert_array_equal(plane, umap_projection(points, seed=0))


def test_cosines_to_others_are_of_every_two_of_either_kind():
    # (1, 0) against (0, 1) and (1, 0); then (1, 1) against both
    found = cosines(np.array([[2.0, 0.0], [1.0, 1.0]]), np.array([[0.0, 3.0], [5.0, 0.0]]))
    assert found.tolist() == pytest.approx([0, 1, 0.5**0.5, 0.5**0.5])
