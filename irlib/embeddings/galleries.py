"""A gallery of people, a template each, and its file.

Shapes: C people, D embedding size.
"""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irlib import runs

_ARRAYS = ("people", "templates", "images", "norms", "settings")
_LENGTH = 1e-3  # by how much the length of a template may differ from 1


@dataclass(frozen=True, eq=False)
class Gallery:
    """People to search among.

    Args:
        people: C names, each once.
        templates: (C, D) float32, length 1: the mean direction of a person's embeddings.
        images: (C,) images that a template rests on.
        norms: (C,) mean length of their embeddings before normalisation, a score of quality.
        settings: what the embeddings depend on: digest of the model, flip, hash of the detector;
            and where the model lay.
    """

    people: tuple[str, ...]
    templates: NDArray[np.float32]
    images: NDArray[np.int64]
    norms: NDArray[np.float32]
    settings: dict[str, Any]

    def __post_init__(self) -> None:
        count = len(self.people)
        sizes = (self.templates.shape[:1], self.images.shape, self.norms.shape)
        if self.templates.ndim != 2 or any(size != (count,) for size in sizes):
            raise ValueError(f"gallery: {count} people, but arrays of {sizes} rows")
        if len(set(self.people)) < count or not count:
            raise ValueError("gallery: a person stands there twice, or there is none")
        length = np.linalg.norm(self.templates, axis=1)
        if not (np.abs(length - 1) < _LENGTH).all():  # also where one is not a number
            raise ValueError("gallery: a template is not of length 1")

    def __len__(self) -> int:
        """Number of people, C."""
        return len(self.people)


def write_gallery(path: Path, gallery: Gallery) -> None:
    """Write a gallery as ``.npz``, atomically.

    Raises:
        ValueError: another suffix.
        OSError: it cannot be written; what was there stays.
    """
    require_npz(path)
    arrays = {
        "people": np.array(gallery.people, dtype=np.str_),
        "templates": gallery.templates,
        "images": gallery.images,
        "norms": gallery.norms,
        "settings": np.array(json.dumps(gallery.settings)),
    }
    with runs.atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


def require_npz(path: Path) -> None:
    """See that a gallery's file is called ``.npz``.

    Raises:
        ValueError: it is not.
    """
    if path.suffix.lower() != ".npz":
        raise ValueError(f"{path}: expected a name that ends in .npz")


def read_gallery(path: Path) -> Gallery:
    """The gallery in a file; nothing in it is run.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, or no gallery.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such gallery; `python -m irlib.embeddings enrol`")
    try:
        with np.load(path, allow_pickle=False) as stored:
            missing = [name for name in _ARRAYS if name not in stored.files]
            if missing:
                raise ValueError(f"has no {', '.join(missing)}")
            arrays = {name: stored[name] for name in _ARRAYS}
        settings = json.loads(str(arrays["settings"]))
        people = tuple(arrays["people"].tolist())
        rest = [arrays[name] for name in ("templates", "images", "norms")]
        return Gallery(people, *rest, {"digest": "", "flip": False, "detector": ""} | settings)
    except (ValueError, TypeError, AttributeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: not a gallery that can be read ({error})") from None
