"""TinyFace's identification test: probes, their mates, and a gallery full of strangers.

Shapes: Q probes, G gallery images.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from numpy.typing import NDArray

from irlib.data.folders import is_image
from irlib.data.manifests import MANIFEST
from irlib.data.sources import ImageFiles
from irlib.data.walking import entries

DISTRACTOR = -100  # identity of every stranger in the gallery, as the protocol says
FOLDERS = ("Probe", "Gallery_Match", "Gallery_Distractor")
EXPECTED = f"expected Testing_Set/ with {', '.join(FOLDERS)}"

# Where the folders lie below the root; the aligned crops come first, as networks take those.
_PLACES = ("aligned_pad_0.1_pad_high", ".", "Testing_Set", "tinyface/Testing_Set")
_LISTS = {
    "Probe": ("probe_img_ID_pairs.mat", "probe_set", "probe_ids"),
    "Gallery_Match": ("gallery_match_img_ID_pairs.mat", "gallery_set", "gallery_ids"),
}


@dataclass(frozen=True, eq=False)
class TinyFace:
    """A search of each probe among its mates and strangers.

    Args:
        folder: what holds Probe, Gallery_Match and Gallery_Distractor.
        probes: (Q,) images that are searched for.
        probe_ids: (Q,) person in each; a probe whose person has no mate is not scored.
        gallery: (G,) images that are searched: mates first, then strangers.
        gallery_ids: (G,) person in each, `DISTRACTOR` for a stranger.
        checked: the lists of the owners that the names were held against.
        missing: (name, reason) of images in those lists that are not there.
        stray: what is no image of the test, sorted; folders end in a slash.
    """

    folder: Path
    probes: ImageFiles
    probe_ids: NDArray[np.int64]
    gallery: ImageFiles
    gallery_ids: NDArray[np.int64]
    checked: tuple[str, ...]
    missing: tuple[tuple[str, str], ...]
    stray: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Probes, mates and distractors, to hold beside the published ones."""
        strangers = int((self.gallery_ids == DISTRACTOR).sum())
        return {
            "probes": len(self.probes),
            "mates": len(self.gallery) - strangers,
            "distractors": strangers,
        }


def read_tinyface(root: Path) -> TinyFace:
    """The test from its folders; the person is the number before a name's first underscore.

    Args:
        root: Testing_Set, or a folder above it, or the folder that holds the aligned crops,
            which are taken where both are there.

    Raises:
        FileNotFoundError: the three folders are nowhere.
        ValueError: a folder holds no image, a name does not tell the person, or a list of the
            owners is unreadable or contradicts the names.

    Source: layout of qmul-tinyface.github.io; list names as in the owners' evaluation code.
    """
    folder = find_folder(root)
    stray: list[str] = []
    names = {part: _images(folder, part, stray) for part in FOLDERS}
    ids = {part: _ids(folder / part, names[part]) for part in _LISTS}
    checked, missing = [], []
    for part, (file, *keys) in _LISTS.items():
        if path := _list_file(root, folder, file):
            checked.append(file)
            missing += _check(path, part, keys, dict(zip(names[part], ids[part], strict=True)))
    mates, strangers = names["Gallery_Match"], names["Gallery_Distractor"]
    return TinyFace(
        folder,
        _files(folder, "Probe", names["Probe"]),
        np.array(ids["Probe"], dtype=np.int64),
        ImageFiles(
            folder, np.array(_below("Gallery_Match", mates) + _below(FOLDERS[2], strangers))
        ),
        np.array(ids["Gallery_Match"] + [DISTRACTOR] * len(strangers), dtype=np.int64),
        tuple(checked),
        tuple(missing),
        tuple(sorted(stray)),
    )


def find_folder(root: Path) -> Path:
    """The folder that holds Probe, Gallery_Match and Gallery_Distractor, at or below a place.

    Raises:
        FileNotFoundError: they are nowhere.
    """
    for place in _PLACES:
        folder = root / place
        if all((folder / part).is_dir() for part in FOLDERS):
            return folder
    raise FileNotFoundError(f"{root}: no folders of TinyFace; {EXPECTED}")


def _images(folder: Path, part: str, stray: list[str]) -> list[str]:
    files, folders = entries(folder / part)
    images = [name for name in files if is_image(name) and (folder / part / name).is_file()]
    other = sorted(set(files) - {*images, MANIFEST})
    stray += [f"{part}/{name}" for name in other] + [f"{part}/{name}/" for name in folders]
    if not images:
        raise ValueError(f"{folder / part}: no image; {EXPECTED}")
    return images


def _ids(folder: Path, names: list[str]) -> list[int]:
    heads = [name.partition("_")[0] for name in names]
    for name, head in zip(names, heads, strict=True):
        if not (head.isascii() and head.isdecimal() and len(head) < 19 and "_" in name):
            raise ValueError(f"{folder / name}: expected <person>_<image>, such as 17_3.jpg")
    return [int(head) for head in heads]


def _below(part: str, names: list[str]) -> list[str]:
    return [f"{part}/{name}" for name in names]


def _files(folder: Path, part: str, names: list[str]) -> ImageFiles:
    return ImageFiles(folder, np.array(_below(part, names)))


def _list_file(root: Path, folder: Path, file: str) -> Path | None:
    places = (folder, *(root / place for place in _PLACES))
    return next((place / file for place in places if (place / file).is_file()), None)


def _check(
    path: Path, part: str, keys: list[str], there: Mapping[str, int]
) -> list[tuple[str, str]]:
    # images that the list has and the folder has not; any other difference is an error
    listed = _read_list(path, *keys)
    for name, person in listed.items():
        if name in there and there[name] != person:
            raise ValueError(f"{path}: {name} shows person {person}, by its name {there[name]}")
    if extra := sorted(there.keys() - listed.keys()):
        raise ValueError(f"{path}: {len(extra)} images of {part} are not listed, as {extra[0]}")
    absent = sorted(listed.keys() - there.keys())
    return [(f"{part}/{name}", f"no such image, but {path.name} has it") for name in absent]


def _read_list(path: Path, names_key: str, ids_key: str) -> dict[str, int]:
    try:
        found = scipy.io.loadmat(path, variable_names=[names_key, ids_key])
        names = [str(_value(cell)) for cell in found[names_key].ravel()]
        ids = [int(_value(cell)) for cell in found[ids_key].ravel()]
    except Exception as error:  # the parser raises many kinds for a damaged file
        expected = f"expected a MATLAB file with {names_key} and {ids_key}"
        raise ValueError(f"{path}: {expected} ({error})") from error
    if len(names) != len(ids) or len(set(names)) != len(names):
        raise ValueError(f"{path}: {len(names)} names, {len(set(names))} of them once, for "
                         f"{len(ids)} ids; expected one id for each name")  # fmt: skip
    return dict(zip(names, ids, strict=True))


def _value(cell: Any) -> Any:
    # MATLAB nests each cell in arrays of one element
    while isinstance(cell, np.ndarray):
        cell = cell.item()
    return cell
