"""The search and template sets that lie in a test folder, each scored by its own protocol."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from irlib.data.sets import catalog
from irlib.data.sets.ijb import read_ijb
from irlib.data.sets.leave_one_out import read_fgnet_loo
from irlib.data.sets.tinyface import read_tinyface
from irlib.evaluation.embedding import Embeds
from irlib.evaluation.ijb import score_ijb
from irlib.evaluation.leave_one_out import score_leave_one_out
from irlib.evaluation.searching import Scored
from irlib.evaluation.tinyface import score_tinyface

# Images are called by their paths below the test folder, as in a table of embeddings of it.


def _leave_one_out(place: Path, embedder: Embeds, seed: int, repeats: int) -> Scored:
    return score_leave_one_out(read_fgnet_loo(place.parent), embedder, flip=embedder.flips)


def _tinyface(place: Path, embedder: Embeds, seed: int, repeats: int) -> Scored:
    test = read_tinyface(place)
    probes, gallery = test.probes.seen_from(place.parent), test.gallery.seen_from(place.parent)
    test = replace(test, probes=probes, gallery=gallery)
    return score_tinyface(test, embedder, flip=embedder.flips)


def _ijb(place: Path, embedder: Embeds, seed: int, repeats: int) -> Scored:
    ijb = read_ijb(place, place.name)
    ijb = replace(ijb, images=ijb.images.seen_from(place.parent))
    return score_ijb(ijb, embedder, flip=embedder.flips, seed=seed, repeats=repeats)


_SCORERS = {"fgnet": _leave_one_out, "tinyface": _tinyface, "ijbb": _ijb, "ijbc": _ijb}


def score_further(
    test_dir: Path, embedder: Embeds, *, seed: int, repeats: int = 1_000
) -> tuple[dict[str, Scored], dict[str, str]]:
    """FG-NET leave-one-out, TinyFace, IJB-B and IJB-C, as far as they are there.

    Args:
        test_dir: the test folder, in which each set lies under its name in the catalog.
        embedder: gives the images' embeddings; those of mirrored images are added if it can.
        seed: of the intervals' draws of people.
        repeats: of the draws.

    Returns:
        What was scored, by key of the catalog; and why a set that is there cannot be used.
    """
    found, refused = {}, {}
    for key, place in _present(test_dir).items():
        try:
            found[key] = _SCORERS[key](place, embedder, seed, repeats)
        except (ValueError, OSError) as error:
            refused[key] = str(error)
    return found, refused


def rank_rows(found: Mapping[str, Scored]) -> list[dict[str, Any]]:
    """The rank-k shares of every search as rows: set, probes, and each metric that tells of it.

    Args:
        found: as `score_further` gives it.
    """
    rows = []
    for key, scored in found.items():
        title = catalog.find(key).title
        for name, told in _searches(scored.metrics).items():
            ranks = {n: value for n, value in told.items() if n.startswith(("rank_", "tpir_"))}
            if ranks:
                rows.append({"set": f"{title}, {name}" if name else title, **ranks})
    return rows


def _searches(metrics: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    parts = metrics.get("identification") or metrics
    named = {name: told for name, told in parts.items() if isinstance(told, Mapping)}
    return named or {"": parts}


def _present(test_dir: Path) -> dict[str, Path]:
    # places in the catalog are relative to the data folder, in which this one is `test`
    places = {key: PurePosixPath(catalog.find(key).place).relative_to("test") for key in _SCORERS}
    return {key: test_dir / place for key, place in places.items() if (test_dir / place).is_dir()}
