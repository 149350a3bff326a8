import numpy as np
import pytest

from irlib.evaluation import searching
from irlib.evaluation.searching import (
    cmc,
    places,
    rank_replicates,
    rank_shares,
    search,
    told_shares,
    unit_rows,
)

# Unit vectors whose cosines are 0, +-.5 and +-1 in any arithmetic, so that ties are plenty.
AXES = np.vstack([np.eye(4), -np.eye(4)])
HALVES = np.array(
    [[a, b, c, d] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1) for d in (-1, 1)]
)
VECTORS = np.vstack([AXES, HALVES / 2]).astype(np.float32)


def drawn(count, seed):
    return VECTORS[np.random.default_rng(seed).integers(0, len(VECTORS), count)]


def literal(probes, gallery, probe_ids, gallery_ids, own=None):
    """Rank, mate and other of each probe, one cosine at a time."""
    found = []
    for row, (probe, person) in enumerate(zip(probes, probe_ids, strict=True)):
        mate, others = -np.inf, []
        for column, (image, shown) in enumerate(zip(gallery, gallery_ids, strict=True)):
            if own is not None and own[row] == column:
                continue
            cosine = float(probe @ image)
            if shown == person:
                mate = max(mate, cosine)
            else:
                others.append(cosine)
        rank = 1 + sum(other >= mate for other in others) if mate > -np.inf else 0
        found.append((rank, mate, max(others)))
    return found


def as_rows(ranked):
    return list(zip(ranked.rank.tolist(), ranked.mate.tolist(), ranked.other.tolist(), strict=True))


def test_ranks_are_those_of_a_literal_loop(monkeypatch):
    # 60 images of 9 people and 20 strangers; of 40 probes some show people 9 to 11, who are absent
    rng = np.random.default_rng(0)
    probes, gallery = drawn(40, 1), drawn(80, 2)
    probe_ids = rng.integers(0, 12, 40)
    gallery_ids = np.append(rng.integers(0, 9, 60), np.full(20, -100))
    expected = literal(probes, gallery, probe_ids, gallery_ids)
    assert len({rank for rank, _, _ in expected}) > 10
    assert 0 in {rank for rank, _, _ in expected}
    for cells in (2**24, 80 * 7, 1):  # all probes at once, seven, one
        monkeypatch.setattr(searching, "_CELLS", cells)
        assert as_rows(search(probes, gallery, probe_ids, gallery_ids)) == expected


def test_a_probe_that_lies_in_the_gallery_is_left_out():
    images, people = drawn(50, 3), np.random.default_rng(4).integers(0, 15, 50).astype(str)
    own = np.arange(50)
    found = search(images, images, people, people, own=own)
    assert as_rows(found) == literal(images, images, people, people, own)


def test_the_most_similar_image_of_the_person_counts():
    # ann's second image is the best of all, her first the worst
    gallery = [[-1.0, 0.0], [1.0, 0.1], [1.0, 0.2], [0.0, 1.0]]
    found = search([[1.0, 0.0]], gallery, ["ann"], ["ann", "ann", "bob", "cem"])
    assert found.rank.tolist() == [1]


def test_a_tie_counts_against_the_probe():
    gallery = [[2.0, 0.0], [3.0, 0.0], [0.0, 1.0]]
    assert search([[1.0, 0.0]], gallery, [7], [7, 8, 9]).rank.tolist() == [2]


def test_one_embedding_for_every_image_finds_nobody():
    same = np.random.default_rng(0).normal(size=512).astype(np.float32)
    people = np.arange(30) % 10
    found = search(np.tile(same, (7, 1)), np.tile(same, (30, 1)), people[:7], people)
    assert found.rank.tolist() == [28] * 7  # behind the 27 images of the nine others


def test_lengths_do_not_count():
    probes, gallery = drawn(10, 5), drawn(20, 6)
    scaled = gallery * np.repeat([[2.0], [0.5]], 10, axis=0)
    people = np.arange(20) % 10
    expected = search(probes, gallery, people[:10], people)
    assert search(probes * 4, scaled, people[:10], people).rank.tolist() == expected.rank.tolist()


def test_what_is_not_in_the_gallery_does_not_count():
    assert places(np.array([0.5]), np.array([[-np.inf, 0.9]])).tolist() == [2]


@pytest.mark.parametrize(("bad", "told"), [(0.0, "zero"), (np.nan, "not finite")])
def test_an_embedding_without_direction_is_refused(bad, told):
    rows = np.ones((4, 3))
    rows[2:] = bad
    with pytest.raises(ValueError, match=f"gallery: 2 of 4 embeddings .*{told}.*first row 2"):
        unit_rows(rows, "gallery")


def test_widths_that_differ_are_refused():
    with pytest.raises(ValueError, match="expected equal widths"):
        search(np.ones((2, 3)), np.ones((2, 4)), [1, 2], [1, 2])


def test_a_person_too_few_is_refused():
    with pytest.raises(ValueError, match=r"gallery_ids \(1,\): expected one for each of 2"):
        search(np.ones((2, 3)), np.ones((2, 3)), [1, 2], [1])


def test_an_own_place_that_shows_somebody_else_is_refused():
    with pytest.raises(ValueError, match="shows somebody else"):
        search(np.ones((1, 2)), np.ones((2, 2)), [1], [1, 2], own=[1])


def test_rank_shares_count_ranks_up_to_each():
    shares = rank_shares([1, 2, 5, 6], list("abcd"), ranks=(1, 5, 10))
    assert {rank: share.value for rank, share in shares.items()} == {1: 0.25, 5: 0.75, 10: 1.0}


def test_probes_that_are_not_mated_are_not_scored():
    # two mated ones, one found
    assert rank_shares([1, 0, 2, 0], list("abcd"))[1].value == 0.5


def test_a_draw_without_mated_probes_tells_nothing():
    found = rank_replicates([1, 0], ["a", "b"], seed=0, ranks=(1,), repeats=200)
    assert found[0] == 1.0
    # either b is drawn twice, a quarter of the draws, or a is in it and found
    assert np.isnan(found).mean() == pytest.approx(0.25, abs=0.1)
    assert np.nanmin(found) == 1.0


def test_nobody_mated_is_refused():
    with pytest.raises(ValueError, match="none of 2 probes is mated"):
        rank_shares([0, 0], ["a", "b"])


def test_intervals_are_over_people():
    # one person found 90 times, one missed 10 times: two people tell next to nothing
    rank, identity = np.repeat([1, 9], [90, 10]), np.repeat(["a", "b"], [90, 10])
    told = told_shares(rank_shares(rank, identity, ranks=(1,)))
    low, high = told["rank_1_interval"]
    assert (told["rank_1"], low < 0.02, high > 0.999) == (0.9, True, True)


def test_cmc_is_the_share_found_by_each_rank():
    # four mated probes; the last is found beyond the curve's end
    assert cmc([1, 3, 0, 3, 9], up_to=4).tolist() == [0.25, 0.25, 0.75, 0.75]
