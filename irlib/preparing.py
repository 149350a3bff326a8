"""What notebook 01 does to the data of a study: looks them through, pairs them, writes it down."""

import shutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from irlib.data.examining import examine
from irlib.data.faces import Faces
from irlib.data.manifests import Manifest, list_hash, write_manifest
from irlib.data.overlap import overlap
from irlib.data.pairs.rules import PairList
from irlib.data.pairs.sets import PAIR_SETS, PreparedPairs, missing_sets, prepare_pairs
from irlib.data.sets import catalog
from irlib.data.sets.bins import bins_in, read_bin
from irlib.data.sets.crossage import FOLDERS, read_faces
from irlib.data.sources import ImageFiles
from irlib.prepared import MANIFESTS, NAMES, PAIRS, VAL, VAL_KEY, VAL_PAIRS, layouts_of
from irlib.provenance import digest, file_digest
from irlib.studies import Study


def wanted(study: Study, dataset: str, root: str, ages: str) -> list[tuple[str, str]]:
    """The sets to bring in, each with the place where it lies now.

    Args:
        study: that asks for them.
        dataset: key of a set in the catalog, or nothing.
        root: where it lies.
        ages: the label file of the study's training set, or nothing.

    Raises:
        ValueError: no such set, a place is missing, a training set that is not the study's, or
            ages for a study that has its own.
    """
    found = []
    if dataset:
        entry = catalog.find(dataset)
        if not root:
            raise ValueError(f"root is empty: expected where {entry.title} lies, with dataset=")
        if entry.place != study.train and entry.role in ("training", "age labels"):
            other = dataset.partition("_")[0]
            if study.train != f"{other}/train":
                raise ValueError(
                    f"dataset {dataset!r} belongs to study {other!r}, but study is "
                    f"{study.name!r}: give study={other}"
                )
        found.append((dataset, root))
    elif root:
        raise ValueError(f"root is {root!r}: expected dataset= too, to say what lies there")
    if ages:
        keys = [key for key, each in catalog.CATALOG.items() if each.place == study.age_labels]
        if not keys:
            raise ValueError(f"ages is {ages!r}: study {study.name!r} has age labels of its own")
        found.append((keys[0], ages))
    return found


def examine_tests(
    study: Study,
    data: Path,
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Manifest]:
    """Manifests of the test sets that are there, by layout, and of the validation set.

    The `.bin` files of a synthetic study, which made them itself, are among them by name; those
    that users bring have theirs from `irlib.data.sets.inventory`.

    Args:
        study: whose sets they are.
        data: the data folder.
        workers: threads.
        progress: told the images done and in all, set by set.

    Raises:
        ValueError: a set holds no usable image.
    """
    root = data / study.test_dir
    places = {layout: (root, layout) for layout in layouts_of(_present_sets(root))}
    if study.val_dir:
        places[VAL] = (data / study.val_dir, "agedb")
    found = {}
    for key, (folder, layout) in places.items():
        faces = read_faces(folder, layout)
        found[key] = examine(
            key, folder / FOLDERS[layout], ImageFiles(folder, faces.names),
            identities=len(np.unique(faces.identity)), workers=workers, progress=progress,
        )  # fmt: skip
    for key, path in bins_in(root).items() if study.synthetic else ():
        images = read_bin(path).images
        found[key] = examine(key, path, images, workers=workers, progress=progress)
    return found


def shared_people(study: Study, data: Path, faces: Faces | None) -> list[str] | None:
    """People of the test sets whom the training set shows too, None where names do not tell.

    Without a training set nothing tells.

    Class names that are only numbers are looked up in ``identity-names.txt`` beside the training
    set, lines `class name`, where there is such a file.

    Raises:
        ValueError: that file has a line without a name, or names none of the classes.
    """
    if faces is None:
        return None
    root, names = data / study.test_dir, (data / study.train).with_name(NAMES)
    there = layouts_of(_present_sets(root))
    if not there:
        return []
    people = {name for layout in there for name in read_faces(root, layout).identity.tolist()}
    return overlap(people, faces.class_names, names if names.exists() else None)


def people_to_exclude(study: Study, shared: Sequence[str] | None) -> Sequence[str]:
    """The people whom a study leaves out of its test pairs.

    Args:
        study: says whether it does.
        shared: what `shared_people` found.

    Raises:
        ValueError: it does, and names do not tell who they are.
    """
    if study.exclude_overlap and shared is None:
        file = Path(study.train).with_name(NAMES)
        raise ValueError(
            "exclude_overlap: the names of the training set, or those of the test sets, tell "
            f"nobody; for numbered classes expected a file {file} in the data folder, of lines "
            "`class name`"
        )
    return shared or () if study.exclude_overlap else ()


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
    root = data / study.test_dir
    keys = _present_sets(root)
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


def _present_sets(root: Path) -> list[str]:
    absent = missing_sets(root)
    return [key for key in PAIR_SETS if key not in absent]


def write_manifests(folder: Path, manifests: Mapping[str, Manifest]) -> None:
    """Write the manifest of each set below the run folder of notebook 01, in place of others."""
    shutil.rmtree(folder / MANIFESTS, ignore_errors=True)
    for key, manifest in manifests.items():
        write_manifest(folder / MANIFESTS / key, manifest)


def digest_of(
    faces: Faces | None, labels: Path, manifests: Iterable[Manifest], pairs: Iterable[PairList]
) -> str:
    """The fingerprint of prepared data: all that a result can depend on.

    Args:
        faces: what is trained on, if anything; who is in which image counts as well as the images.
        labels: the age label file of these faces.
        manifests: of the sets that are trained, validated and tested on.
        pairs: the lists.
    """
    contents = [manifest.content_sha256 for manifest in manifests]
    lists = [each.sha256 for each in pairs]
    if faces is None:
        return digest(contents, lists)
    # with the names: labels alone would not tell whether two images were exchanged
    labeled = (f"{label} {faces.images.name(row)}" for row, label in enumerate(faces.labels))
    people = list_hash(labeled, in_order=True)
    return digest(people, faces.class_names, contents, file_digest(labels), lists)
