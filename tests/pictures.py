"""Pictures that tests put down, as files."""

import io

import numpy as np
from PIL import Image


def jpeg(seed=0, size=112):
    """A square of noise as the bytes of a JPEG."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


def put(path, data):
    """The path, with bytes or a text written there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path
