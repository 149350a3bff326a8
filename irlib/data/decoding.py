"""Encoded images to plain uint8 RGB.

JPEG goes through libjpeg-turbo (simplejpeg), which refuses every damage that it notices; all else
goes through Pillow.

Shapes: H x W pixels.
"""

import io

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

SIZE = 112  # pixels; ArcFace's aligned crop
ALIGN = "python -m irlib.data align"  # the command that makes crops
MAX_PIXELS = 89_478_485  # of one image; above it Pillow suspects an attack on the memory

_JPEG = b"\xff\xd8\xff"
_JFIF, _TABLE = b"\xff\xd8\xff\xe0\0\x10", b"\xff\xdb"
_EXIF = b"Exif\0\0"
_APPLICATION = frozenset(bytes([0xFF, marker]) for marker in (*range(0xE0, 0xF0), 0xFE))
_ORIENTATION = 0x0112  # the tag in EXIF
_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N", "I")  # Pillow's modes for 16-bit gray


def decode(data: bytes, name: str) -> NDArray[np.uint8]:
    """An image of any size as (H, W, 3) uint8 RGB, upright.

    Gray is repeated in all channels, 16 bits keep the upper 8, a palette is looked up, alpha is
    left out, CMYK is converted and the rotation noted in EXIF is carried out.

    Args:
        data: the encoded file.
        name: what to call it in an error.

    Raises:
        ValueError: not an image, a damaged one, or one of more than `MAX_PIXELS`.
    """
    try:
        return _from_jpeg(data) if data[:3] == _JPEG else _with_pillow(data)
    except Exception as error:  # Pillow raises many kinds for a damaged file
        raise _unreadable(name, error) from error


def decode_crop(data: bytes, name: str, out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """An aligned crop as (112, 112, 3) uint8 RGB.

    Args:
        data: the encoded file.
        name: what to call it in an error.
        out: (112, 112, 3) uint8, contiguous, to decode into.

    Raises:
        ValueError: as in `decode`, or an image of another size.
    """
    out = np.empty((SIZE, SIZE, 3), dtype=np.uint8) if out is None else out
    if not decoded_quickly(data, out):
        _require_crop(data, name)
        out[:] = decode(data, name)
    return out


def decoded_quickly(data: bytes, out: NDArray[np.uint8]) -> bool:
    """Whether the data are an ordinary JPEG of a crop, which then is in out; else it is spoiled.

    Args:
        data: the encoded file.
        out: (112, 112, 3) uint8, contiguous, to decode into.
    """
    if data[:3] != _JPEG or _has_exif(data):
        return False
    try:
        return simplejpeg.decode_jpeg(data, buffer=out).shape == out.shape
    except ValueError:  # damaged, or larger than a crop: the long way says which
        return False


def _require_crop(data: bytes, name: str) -> None:
    # by the header alone: the pixels of a huge image would fill the memory
    try:
        with Image.open(io.BytesIO(data)) as image:
            width, height = image.size
    except Exception as error:
        raise _unreadable(name, error) from error
    if not width == height == SIZE:
        raise ValueError(
            f"{name}: {width}x{height} pixels, expected an aligned {SIZE}x{SIZE} crop; `{ALIGN}` "
            "makes them"
        )


def _unreadable(name: str, error: Exception) -> ValueError:
    # Pillow's own text has an address in memory, which differs from run to run
    unknown = isinstance(error, UnidentifiedImageError)
    reason = "no format that is known" if unknown else str(error)
    return ValueError(f"{name}: not a readable image ({reason})")


def _require_bounded(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ValueError(f"{width}x{height} pixels, expected at most {MAX_PIXELS:,} in all")


def _from_jpeg(data: bytes) -> NDArray[np.uint8]:
    height, width, *_ = simplejpeg.decode_jpeg_header(data)
    _require_bounded(width, height)
    pixels = simplejpeg.decode_jpeg(data)
    if not _has_exif(data):
        return pixels
    with Image.open(io.BytesIO(data)) as image:
        return _upright(pixels, image)


def _has_exif(data: bytes) -> bool:
    # EXIF lies in one of the segments for applications, which come first; to search the whole
    # file would cost a thirtieth of its decoding
    if data[:6] == _JFIF and data[20:22] == _TABLE:
        return False  # the one segment that nearly every JPEG has
    at = 2
    while data[at : at + 2] in _APPLICATION:
        if data[at + 4 : at + 10] == _EXIF:
            return True
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return False


def _with_pillow(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        _require_bounded(*image.size)
        if image.mode in _SIXTEEN_BIT:
            gray = (np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
            return _upright(np.repeat(gray[..., None], 3, axis=2), image)
        if image.mode == "P":  # Pillow warns where transparency is not looked up as well
            return _upright(np.asarray(image.convert("RGBA").convert("RGB")), image)
        return _upright(np.asarray(image.convert("RGB")), image)


def _upright(pixels: NDArray[np.uint8], image: Image.Image) -> NDArray[np.uint8]:
    # EXIF counts the eight ways to hold a camera: 5 to 8 lie on the side
    orientation = image.getexif().get(_ORIENTATION, 1)
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.array(pixels, order="C")
