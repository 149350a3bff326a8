"""The data of a small smoke study, as notebook 01 leaves them: for tests that train on them."""

import dataclasses
import shutil

from irlib import prepared, preparing, runs, studies
from irlib.data import synthetic
from irlib.data.examining import examine
from irlib.data.faces import open_faces

SMOKE = studies.find("smoke")
FEW = dataclasses.replace(
    SMOKE.synthetic, identities=12, images_per_identity=8, child_images=6, agedb_identities=4,
    fgnet_identities=4, lag_identities=4, val_identities=4, test_images_per_identity=6,
)  # fmt: skip


def prepare(home):
    """Paint them under a folder, and write the record of notebook 01 beside."""
    data, folder = home / "data", home / "prepared"
    synthetic.write(FEW, data / "smoke", workers=1)
    opened = open_faces(data / SMOKE.train, data / SMOKE.age_labels)
    train = examine("smoke", data / SMOKE.train, opened.images, identities=12)
    manifests = {prepared.TRAIN: train, **preparing.examine_tests(SMOKE, data)}
    preparing.make_pairs(SMOKE, data, folder, manifests)
    preparing.write_manifests(folder, manifests)
    runs.write_json(folder / "metrics.json", {"fingerprint": "abc"})


def run_folder(home, outputs, name, *, notebook, method, overrides=None):
    """A run folder of seed 1 that nobody has started, with the record that asks for it."""
    study = studies.find("smoke", overrides or {})
    place = home / outputs / study.name
    shutil.copytree(home / "prepared", place / "data", dirs_exist_ok=True)
    given = {"study": "smoke", "overrides": overrides or {}, "method": method, "seed": 1}
    where = {"device": "cpu", "data": str(home / "data"), "outputs": str(home / outputs)}
    parameters = {**given, **where, "tensorboard": False}
    runs.start(place / name, notebook=notebook, parameters=parameters)
    return place / name
