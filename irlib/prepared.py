"""What notebook 01 left for the others: the images that count, their pairs and their manifests."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from irlib import runs
from irlib.data.faces import Faces, open_faces
from irlib.data.manifests import Manifest, read_manifest, require_same_input
from irlib.data.pairs.rules import PairList
from irlib.data.pairs.sets import PAIR_SETS, stored_pairs
from irlib.data.sets import catalog
from irlib.data.sets.bins import bins_in
from irlib.data.sets.crossage import TestFaces, read_faces
from irlib.studies import Study, require_made

TRAIN, VAL = "train", "val"  # keys of their manifests; a test set's is its layout
NOTEBOOK, MANIFESTS = "01_data_prep", "manifests"
PAIRS, VAL_PAIRS = "pairs", "val-pairs"  # folders of lists, below notebook 01's run folder
NAMES = "identity-names.txt"  # beside the training set: lines `class name`
VAL_KEY = "agedb20_child"  # the rule of the validation pairs
CACD = "cacd_vs"  # the one general set that is a folder


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
        for path in sorted((self.folder / MANIFESTS).glob("*/")):
            if manifest := read_manifest(path):
                found[path.name] = manifest
        return found

    @property
    def test_dir(self) -> Path:
        """Folder that the names in the pair lists are relative to."""
        return self.data / self.study.test_dir

    def faces(self) -> Faces:
        """The training faces with their ages, without what was quarantined.

        Raises:
            ValueError: the study trains nothing.
        """
        if not self.study.train:
            raise ValueError(f"study {self.study.name!r} has no training set; it evaluates models")
        faces = open_faces(self.data / self.study.train, self.data / self.study.age_labels)
        return faces.without(self._quarantined(TRAIN))

    def pairs(self, *, present: bool = True) -> dict[str, PairList]:
        """The test pairs, by key of `PAIR_SETS`.

        Args:
            present: whether every image of them must be there.

        Raises:
            FileNotFoundError: notebook 01 made none, or an image of them is gone.
        """
        return stored_pairs(self.folder / PAIRS, self.test_dir if present else None)

    def val_pairs(self) -> PairList | None:
        """The validation pairs, None where the study validates on nothing."""
        if not self.study.val_dir:
            return None
        return stored_pairs(self.folder / VAL_PAIRS, self.data / self.study.val_dir)[VAL_KEY]

    def test_faces(self, layout: str) -> TestFaces:
        """The sound faces of a test set: agedb, fgnet or lag."""
        faces = read_faces(self.test_dir, layout)
        return faces.without(self._quarantined(layout))

    def bins(self) -> dict[str, Path]:
        """The `.bin` files of the test folder that notebook 01 examined, by name."""
        return {key: path for key, path in bins_in(self.test_dir).items() if key in self.manifests}

    def general_sets(self) -> dict[str, Path]:
        """The `.bin` files, and the folder of CACD-VS where notebook 01 examined one, by key."""
        folder = self.test_dir / Path(catalog.find(CACD).place).name
        return self.bins() | ({CACD: folder} if CACD in self.manifests else {})

    def require_same_input(self, trained: Mapping[str, object], sets: Iterable[str]) -> None:
        """See that sets are what a network was trained for; see `irlib.data.manifests`.

        Args:
            trained: what its checkpoint records.
            sets: keys of manifests, such as `TRAIN`, or the layout of a test set.

        Raises:
            FileNotFoundError: a set has no manifest.
            ValueError: one differs; the message names it, the property and both values.
        """
        for key in sets:
            if key not in self.manifests:
                raise FileNotFoundError(
                    f"{self.folder / MANIFESTS / key}: no manifest; run notebooks/{NOTEBOOK}.ipynb"
                )
        require_same_input(dict(trained), (self.manifests[key] for key in sets))

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
    runs.require(home / "data", "metrics.json", NOTEBOOK)
    return Prepared(study, data, home / "data")


def layouts_of(keys: Iterable[str]) -> list[str]:
    """The layouts that some pair sets draw on, sorted; LAG, whose faces have no ages, is one."""
    return sorted({PAIR_SETS[key].layout for key in keys})
