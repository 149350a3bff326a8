"""In which form a data set lies at a place: record set, folder, list, archive, raw or aligned."""

import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from irlib.data.decoding import SIZE
from irlib.data.folders import first_line, is_image, is_list, lists_in
from irlib.data.sets import names, tinyface
from irlib.data.sets.entry import DataSet
from irlib.data.walking import entries, find_entry, visible_folders

DEPTH = 3  # folders of one folder that are gone into; archives wrap their content so
LOOKED_AT = 50  # sub-folders in which images are looked for

_AGE_LINE = re.compile(r"\S+\s+\S.*\.\w+\s+\S+\s+\S+")  # id, an image, age and gender


@dataclass(frozen=True)
class Form:
    """How a set lies at a place.

    Args:
        name: one of the forms in the set's entry.
        path: the file or folder itself, which may lie inside the place that was named.
        layout: for images that are not aligned yet, the ``--layout`` of the command that aligns
            them; else None.
    """

    name: str
    path: Path
    layout: str | None = None


def recognize(entry: DataSet, root: Path) -> Form:
    """In which of its accepted forms a set lies at a place.

    Raises:
        FileNotFoundError: there is nothing at that place.
        ValueError: something else lies there, or more than one thing.
    """
    expected = f"expected {entry.title} as {' or '.join(entry.forms)}; see data/README.md"
    if not root.exists():
        raise FileNotFoundError(f"{root}: nothing is there; {expected}")
    for form in entry.forms:
        kind = form.removeprefix("raw ").removeprefix("aligned ")
        for place in _inwards(root):
            if found := _FINDERS[kind](entry.key, place):
                return found
    raise ValueError(f"{root}: {_described(root)}; {expected}")


def _inwards(root: Path) -> Iterator[Path]:
    yield root
    for _ in range(DEPTH):
        if not root.is_dir() or len(inner := visible_folders(root)) != 1:
            return
        root = root / inner[0]
        yield root


def _described(root: Path) -> str:
    if root.is_file():
        return f"a file of {root.stat().st_size} bytes"
    files, folders = entries(root)
    such = f", such as {[*folders, *files][0]}" if files or folders else ""
    return f"a folder with {len(folders)} folders and {len(files)} files{such}"


def _record_set(_: str, place: Path) -> Form | None:
    if place.suffix == ".rec" and place.is_file():
        return Form("record set", place)
    return Form("record set", place) if (place / "train.rec").is_file() else None


def _image_folder(_: str, place: Path) -> Form | None:
    classes = _images_below(place, is_image)
    if not (first := next(classes, None)):
        return None
    if not next(classes, None):
        _require_no_list(place, first.parent)
    return Form("image folder", place)


def _require_no_list(place: Path, only: Path) -> None:
    # a folder of images that a list assigns to people would pass for one person
    if lists := [*lists_in(place), *lists_in(only)]:
        raise ValueError(
            f"{place}: all images lie in {only.name}/, which would be one identity, but {lists[0]} "
            "tells identities; name that list, or take it away"
        )


def _list(_: str, place: Path) -> Form | None:
    lists = lists_in(place) if place.is_dir() else list(filter(is_list, [place]))
    if len(lists) > 1:
        told = f"holds the lists {lists[0].name} and {lists[1].name}"
        raise ValueError(f"{place}: {told}; name one of them, or leave only one there")
    return Form("list", lists[0]) if lists else None


def _age_labels(_: str, place: Path) -> Form | None:
    line = first_line(place)
    header = {"age"} <= {*line.lower().split()}
    return Form("age labels", place) if header or _AGE_LINE.fullmatch(line) else None


def _archive(_: str, place: Path) -> Form | None:
    return Form("archive", place) if place.is_file() and _is_archive(place) else None


def _is_archive(path: Path) -> bool:
    try:
        return zipfile.is_zipfile(path) or tarfile.is_tarfile(path)
    except (
        EOFError,
        OSError,
        ValueError,
        zlib.error,
        lzma.LZMAError,
    ):  # begins as a compressed file and ends too soon
        return False


def _pair_file(key: str, place: Path) -> Form | None:
    path = place / f"{key}.bin" if place.is_dir() else place
    return Form("pair file", path) if path.suffix == ".bin" and path.is_file() else None


def _model(_: str, place: Path) -> Form | None:
    inside = [place / name for name in entries(place)[0]] if place.is_dir() else [place]
    model = next((path for path in inside if path.suffix == ".onnx"), None)
    return Form("ONNX model", model) if model else None


def _ijb(key: str, place: Path) -> Form | None:
    for folder in (place, find_entry(place, key)):
        if find_entry(folder, "meta") and find_entry(folder, "loose_crop"):
            return Form("IJB release", folder)
    return None


def _agedb(_: str, place: Path) -> Form | None:
    if _image_in(place, _is_raw_agedb) or _image_below(place, _is_raw_agedb):
        return Form("raw AgeDB", place, "agedb")
    return _by_size("AgeDB", "any", place, _image_below(place, names.agedb))


def _is_raw_agedb(name: str) -> bool:
    told = names.agedb(name)
    return bool(told and told.gender)


def _fgnet(_: str, place: Path) -> Form | None:
    if image := _image_in(place, names.fgnet):
        return _by_size("FG-NET", "fgnet", place, image)
    image = _image_in(place / "images", names.fgnet)
    return Form("raw FG-NET", place, "fgnet") if image else None


def _lag(_: str, place: Path) -> Form | None:
    folders = visible_folders(place)[:LOOKED_AT] if place.is_dir() else []
    young = (_image_in(place / folder / "y", is_image) for folder in folders)
    return _by_size("LAG", "lag", place, next(filter(None, young), None))


def _tinyface(_: str, place: Path) -> Form | None:
    try:
        folder = tinyface.find_folder(place)
    except FileNotFoundError:
        return None
    return _by_size("TinyFace", "any", folder, _image_in(folder / "Probe", is_image))


def _cacd(_: str, place: Path) -> Form | None:
    return _by_size("CACD-VS", "any", place, _image_in(place, names.cacd_vs))


def _by_size(title: str, layout: str, place: Path, image: Path | None) -> Form | None:
    if image is None:
        return None
    aligned = _is_crop(image)
    return Form(f"{'aligned' if aligned else 'raw'} {title}", place, None if aligned else layout)


def _is_crop(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            return image.size == (SIZE, SIZE)
    except Exception:  # a damaged one is told of when all are read
        return False


def _image_in(folder: Path, fits: Callable[[str], object]) -> Path | None:
    files = entries(folder)[0] if folder.is_dir() else []
    return next((folder / name for name in files if is_image(name) and fits(name)), None)


def _image_below(folder: Path, fits: Callable[[str], object]) -> Path | None:
    return next(_images_below(folder, fits), None)


def _images_below(folder: Path, fits: Callable[[str], object]) -> Iterator[Path]:
    # one of each folder in it
    inner = visible_folders(folder)[:LOOKED_AT] if folder.is_dir() else []
    return filter(None, (_image_in(folder / name, fits) for name in inner))


_FINDERS: dict[str, Callable[[str, Path], Form | None]] = {
    "record set": _record_set,
    "image folder": _image_folder,
    "list": _list,
    "archive": _archive,
    "age labels": _age_labels,
    "pair file": _pair_file,
    "ONNX model": _model,
    "IJB release": _ijb,
    "AgeDB": _agedb,
    "FG-NET": _fgnet,
    "LAG": _lag,
    "TinyFace": _tinyface,
    "CACD-VS": _cacd,
}
