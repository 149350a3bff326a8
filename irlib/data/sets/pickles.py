"""Pickles of plain data, rebuilt without Python's own unpickler.

A pickle is a program; this runs it on a stack that can hold nothing but lists, tuples, bytes,
texts, None, booleans, integers and arrays of these. No name in the file is ever looked up in
Python: the few that such data needs stand in a table, `irlib.data.sets.pickled`.
"""

import pickletools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from irlib.data.sets.pickled import CALLS, NAMES, Blank, Dtype, Name, Refused, filled, with_order

LARGEST = 2**31  # bytes of a file; the largest published set has 14,000 images of some kB
NEWEST = 5  # pickle protocol
LONGEST_STATE = 9  # parts of a type's state, in its version 4
PLAIN = (bytes, str, bool, int, type(None), np.ndarray)

_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|[\\'\"abfnrtv])")
_ESCAPED = dict(zip(b"\\'\"abfnrtv", b"\\'\"\a\b\f\n\r\t\v", strict=True))
_DIGITS = re.compile(rb"-?[0-9]{1,19}")


def read_pickle(path: Path) -> Any:
    """What a pickle of Python 2 or 3 holds, if that is lists, tuples, bytes, numbers and the like.

    Python 2's strings are bytes; arrays are read-only NumPy arrays of booleans or integers, and
    NumPy's single ones are Python's. Anything else is refused, and nothing is ever executed.

    Args:
        path: the file, of at most 2 GiB.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: damaged, or it would build something else; the message says what and where.

    Source: the operations as Python's pickletools documents them.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected a pickle")
    if (size := path.stat().st_size) > LARGEST:
        raise ValueError(f"{path}: {size} bytes, expected a pickle of at most {LARGEST}")
    machine = _Machine(path.read_bytes())
    try:
        return machine.run()
    except Refused as error:
        reason = str(error)
    except (IndexError, AttributeError, TypeError, ValueError):
        reason = "a step that does not fit the ones before"
    raise ValueError(
        f"{path}: found {reason}, at byte {machine.step}; expected a pickle of lists, tuples, "
        "bytes, booleans and arrays only"
    )


class _Mark:
    pass


class _Machine:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0  # next byte
        self.step = 0  # first byte of the operation at hand
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.made = 0  # bytes copied by calls

    def run(self) -> Any:
        while True:
            self.step = self.at
            code = self.take(1)[0]
            if code == ord("."):
                return self.result()
            if code not in _OPERATIONS:
                known = pickletools.code2op.get(chr(code))
                raise Refused(f"the operation {known.name if known else hex(code)}")
            _OPERATIONS[code](self)

    def result(self) -> Any:
        value = self.pop()
        if self.stack:
            raise Refused("an end with more than one result")
        _require_plain(value)
        return value

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.data):
            raise Refused("an end before its time")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, size: int, *, signed: bool = False) -> int:
        return int.from_bytes(self.take(size), "little", signed=signed)

    def line(self) -> bytes:
        end = self.data.find(b"\n", self.at)
        return self.take((end if end >= 0 else len(self.data)) + 1 - self.at)[:-1]

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        return self.stack.pop()

    def popped(self, count: int) -> tuple[Any, ...]:
        return tuple([self.pop() for _ in range(count)][::-1])

    def since_mark(self) -> list[Any]:
        items = []
        while not isinstance(item := self.pop(), _Mark):
            items.append(item)
        return items[::-1]

    def put(self, place: int) -> None:
        value = self.memo[place] = self.stack[-1]
        if isinstance(value, Blank):
            value.places.append(place)

    def get(self, place: int) -> None:
        if place not in self.memo:
            raise Refused("a thing remembered that never was")
        self.push(self.memo[place])

    def protocol(self) -> None:
        if (version := self.number(1)) > NEWEST:
            raise Refused(f"pickle protocol {version}")

    def decimal(self) -> int:
        text = self.line()
        if not _DIGITS.fullmatch(text.removesuffix(b"L")):
            raise Refused("a number that is none")
        return int(text.removesuffix(b"L"))

    def integer(self) -> None:
        is_truth = self.data[self.at : self.at + 3] in (b"00\n", b"01\n")  # as protocols 0, 1 write
        value = self.decimal()
        self.push(bool(value) if is_truth else value)

    def quoted(self) -> None:
        text = self.line().strip()
        if len(text) < 2 or text[:1] != text[-1:] or text[:1] not in (b"'", b'"'):
            raise Refused("a string without quotes")
        self.push(_ESCAPE.sub(_unescaped, text[1:-1]))

    def extend(self, values: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise Refused("an addition to what is no list")
        self.stack[-1].extend(values)

    def named(self, module: Any, name: Any) -> None:
        if type(module) is not str or type(name) is not str or (module, name) not in NAMES:
            told = [str(part)[:60] if type(part) is str else "?" for part in (module, name)]
            raise Refused(f"the name {'.'.join(told)}")
        self.push(Name(NAMES[module, name]))

    def call(self) -> None:
        function, arguments = self.popped(2)
        if type(function) is not Name or function.name not in CALLS:
            raise Refused("a call of what is no function")
        result = CALLS[function.name](*arguments)
        self.made += len(result) if type(result) is bytes else 0
        if self.made > len(self.data):  # one long text encoded a thousand times
            raise Refused("calls that make more than the file holds")
        self.push(result)

    def build(self) -> None:
        target, state = self.popped(2)
        if type(state) is not tuple or len(state) > LONGEST_STATE:
            raise Refused("a state that is none of an array")
        if type(target) is Dtype:
            self.push(with_order(target, *state))
        elif type(target) is Blank:
            array = filled(*state)
            self.memo.update(dict.fromkeys(target.places, array))
            target.places.clear()
            self.push(array)
        else:
            raise Refused("a state for what has none")


def _require_plain(value: Any) -> None:
    # what a call needs may not be left over; a list may hold itself
    waiting, seen = [value], set()
    while waiting:
        part = waiting.pop()
        if type(part) not in (list, tuple, *PLAIN):
            raise Refused(f"a {type(part).__name__.strip('_').lower()} that is not used")
        if type(part) in (list, tuple) and id(part) not in seen:
            seen.add(id(part))
            waiting.extend(part)


def _unescaped(match: re.Match[bytes]) -> bytes:
    escape = match[1]
    return bytes([int(escape[1:], 16) if len(escape) > 1 else _ESCAPED[escape[0]]])


_OPERATIONS: dict[int, Callable[[_Machine], None]] = {
    ord("\x80"): _Machine.protocol,
    ord("\x95"): lambda m: m.take(8) and None,  # a frame's length: only a hint
    ord("("): lambda m: m.push(_Mark()),
    ord("0"): lambda m: m.stack.pop() and None,
    ord("N"): lambda m: m.push(None),
    ord("\x88"): lambda m: m.push(True),
    ord("\x89"): lambda m: m.push(False),
    ord("I"): _Machine.integer,
    ord("L"): lambda m: m.push(m.decimal()),
    ord("J"): lambda m: m.push(m.number(4, signed=True)),
    ord("K"): lambda m: m.push(m.number(1)),
    ord("M"): lambda m: m.push(m.number(2)),
    ord("\x8a"): lambda m: m.push(m.number(m.number(1), signed=True)),
    ord("S"): _Machine.quoted,
    ord("T"): lambda m: m.push(m.take(m.number(4))),
    ord("U"): lambda m: m.push(m.take(m.number(1))),
    ord("B"): lambda m: m.push(m.take(m.number(4))),
    ord("C"): lambda m: m.push(m.take(m.number(1))),
    ord("\x8e"): lambda m: m.push(m.take(m.number(8))),
    ord("\x96"): lambda m: m.push(m.take(m.number(8))),
    ord("V"): lambda m: m.push(m.line().decode("raw-unicode-escape")),
    ord("X"): lambda m: m.push(m.take(m.number(4)).decode("utf-8", "surrogatepass")),
    ord("\x8c"): lambda m: m.push(m.take(m.number(1)).decode("utf-8", "surrogatepass")),
    ord("\x8d"): lambda m: m.push(m.take(m.number(8)).decode("utf-8", "surrogatepass")),
    ord("]"): lambda m: m.push([]),
    ord("l"): lambda m: m.push(m.since_mark()),
    ord("a"): lambda m: m.extend([m.pop()]),
    ord("e"): lambda m: m.extend(m.since_mark()),
    ord(")"): lambda m: m.push(()),
    ord("t"): lambda m: m.push(tuple(m.since_mark())),
    ord("\x85"): lambda m: m.push(m.popped(1)),
    ord("\x86"): lambda m: m.push(m.popped(2)),
    ord("\x87"): lambda m: m.push(m.popped(3)),
    ord("p"): lambda m: m.put(m.decimal()),
    ord("q"): lambda m: m.put(m.number(1)),
    ord("r"): lambda m: m.put(m.number(4)),
    ord("\x94"): lambda m: m.put(len(m.memo)),
    ord("g"): lambda m: m.get(m.decimal()),
    ord("h"): lambda m: m.get(m.number(1)),
    ord("j"): lambda m: m.get(m.number(4)),
    ord("c"): lambda m: m.named(m.line().decode("latin-1"), m.line().decode("latin-1")),
    ord("\x93"): lambda m: m.named(*m.popped(2)),
    ord("R"): _Machine.call,
    ord("b"): _Machine.build,
}
