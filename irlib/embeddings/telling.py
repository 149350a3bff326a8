"""What the commands say of their results, as lines of text."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from irlib import runs
from irlib.embeddings.comparing import Comparison
from irlib.embeddings.cutting import Failure
from irlib.embeddings.identifying import Identified
from irlib.embeddings.thresholds import CHILDREN, WITHOUT, SetThreshold, Suggestion

ANY = "No --threshold: the first of a list is the most alike, which need not be the person."
MANY = (
    "The more people a gallery has, the more strangers a threshold lets through: one from pairs "
    "is too low for it."
)
_SHOWN = 20  # lines of one kind; files have the rest


def counted(failures: Sequence[Failure], notes: Sequence[tuple[str, str]]) -> str:
    """How many images failed, by kind, and how many are to be looked at twice."""
    kinds = Counter(each.kind for each in failures)
    told = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
    return f"{len(failures):,} failed{f' ({told})' if told else ''}, {len(notes):,} with a note"


def shown(word: str, lines: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Lines ``word: name: reason``, the first ones, and how many more there are."""
    told = list(lines)
    yield from (f"{word}: {name}: {reason}" for name, reason in told[:_SHOWN])
    if len(told) > _SHOWN:
        yield f"{word}: and {len(told) - _SHOWN:,} more"


def write_beside(
    out: Path, failures: Sequence[Failure], notes: Sequence[tuple[str, str]]
) -> list[Path]:
    """Write ``<out>.failures.csv`` and ``<out>.notes.csv``; those that would be empty are removed.

    Args:
        out: the file that they belong to.
        failures: name, kind and reason of each image without an embedding.
        notes: name and remark of embeddings to look at twice.

    Raises:
        OSError: they cannot be written.
    """
    rows = [(each.name, each.kind, each.reason) for each in failures]
    tables = {
        "failures": (("name", "kind", "reason"), rows),
        "notes": (("name", "remark"), list(notes)),
    }
    written = []
    for word, (titles, lines) in tables.items():
        path = out.with_name(f"{out.name}.{word}.csv")
        if not lines:
            path.unlink(missing_ok=True)  # of an earlier call
            continue
        with (
            runs.atomic_path(path) as temporary,
            temporary.open("w", encoding="utf-8", newline="") as file,
        ):
            csv.writer(file, lineterminator="\n").writerows([titles, *lines])
        written.append(path)
    return written


def identified(found: Identified) -> Iterator[str]:
    """The best matches of a photograph, one a line, under what is said of it."""
    says = {None: "", True: f": {found.people[0]}", False: ": unknown"}[found.is_known]
    yield f"{found.name}{says} (norm {found.norm:.1f})"
    for person, cosine in zip(found.people, found.cosines, strict=True):
        yield f"  {cosine:+.3f}  {person}"


def compared(comparison: Comparison) -> Iterator[str]:
    """The photographs, the matrix of their cosines, and what a threshold says of them."""
    numbers = range(1, len(comparison.names) + 1)
    for number, name, norm in zip(numbers, comparison.names, comparison.norms, strict=True):
        yield f"{number}: {name} (norm {norm:.1f})"
    yield "".join(["     ", *(f"{number:>8}" for number in numbers)])
    for number, row in zip(numbers, comparison.similarity, strict=True):
        yield "".join([f"{number:>5}", *(f"{cosine:+8.3f}" for cosine in row)])
    if comparison.suggestion is None:
        yield WITHOUT
    else:
        yield from suggested(comparison.suggestion)
        for (first, second), (cosine, reaches) in comparison.pairs.items():
            side = "at or above" if reaches else "below"
            yield f"{first + 1} and {second + 1}: {cosine:+.3f}, {side} the threshold"
    yield CHILDREN


def suggested(suggestion: Suggestion) -> Iterator[str]:
    """A threshold and what errors it had on which set, and those of the other sets."""
    chosen = suggestion.chosen
    yield f"suggested threshold {chosen.threshold:.3f}, the best on {_errors(chosen)}"
    yield (
        f"  measured on {suggestion.faces} ({suggestion.run.name}), on the very pairs that chose "
        "it, which flatters"
    )
    if suggestion.synthetic:
        yield "  on synthetic faces: these error rates say nothing about photographs"
    if not suggestion.checked:
        yield "  whether that run evaluated this very model could not be checked"
    for each in suggestion.sets:
        if each.key != chosen.key:
            yield f"  other threshold {each.threshold:.3f}, the best on {_errors(each)}"


def _errors(each: SetThreshold) -> str:
    kind = "pairs of adults" if each.adults else "child-adult pairs"
    return (
        f"{each.title} ({kind}): {each.false_reject_rate:.1%} of {each.genuine:,} genuine pairs "
        f"rejected, {each.false_accept_rate:.1%} of {each.impostor:,} impostor pairs accepted"
    )
