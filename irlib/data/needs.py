"""What a study on real images needs the user to put down, and whether it is there."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


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
        how = "see data/README.md; notebook 01 brings them in by dataset= and root="
        raise ValueError(f"data are missing ({told}{how}):\n" + "\n".join(lines))


def present(path: Path) -> bool:
    """Whether a file or folder is there and holds something."""
    if path.is_dir():
        return next(path.iterdir(), None) is not None
    return path.is_file() and path.stat().st_size > 0


def listing(needs: Sequence[Need], data: Path) -> list[list[str | int]]:
    """What lies where the user puts data: path, entries or bytes, time of change in ns."""
    found: list[list[str | int]] = []
    for need in needs:
        path = data / need.path
        if path.exists():
            size = sum(1 for _ in path.iterdir()) if path.is_dir() else path.stat().st_size
            found.append([need.path, size, path.stat().st_mtime_ns])
    return found


def followed(path: Path) -> Path:
    """Where a link without a suffix leads: there a file has its own name, and its neighbors."""
    return path.parent / path.readlink() if path.is_symlink() and not path.suffix else path
