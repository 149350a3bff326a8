import tracemalloc

import numpy as np
import pytest

from irlib.evaluation import templates
from irlib.evaluation.templates import Templates, pair_scores, pool


def literal(embeddings, template_ids, media_ids, *, unit=False, scores=None):
    """Templates by plain loops: average within media, add, scale."""
    rows = np.array(embeddings, dtype=np.float64)
    if unit:
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    if scores is not None:
        rows *= np.asarray(scores)[:, None]
    found = []
    for template in sorted(set(template_ids.tolist())):
        total = np.zeros(rows.shape[1])
        for media in set(media_ids[template_ids == template].tolist()):
            total += rows[(template_ids == template) & (media_ids == media)].mean(axis=0)
        found.append(total / np.linalg.norm(total))
    return np.array(found)


def images(seed=0, count=300):
    # 40 templates; media numbers come again in other templates
    rng = np.random.default_rng(seed)
    lengths = rng.uniform(1, 20, (count, 1))
    return (
        (rng.normal(size=(count, 16)) * lengths).astype(np.float32),
        rng.integers(0, 40, count) * 10,
        rng.integers(0, 5, count),
    )


@pytest.mark.parametrize("block", [16_384, 7, 1])
def test_templates_are_those_of_a_literal_loop(monkeypatch, block):
    monkeypatch.setattr(templates, "_IMAGES", block)
    found = pool(*images())
    assert found.ids.tolist() == list(range(0, 400, 10))
    assert found.vectors == pytest.approx(literal(*images()), abs=1e-5)


def test_unit_weighting_gives_every_image_one_length():
    assert pool(*images(), weighting="unit").vectors == pytest.approx(
        literal(*images(), unit=True), abs=1e-5
    )


def test_detector_scores_weigh_the_images():
    scores = np.random.default_rng(1).uniform(size=300)
    for unit in (False, True):
        found = pool(*images(), weighting="unit" if unit else "norm", scores=scores)
        expected = literal(*images(), unit=unit, scores=scores)
        assert found.vectors == pytest.approx(expected, abs=1e-5)


def test_the_images_of_a_media_count_as_one():
    # three of one video and one photograph: (1, 0) + (0, 1), and not (3, 1)
    found = pool(np.array([[1, 0], [1, 0], [1, 0], [0, 1.0]]), [5] * 4, [1, 1, 1, 2])
    assert found.vectors[0] == pytest.approx(np.sqrt([0.5, 0.5]))


def test_a_long_embedding_weighs_more():
    found = pool(np.array([[3, 0], [0, 4.0]]), [5, 5], [1, 2])
    assert found.vectors[0] == pytest.approx([0.6, 0.8])


def test_half_precision_on_the_disk(tmp_path):
    rows, *ids = images()
    np.save(tmp_path / "rows.npy", rows.astype(np.float16))
    found = pool(np.load(tmp_path / "rows.npy", mmap_mode="r"), *ids)
    assert found.vectors.dtype == np.float32
    assert found.vectors == pytest.approx(pool(rows.astype(np.float16), *ids).vectors)
    assert found.vectors == pytest.approx(literal(rows, *ids), abs=2e-3)


def test_the_order_of_the_images_does_not_matter():
    rows, template, media = images()
    order = np.random.default_rng(2).permutation(300)
    found = pool(rows[order], template[order], media[order])
    assert found.vectors == pytest.approx(pool(rows, template, media).vectors, abs=1e-5)


def test_pair_scores_are_cosines(monkeypatch):
    monkeypatch.setattr(templates, "_PAIRS", 64)
    found = pool(*images())
    pairs = np.random.default_rng(3).choice(found.ids, (1000, 2))
    expected = [found.vectors[a // 10] @ found.vectors[b // 10] for a, b in pairs]
    assert pair_scores(found, pairs) == pytest.approx(expected, abs=1e-6)


def test_pair_scores_take_bounded_memory():
    # gathered at once, both sides of 200,000 pairs are 200 MB
    vectors = np.ones((100, 128), dtype=np.float32)
    many = Templates(np.arange(100), vectors)
    pairs = np.random.default_rng(4).integers(0, 100, (200_000, 2))
    tracemalloc.start()
    pair_scores(many, pairs)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e6  # the scores are 0.8 MB, a chunk 2 MB


def test_pooling_takes_bounded_memory():
    # the images are 20 MB; a copy of them would be as much again
    rows = np.ones((40_000, 128), dtype=np.float32)
    tracemalloc.start()
    pool(rows, np.arange(40_000) // 100, np.arange(40_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 15e6


def test_a_template_without_images_is_named():
    found = pool(*images())
    with pytest.raises(ValueError, match="template 11 has no images, nor have 2 more"):
        pair_scores(found, np.array([[10, 11], [12, 0], [11, 13]]))


def test_templates_beyond_the_last_are_absent_too():
    with pytest.raises(ValueError, match="template 500 has no images"):
        pool(*images()).rows([0, 500])


def test_a_zero_embedding_is_named_by_its_row(monkeypatch):
    monkeypatch.setattr(templates, "_IMAGES", 100)
    rows, *ids = images()
    rows[217] = 0
    with pytest.raises(ValueError, match="row 217 is zero or not finite"):
        pool(rows, *ids)


def test_a_template_whose_images_cancel_out_is_named():
    with pytest.raises(ValueError, match="template 6: its images cancel out"):
        pool(np.array([[1, 0], [1, 0], [-1, 0.0]]), [5, 6, 6], [1, 1, 2])


def test_negative_scores_are_refused():
    with pytest.raises(ValueError, match="scores: some are negative"):
        pool(np.ones((2, 2)), [5, 6], [1, 1], scores=[0.5, -1])


def test_lengths_that_differ_are_refused():
    with pytest.raises(ValueError, match=r"expected \(N, D\) and \(N,\) each"):
        pool(np.ones((2, 2)), [5, 6, 7], [1, 1])


def test_an_unknown_weighting_is_refused():
    with pytest.raises(ValueError, match="expected norm or unit"):
        pool(*images(), weighting="quality")
