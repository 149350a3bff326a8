"""The faces a network is trained on, from whatever they are distributed as.

Shapes: N images, C identities, K child identities.
Units: ages in years.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from irlib.data import ages as age_files
from irlib.data.ages import CHILD_BELOW, CHILD_IMAGES, AgeLabels
from irlib.data.decoding import decode
from irlib.data.folders import NO_LISTS, FaceFolder, read_folder
from irlib.data.keys import NO_KEY, ImageKeys, image_keys, numbered_keys
from irlib.data.lists import read_list
from irlib.data.needs import followed
from irlib.data.recordio import Records, open_records
from irlib.data.recordio.names import SUFFIX, in_folder
from irlib.data.sources import Chosen, ImageFiles, Images

RECORDS = "train.rec"  # what InsightFace calls the images of a training set
EXPECTED = (
    f"expected a folder of identities, a folder with {RECORDS}, a .rec file, or a list of lines "
    "`path label`"
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Faces:
    """Training images with identity and age.

    Args:
        images: the N encoded images, by position.
        labels: (N,) int64, class of each image, 0 to C - 1.
        ages: (N,) float64, years, NaN where unknown.
        class_names: what the C identities are called in the set; the position is the class.
        age_labels: the file the ages came from, None without one.
        stray: what lies beside the images and is none, or is listed and not there.
        notes: remarks on the set for a person to read.
    """

    images: Images
    labels: NDArray[np.int64]
    ages: NDArray[np.float64]
    class_names: tuple[str, ...]
    age_labels: AgeLabels | None = None
    stray: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Number of images, N."""
        return len(self.labels)

    @property
    def num_classes(self) -> int:
        """Number of identities, C."""
        return len(self.class_names)

    @cached_property
    def keys(self) -> ImageKeys:
        """What names each image in a file of ages."""
        return _keys_of(self.images)

    def read(self, index: int) -> NDArray[np.uint8]:
        """An image as (H, W, 3) uint8 RGB, upright.

        Raises:
            IndexError: there is no such image.
            ValueError: it cannot be read or is damaged; the message names it.
        """
        row = range(len(self))[index]
        return decode(self.images.encoded(row), self.images.name(row))

    def child_ids(
        self, below: float = CHILD_BELOW, at_least: int = CHILD_IMAGES
    ) -> NDArray[np.int64]:
        """Identities with enough images of a child among those present, (K,) ascending classes.

        Args:
            below: an image shows a child if its age is strictly below this, in years.
            at_least: images of a child that an identity needs.

        Source: Lee et al., BMVC 2021.
        """
        return age_files.child_ids(self.labels, self.ages, below=below, at_least=at_least)

    def without(self, names: Collection[str]) -> "Faces":
        """The faces without some images, such as those in quarantine.

        An identity that loses every image is no class any more; the notes tell which.

        Args:
            names: of the images to leave out; those that are not here are counted in the notes.

        Raises:
            ValueError: no image would be left.
        """
        if not names:
            return self
        unwanted = set(names)
        kept = (self.images.name(row) not in unwanted for row in range(len(self)))
        rows = np.flatnonzero(np.fromiter(kept, dtype=np.bool_, count=len(self)))
        if not len(rows):
            raise ValueError(f"all {len(self):,} images are in quarantine; expected some to train")
        labels, present = _dense(self.labels[rows])
        return replace(
            self,
            images=Chosen(self.images, rows),
            labels=labels,
            ages=self.ages[rows],
            class_names=tuple(self.class_names[label] for label in present.tolist()),
            notes=self.notes + self._lost(present, len(unwanted) - (len(self) - len(rows))),
        )

    def _lost(self, present: NDArray[np.int64], unknown: int) -> tuple[str, ...]:
        notes = []
        lost = np.setdiff1d(np.arange(self.num_classes), present)
        if len(lost):
            named = ", ".join(self.class_names[label] for label in lost[:10].tolist())
            more = f" and {len(lost) - 10} more" if len(lost) > 10 else ""
            notes.append(f"no image is left of {len(lost)} identities: {named}{more}")
        if unknown:
            notes.append(f"{unknown} images to leave out are not in the set")
        return tuple(notes)


def open_faces(path: Path | str, age_labels: Path | str | None = None) -> Faces:
    """The faces of a training set, of which nothing is decoded yet.

    Args:
        path: an InsightFace ``.rec`` file with its ``.idx``, or the folder with ``train.rec``; a
            folder with one sub-folder an identity; or a list file of lines `path label`.
        age_labels: MTLFace's label file, lines `id path age gender`; without it no age is known.

    Raises:
        FileNotFoundError: path or the label file is not there.
        ValueError: it is none of these, or holds no image; the message names file and place.
    """
    if not str(path):
        raise ValueError(f"path is empty: {EXPECTED}")
    path = followed(Path(path))
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder; {EXPECTED}")
    labeled = None if age_labels is None else age_files.read_age_labels(Path(age_labels))
    faces = _opened(path)
    if labeled is None:
        return faces
    notes = faces.notes + _ambiguous(faces)
    return replace(faces, ages=labeled.ages_of(faces.keys), age_labels=labeled, notes=notes)


def _ambiguous(faces: Faces) -> tuple[str, ...]:
    rows = faces.keys.repeated()
    if not len(rows):
        return ()
    first = ", ".join(faces.images.name(row) for row in rows[:10].tolist())
    return (f"{len(rows)} images share their key with another, so none has an age: {first}",)


def _opened(path: Path) -> Faces:
    if path.is_dir():
        return _records(path / RECORDS) if (path / RECORDS).is_file() else _files(read_folder(path))
    if path.suffix.lower() == ".rec":
        return _records(path)
    if path.suffix.lower() in NO_LISTS:
        raise ValueError(f"{path}: no training set by itself; {EXPECTED}")
    return _files(read_list(path))


def _records(path: Path) -> Faces:
    records = open_records(path)
    labels, stored = _dense(records.labels)
    numbers = _told_of_numbers(records)
    return Faces(
        images=records,
        labels=labels,
        ages=_unknown(len(labels)),
        class_names=_class_names(records, labels, stored),
        notes=(*records.notes, *numbers),
    )


def _told_of_numbers(records: Records) -> tuple[str, ...]:
    # what a person should know before trusting the ages that these records are given
    if records.names is not None:
        return ()
    if records.is_packed:
        return (f"{records.path.with_suffix(SUFFIX).name} is missing: no image can have an age",)
    if records.keys[0] == 1 and records.keys[-1] == len(records):
        return ()
    return ("records are not numbered from 1 as InsightFace's are; ages go by their numbers",)


def _dense(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    # classes 0 to C - 1, and the labels they had; by a table, as sorting millions takes memory
    is_there = np.zeros(int(labels.max()) + 1, dtype=np.bool_)
    is_there[labels] = True
    stored = np.flatnonzero(is_there)
    return (labels if is_there.all() else (np.cumsum(is_there) - 1)[labels]), stored


def _unknown(count: int) -> NDArray[np.float64]:
    return np.broadcast_to(np.float64(np.nan), count)  # takes no memory


def _keys_of(images: Images) -> ImageKeys:
    # a file of ages names images by what they were called before somebody packed them
    if isinstance(images, Chosen):
        return _keys_of(images.images).chosen(images.rows)
    if isinstance(images, ImageFiles):
        return image_keys(images.names)
    if not isinstance(images, Records):
        return image_keys([images.name(row) for row in range(len(images))])
    if images.names is not None:
        return image_keys(images.names)
    if images.is_packed:
        return ImageKeys(np.full(len(images), NO_KEY))
    return numbered_keys(images.labels, images.keys)


def _class_names(
    records: Records, labels: NDArray[np.int64], stored: NDArray[np.int64]
) -> tuple[str, ...]:
    # the folders that the identities had, where each had one of its own; else the stored labels
    if records.names is not None:
        first = np.unique(labels, return_index=True)[1]
        folders = [in_folder(str(name)).rpartition("/")[0] for name in records.names[first]]
        if all(folders) and len(set(folders)) == len(folders):
            return tuple(folders)
    return tuple(str(label) for label in stored.tolist())


def _files(folder: FaceFolder) -> Faces:
    absent = folder.absent
    shown = ", ".join(absent[:10])
    return Faces(
        images=ImageFiles(folder.root, folder.names),
        labels=folder.labels,
        ages=_unknown(len(folder)),
        class_names=folder.class_names,
        stray=folder.stray + absent,
        notes=(f"{len(absent)} listed images are not there: {shown}",) if absent else (),
    )
