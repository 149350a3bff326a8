"""The methods that can be trained: one entry for each row of the result tables."""

from irlib.methods.entries_controls import CONTROLS
from irlib.methods.entries_estimators import ESTIMATORS
from irlib.methods.entries_published import AS_PUBLISHED
from irlib.methods.entries_tables import TABLES
from irlib.methods.method import ESTIMATOR, Method
from irlib.values import unknown

__all__ = ["GROUPS", "METHODS", "Method", "expand", "find"]

_ROWS = {method.name: method for method in (*TABLES, *CONTROLS, *AS_PUBLISHED)}
METHODS = _ROWS | {method.name: method for method in ESTIMATORS}

# What a command line may say for several methods at once.
GROUPS = {
    "all": tuple(method.name for method in TABLES),
    "controls": tuple(method.name for method in CONTROLS if method.kind == "control"),
    "ablations": tuple(method.name for method in CONTROLS if method.kind == "ablation"),
    "published": tuple(method.name for method in AS_PUBLISHED),
    "everything": tuple(_ROWS),
    "none": (),
}


def find(name: str) -> Method:
    """The method of that name.

    Raises:
        ValueError: there is none; the nearest name is given.
    """
    if name not in METHODS:
        raise ValueError(unknown("method", name, [*METHODS, *GROUPS]))
    return METHODS[name]


def expand(names: list[str]) -> list[str]:
    """Names of rows of tables, each once, with those of `GROUPS` replaced by their members.

    Raises:
        ValueError: an unknown name, of which the nearest is given; or an estimator.
    """
    found = [find(member) for name in names for member in GROUPS.get(name, (name,))]
    for method in found:
        if method.kind == ESTIMATOR:
            told = "measures synthesized faces and is no row of a table: --synthesis trains it"
            raise ValueError(f"method {method.name!r} {told}")
    return list(dict.fromkeys(method.name for method in found))
