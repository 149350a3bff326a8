"""Values given by name from outside: which names exist, and what type each takes."""

import dataclasses
import difflib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """A message for a name that does not exist: the nearest known one, and all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown {kind} {name!r}: {hint}known: {', '.join(names)}"


def typed(name: str, value: Any, type_name: str) -> Any:
    """The value as the named type; text, as a command line gives it, is read as that type.

    Args:
        name: what the value is for, for the message.
        value: text or an already typed value.
        type_name: ``int``, ``float``, ``bool``, ``str``, ``list`` (text: JSON, or words between
            commas), ``dict`` (text: JSON) or ``tuple`` of integers (text: between commas).

    Raises:
        ValueError: it is not of that type; the message names it and what was expected.
    """
    wanted = type_name.split("[")[0].strip()
    try:
        return _READERS[wanted](value)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name} is {value!r}: expected {type_name}") from error


def replaced(config: Any, values: Mapping[str, Any], *, kind: str) -> Any:
    """A frozen dataclass with some fields changed.

    Args:
        config: the dataclass.
        values: by name of the field; text is read as the field's own type.
        kind: what the fields are, for the message.

    Raises:
        ValueError: an unknown field (the nearest one is named) or a value of a wrong type.
    """
    fields = dataclasses.fields(config)
    types = {field.name: getattr(field.type, "__name__", str(field.type)) for field in fields}
    for name in values:
        if name not in types:
            raise ValueError(unknown(kind, name, types))
    read = {name: typed(name, value, types[name]) for name, value in values.items()}
    return dataclasses.replace(config, **read)


def words(name: str, text: str) -> list[str]:
    """Words between commas, each once.

    Raises:
        ValueError: one of them is empty, or stands there twice.
    """
    found = [word.strip() for word in text.split(",")]
    if not all(found):
        raise ValueError(f"{name} {text!r}: expected words between commas, e.g. a,b")
    twice = [word for word in found if found.count(word) > 1]
    if twice:
        raise ValueError(f"{name} {text!r}: {twice[0]} stands there twice")
    return found


def check_weight(name: str, weight: float) -> None:
    """Refuse a weight of a loss that is negative or not finite.

    Raises:
        ValueError: with the weight's name.
    """
    if not 0 <= weight < math.inf:
        raise ValueError(f"{name}: expected a finite number of at least 0, got {weight}")


def assigned(name: str, texts: Iterable[str]) -> dict[str, str]:
    """Fields and their values from texts FIELD=VALUE, each field once.

    Args:
        name: of the option, for the message.
        texts: one a field.

    Raises:
        ValueError: one has no equals sign, or a field stands there twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        field, sign, value = text.partition("=")
        if not sign:
            raise ValueError(f"{name} {text!r}: expected FIELD=VALUE, e.g. precision=bf16")
        if field in found:
            raise ValueError(f"{name} {text!r}: {field} stands there twice")
        found[field] = value
    return found


def integers(name: str, text: str) -> tuple[int, ...]:
    """Whole numbers between commas, each once; below 2**32, so that each can seed any generator.

    Raises:
        ValueError: one of them is no such number, or stands there twice.
    """
    found = words(name, text)
    for word in found:
        if not (word.isascii() and word.isdecimal() and int(word) < 2**32):
            expected = "expected whole numbers from 0 to 2**32 - 1, e.g. 1,2,3"
            raise ValueError(f"{name} {text!r}: {word!r} is none; {expected}")
    numbers = [str(int(word)) for word in found]  # 01 is 1
    return tuple(int(word) for word in words(name, ",".join(numbers)))


def _integer(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise TypeError
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not math.isfinite(float(value)):
        raise TypeError
    return float(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = _text(value).lower()
    return word == "true" if word in ("true", "false") else _refuse()


def _refuse() -> Any:
    raise ValueError


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _refuse()


def _list(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    text = _text(value).strip()
    if text.startswith("["):
        return json.loads(text)
    return [word.strip() for word in text.split(",") if word.strip()]


def _dict(value: Any) -> dict[str, Any]:
    found = json.loads(value) if isinstance(value, str) else value
    return found if isinstance(found, dict) else _refuse()


def _tuple(value: Any) -> tuple[int, ...]:
    items = value.split(",") if isinstance(value, str) else value
    return tuple(_integer(item) for item in items)


_READERS = {
    "int": _integer,
    "float": _number,
    "bool": _boolean,
    "str": _text,
    "list": _list,
    "dict": _dict,
    "tuple": _tuple,
}

TYPES = tuple(_READERS)
