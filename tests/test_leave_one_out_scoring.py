from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from irlib.data.sets.leave_one_out import leave_one_out
from irlib.data.sources import ImageFiles
from irlib.evaluation.leave_one_out import score_leave_one_out


class Table:
    flips = False

    def __init__(self, rows):
        self.rows = rows

    def failures(self, images):
        return {}

    def embed(self, images, *, flip=False, progress=None):
        return self.rows


def protocol(people, ages):
    names = np.array([f"{k}.jpg" for k in range(len(people))])
    return replace(leave_one_out(people, ages), images=ImageFiles(Path(), names))


def scored(people, ages, rows):
    return score_leave_one_out(protocol(people, ages), Table(rows))


def drawn(seed=0, people=25, images=120):
    rng = np.random.default_rng(seed)
    who = rng.integers(0, people, images)
    rows = rng.normal(size=(people, 8))[who] + 0.9 * rng.normal(size=(images, 8))
    rows[1::10] = rows[::10]  # equal images, mostly of different people: ties
    return who, rng.uniform(0, 60, images), rows.astype(np.float32)


def test_rank_1_is_that_of_a_literal_loop():
    who, ages, rows = drawn()
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosine = unit @ unit.T
    hits = {"all": [], "children": [], "adults": []}
    for probe in range(len(who)):
        mates = [k for k in range(len(who)) if k != probe and who[k] == who[probe]]
        if not mates:
            continue
        best = max(cosine[probe, k] for k in mates)
        hit = all(cosine[probe, k] < best for k in range(len(who)) if who[k] != who[probe])
        hits["all"].append(hit)
        if ages[probe] < 13:
            hits["children"].append(hit)
        if ages[probe] >= 18:
            hits["adults"].append(hit)
    told = scored(who, ages, rows).metrics
    for name, expected in hits.items():
        assert told[name]["probes"] == len(expected)
        assert told[name]["rank_1"] == pytest.approx(np.mean(expected))
        low, high = told[name]["rank_1_interval"]
        assert low < np.mean(expected) < high
    assert 0.1 < told["all"]["rank_1"] < 0.9


def test_who_has_one_image_is_searched_among_and_not_for():
    # ann's two images lie 90 degrees apart, bob's one between them
    rows = np.array([[1, 0], [0, 1], [1, 1]], np.float32)
    told = scored(["ann", "ann", "bob"], [5, 30, 40], rows).metrics
    assert told["gallery"] == 2
    assert (told["all"]["probes"], told["all"]["people"], told["all"]["rank_1"]) == (2, 1, 0.0)
    assert told["all"]["rank_5"] == 1.0


def test_an_image_does_not_find_itself():
    rows = np.array([[1, 0], [-1, 0], [0, 1], [0, 2]], np.float32)
    told = scored([1, 1, 2, 2], [5, 30, 40, 50], rows).metrics
    assert told["children"]["rank_1"] == 0.0  # its mate lies opposite
    assert told["adults"]["rank_1"] == pytest.approx(2 / 3)


def test_ages_that_nobody_knows_are_in_neither_part():
    rows = np.array([[1, 0], [1, 0]], np.float32)
    told = scored([1, 1], [np.nan, 15], rows).metrics
    assert told["children"] is None
    assert told["adults"] is None
    assert told["all"]["rank_1"] == 1.0


def test_the_arrays_tell_each_probe():
    rows = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    arrays = scored([1, 1, 2], [5, 30, 40], rows).arrays
    assert (arrays["rank"].tolist(), arrays["age"].tolist()) == ([1, 1], [5, 30])


def test_a_protocol_without_images_is_refused():
    with pytest.raises(ValueError, match="people but no images"):
        score_leave_one_out(leave_one_out([1, 1]), Table(None))
