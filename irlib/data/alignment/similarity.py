"""The least-squares similarity between two sets of points, and the crop it cuts out.

Shapes: H x W pixels; five points (5, 2) as x, y.
Units: pixels; x to the right, y down, (0, 0) the center of the top left pixel.

The points are, in this order: the eye on the left of the image, the eye on its right, the tip of
the nose, the corner of the mouth on the left of the image, the corner on its right.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from irlib.data.decoding import SIZE

# Deng et al., ArcFace (CVPR 2019), as their code has it: where the points lie in the crop.
TEMPLATE = np.array([
    [38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655],
    [70.7299, 92.2041],
])  # fmt: skip
TEMPLATE.setflags(write=False)

_LEAST_SPREAD = 0.5  # pixels from the mean point, root mean square; below it there is no face
_FURTHEST = 1.0  # a point may lie outside by this many times the longer side


def similarity(
    source: NDArray[np.floating], target: NDArray[np.floating] = TEMPLATE
) -> NDArray[np.float64]:
    """The (2, 3) matrix that turns, scales and shifts the source nearest to the target.

    It never mirrors: of points in mirror image it gives the best similarity all the same.

    Args:
        source: (N, 2) points, N at least 2.
        target: (N, 2) points they shall come near to.

    Raises:
        ValueError: the shapes differ, a number is not finite, or one side's points are one point.

    Source: Umeyama, Least-squares estimation of transformation parameters between two point
        patterns (IEEE TPAMI 13, 1991), equations 40 to 42.
    """
    source, target = _points(source, "source"), _points(target, "target")
    if source.shape != target.shape:
        raise ValueError(f"source has {len(source)} points and target {len(target)}; expected one")
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    centered = source - source_mean
    covariance = (target - target_mean).T @ centered / len(source)  # (2, 2)
    left, values, right = np.linalg.svd(covariance)
    mirror = np.array([1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    rotation = left @ np.diag(mirror) @ right
    variance = centered.var(axis=0).sum()
    if variance <= 0 or values @ mirror <= 1e-12 * values[0]:
        raise ValueError("the points lie on one point, or no turn fits better than another")
    linear = values @ mirror / variance * rotation
    return np.column_stack([linear, target_mean - linear @ source_mean])


def align(image: NDArray[np.uint8], landmarks: NDArray[np.floating]) -> NDArray[np.uint8]:
    """ArcFace's crop of a face as (112, 112, 3) uint8; black where the picture ends.

    Args:
        image: (H, W, 3) uint8.
        landmarks: (5, 2) pixels, in the order that the module names.

    Raises:
        ValueError: the image is not (H, W, 3) uint8, or the landmarks are not five finite points,
            lie within a pixel, or far outside the image.

    Source: similarity and bilinear sampling as in InsightFace's and AdaFace's evaluation code.
    """
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        raise ValueError(f"image: {getattr(image, 'dtype', type(image).__name__)}, expected uint8")
    if image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"image: shape {image.shape}, expected (H, W, 3)")
    points = _landmarks(landmarks, *image.shape[:2])
    return cv2.warpAffine(
        image, similarity(points), (SIZE, SIZE), flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT, borderValue=(0, 0, 0),
    )  # fmt: skip


def _landmarks(landmarks: NDArray[np.floating], height: int, width: int) -> NDArray[np.float64]:
    points = _points(landmarks, "landmarks", count=5)
    spread = float(np.sqrt(points.var(axis=0).sum()))
    if spread < _LEAST_SPREAD:
        raise ValueError(f"landmarks: all within {spread:.2g} pixels, expected five points")
    margin = _FURTHEST * max(height, width)
    if (points < -margin).any() or (points > np.array([width, height]) + margin).any():
        raise ValueError(
            f"landmarks: reach from {points.min(axis=0).round(1).tolist()} to "
            f"{points.max(axis=0).round(1).tolist()}, far outside the image of {width}x{height}"
        )
    return points


def _points(
    values: NDArray[np.floating], name: str, count: int | None = None
) -> NDArray[np.float64]:
    expected = f"expected ({count or 'N'}, 2)"
    try:
        points = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: not numbers, {expected}") from None
    if points.ndim != 2 or points.shape[1] != 2 or not 2 <= len(points) == (count or len(points)):
        raise ValueError(f"{name}: shape {points.shape}, {expected}")
    if not np.isfinite(points).all():
        raise ValueError(f"{name}: {points.tolist()} holds a number that is not finite")
    return points
