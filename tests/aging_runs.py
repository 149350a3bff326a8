"""Painted crops, a face space of them, and a run of face age synthesis with random weights."""

import json
from functools import cache

import numpy as np
from embedding_models import saved
from synthesis_networks import discriminator, encoder, generator, recognition

from irlib import checkpoints
from irlib.age_invariant.synthesis import files
from irlib.aging.facespace import FILE, FaceSpace
from irlib.data.synthetic.contact import portrait
from irlib.embeddings.cutting import Crops


@cache
def painted(first, people):
    """Five crops each of people, (5 * people, 112, 112, 3), as varied as the demo's."""
    drawn = np.random.default_rng(first).uniform(1, 80, (people, 5))
    rows = [portrait(7, first + at, ages, difficulty=1.0) for at, ages in enumerate(drawn)]
    return np.concatenate(rows)


def held_out():
    """250 crops of 50 people who are not in `space`."""
    return painted(1000, 50)


@cache
def space(people=140):
    """The face space of five crops each of people."""
    crops = painted(0, people)
    return FaceSpace.of(Crops(tuple(map(str, range(len(crops)))), tuple(crops)), seed=0)


def synthesis_run(home, *, notebook="06_synthesis"):
    """The folder of a finished run, with a face space, beside an estimator and a judge."""
    folder, source = home / "synthesis-mtlface-s1", encoder()
    record = {
        "status": "complete",
        "notebook": notebook,
        "estimator": "train-age_estimator-s2/last.pt",
        "judge": "train-arcface-s1/last.pt",
    }
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(record))
    made = files.content_of(
        recognition(source), generator(source), discriminator(), key="k", step=3
    )
    files.save(folder / "last.pt", made)
    space(30).save(folder / FILE)
    (home / record["estimator"]).parent.mkdir()
    checkpoints.save(home / record["estimator"], recognition(source))
    saved(home / record["judge"])
    return folder
