import functools
import io
import os
import pickle
import pickletools
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irlib.data.sets.pickles import read_pickle

PROTOCOLS = range(6)


def read(tmp_path, data):
    path = tmp_path / "set.bin"
    path.write_bytes(data)
    return read_pickle(path)


def short(text):
    # SHORT_BINUNICODE
    return b"\x8c" + bytes([len(text)]) + text.encode()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plain_data_comes_back_as_it_was(tmp_path, protocol):
    data = (
        [b"\xff\xd8\n'\"\\\0", b"", b"a" * 300, b"\x80" * 70_000],
        [True, False, None, 0, 1, -1, 255, 256, 70_000, -(2**40)],
        "å\n\\",
        (),
        (1, 2, 3, 4),
    )
    data = data if protocol >= 3 else ([b for b in data[0] if b], *data[1:])
    found = read(tmp_path, pickle.dumps(data, protocol))
    assert found == data
    assert [type(value) for value in found[1]] == [type(value) for value in data[1]]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "array",
    [
        np.array([True, False, True]),
        np.arange(200, dtype=np.uint8),
        np.arange(-3, 3, dtype="<i8"),
        np.arange(-3, 3, dtype=">i4"),
        np.arange(6, dtype=np.uint8).reshape(2, 3),
        np.asfortranarray(np.arange(6, dtype=np.uint16).reshape(2, 3)),
    ],
    ids=["bool", "uint8", "little", "big", "matrix", "fortran"],
)
def test_arrays_come_back_as_they_were(tmp_path, protocol, array):
    found = read(tmp_path, pickle.dumps([array, array, 7], protocol))
    assert found[0].dtype == array.dtype
    assert np.array_equal(found[0], array)
    assert found[1] is found[0]  # the file names it once


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_single_values_of_numpy_become_those_of_python(tmp_path, protocol):
    found = read(tmp_path, pickle.dumps([np.bool_(True), np.bool_(False), np.int64(-5)], protocol))
    assert [(type(value), value) for value in found] == [(bool, True), (bool, False), (int, -5)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_list_met_twice_is_one_list(tmp_path, protocol):
    inner = [b"x"]
    found = read(tmp_path, pickle.dumps((inner, inner), protocol))
    assert found[0] is found[1]


def test_a_list_that_holds_itself_does_not_hang(tmp_path):
    ring = [1]
    ring.append(ring)
    found = read(tmp_path, pickle.dumps(ring, 2))
    assert found[1] is found


# Python 2 wrote a byte string as STRING (protocol 0, its repr), SHORT_BINSTRING or BINSTRING.

PYTHON_2 = {
    "protocol 0": b"(lp0\nS'\\xff\\xd8\\n\\'\\\\'\np1\naS\"it's\"\np2\na.",
    "protocol 1": b"]q\x00(U\x05\xff\xd8\n'\\q\x01U\x04it'sq\x02e.",
    "protocol 2": b"\x80\x02]q\x00(U\x05\xff\xd8\n'\\q\x01T\x04\x00\x00\x00it'sq\x02e.",
}


@pytest.mark.parametrize("data", PYTHON_2.values(), ids=PYTHON_2)
def test_strings_of_python_2_are_bytes(tmp_path, data):
    assert read(tmp_path, data) == [b"\xff\xd8\n'\\", b"it's"]
    assert pickle.loads(data, encoding="bytes") == [b"\xff\xd8\n'\\", b"it's"]


def test_an_array_of_python_2(tmp_path):
    data = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x00cnumpy\nndarray\nq\x01K\x00\x85U\x01b"
        b"\x87Rq\x02(K\x01K\x03\x85cnumpy\ndtype\nq\x03U\x02u1K\x00K\x01\x87Rq\x04"
        b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x03\x01\x02\xfftb."
    )
    assert pickle.loads(data, encoding="bytes").tolist() == [1, 2, 255]
    assert read(tmp_path, data).tolist() == [1, 2, 255]


# What must never run. Each would leave a file behind, or build an object of a class.


class Runs:
    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


@pytest.fixture
def trap(tmp_path):
    return tmp_path / "it ran"


def hostile(trap):
    command = f"touch '{trap}'"
    code = f"open({str(trap)!r}, 'w').close()"
    system = Runs(os.system, command)
    return {
        "os.system": system,
        "eval": Runs(eval, code),
        "exec": Runs(exec, code),
        "partial": Runs(functools.partial, os.system, command),
        "getattr": Runs(getattr, "text", "upper"),
        "nested": ([b"a", (b"b", [system])], [True]),
        "in an array": np.array([system], dtype=object),
        "open": Runs(open, str(trap), "w"),
        "instance": io.StringIO("x"),
        "function": len,
    }


@pytest.mark.parametrize(
    ("name", "protocol"),
    # an object with slots cannot be pickled before protocol 2
    [(n, p) for n in hostile("x") for p in PROTOCOLS if n != "instance" or p >= 2],
)
def test_no_code_runs(tmp_path, trap, protocol, name):
    data = pickle.dumps(hostile(trap)[name], protocol)
    with pytest.raises(ValueError, match=r"set\.bin: found .*; expected a pickle of lists"):
        read(tmp_path, data)
    assert not trap.exists()


def test_the_trap_springs_where_python_unpickles(trap):
    pickle.loads(pickle.dumps(hostile(trap)["nested"], 2))
    assert trap.exists()


def named(module, name):
    return b"\x80\x04" + short(module) + short(name) + b"\x93"


STEPS = {
    "INST": (b"(S'true'\nios\nsystem\n.", "the operation INST"),
    "OBJ": (b"(cos\nsystem\nS'true'\no.", r"the name os\.system"),
    "NEWOBJ": (b"\x80\x02cnumpy\nndarray\n)\x81.", "the operation NEWOBJ"),
    "NEWOBJ_EX": (b"\x80\x04cnumpy\nndarray\n)}\x92.", "the operation EMPTY_DICT"),
    "PERSID": (b"Psomething\n.", "the operation PERSID"),
    "BINPERSID": (b"\x80\x02U\x01xQ.", "the operation BINPERSID"),
    "EXT1": (b"\x80\x02\x82\x01.", "the operation EXT1"),
    "dict": (pickle.dumps({1: 2}, 2), "the operation EMPTY_DICT"),
    "set": (pickle.dumps({1}, 4), "the operation EMPTY_SET"),
    "float": (pickle.dumps(1.5, 2), "the operation BINFLOAT"),
    "buffer": (b"\x80\x05\x97.", "the operation NEXT_BUFFER"),
    "no operation": (b"\xfe.", "the operation 0xfe"),
    "protocol 6": (b"\x80\x06N.", "pickle protocol 6"),
    "stack global": (named("os", "system") + short("true") + b"\x85R.", r"the name os\.system"),
    "dotted": (named("numpy", "ndarray.__class__") + b".", r"the name numpy\.ndarray\.__class__"),
    "dotted module": (named("numpy.ndarray", "dtype") + b".", r"the name numpy\.ndarray\.dtype"),
    "near miss": (named("numpy", "load") + b".", r"the name numpy\.load"),
    "another codec": (named("_codecs", "lookup") + b".", r"the name _codecs\.lookup"),
    "name of bytes": (b"\x80\x04C\x05numpyC\x07ndarray\x93.", r"the name \?\.\?"),
    "name of a list": (b"\x80\x04]]\x93.", r"the name \?\.\?"),
    "name on several lines": (b"cnumpy\n ndarray\n.", r"the name numpy\. ndarray"),
    "call of ndarray": (named("numpy", "ndarray") + b"K\x05\x85\x85R.", "a call of what is no"),
    "call of a text": (b"\x80\x02X\x01\x00\x00\x00a)R.", "a call of what is no function"),
    "encode to another": (named("_codecs", "encode") + short("a") + short("rot13") + b"\x86R.",
                          "a call of encode that is not for bytes"),
    "state of a list": (b"\x80\x02](K\x01tb.", "a state for what has none"),
    "state that is none": (b"\x80\x02]K\x01b.", "a state that is none of an array"),
    "name left over": (named("numpy", "ndarray") + b".", "a name that is not used"),
    "name in a list": (b"]cnumpy\nndarray\na.", "a name that is not used"),
    "mark in a list": (b"](q\x000h\x00a.", "a mark that is not used"),
    "never remembered": (b"\x80\x02h\x05.", "a thing remembered that never was"),
    "two results": (b"\x80\x02NN.", "an end with more than one result"),
    "no result": (b"\x80\x02.", "a step that does not fit"),
    "no mark": (b"\x80\x02NNt.", "a step that does not fit"),
    "append to bytes": (b"\x80\x02U\x01aNa.", "an addition to what is no list"),
    "no stop": (b"\x80\x02N", "an end before its time"),
    "short string": (b"\x80\x02U\x05ab.", "an end before its time"),
    "endless string": (b"\x80\x04\x8e" + b"\xff" * 8 + b"a.", "an end before its time"),
    "no line end": (b"I12", "an end before its time"),
    "no digits": (b"Iabc\n.", "a number that is none"),
    "too many digits": (b"L" + b"9" * 5000 + b"L\n.", "a number that is none"),
    "no quotes": (b"Sabc\n.", "a string without quotes"),
    "half a character": (b"\x80\x02X\x01\x00\x00\x00\xff.", "a step that does not fit"),
    "empty": (b"", "an end before its time"),
    "JPEG": (b"\xff\xd8\xff\xe0\0\x10JFIF", "the operation 0xff"),
    "page": (b"<!DOCTYPE html>\n", "the operation 0x3c"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "reason"), STEPS.values(), ids=STEPS)
def test_a_step_that_is_not_for_plain_data_is_named(tmp_path, data, reason):
    with pytest.raises(ValueError, match=rf"set\.bin: found {reason}.*, at byte \d+; expected"):
        read(tmp_path, data)


def array_of(code, shape, raw):
    # a pickled array as NumPy writes it, with any type, shape and data
    real = pickle.dumps(np.zeros(2, np.uint8), 3)
    real = real.replace(b"K\x01K\x02\x85", b"K\x01" + pickle.dumps(shape, 3)[2:-1])
    real = real.replace(b"X\x02\0\0\0u1", b"X" + struct.pack("<I", len(code)) + code)
    return real.replace(b"C\x02\0\0", b"C" + bytes([len(raw)]) + raw)


def test_the_forged_array_is_an_array_where_nothing_is_forged(tmp_path):
    assert read(tmp_path, array_of(b"u2", (3,), b"\1\0\2\0\3\0")).tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("code", "shape", "raw", "reason"),
    [
        (b"u1", (3,), b"\0\0", "whose shape does not fit its data"),
        (b"u1", (2**60,), b"\0\0", "whose shape does not fit its data"),
        (b"u1", (-1,), b"\0\0", "whose shape does not fit its data"),
        (b"u1", (0, 2**62), b"", "whose shape does not fit its data"),
        (b"u1", (1,) * 40, b"\0", "without a shape"),
        (b"u1", [2], b"\0\0", "without a shape"),
        (b"u1", (True, 2), b"\0\0", "whose shape does not fit its data"),
        (b"u4", (2,), b"\0\0", "whose shape does not fit its data"),
        (b"O8", (1,), b"\0" * 8, "of 'O8'"),
        (b"f8", (1,), b"\0" * 8, "of 'f8'"),
        (b"V8", (1,), b"\0" * 8, "of 'V8'"),
        (b"u1,O", (1,), b"\0" * 8, "of 'u1,O'"),
        (b"b1", (2,), b"\0\2", "of booleans that holds something else"),
    ],
)
def test_a_forged_array_is_refused(tmp_path, code, shape, raw, reason):
    with pytest.raises(ValueError, match=f"found an array {reason}"):
        read(tmp_path, array_of(code, shape, raw))


def test_a_structure_is_refused(tmp_path):
    array = np.zeros(1, dtype=[("a", "u1")])
    with pytest.raises(ValueError, match="found an array of 'V1'"):
        read(tmp_path, pickle.dumps(array, 2))


def test_a_text_encoded_again_and_again_is_refused(tmp_path):
    # 1 MB of text, remembered and encoded a thousand times: 1 GB from a file of 1 MB
    text = b"X" + struct.pack("<I", 1 << 20) + b"a" * (1 << 20)
    latin = b"X\x06\0\0\0latin1q\x01"
    first = b"]c_codecs\nencode\nq\x02" + text + b"q\x00" + latin + b"\x86Ra"
    again = b"h\x02h\x00h\x01\x86Ra" * 1000
    assert len(read(tmp_path, first + b".")[0]) == 1 << 20
    with pytest.raises(ValueError, match="calls that make more than the file holds"):
        read(tmp_path, first + again + b".")


def test_a_remembered_place_far_out_takes_no_memory(tmp_path):
    # Python's own unpickler makes a table up to the place
    assert read(tmp_path, b"\x80\x02]r\xff\xff\xff\x7f.") == []


def test_deep_nesting_is_no_crash(tmp_path):
    depth = 200_000
    found = read(tmp_path, b"(" * depth + b"t" * depth + b".")
    assert type(found) is tuple


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.bin: no such file"):
        read_pickle(tmp_path / "none.bin")


def test_a_huge_file_is_refused_unread(tmp_path):
    path = tmp_path / "huge.bin"
    with path.open("wb") as file:
        file.truncate(2**31 + 1)  # a hole: takes no disk
    with pytest.raises(ValueError, match="2147483649 bytes, expected a pickle of at most"):
        read_pickle(path)


OPCODES = [op.code.encode("latin-1") for op in pickletools.opcodes]
PIECES = [
    *OPCODES, b"0\n", b"1\n", b"cos\nsystem\n", b"cnumpy\nndarray\n", b"cnumpy\ndtype\n",
    b"cnumpy.core.multiarray\n_reconstruct\n", b"cnumpy.core.multiarray\nscalar\n",
    b"cnumpy._core.numeric\n_frombuffer\n", b"c_codecs\nencode\n", b"U\x02u1", b"U\x01|",
    b"U\x06latin1", b"X\x01\0\0\0a", b"K\x00", b"K\x01", b"K\x00\x85", b"q\x00", b"h\x00",
]  # fmt: skip


def is_plain(value):
    waiting, seen = [value], set()
    while waiting:
        part = waiting.pop()
        if type(part) in (list, tuple):
            if id(part) not in seen:
                seen.add(id(part))
                waiting.extend(part)
        elif type(part) is np.ndarray:
            if part.dtype.kind not in "biu":
                return False
        elif type(part) not in (bytes, str, bool, int, type(None)):
            return False
    return True


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pickles")


def gives_plain_data_or_says_why(folder, data):
    try:
        found = read(folder, data)
    except ValueError as error:
        assert "set.bin" in str(error)
        assert len(str(error)) < 500 + len(str(folder))
    else:
        assert is_plain(found)


@settings(max_examples=700, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=40))
def test_any_operations(folder, pieces):
    gives_plain_data_or_says_why(folder, b"".join(pieces) + b".")


WHOLE = [
    pickle.dumps(([b"abc", np.arange(5, dtype=np.uint8)], [True, np.bool_(False)]), protocol)
    for protocol in PROTOCOLS
]


@settings(max_examples=700, deadline=None)
@given(
    st.sampled_from(WHOLE), st.lists(st.tuples(st.integers(0), st.binary(max_size=3)), max_size=4)
)
def test_any_change_of_a_whole_file(folder, data, changes):
    for at, new in changes:
        at %= len(data)
        data = data[:at] + new + data[at + 1 :]
    gives_plain_data_or_says_why(folder, data)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_shortened_file_is_refused(tmp_path, protocol):
    for stop in range(len(WHOLE[protocol])):
        with pytest.raises(ValueError, match=r"set\.bin: found"):
            read(tmp_path, WHOLE[protocol][:stop])
