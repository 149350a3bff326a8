"""What a prepared set of crops is, by the record beside it, and whether it fits a network."""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from irlib import runs

MANIFEST = "manifest.json"
TEMPLATE = "arcface-112"  # five points, 112x112 pixels; see irlib.data.alignment

# What the library's networks are trained on; a checkpoint records it.
INPUT = {
    "color_order": "RGB", "template": TEMPLATE, "size": [112, 112],
    "normalization": "x / 127.5 - 1",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A prepared set.

    Args:
        set: name of the data set.
        images: number of crops.
        identities: number of people, None where the names do not tell.
        color_order: of the decoded crops, RGB or BGR.
        template: where the five points lie in a crop.
        size: height and width in pixels.
        normalization: of the input that networks are given.
        landmarks: where the points came from: ``as distributed`` (crops that were not made here),
            ``given``, ``fgnet-68`` or ``detected``.
        detector: name and SHA-256 of its file, None without detection.
        list_sha256: hash of the sorted names.
        content_sha256: hash of the sorted names with the hash of each file.
        quarantined: (name, reason) of every image that was left out.
        notes: (name, remark) of images that were kept, such as the choice among several faces.
    """

    set: str
    images: int
    identities: int | None = None
    color_order: str = "RGB"
    template: str = TEMPLATE
    size: tuple[int, int] = (112, 112)
    normalization: str = INPUT["normalization"]
    landmarks: str = "as distributed"
    detector: dict[str, str] | None = None
    list_sha256: str = ""
    content_sha256: str = ""
    quarantined: tuple[tuple[str, str], ...] = ()
    notes: tuple[tuple[str, str], ...] = ()

    @property
    def input(self) -> dict[str, Any]:
        """What a network that is given these crops sees, in the form of `INPUT`."""
        values = {name: getattr(self, name) for name in INPUT}
        return values | {"size": list(self.size)}


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write ``manifest.json`` into the folder of a set."""
    runs.write_json(folder / MANIFEST, asdict(manifest))


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest in the folder of a set, None if there is none.

    Raises:
        ValueError: the file is not a manifest; the message names it and the field.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return None
    found = runs.read_json(path)
    known = {field.name for field in fields(Manifest)}
    if not isinstance(found, dict) or not {"set", "images"} <= found.keys() <= known:
        raise ValueError(f"{path}: not the manifest of a prepared set; expected {sorted(known)}")
    pairs = {name: _pairs(path, name, found.get(name, ())) for name in ("quarantined", "notes")}
    return _checked(path, replace(Manifest(**found), **pairs))


def require_same_input(trained: dict[str, Any], manifests: Iterable[Manifest]) -> None:
    """See that sets are what a network was trained for.

    Args:
        trained: what the checkpoint records, in the form of `INPUT`.
        manifests: of the sets it is to be given.

    Raises:
        ValueError: a set differs; the message names it, the property and both values.
    """
    for manifest in manifests:
        for name, expected in trained.items():
            if (value := manifest.input.get(name)) != expected:
                raise ValueError(
                    f"set {manifest.set!r}: {name} is {value!r}, but the network was trained for "
                    f"{expected!r}"
                )


def list_hash(names: Iterable[str], *, in_order: bool = False) -> str:
    """SHA-256 of names in sorted order, one a line, as 64 hexadecimal digits.

    Args:
        names: of the files.
        in_order: whether they come sorted, so that none has to be held.
    """
    return _lines_hash(names if in_order else sorted(names))


def content_hash(files: Iterable[tuple[str, str]], *, in_order: bool = False) -> str:
    """SHA-256 of a set of files in the order of their names, as 64 hexadecimal digits.

    Args:
        files: name and SHA-256 of each.
        in_order: whether they come sorted by name, so that none has to be held.
    """
    files = files if in_order else sorted(files)
    return _lines_hash(f"{name} {content}" for name, content in files)


def _lines_hash(lines: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()


def _pairs(path: Path, field: str, value: Any) -> tuple[tuple[str, str], ...]:
    try:
        return tuple((str(name), str(reason)) for name, reason in value)
    except (TypeError, ValueError):
        raise ValueError(f"{path}: {field}: expected pairs of texts") from None


def _checked(path: Path, found: Manifest) -> Manifest:
    size = tuple(found.size) if isinstance(found.size, list | tuple) else ()
    detector = found.detector if isinstance(found.detector, dict) else {}
    texts = (found.set, found.color_order, found.template, found.normalization, found.landmarks,
             found.list_sha256, found.content_sha256, *detector.values())  # fmt: skip
    checks = {
        "images is a count": _is_count(found.images),
        "identities is a count or null": found.identities is None or _is_count(found.identities),
        "size is two counts": len(size) == 2 and all(map(_is_count, size)),
        "color_order is RGB or BGR": found.color_order in ("RGB", "BGR"),
        "detector is an object or null": found.detector is None or bool(detector),
        "the other fields are texts": all(isinstance(text, str) for text in texts),
    }
    for expected, holds in checks.items():
        if not holds:
            raise ValueError(f"{path}: expected that {expected}")
    return replace(found, size=size)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
