"""What notebook 01 left for the others: the images that count, their pairs and their manifests."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from irlib import runs
from irlib.data.faces import Faces, open_faces
from irlib.data.manifests import Manifest, read_manifest, require_same_input, write_manifest
from irlib.data.overlap import overlap
from irlib.data.pairs.rules import PairList
from irlib.data.pairs.sets import (
    PAIR_SETS,
    PreparedPairs,
    missing_sets,
    prepare_pairs,
    stored_pairs,
)
from irlib.data.preparation import examine
from irlib.data.sets.crossage import FOLDERS, TestFaces, read_faces
from irlib.data.sources import ImageFiles
from irlib.studies import Study, require_made

TRAIN, VAL = "train", "val"  # keys of their manifests; a test set's is its layout
PAIRS, VAL_PAIRS = "pairs", "val-pairs"  # folders of lists, below notebook 01's run folder
VAL_KEY = "agedb20_child"  # the rule of the validation pairs


@dataclass(frozen=True, eq=False)
class Prepared:
    """The data of a study as notebook 01 found them.

    Args:
        study: whose data they are.
        data: the data folder.
        folder: the run folder of notebook 01.
    """

    study: Study
    data: Path
    folder: Path

    @property
    def fingerprint(self) -> str:
        """Digest of every image, label and pair that a result can depend on."""
        return runs.read_json(self.folder / "metrics.json")["fingerprint"]

    @cached_property
    def manifests(self) -> dict[str, Manifest]:
        """The manifest of each set, by key."""
        found = {}
        for path in sorted((self.folder / "manifests").glob("*/")):
            if manifest := read_manifest(path):
                found[path.name] = manifest
        return found

    @property
    def test_dir(self) -> Path:
        """Folder that the names in the pair lists are relative to."""
        return self.data / self.study.test_dir

    def faces(self) -> Faces:
        """The training faces with their ages, without what was quarantined."""
        faces = open_faces(self.data / self.study.train, self.data / self.study.age_labels)
        return faces.without(self._quarantined(TRAIN))

    def pairs(self) -> dict[str, PairList]:
        """The test pairs, by key of `PAIR_SETS`; FileNotFoundError if an image of them is gone."""
        return stored_pairs(self.folder / PAIRS, self.test_dir)

    def val_pairs(self) -> PairList | None:
        """The validation pairs, None where the study validates on nothing."""
        if not self.study.val_dir:
            return None
        return stored_pairs(self.folder / VAL_PAIRS, self.data / self.study.val_dir)[VAL_KEY]

    def test_faces(self, layout: str) -> TestFaces:
        """The sound faces of a test set: agedb, fgnet or lag."""
        faces = read_faces(self.test_dir, layout)
        return faces.without(self._quarantined(layout))

    def require_same_input(self, trained: Mapping[str, object]) -> None:
        """See that every set is what a network was trained for; see `irlib.data.manifests`.

        Raises:
            ValueError: one differs; the message names it, the property and both values.
        """
        require_same_input(dict(trained), self.manifests.values())

    def _quarantined(self, key: str) -> list[str]:
        manifest = self.manifests.get(key)
        return [name for name, _ in manifest.quarantined] if manifest else []


def load(study: Study, home: Path, data: Path) -> Prepared:
    """What notebook 01 prepared for a study.

    Args:
        study: whose data are asked for.
        home: the study's folder of runs.
        data: the data folder.

    Raises:
        FileNotFoundError: notebook 01 did not run, or the images are gone.
    """
    require_made(study, data)
    runs.require(home / "data", "metrics.json", "01_data_prep")
    return Prepared(study, data, home / "data")


def write_manifests(folder: Path, manifests: Mapping[str, Manifest]) -> None:
    """Write the manifest of each set below the run folder of notebook 01."""
    for key, manifest in manifests.items():
        write_manifest(folder / "manifests" / key, manifest)


def layouts_of(keys: Iterable[str]) -> list[str]:
    """The layouts that some pair sets draw on, sorted; LAG, whose faces have no ages, is one."""
    return sorted({PAIR_SETS[key].layout for key in keys})


def examine_tests(
    study: Study,
    data: Path,
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Manifest]:
    """Manifests of the test sets that are there, by layout, and of the validation set.

    Args:
        study: whose sets they are.
        data: the data folder.
        workers: threads.
        progress: told the images done and in all, set by set.

    Raises:
        ValueError: a set holds no usable image.
    """
    root = data / study.test_dir
    absent = missing_sets(root)
    there = layouts_of(key for key in PAIR_SETS if key not in absent)
    places = {layout: (root, layout) for layout in there}
    if study.val_dir:
        places[VAL] = (data / study.val_dir, "agedb")
    found = {}
    for key, (folder, layout) in places.items():
        faces = read_faces(folder, layout)
        found[key] = examine(
            key, folder / FOLDERS[layout], ImageFiles(folder, faces.names),
            identities=len(np.unique(faces.identity)), workers=workers, progress=progress,
        )  # fmt: skip
    return found


def shared_people(study: Study, data: Path, faces: Faces) -> list[str] | None:
    """People of the test sets whom the training set shows too, None where names do not tell.

    Class names that are only numbers are looked up in ``identity-names.txt`` beside the training
    set, lines `class name`, where there is such a file.

    Raises:
        ValueError: that file has a line without a name, or names none of the classes.
    """
    root, names = data / study.test_dir, (data / study.train).parent / "identity-names.txt"
    absent = missing_sets(root)
    there = layouts_of(key for key in PAIR_SETS if key not in absent)
    people = {name for layout in there for name in read_faces(root, layout).identity.tolist()}
    return overlap(people, faces.class_names, names if names.exists() else None)


def make_pairs(
    study: Study,
    data: Path,
    folder: Path,
    manifests: Mapping[str, Manifest],
    *,
    exclude: Collection[str] = frozenset(),
) -> dict[str, PreparedPairs]:
    """Write the pair lists of the test sets that are there, and of the validation set.

    Args:
        study: whose pairs they are.
        data: the data folder.
        folder: the run folder of notebook 01.
        manifests: what `examine_tests` found; quarantined images are in no pair.
        exclude: people who are in no pair.

    Returns:
        The test pairs, by key of `PAIR_SETS`.

    Raises:
        ValueError: a list or set that gives no pairs of both kinds.
    """
    root, absent = data / study.test_dir, missing_sets(data / study.test_dir)
    keys = [key for key in PAIR_SETS if key not in absent]
    bad = {key: dict(manifest.quarantined) for key, manifest in manifests.items()}
    if study.val_dir:
        prepare_pairs(
            data / study.val_dir, folder / VAL_PAIRS, seed=study.pair_seed, keys=[VAL_KEY],
            quarantined=bad.get(VAL, {}),
        )  # fmt: skip
    if not keys:
        return {}
    tested = {name: why for layout in layouts_of(keys) for name, why in bad[layout].items()}
    return prepare_pairs(
        root, folder / PAIRS, seed=study.pair_seed, keys=keys, quarantined=tested,
        exclude_identities=exclude,
    )  # fmt: skip
