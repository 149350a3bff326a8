from pathlib import Path

import numpy as np
import pytest

from irlib.data.sets.tinyface import DISTRACTOR, TinyFace
from irlib.data.sources import ImageFiles
from irlib.evaluation.tinyface import score_tinyface


class Table:
    flips = False

    def __init__(self, rows):
        self.rows = rows

    def failures(self, images):
        return {}

    def embed(self, images, *, flip=False, progress=None):
        return np.array([self.rows[images.name(k)] for k in range(len(images))], np.float32)


def at(degrees, length=1.0):
    return length * np.array([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))])


def tinyface(probe_ids, gallery_ids):
    def files(part, ids):
        return ImageFiles(Path(), np.array([f"{part}{k}" for k in range(len(ids))]))

    return TinyFace(
        Path(), files("p", probe_ids), np.array(probe_ids), files("g", gallery_ids),
        np.array(gallery_ids), (), (), (),
    )  # fmt: skip


def scored(strangers=3, probe_ids=(5, 5, 17, 30)):
    # person 5 stands in the gallery at 10 and 80 degrees, person 17 at 40; the strangers between
    # 20 and 30, and of great length, which must not count
    test = tinyface(probe_ids, [5, 5, 17] + [DISTRACTOR] * strangers)
    rows = {"g0": at(10), "g1": at(80, 0.1), "g2": at(40)}
    rows |= {f"g{3 + k}": at(20 + 10 * k / strangers, 50) for k in range(strangers)}
    # both of person 5 find a mate first; 17 at 26 has the strangers before its mate
    rows |= {"p0": at(0), "p1": at(85, 9), "p2": at(26), "p3": at(0)}
    return score_tinyface(test, Table(rows))


def test_any_mate_may_be_the_one_that_is_found():
    told = scored().metrics
    assert told["rank_1"] == pytest.approx(2 / 3)


def test_strangers_come_before_a_mate_who_is_farther():
    assert scored(strangers=3).metrics["rank_5"] == 1.0  # three strangers, then the mate
    assert scored(strangers=30).metrics["rank_20"] == pytest.approx(2 / 3)


def test_a_probe_without_a_mate_is_not_scored():
    told = scored().metrics
    assert (told["probes"], told["mated"], told["people"]) == (4, 3, 2)
    assert (told["mates"], told["distractors"]) == (3, 3)


def test_the_curve_is_that_of_the_mated_probes():
    assert scored().arrays["cmc"][:5].tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 1, 1])


def test_a_test_without_mates_is_refused():
    with pytest.raises(ValueError, match="none of 0 probes is mated"):
        scored(probe_ids=(1, 2, 3, 4))
