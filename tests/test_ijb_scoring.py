from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from irlib.data.alignment.similarity import TEMPLATE
from irlib.data.decoding import decode_crop
from irlib.data.sets.identification import TemplateList
from irlib.data.sets.ijb import Ijb
from irlib.data.sources import ImageFiles
from irlib.evaluation.ijb import AlignedCrops, identification, score_ijb, verification
from irlib.evaluation.open_set import open_set
from irlib.evaluation.searching import rank_replicates, rank_shares, search
from irlib.evaluation.templates import Templates

NAMES = np.array([f"{k}.jpg" for k in range(6)])
# Templates 1 and 2 show person 10, template 3 person 20, template 4 person 30; images 1 and 2 are
# of one video.
TEMPLATE_IDS = np.array([1, 2, 2, 2, 3, 4])
MEDIA_IDS = np.array([1, 5, 5, 6, 1, 1])
ROWS = np.array([[1, 0, 0], [2, 1, 0], [0, 1, 0], [0, 0, 1], [0, 2, 0], [0, 0, 3]], np.float32)


class Table:
    """Embeddings by name, and what was asked of it."""

    flips = False

    def __init__(self, rows):
        self.rows, self.asked = rows, []

    def failures(self, images):
        return {}

    def embed(self, images, *, flip=False, progress=None):
        self.asked.append(([images.name(k) for k in range(len(images))], flip))
        return self.rows


def ijb(root=Path(), **changes):
    found = Ijb(
        name="IJBB",
        images=ImageFiles(root, NAMES),
        landmarks=np.tile(np.array(TEMPLATE, dtype=np.float64), (6, 1, 1)),
        scores=np.array([0.5, 1, 1, 1, 1, 1]),
        template_ids=TEMPLATE_IDS,
        media_ids=MEDIA_IDS,
        pairs=np.array([[1, 2], [1, 3], [2, 4], [3, 4]]),
        is_same=np.array([True, False, False, False]),
        galleries={
            "S1": TemplateList(np.array([1]), np.array([10])),
            "S2": TemplateList(np.array([3]), np.array([20])),
        },
        probes=TemplateList(np.array([2, 3]), np.array([10, 20])),
        absent=(),
    )
    return replace(found, **changes)


def scored(set_, rows=ROWS, **options):
    return score_ijb(set_, Table(rows), seed=0, repeats=20, **options)


def test_the_templates_are_pooled_compared_and_searched():
    # template 2: mean of (2, 1, 0) and (0, 1, 0), and (0, 0, 1): (1, 1, 1)
    # cosines: genuine 1/sqrt 3; impostors 0, 1/sqrt 3 and 0: a third of those may be accepted
    found = scored(ijb())
    told = found.metrics["verification"]
    assert np.isnan(told["tar"]["0.1"])  # three impostors tell no such rate
    assert found.arrays["far"].min() >= 1 / 3
    assert found.arrays["tar"].tolist() == [1.0] * len(found.arrays["far"])
    assert found.metrics["genuine pairs"] == 1
    # in S1 the probes are 2 (mated, alone with its mate) and 3
    s1 = found.metrics["identification"]["S1"]
    assert (s1["templates"], s1["mated"], s1["non_mated"], s1["rank_1"]) == (1, 1, 1, 1.0)
    # joined: template 2 is as near to 1 as to 3, and the tie counts against it; 3 finds itself
    joined = found.metrics["identification"]["joined"]
    assert (joined["rank_1"], joined["rank_5"]) == (0.5, 1.0)


def test_how_the_templates_are_made_is_told():
    table = Table(ROWS)
    found = score_ijb(
        ijb(), table, seed=0, flip=False, weighting="unit", by_detector=True, repeats=5
    )
    assert table.asked == [(NAMES.tolist(), False)]
    told = [found.metrics[name] for name in ("flip", "weighting", "by_detector")]
    assert told == [False, "unit", True]


def test_unit_weighting_reaches_the_templates():
    # template 2 is (2, 0, 0) and, of another photograph, (0, 9, 8). By their norms a stranger's
    # (0, 0, 1) is nearer than its own person's (1, 0, 0), at 8 to 2; of unit length 1 to 0.66
    rows = ROWS.copy()
    rows[1:4] = [[2, 0, 0], [2, 0, 0], [0, 9, 8]]
    set_ = ijb(galleries={"S1": TemplateList(np.array([1, 4]), np.array([10, 30]))})
    assert scored(set_, rows).metrics["identification"]["S1"]["rank_1"] == 0.0
    unit = scored(set_, rows, weighting="unit")
    assert unit.metrics["identification"]["S1"]["rank_1"] == 1.0


def test_detector_scores_weigh_the_images_of_a_template():
    # template 2 is (1, 1, 1): as near to (1, 0, 0) of its own person as to (0, 0, 1), a stranger
    # who joins the gallery. With half the score on its third image, (1, 1, 1/2), its own is nearer
    galleries = {"S1": TemplateList(np.array([1, 4]), np.array([10, 30]))}
    scores = np.array([1, 1, 1, 0.5, 1, 1])
    set_ = ijb(galleries=galleries, scores=scores)
    plain, weighed = scored(set_), scored(set_, by_detector=True)
    assert plain.metrics["identification"]["S1"]["rank_1"] == 0.0
    assert weighed.metrics["identification"]["S1"]["rank_1"] == 1.0


def test_without_lists_nobody_is_searched_for():
    found = scored(ijb(galleries={}, probes=None, absent=("ijbb_1N_probe_mixed.csv",)))
    assert found.metrics["identification"] is None
    assert found.metrics["absent"] == ["ijbb_1N_probe_mixed.csv"]
    assert set(found.arrays) == {"far", "tar"}


def test_each_image_is_aligned_by_its_landmarks(tmp_path):
    # drawn 40 pixels to the right and 20 down on a larger photograph
    face = np.random.default_rng(0).integers(0, 255, (112, 112, 3)).astype(np.uint8)
    photograph = np.zeros((180, 200, 3), dtype=np.uint8)
    photograph[20:132, 40:152] = face
    Image.fromarray(photograph).save(tmp_path / "0.jpg", "PNG")
    set_ = ijb(tmp_path, landmarks=np.tile(np.add(TEMPLATE, [40, 20]), (6, 1, 1)))
    crops = AlignedCrops(set_)
    assert (len(crops), crops.name(0)) == (6, "0.jpg")
    assert np.abs(decode_crop(crops.encoded(0), "0.jpg").astype(int) - face).max() <= 1


def test_crops_made_before_are_taken_as_they_are():
    table = Table(ROWS)
    crops = ImageFiles(Path(), np.array([f"{k}.png" for k in range(6)]))
    score_ijb(ijb(), table, seed=0, crops=crops, repeats=5)
    assert table.asked == [(crops.names.tolist(), True)]


def test_crops_of_another_number_are_refused():
    with pytest.raises(ValueError, match="crops: 1 for 6 images"):
        scored(ijb(), crops=ImageFiles(Path(), np.array(["a.png"])))


def made(seed=0, people=60, dimensions=6):
    """Two templates of each of some people, and the people's ids."""
    rng = np.random.default_rng(seed)
    own = np.repeat(rng.normal(size=(people, dimensions)), 2, axis=0)
    vectors = own + 0.6 * rng.normal(size=own.shape)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Templates(np.arange(2 * people), vectors.astype(np.float32)), np.repeat(
        np.arange(people), 2
    )


def test_tar_is_exact_and_beside_the_nearest_point():
    templates, person = made()
    first, second = np.triu_indices(120, 1)
    is_same = person[first] == person[second]
    found = verification(templates, np.stack([first, second], axis=1), is_same, fars=(1e-3, 0.1))
    scores = np.einsum("pd,pd->p", templates.vectors[first], templates.vectors[second])
    impostors = np.sort(scores[~is_same])[::-1]  # 7,080 of them
    # at 0.1 the first 708 may be accepted: all above the 709th
    expected = (scores[is_same] > impostors[708]).mean()
    assert found.metrics["tar"]["0.1"] == pytest.approx(expected)
    # 7 / 7,080 is nearer to 0.001 than 8 / 7,080
    nearest = (scores[is_same] > impostors[7]).mean()
    assert found.metrics["tar_nearest"]["0.001"] == pytest.approx(nearest)
    assert 0 < expected < 1


def galleries():
    # even templates: people 0 to 29 in one, 30 to 59 in the other
    ids = np.arange(0, 120, 2)
    return {
        "S1": TemplateList(ids[:30], ids[:30] // 2),
        "S2": TemplateList(ids[30:], ids[30:] // 2),
    }


PROBES = TemplateList(np.arange(1, 120, 2), np.arange(60))


def test_the_protocol_is_the_mean_of_the_galleries():
    templates, _ = made(seed=1)
    told = identification(templates, galleries(), PROBES, seed=0, fpirs=(0.1,), repeats=50).metrics
    for name in ("rank_1", "rank_5", "tpir_at_fpir_0.1"):
        expected = (told["S1"][name] + told["S2"][name]) / 2
        assert told["mean"][name] == pytest.approx(expected)
        low, high = told["mean"][f"{name}_interval"]
        assert low < told["mean"][name] < high
    assert told["S1"]["rank_1"] != told["S2"]["rank_1"]


def test_a_gallery_is_searched_alone():
    templates, _ = made()
    told = identification(templates, galleries(), PROBES, seed=0, fpirs=(0.1,), repeats=5).metrics
    alone = search(templates.vectors[1::2], templates.vectors[0:60:2], np.arange(60), np.arange(30))
    assert (told["S1"]["mated"], told["S1"]["non_mated"]) == (30, 30)
    assert told["S1"]["rank_1"] == pytest.approx((alone.rank[:30] == 1).mean())
    assert told["S1"]["tpir_at_fpir_0.1"] == pytest.approx(open_set(alone, [0.1]).tpir[0])


def test_one_gallery_has_wilsons_interval_and_the_mean_percentiles():
    templates, _ = made(seed=1)
    told = identification(templates, galleries(), PROBES, seed=0, fpirs=(0.1,), repeats=50).metrics
    alone = search(templates.vectors[1::2], templates.vectors[0:60:2], np.arange(60), np.arange(30))
    share = rank_shares(alone.rank, alone.identity, ranks=(5,))[5]
    assert told["S1"]["rank_5_interval"] == [share.low, share.high]
    replicates = [
        rank_replicates(each.rank, each.identity, seed=0, ranks=(5,), repeats=50)[:, 0]
        for each in (
            alone,
            search(
                templates.vectors[1::2], templates.vectors[60::2], np.arange(60), 30 + np.arange(30)
            ),
        )
    ]
    expected = np.quantile(np.mean(replicates, axis=0)[1:], [0.025, 0.975])
    assert told["mean"]["rank_5_interval"] == pytest.approx(expected.tolist())


def test_joined_galleries_have_everybody_and_no_false_alarm():
    found = identification(made()[0], galleries(), PROBES, seed=0, repeats=5)
    joined = found.metrics["joined"]
    assert (joined["templates"], joined["mated"], joined["non_mated"]) == (60, 60, 0)
    assert joined["tpir_at_fpir_0.1"] is not None
    assert np.isnan(joined["tpir_at_fpir_0.1"])
    assert joined["rank_1"] < found.metrics["mean"]["rank_1"]  # more people to be mistaken for
    assert "fpir_joined" not in found.arrays


def test_rates_that_so_few_probes_cannot_tell_are_nan():
    told = identification(made()[0], galleries(), PROBES, seed=0, repeats=5).metrics
    assert np.isnan(told["S1"]["tpir_at_fpir_0.01"])  # of 30 probes
    assert not np.isnan(told["S1"]["tpir_at_fpir_0.1"])


def test_a_gallery_without_the_probes_people_is_refused():
    strangers = {"S1": TemplateList(np.array([0]), np.array([99]))}
    with pytest.raises(ValueError, match="none of 60 probes is mated"):
        identification(made()[0], strangers, PROBES, seed=0)


def test_a_gallery_template_without_images_is_named():
    absent = {"S1": TemplateList(np.array([777]), np.array([0]))}
    with pytest.raises(ValueError, match="template 777 has no images"):
        identification(made()[0], absent, PROBES, seed=0)
