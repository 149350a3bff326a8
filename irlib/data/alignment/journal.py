"""What was done with each image, kept beside the crops so that work which stopped can go on.

The folder ``.alignment`` of a target holds ``settings.json``, what the crops were made with, and
``done.jsonl``, a line for each image that is finished.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from irlib import runs

FOLDER = ".alignment"


@dataclass(frozen=True)
class Done:
    """What became of one image.

    Args:
        source: path below the source.
        stamp: size in bytes and time of change in ns of the source, to see a file exchanged.
        outcome: ``aligned``, ``kept`` (it was a crop already) or ``quarantined``.
        remark: the reason, or what is to be said of it; may be empty.
    """

    source: str
    stamp: tuple[int, int]
    outcome: str
    remark: str = ""


@dataclass(frozen=True)
class Journal:
    """The record in a target folder; made by `open_journal`."""

    folder: Path
    earlier: dict[str, Done]

    def add(self, done: Iterable[Done]) -> None:
        """Put down images that are finished."""
        # the break comes first: a line that was cut short takes no other with it
        lines = "".join("\n" + json.dumps(asdict(each)) for each in done)
        with (self.folder / "done.jsonl").open("a", encoding="utf-8") as file:
            file.write(lines)


def open_journal(target: Path, settings: dict[str, str]) -> Journal:
    """The record of what was done before with the same settings, or a new one.

    Args:
        target: folder of the crops; made if it is missing.
        settings: all that the crops depend on.

    Raises:
        ValueError: the target was begun with other settings, or its record is damaged.
    """
    folder = target / FOLDER
    path = folder / "settings.json"
    if not path.is_file():
        runs.write_json(path, settings)
    before = _settings(path)
    for name in sorted(before.keys() | settings.keys()):
        if before.get(name) != settings.get(name):
            raise ValueError(
                f"{target}: begun with {name} {before.get(name)!r}, now {settings.get(name)!r}; "
                "name another folder, or remove this one to make it anew"
            )
    return Journal(folder, _earlier(folder / "done.jsonl"))


def _settings(path: Path) -> dict[str, Any]:
    found = runs.read_json(path)
    if not isinstance(found, dict):
        raise ValueError(f"{path}: not the settings of an alignment; expected an object")
    return found


def _earlier(path: Path) -> dict[str, Done]:
    if not path.is_file():
        return {}
    found: dict[str, Done] = {}
    text = path.read_bytes().decode("utf-8", errors="replace")
    for line in text.splitlines():
        try:
            values = json.loads(line)
            done = Done(**values | {"stamp": tuple(values["stamp"])})
        except (ValueError, TypeError, KeyError):
            continue  # the last line of a run that was killed: its image is done again
        found[done.source] = done
    return found
