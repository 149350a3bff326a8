"""The data sets that can be brought in: what each is, where it belongs, and whether it is there."""

from pathlib import Path

from irlib.data import needs
from irlib.data.needs import Need
from irlib.data.sets import forms
from irlib.data.sets.entries_testing import TESTING
from irlib.data.sets.entries_training import TRAINING
from irlib.data.sets.entry import DataSet
from irlib.data.sets.forms import Form
from irlib.values import unknown

CATALOG = {entry.key: entry for entry in (*TRAINING, *TESTING)}

ABSENT = "absent"


def find(key: str) -> DataSet:
    """The entry of a set.

    Raises:
        ValueError: there is no such set; the message names the nearest one, and all.
    """
    if key not in CATALOG:
        raise ValueError(unknown("data set", key, CATALOG))
    return CATALOG[key]


def need(key: str) -> Need:
    """What has to lie in a set's place, and whom to ask; ValueError if there is no such set."""
    entry = find(key)
    ready = [each for each in entry.forms if each != "archive" and not each.startswith("raw ")]
    return Need(entry.place, f"{entry.title}: {entry.what}, as {' or '.join(ready)}", entry.ask)


def recognize(key: str, root: Path) -> Form:
    """In which of its accepted forms a set lies at a place.

    Only a few names, and the header of one image, are looked at.

    Args:
        key: the set, as in `CATALOG`.
        root: a file or folder; a folder with the set in the only folder inside it will do.

    Raises:
        FileNotFoundError: there is nothing at that place.
        ValueError: no such set, or something else lies there; the message says what was found
            and what was expected.
    """
    return forms.recognize(find(key), root)


def present(data: Path) -> dict[str, str]:
    """The form in which each set lies below the data folder, by key.

    A set that is not there is `ABSENT`; for what cannot be used, the value says why.
    """
    return {key: _state(entry, data / entry.place) for key, entry in CATALOG.items()}


def _state(entry: DataSet, path: Path) -> str:
    if not needs.present(path):
        return ABSENT
    try:
        return forms.recognize(entry, needs.followed(path)).name
    except (ValueError, OSError) as error:
        return f"cannot be used: {error}"
