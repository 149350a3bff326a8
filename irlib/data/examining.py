"""A set looked through before use: every image read once, and what was found written down."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from irlib.data.checking import check_images
from irlib.data.faces import Faces
from irlib.data.manifests import Manifest, read_manifest
from irlib.data.needs import followed
from irlib.data.sources import Images


def examine(
    name: str,
    folder: Path,
    images: Images,
    *,
    identities: int | None = None,
    are_crops: bool = True,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Manifest:
    """The manifest of a set after every image of it was read, damaged ones quarantined.

    Where the folder has a manifest of its own, because the crops were made here or their maker
    wrote one, it tells color order, template, size, landmarks and detector; what it counts and
    hashes is counted and hashed anew.

    Args:
        name: of the set.
        folder: where it lies; of a set in one file, that file.
        images: all of its images.
        identities: people in it, None where that cannot be told.
        are_crops: whether an image of another size than an aligned crop's is damaged.
        workers: threads.
        progress: told the images done and in all.

    Raises:
        ValueError: the folder's own manifest cannot be read, or every image is damaged.
    """
    told = read_manifest(folder if folder.is_dir() else followed(folder).parent)
    check = check_images(images, are_crops=are_crops, workers=workers, progress=progress)
    if len(check.broken) == len(images):
        first = check.broken[0] if check.broken else ("no image", "the set is empty")
        raise ValueError(f"{folder}: no sound image among {len(images)}; {first[0]}: {first[1]}")
    return replace(
        told or Manifest(set=name, images=0),
        set=name,
        images=len(images) - len(check.broken),
        identities=identities,
        list_sha256=check.list_sha256,
        content_sha256=check.content_sha256,
        quarantined=tuple(check.broken),
        notes=(*told.notes, *_not_aligned(told)) if told else (),
    )


def _not_aligned(told: Manifest) -> list[tuple[str, str]]:
    # pictures that gave no crop, so that they are none of the images here
    return [(name, f"gave no crop: {reason}") for name, reason in told.quarantined]


def training_counts(
    faces: Faces, opened: Faces, *, below: float, at_least: int, published: Mapping[str, int]
) -> list[dict[str, Any]]:
    """What a training set holds, one row a count: `count`, `found`, `published` (None: nowhere).

    Args:
        faces: those that are trained on, with the label file that the ages came from.
        opened: the same with the images that were quarantined.
        below: years; younger is a child.
        at_least: child images that make an identity a child identity.
        published: counts of the catalog.

    Raises:
        ValueError: the faces were opened without a label file.
    """
    labels = faces.age_labels
    if labels is None:
        raise ValueError("faces: opened without age labels; expected a label file")
    aged = int(np.isfinite(faces.ages).sum())
    children = int((faces.ages < below).sum())
    found = {
        "images": len(faces),
        "identities": faces.num_classes,
        "images with an age": aged,
        "images of children": children,
        "share of children, of the images with an age": children / max(aged, 1),
        "child identities": len(faces.child_ids(below=below, at_least=at_least)),
        "child identities by the label file alone": len(
            labels.listed_child_ids(below=below, at_least=at_least)
        ),
        "stray files": len(faces.stray),
        "malformed label lines": labels.malformed.count,
        "repeated label lines": labels.duplicates.count,
        "images aged by the number before an underscore": labels.aged_by_cut(faces.keys),
        "labels without an image": labels.unmatched(opened.keys).count,
    }
    rest = published.keys() - found.keys()  # such as the identities of an earlier release
    rows = {**found, **dict.fromkeys(sorted(rest))}
    return [
        {"count": name, "found": value, "published": published.get(name)}
        for name, value in rows.items()
    ]


def left_out(faces: Faces, manifest: Manifest) -> list[dict[str, str]]:
    """Everything that a training does not use, with the reason: `what`, `which`, `why`.

    Of each kind of label line at most the first 1,000 stand here; `training_counts` has them all.

    Args:
        faces: as opened, with what was quarantined.
        manifest: of the set.
    """
    rows = [("image", name, reason) for name, reason in manifest.quarantined]
    rows += [("file", name, "no image of an identity") for name in faces.stray]
    if labels := faces.age_labels:
        rows += [
            ("label line", str(n), f"{why}: {text}") for n, text, why in labels.malformed.first
        ]
        rows += [
            ("label line", str(n), f"{'contradicts' if differs else 'repeats'} another: {text}")
            for n, text, differs in labels.duplicates.first
        ]
        rows += [
            ("label line", str(n), f"no image {key}")
            for n, key in labels.unmatched(faces.keys).first
        ]
    return [dict(zip(("what", "which", "why"), row, strict=True)) for row in rows]
