"""What the names in a pickle of plain data stand for: bytes, and arrays of booleans or integers.

Every function here may be given whatever a hostile file holds, in any number and order.

Shapes: none is fixed; an array's shape has to fit its bytes.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

MOST_AXES = 4  # of an array: pairs, height, width, channel

_DTYPES = frozenset({"b1", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"})
_CORES = ("numpy.core", "numpy._core")  # before and since NumPy 2

# By module and name: what the file calls, as far as plain data needs it.
NAMES = {
    ("_codecs", "encode"): "encode",
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    **{(f"{core}.multiarray", "_reconstruct"): "reconstruct" for core in _CORES},
    **{(f"{core}.multiarray", "scalar"): "scalar" for core in _CORES},
    **{(f"{core}.numeric", "_frombuffer"): "frombuffer" for core in _CORES},
}


class Refused(ValueError):
    """The file would build what it must not; the message says what."""


class Name:
    """A name of the table, on the stack.

    Args:
        name: what it stands for, a value of `NAMES`.
    """

    def __init__(self, name: str) -> None:
        self.name = name


class Dtype:
    """An array's type before it is known how its bytes are ordered.

    Args:
        code: such as "u1".
    """

    def __init__(self, code: str) -> None:
        self.code = code
        self.order = "|"

    def array(self, raw: Any, shape: Any, order: str) -> np.ndarray:
        """The bytes as a read-only array; Refused if its shape does not fit them."""
        if type(shape) is not tuple or len(shape) > MOST_AXES:
            raise Refused("an array without a shape")
        if not all(type(size) is int and 0 <= size <= len(raw) for size in shape):
            raise Refused("an array whose shape does not fit its data")
        dtype = np.dtype(f"{self.order}{self.code}")
        if type(raw) is not bytes or math.prod(shape) * dtype.itemsize != len(raw):
            raise Refused("an array whose shape does not fit its data")
        if self.code == "b1" and raw.translate(None, b"\0\1"):
            raise Refused("an array of booleans that holds something else")
        return np.frombuffer(raw, dtype=dtype).reshape(shape, order=order)


class Blank:
    """An array before its data is known, and where it was remembered meanwhile."""

    def __init__(self) -> None:
        self.places: list[int] = []


def with_order(
    dtype: Dtype, version: Any, order: Any, part: Any, names: Any, fields: Any, *sizes: Any
) -> Dtype:
    """The type with the byte order of its state; Refused for structures."""
    is_simple = part is None and names is None and fields is None
    if _text(order) not in ("<", ">", "|", "=") or not is_simple:
        raise Refused("an array of structures")
    dtype.order = _text(order)
    return dtype


def filled(version: Any, shape: Any, dtype: Dtype, is_fortran: Any, raw: Any) -> np.ndarray:
    """The array of a state; Refused if it is not one of plain numbers."""
    return dtype.array(raw, shape, "F" if is_fortran else "C")


def _encode(text: str, encoding: Any) -> bytes:
    # how Python 3 writes bytes for protocols 0 to 2
    if _text(encoding) != "latin1":
        raise Refused("a call of encode that is not for bytes")
    return str.encode(text, "latin-1")


def _dtype(code: Any, align: Any, copy: Any) -> Dtype:
    if _text(code) not in _DTYPES:
        raise Refused(f"an array of {_text(code)[:60]!r}")
    return Dtype(_text(code))


def _reconstruct(kind: Name, shape: Any, code: Any) -> Blank:
    if kind.name != "ndarray":
        raise Refused("an array of another kind")
    return Blank()


def _frombuffer(raw: Any, dtype: Dtype, shape: Any, order: Any) -> np.ndarray:
    return dtype.array(raw, shape, "F" if _text(order) == "F" else "C")


def _scalar(dtype: Dtype, raw: Any) -> bool | int:
    return dtype.array(raw, (), "C").item()


def _text(value: Any) -> str:
    # Python 2 wrote its names as bytes
    if type(value) is bytes:
        return value.decode("latin-1")
    return value if type(value) is str else ""


CALLS: dict[str, Callable[..., Any]] = {
    "encode": _encode, "dtype": _dtype, "reconstruct": _reconstruct, "scalar": _scalar,
    "frombuffer": _frombuffer,
}  # fmt: skip
