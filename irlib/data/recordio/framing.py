"""Records as bytes: the frame around each, records split at the magic word, and image headers.

A record is the magic word, a word with the continuation kind (3 bits) and the length (29 bits), the
content, and zeros up to a multiple of four. All is little endian.

Source: the RecordIO format of dmlc-core and the IRHeader of MXNet, as their writers make them.
"""

import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from irlib.data.recordio.files import RandomFile

MAGIC = b"\x0a\x23\xd7\xce"  # 0xCED7230A
LIMIT = 1 << 29  # bytes; the length has 29 bits
PACKED = int.from_bytes(b"irlb", "little")  # id2 of record 0 in a set that was packed here
EXACT = 1 << 24  # float32 counts exactly below it

_WHOLE, _FIRST, _MIDDLE, _LAST = range(4)  # continuation kinds
GUESS = 16 << 10  # bytes; a record with a crop of 112x112 as JPEG seldom has more than 10,000
_FRAME = struct.Struct("<4sI")
_HEADER = struct.Struct("<IfQQ")
_PLAIN = struct.Struct("<4sIIf")  # frame, flag and label
# what stands behind a content that lacks so many bytes to a multiple of four
_TAILS = [b"\0" * padding + MAGIC for padding in range(4)]

# The beginning of a record that is not split.
HEAD = np.dtype([
    ("magic", "<u4"), ("length", "<u4"), ("flag", "<u4"), ("label", "<f4"), ("id", "<u8"),
    ("id2", "<u8"), ("labels", "<f4", (2,)),
])  # fmt: skip
TABLE_BYTES = _HEADER.size + 8  # content of record 0 and of identity records: two labels


class Header(NamedTuple):
    """What stands before the image.

    Args:
        flag: number of labels that follow the header, 0 where the header itself holds the label.
        labels: the labels, one where flag is 0.
        id: number that the writer gave.
        id2: second such number.
    """

    flag: int
    labels: tuple[float, ...]
    id: int
    id2: int


def framed(content: bytes) -> bytes:
    """A record with its frame, split wherever the magic word stands at a multiple of four.

    Raises:
        ValueError: the content is too long for the format.
    """
    if len(content) >= LIMIT:
        raise ValueError(f"{len(content)} bytes; a record holds fewer than {LIMIT}")
    parts, start = [], 0
    for cut in _aligned_magic(content):
        parts.append(content[start:cut])
        start = cut + len(MAGIC)
    parts.append(content[start:])
    kinds = [_WHOLE] if len(parts) == 1 else [_FIRST, *[_MIDDLE] * (len(parts) - 2), _LAST]
    return b"".join(_frame(kind, part) for kind, part in zip(kinds, parts, strict=True))


def with_header(
    content: bytes, label: float | tuple[float, float], key: int, mark: int = 0
) -> bytes:
    """An image, or nothing, behind its header.

    Args:
        content: the encoded image.
        label: one number, or the two of record 0 and of identity records.
        key: the record's key, kept as the header's id.
        mark: the header's second id, which no reader of these sets uses.
    """
    if isinstance(label, tuple):
        return _HEADER.pack(2, 0.0, key, mark) + struct.pack("<2f", *label) + content
    return _HEADER.pack(0, label, key, 0) + content


def content_of(file: RandomFile, offset: int) -> tuple[bytes, int]:
    """The content of a record, put together where it was split, and the byte behind the record.

    Args:
        file: the records.
        offset: first byte of the record.

    Raises:
        ValueError: no whole record begins there; the message tells what was found.
    """
    kind, part, end = _part(file, offset)
    if kind == _WHOLE:
        return part, end
    if kind != _FIRST:
        raise ValueError(f"continuation flag {kind} at its beginning; expected 0 or 1")
    parts = [part]
    while kind != _LAST:
        kind, part, end = _part(file, end)
        if kind not in (_MIDDLE, _LAST):
            raise ValueError(f"continuation flag {kind} within a split record; expected 2 or 3")
        if end - offset > 2 * LIMIT:
            raise ValueError(f"a split record without an end within {end - offset} bytes")
        parts.append(part)
    return MAGIC.join(parts), end


def header_of(content: bytes) -> tuple[Header, bytes]:
    """The header of a record's content, and the encoded image behind it.

    Raises:
        ValueError: the content is shorter than its header.
    """
    if len(content) < _HEADER.size:
        raise ValueError(f"{len(content)} bytes, expected a header of {_HEADER.size}")
    flag, label, number, number2 = _HEADER.unpack_from(content)
    start = _HEADER.size + 4 * flag
    if len(content) < start:
        raise ValueError(f"{len(content)} bytes, expected a header of {start} for {flag} labels")
    labels = struct.unpack_from(f"<{flag}f", content, _HEADER.size) if flag else (label,)
    return Header(flag, labels, number, number2), content[start:]


def plain_image(data: bytes, label: int) -> bytes:
    """The image of an ordinary record, checked at one glance; nothing if there is more to say.

    Args:
        data: the whole record, and the magic word of the next one.
        label: of the image.
    """
    if len(data) < _PLAIN.size:
        return b""
    magic, length, flag, found = _PLAIN.unpack_from(data)
    end = _FRAME.size + length
    # longer than the data if it is split: then nothing stands at its end
    is_ordinary = magic == MAGIC and not flag and found == label and data[end:] == _TAILS[-end % 4]
    return data[_FRAME.size + _HEADER.size : end] if is_ordinary else b""


def is_plain(heads: NDArray[np.void]) -> NDArray[np.bool_]:
    """Whether each of some `HEAD` is that of a whole record with its first label in it."""
    least = _HEADER.size + 4 * np.minimum(heads["flag"], LIMIT).astype(np.int64)
    # a continuation kind other than 0 makes the word larger than any length
    whole = (heads["magic"] == int.from_bytes(MAGIC, "little")) & (heads["length"] < LIMIT)
    return whole & (heads["length"] >= least)


def _aligned_magic(content: bytes) -> list[int]:
    found, place = [], content.find(MAGIC)
    while place >= 0:
        if place % 4 == 0:
            found.append(place)
        # no byte of the word repeats, so that two words never overlap
        place = content.find(MAGIC, place + len(MAGIC))
    return found


def _frame(kind: int, part: bytes) -> bytes:
    return _FRAME.pack(MAGIC, kind << 29 | len(part)) + part + b"\0" * (-len(part) % 4)


def _part(file: RandomFile, offset: int) -> tuple[int, bytes, int]:
    # continuation kind, content, and the byte behind
    data = file.read(offset, GUESS)
    if len(data) < _FRAME.size:
        raise ValueError("the file ends before it")
    magic, word = _FRAME.unpack_from(data)
    if magic != MAGIC:
        raise ValueError(f"magic word {magic.hex()}, expected {MAGIC.hex()}")
    end = _FRAME.size + word % LIMIT
    padding = -end % 4
    behind = data[end : end + padding + len(MAGIC)]
    if len(behind) < padding + len(MAGIC):
        behind = file.read(offset + end, padding + len(MAGIC))
    if offset + end > file.size:
        raise ValueError(f"{end - _FRAME.size} bytes long, which is past the end of the file")
    if not _TAILS[padding].startswith(behind):  # shorter at the end of the file
        raise ValueError(f"{end - _FRAME.size} bytes long, but no record follows there")
    if len(data) < end:
        data += file.read(offset + len(data), end - len(data))
        if len(data) < end:
            raise ValueError("the file has been cut within it since it was opened")
    return word // LIMIT, data[_FRAME.size : end], offset + end + padding
