import io
import struct
import warnings
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from irlib.data.decoding import MAX_PIXELS, decode, decode_crop


def smooth(seed=0, size=(112, 112)):
    small = np.random.default_rng(seed).integers(0, 256, (14, 14, 3), dtype=np.uint8)
    return Image.fromarray(small).resize(size[::-1], Image.Resampling.BICUBIC)


def noise(seed=0, size=(112, 112), channels=3):
    return np.random.default_rng(seed).integers(0, 256, (*size, channels), dtype=np.uint8)


def encoded(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def with_pillow(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


JPEGS = {
    "4:2:0": {},
    "4:4:4": {"subsampling": 0},
    "progressive": {"progressive": True},
    "optimized": {"optimize": True},
    "coarse": {"quality": 20},
}


@pytest.mark.parametrize("options", JPEGS.values(), ids=JPEGS)
@pytest.mark.parametrize("size", [(112, 112), (250, 183), (1, 1)])
def test_a_jpeg_has_the_pixels_that_pillow_finds(options, size):
    data = encoded(smooth(size=size), "JPEG", **options)
    assert np.array_equal(decode(data, "a"), with_pillow(data))


def test_a_gray_jpeg_is_repeated_in_all_channels():
    data = encoded(smooth().convert("L"), "JPEG")
    assert np.array_equal(decode_crop(data, "a"), with_pillow(data))


@pytest.mark.parametrize("function", [decode, decode_crop])
@pytest.mark.parametrize("adobe", [True, False])
def test_a_cmyk_jpeg_is_not_inverted(function, adobe):
    data = encoded(smooth().convert("CMYK"), "JPEG", quality=95)
    if not adobe:  # the marker that Pillow writes: FF EE, two bytes of length
        at = data.index(b"\xff\xee")
        data = data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]
    decoded = function(data, "a").astype(int)
    # two converters of inks to lights differ by rounding, an inverted image by about 100
    assert np.abs(decoded - with_pillow(data)).max() <= 2
    assert np.abs(decoded - np.asarray(smooth())).mean() < 3


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_a_lossless_image_is_decoded_as_it_was(kind):
    pixels = noise(size=(30, 40))
    assert np.array_equal(decode(encoded(Image.fromarray(pixels), kind), "a"), pixels)


def test_a_lossless_webp_is_decoded_as_it_was():
    data = encoded(Image.fromarray(noise()), "WEBP", lossless=True)
    assert np.array_equal(decode_crop(data, "a"), noise())


def test_gray_and_its_alpha():
    gray = noise(channels=1)[..., 0]
    expected = np.repeat(gray[..., None], 3, axis=2)
    assert np.array_equal(decode(encoded(Image.fromarray(gray)), "a"), expected)
    veiled = Image.merge("LA", [Image.fromarray(gray), Image.fromarray(gray[::-1])])
    assert np.array_equal(decode(encoded(veiled), "a"), expected)


def test_alpha_is_left_out():
    pixels = noise(channels=4)
    assert np.array_equal(decode(encoded(Image.fromarray(pixels)), "a"), pixels[..., :3])


def test_one_bit_is_black_and_white():
    bits = Image.fromarray((noise(channels=1)[..., 0] > 127).astype(np.uint8) * 255).convert("1")
    expected = np.repeat(np.asarray(bits)[..., None].astype(np.uint8) * 255, 3, axis=2)
    assert np.array_equal(decode(encoded(bits), "a"), expected)


@pytest.mark.parametrize("transparency", [None, 3, bytes([0, 128, 255])])
def test_a_palette_is_looked_up_without_a_warning(transparency):
    palette = Image.fromarray(noise()).quantize(16)
    options = {} if transparency is None else {"transparency": transparency}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decoded = decode(encoded(palette, **options), "a")
    assert np.array_equal(decoded, np.asarray(palette.convert("RGB")))


def png16(pixels):
    # OpenCV takes blue first
    return cv2.imencode(".png", pixels[..., ::-1] if pixels.ndim == 3 else pixels)[1].tobytes()


def test_sixteen_bits_keep_the_upper_eight():
    deep = np.random.default_rng(0).integers(0, 65_536, (20, 30, 3)).astype(np.uint16)
    assert np.array_equal(decode(png16(deep), "a"), deep >> 8)
    gray = np.repeat(deep[..., :1] >> 8, 3, axis=2)
    assert np.array_equal(decode(png16(deep[..., 0]), "a"), gray)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_rotation_in_exif_is_carried_out(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(smooth(size=(20, 40)), kind, exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    assert expected.shape == ((20, 40, 3) if orientation < 5 else (40, 20, 3))
    assert np.array_equal(decode(data, "a"), expected)


def test_a_rotated_crop_is_turned_too():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(smooth(), "JPEG", exif=exif, comment=b"before or after")
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    out = np.empty((112, 112, 3), dtype=np.uint8)
    assert decode_crop(data, "a", out) is out
    assert np.array_equal(out, expected)


def test_a_crop_is_decoded_in_place():
    for data in (encoded(smooth(), "JPEG"), encoded(smooth())):
        batch = np.zeros((3, 112, 112, 3), dtype=np.uint8)
        decode_crop(data, "a", batch[1])
        assert np.array_equal(batch[1], with_pillow(data))
        assert not batch[[0, 2]].any()


@pytest.mark.parametrize("size", [(112, 111), (111, 112), (113, 112), (64, 64), (500, 400)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_another_size_is_no_crop_and_the_command_is_told(kind, size):
    height, width = size
    with pytest.raises(ValueError, match=f"^a/b: {width}x{height} pixels, expected an .*align`"):
        decode_crop(encoded(smooth(size=size), kind), "a/b")


def huge_png():
    # a header that claims 60,000 x 60,000 pixels: decoding it would take 10 GB
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + encoded(smooth())[33:]


def huge_jpeg(height=65_500, width=65_500):
    data = bytearray(encoded(smooth(), "JPEG"))
    at = data.index(b"\xff\xc0")  # the frame: marker, length, precision, height, width
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def flipped(data, at):
    content = bytearray(data)
    content[at] ^= 255
    return bytes(content)


PNG, JPEG = encoded(smooth()), encoded(smooth(), "JPEG", quality=92)
BAD = {
    "empty": b"",
    "text": b"not found",
    "html": b"<html><body>404</body></html>",
    "half a png": PNG[: len(PNG) // 2],
    "png header alone": PNG[:33],
    "png with a flipped byte": flipped(PNG, 200),
    "half a jpeg": JPEG[: len(JPEG) // 2],
    "jpeg without an end": JPEG[:-2],
    "jpeg header alone": JPEG[:100],
    "three bytes of jpeg": JPEG[:3],
    "jpeg that ends early": JPEG[:1500] + b"\xff\xd9" + JPEG[1500:],
    "half a cmyk jpeg": encoded(smooth().convert("CMYK"), "JPEG")[:-400],
    "huge png": huge_png(),
    "huge jpeg": huge_jpeg(),
    "zero wide": huge_jpeg(112, 0),
    "exif cut short": JPEG[:2] + b"\xff\xe1\x00\x10Exif\0\0MM",
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
@pytest.mark.parametrize("function", [decode, decode_crop])
def test_what_is_no_sound_image_is_refused_by_name(function, data):
    with pytest.raises(ValueError, match=r"^x/y\.jpg: "):
        function(data, "x/y.jpg")


@pytest.mark.parametrize("function", [decode, decode_crop])
def test_what_has_no_known_format_is_told_in_the_same_words_every_time(function):
    for data in (b"", b"not found"):
        with pytest.raises(ValueError, match=r"^a: not a readable image \(no format that is known"):
            function(data, "a")


def test_an_image_that_would_fill_the_memory_is_refused_before_decoding():
    width = MAX_PIXELS // 60_000 + 1  # what Pillow warns of, and would decode
    with pytest.raises(ValueError, match=f"{width}x60000 pixels, expected at most 89,478,485"):
        decode(huge_jpeg(60_000, width), "a")


def test_garbage_never_raises_anything_else():
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        data = bytearray(JPEG if rng.random() < 0.5 else PNG)
        for at in rng.integers(0, len(data), 5):
            data[at] = rng.integers(0, 256)
        try:
            assert decode_crop(bytes(data[: rng.integers(1, len(data) + 1)]), "a").any()
        except ValueError as error:
            assert str(error).startswith("a: ")
            refused += 1
    assert refused > 250  # a cut or five wild bytes rarely go unnoticed
