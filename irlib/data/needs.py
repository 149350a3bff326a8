"""What a study on real images needs the user to put down, and whether it is there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from irlib.data import walking

_LINKS = 40  # that follow one another; more are a loop


@dataclass(frozen=True)
class Need:
    """A folder or file that the user has to put down."""

    path: str  # relative to the data folder
    what: str
    where: str  # whom to ask


def require(needs: Sequence[Need], tests: Sequence[Need], data: Path) -> None:
    """See that everything needed is there, and at least one of the test sets.

    Args:
        needs: all of these.
        tests: at least one of these, where there are any.
        data: the data folder.

    Raises:
        ValueError: the message says which folder must hold what, and whom to ask.
    """
    absent = [need for need in needs if not present(data / need.path)]
    no_test = bool(tests) and not any(present(data / need.path) for need in tests)
    if absent or no_test:
        asked = [*absent, *(tests if no_test else ())]
        lines = [f"  {data / need.path}: {need.what}; from {need.where}" for need in asked]
        told = "at least one of the test sets, " if no_test else ""
        how = "see data/README.md; notebook 01 brings a set in by study=, dataset= and root="
        raise ValueError(f"data are missing ({told}{how}):\n" + "\n".join(lines))


def present(path: Path) -> bool:
    """Whether a file or folder is there and holds something."""
    if path.is_dir():
        return next(path.iterdir(), None) is not None
    return path.is_file() and path.stat().st_size > 0


def listing(paths: Iterable[str], data: Path) -> list[list[str | int]]:
    """What lies where the user puts data, by which a change of it is noticed.

    Args:
        paths: relative to the data folder; what is absent is left out.
        data: the data folder.

    Returns:
        For each: path, time of change in ns, number of entries, and the bytes and the latest time
        of change of the files among them; for a file its own.
    """
    found: list[list[str | int]] = []
    for path in paths:
        place = followed(data / path)
        if place.exists():
            entries = list(walking.scan(place)) if place.is_dir() else []
            files = [(place / name).stat() for name, kind in entries if kind == walking.FILE]
            files = files or [place.stat()]
            size, latest = sum(s.st_size for s in files), max(s.st_mtime_ns for s in files)
            found.append([path, place.stat().st_mtime_ns, len(entries), size, latest])
    return found


def followed(path: Path) -> Path:
    """Where links without a suffix lead: there a file has its own name, and its neighbors."""
    for _ in range(_LINKS):
        if path.suffix or not path.is_symlink():
            break
        path = path.parent / path.readlink()
    return path
