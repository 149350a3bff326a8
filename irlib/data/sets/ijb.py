"""IJB-B and IJB-C as InsightFace releases them: images, templates, pairs and 1:N lists.

Shapes: N images, T templates, P pairs, G gallery templates.
Units: landmarks in pixels of the loose crop.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from irlib.data.alignment import align
from irlib.data.decoding import decode
from irlib.data.sets.columns import pieces, refuse_row
from irlib.data.sets.identification import TemplateList, read_template_list
from irlib.data.sources import ImageFiles
from irlib.data.walking import find_entry

GALLERIES = {"IJBB": ("S1", "S2"), "IJBC": ("G1", "G2")}

EXPECTED = "expected meta/ and loose_crop/ of InsightFace's release"

_PARTS = ("face_tid_mid.txt", "name_5pts_score.txt", "template_pair_label.txt")
_POINTS = [f"{axis}{point}" for point in range(1, 6) for axis in "xy"]


@dataclass(frozen=True, eq=False)
class Ijb:
    """The 1:1 protocol of a set, and its 1:N lists where they are there.

    Args:
        name: IJBB or IJBC.
        images: (N,) the loose crops, to be aligned by their landmarks.
        landmarks: (N, 5, 2) eyes, nose tip and mouth corners, as the release gives them.
        scores: (N,) of the detector that gave the landmarks.
        template_ids: (N,) template of each image.
        media_ids: (N,) photograph or video of each image.
        pairs: (P, 2) template ids.
        is_same: (P,) bool.
        galleries: the 1:N galleries by name, S1 and S2 or G1 and G2; empty if they are absent.
        probes: of the 1:N protocol, None if they are absent.
        absent: the files of the 1:N protocol that are not there.
    """

    name: str
    images: ImageFiles
    landmarks: NDArray[np.float64]
    scores: NDArray[np.float64]
    template_ids: NDArray[np.int64]
    media_ids: NDArray[np.int64]
    pairs: NDArray[np.int64]
    is_same: NDArray[np.bool_]
    galleries: Mapping[str, TemplateList]
    probes: TemplateList | None
    absent: tuple[str, ...]

    @property
    def names(self) -> NDArray[np.str_]:
        """Names of the images, (N,)."""
        return self.images.names

    @property
    def counts(self) -> dict[str, int]:
        """Images, templates, pairs and genuine pairs, to hold beside the published ones."""
        return {
            "images": len(self.images),
            "templates": len(np.unique(self.template_ids)),
            "pairs": len(self.pairs),
            "genuine pairs": int(self.is_same.sum()),
        }

    def crop(self, index: int) -> NDArray[np.uint8]:
        """An image aligned by its landmarks, (112, 112, 3) uint8 RGB.

        Raises:
            ValueError: the file is gone or damaged, or its landmarks are no face; it is named.
        """
        name = self.images.name(index)
        image = decode(self.images.encoded(index), name)
        try:
            return align(image, self.landmarks[index])
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error


def read_ijb(root: Path, name: str) -> Ijb:
    """A set of templates from a folder that holds meta/ and loose_crop/.

    Args:
        root: the folder, or the one above it.
        name: IJBB or IJBC.

    Raises:
        FileNotFoundError: a part is absent; all that are absent are named.
        ValueError: a name that is neither; or a file contradicts itself or another one: a line
            that is not of its form, a negative id, landmarks that are not finite, an image that
            stands twice in a template or is not there, a pair of a template without images, a
            label other than 0 or 1. The message names the file and the line.

    Source: file layout of InsightFace's recognition/_evaluation_/ijb.
    """
    if name not in GALLERIES:
        raise ValueError(f"name is {name!r}: expected {' or '.join(GALLERIES)}")
    folder = root if find_entry(root, "meta") else find_entry(root, name) or root
    meta, crops = find_entry(folder, "meta"), find_entry(folder, "loose_crop")
    files = [find_entry(meta, f"{name}_{part}") for part in _PARTS]
    _require(folder, name, {"loose_crop": crops, **dict(zip(_PARTS, files, strict=True))})
    names, template_ids, media_ids = _read_media(files[0])
    _require_images(crops, names)
    landmarks, scores = _read_landmarks(files[1], names)
    with_images = np.unique(template_ids)
    pairs, is_same = _read_pairs(files[2], with_images)
    lists = {key: f"{name}_1N_gallery_{key}.csv".lower() for key in GALLERIES[name]}
    lists["probes"] = f"{name}_1N_probe_mixed.csv".lower()
    found = {key: path for key, file in lists.items() if (path := find_entry(meta, file))}
    known = {key: read_template_list(path, with_images) for key, path in found.items()}
    absent = tuple(file for key, file in lists.items() if key not in known)
    probes = known.pop("probes", None)
    images = ImageFiles(crops, names)
    return Ijb(
        name, images, landmarks, scores, template_ids, media_ids, pairs, is_same, known, probes,
        absent,
    )  # fmt: skip


def _require(folder: Path, name: str, parts: Mapping[str, Path | None]) -> None:
    file = {part: f"meta/{name.lower()}_{part}" for part in _PARTS}
    if absent := [file.get(part, f"{part}/") for part, path in parts.items() if path is None]:
        raise FileNotFoundError(f"{folder}: {', '.join(absent)} absent; {EXPECTED}")


def _read_media(path: Path) -> tuple[NDArray[np.str_], NDArray[np.int64], NDArray[np.int64]]:
    names, templates, media = [], [], []
    for piece in pieces(path, {"image": "str", "template": "int64", "media": "int64"}):
        negative = (piece["template"] < 0) | (piece["media"] < 0)
        if negative.any():
            refuse_row(path, int(negative.idxmax()), "ids must not be negative")
        names.append(piece["image"].to_numpy(dtype=np.str_))
        templates.append(piece["template"].to_numpy())
        media.append(piece["media"].to_numpy())
    images, template_ids = np.concatenate(names), np.concatenate(templates)
    _refuse_repeated(path, images, template_ids)
    return images, template_ids, np.concatenate(media)


def _refuse_repeated(path: Path, names: NDArray[np.str_], template_ids: NDArray[np.int64]) -> None:
    order = np.lexsort((template_ids, names))  # stable: of equal rows the later one is refused
    same = (np.diff(template_ids[order]) == 0) & (names[order][1:] == names[order][:-1])
    if same.any():
        row = int(order[1:][same].min())
        refuse_row(path, row, "an earlier line has this image in this template")


def _require_images(folder: Path, names: NDArray[np.str_]) -> None:
    there = {entry.name for entry in folder.iterdir()}  # one listing; a stat of each takes minutes
    if absent := sorted(set(names.tolist()) - there):
        told = ", ".join(absent[:10]) + (" ..." if len(absent) > 10 else "")
        raise ValueError(f"{folder}: {len(absent)} of {len(names)} images are absent: {told}")


def _read_landmarks(
    path: Path, names: NDArray[np.str_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # the images in both files stand in one order; scores and landmarks, (N, 5, 2) and (N,)
    columns = {"image": "str", **dict.fromkeys([*_POINTS, "score"], "float64")}
    numbers, done = [], 0
    for piece in pieces(path, columns):
        expected = names[done : done + len(piece)]
        if len(expected) < len(piece):
            refuse_row(path, len(names), f"only {len(names)} images have a template")
        other = piece["image"].to_numpy(dtype=np.str_) != expected
        if other.any():
            row = int(other.argmax())
            refuse_row(path, done + row, f"expected {expected[row]}, as in face_tid_mid.txt")
        values = piece[[*_POINTS, "score"]].to_numpy()  # (n, 11)
        if not (finite := np.isfinite(values).all(axis=1)).all():
            refuse_row(path, done + int(finite.argmin()), "landmarks and score must be finite")
        numbers.append(values)
        done += len(piece)
    if done < len(names):
        raise ValueError(f"{path}: {done} lines for {len(names)} images; {names[done]} is next")
    found = np.concatenate(numbers)
    return np.ascontiguousarray(found[:, :10]).reshape(-1, 5, 2), found[:, 10].copy()


def _read_pairs(
    path: Path, known: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    parts = []  # as int32 positions among the known, half the size of the ids
    for piece in pieces(path, {"template1": "int64", "template2": "int64", "label": "int64"}):
        start = int(piece.index[0])
        ids, label = piece.to_numpy()[:, :2], piece["label"].to_numpy()
        places = np.searchsorted(known, ids).clip(max=len(known) - 1).astype(np.int32)
        if (unknown := (known[places] != ids).any(axis=1)).any():
            refuse_row(path, start + int(unknown.argmax()), "a template without images")
        if (wrong := (label != 0) & (label != 1)).any():
            refuse_row(path, start + int(wrong.argmax()), "expected a label 0 or 1")
        parts.append((places, label == 1))
    pairs = np.empty((sum(len(label) for _, label in parts), 2), dtype=np.int64)
    is_same, done = np.empty(len(pairs), dtype=bool), len(pairs)
    while parts:  # from the end, so that each piece is freed once it is copied
        places, label = parts.pop()
        pairs[done - len(label) : done] = known[places]
        is_same[done - len(label) : done] = label
        done -= len(label)
    return pairs, is_same
