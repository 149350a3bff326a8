"""A folder of people to a gallery of templates.

Shapes: N photographs, C people, D embedding size.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from irlib.data.embeddings import listed
from irlib.data.folders import FaceFolder, read_folder
from irlib.data.sources import ImageFiles
from irlib.data.walking import JUNK
from irlib.embeddings.cutting import Failure
from irlib.embeddings.galleries import Gallery
from irlib.embeddings.photographs import Embedded, PhotoEmbedder, unit

_LEAST = 1e-6  # length of a mean of unit embeddings below which its direction is chance


@dataclass(frozen=True, eq=False)
class Enrolled:
    """A gallery and what became of its images.

    Args:
        gallery: C people.
        failures: images that gave no embedding.
        notes: (name, remark) of embeddings to look at twice.
        stray: what lies in the folder and is no image of a person.
    """

    gallery: Gallery
    failures: tuple[Failure, ...]
    notes: tuple[tuple[str, str], ...]
    stray: tuple[str, ...]


def enrol(
    folder: Path,
    embedder: PhotoEmbedder,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Enrolled:
    """A gallery with one template for each sub-folder: the mean of its unit embeddings, made unit.

    Args:
        folder: one sub-folder of images for each person.
        embedder: finds, cuts and embeds the faces; a function needs a key, so that images are
            never compared with a gallery of another model.
        progress: told the images done and in all.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: people without images, whose images all fail, or whose embeddings cancel out,
            by name; or a function without a key.
    """
    if not embedder.digest:
        raise ValueError("the model is a function; give PhotoEmbedder a key that tells it by")
    faces = read_folder(folder)
    empty = [name.rstrip("/") for name in faces.stray if _is_person(name)]
    if empty:
        raise ValueError(f"{folder}: no image of {listed(empty)}; add some, or remove the folder")
    found = embedder.embed(ImageFiles(faces.root, faces.names), progress=progress)
    _require_everyone(faces, found)
    templates, images, norms = _templates(faces, found)
    gallery = Gallery(faces.class_names, templates, images, norms, embedder.settings)
    return Enrolled(gallery, found.failures, found.notes, faces.stray)


# a folder of the first level that holds no image
def _is_person(stray: str) -> bool:
    name = stray.removesuffix("/")
    return name != stray and "/" not in name and not name.startswith(".") and name != JUNK


def _require_everyone(faces: FaceFolder, found: Embedded) -> None:
    present = set(faces.labels[found.rows].tolist())
    absent = [name for label, name in enumerate(faces.class_names) if label not in present]
    if absent:
        told = [f"{each.name}: {each.reason}" for each in found.failures]
        first = next(line for line in told if line.startswith(f"{absent[0]}/"))
        raise ValueError(f"{faces.root}: no image of {listed(absent)} gave an embedding; {first}")


# templates (C, D), images (C,) and mean norms (C,)
def _templates(
    faces: FaceFolder, found: Embedded
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
    label = faces.labels[found.rows]  # (M,)
    images = np.bincount(label, minlength=faces.num_classes)
    sums = np.zeros((faces.num_classes, found.embeddings.shape[1]))
    np.add.at(sums, label, unit(found.embeddings))
    apart = np.flatnonzero(np.linalg.norm(sums, axis=1) < _LEAST * images)
    if len(apart):
        names = listed([faces.class_names[label] for label in apart])
        raise ValueError(f"{faces.root}: the images of {names} have no direction in common")
    length = np.linalg.norm(found.embeddings.astype(np.float64), axis=1)
    norms = np.bincount(label, weights=length, minlength=faces.num_classes) / images
    return unit(sums).astype(np.float32), images.astype(np.int64), norms.astype(np.float32)
