"""Facts about the true faces at other ages of painted people."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from irlib.data.synthetic import SyntheticSpec, write
from irlib.data.synthetic.aged import at_ages
from irlib.data.synthetic.population import plan

SPEC = SyntheticSpec(
    seed=5,
    identities=2,
    images_per_identity=2,
    child_identity_share=0.0,
    child_images=2,
    child_image_share=0.0,
    agedb_identities=2,
    fgnet_identities=1,
    lag_identities=2,
    val_identities=1,
    test_images_per_identity=5,
    difficulty=1.0,
    age_noise=2.5,
    unlabelled_share=0.0,
)
WHOLE = plan(SPEC, dataset="set")


def photographs(part, root):
    """Names below the test folder, true ages and stored pictures of a part."""
    rows = WHOLE.parts[f"test/{part}"]
    names = [name.removeprefix("test/") for name in WHOLE.names[rows]]
    stored = [np.asarray(Image.open(root / "test" / name).convert("RGB")) for name in names]
    return names, WHOLE.age[rows], np.stack(stored)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("painted") / "set"
    write(SPEC, folder)
    return folder


def test_at_its_own_age_a_face_is_the_stored_photograph(root):
    # LAG's photographs are PNG files, so nothing is lost
    names, ages, stored = photographs("LAG-aligned", root)
    assert np.array_equal(at_ages(SPEC, names, ages), stored)


def test_at_its_own_age_a_face_is_the_stored_jpeg_but_for_the_compression(root):
    names, ages, stored = photographs("AgeDB-aligned", root)
    off = np.abs(at_ages(SPEC, names, ages).astype(int) - stored).mean(axis=(1, 2, 3))
    assert off.max() < 5  # of 255; qualities of 52 to 92


def test_another_age_is_another_face(root):
    names, ages, _ = photographs("LAG-aligned", root)
    own, older = at_ages(SPEC, names, ages), at_ages(SPEC, names, ages + 20)
    off = np.abs(own.astype(int) - older).mean(axis=(1, 2, 3))
    assert off.min() > 3


def test_light_and_backdrop_stay_those_of_the_photograph(root):
    # the corner pixels show the backdrop, whatever the age; not where long hair grew into them
    names, ages, _ = photographs("FGNET-aligned", root)
    corners = [at_ages(SPEC, names, ages + years)[:, :8, :8] for years in (0, 25)]
    assert np.abs(corners[0].astype(int) - corners[1]).mean() < 1


def test_names_may_repeat():
    name = WHOLE.names[WHOLE.parts["test/FGNET-aligned"]][0].removeprefix("test/")
    twice = at_ages(SPEC, [name, name], [10.0, 60.0])
    assert np.array_equal(twice[1], at_ages(SPEC, [name], [60.0])[0])


def test_a_name_that_is_no_test_photograph_is_refused():
    with pytest.raises(ValueError, match=r"test/AgeDB-aligned/nobody\.jpg: no photograph"):
        at_ages(SPEC, ["AgeDB-aligned/nobody.jpg"], [10.0])


def test_an_unknown_age_is_refused():
    name = WHOLE.names[WHOLE.parts["test/FGNET-aligned"]][0].removeprefix("test/")
    with pytest.raises(ValueError, match=r"ages \(1,\): expected \(1,\) finite years"):
        at_ages(SPEC, [name], [np.nan])
