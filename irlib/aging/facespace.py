"""Does a 112x112 picture look like the aligned crops that a network was trained on?

A generator that was trained on aligned crops makes nonsense of others. Without a face detector they
are told in a space of small gray pictures: by their distance from it, and by whether a Gaussian of
the training crops fits better there than one of the same crops moved out of alignment.

Source: Turk and Pentland, "Eigenfaces for recognition" (Journal of Cognitive Neuroscience 3, 1991),
for the distance; Moghaddam and Pentland, "Probabilistic visual learning for object representation"
(IEEE TPAMI 19, 1997), for a Gaussian in the space. The second Gaussian is this project's.

Shapes: N crops, K axes of the space, P = 784 pixels of a small picture.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from irlib import runs
from irlib.aging.disturbing import disturbed
from irlib.aging.gaussians import Gaussian
from irlib.data.sources import Images, crops

FILE = "facespace.npz"  # in the folder of a synthesis run
LEAST_CROPS = 100  # fewer say nothing of what faces look like

_MOST_CROPS = 6_000
_AXES, _CROPS_EACH_AXIS = 120, 8  # fewer axes where there are few crops
_MOVED_EACH = 2  # pictures out of alignment, of each crop
_ACCEPTED = 0.997  # share of the training crops whose score passes
_BEYOND = 0.0005  # share of them beyond each limit of the distance
_FOLDS = 4
_GRAY = torch.tensor([0.299, 0.587, 0.114])  # ITU-R BT.601
_MOVED_SIDE, _SIDE = 56, 28  # pixels of what is moved, and of what is compared
_PLAIN = 1e-3  # of 255; a picture of one color has less contrast
_BATCH = 512
_ARRAYS = ("mean", "axes", "aligned_mean", "aligned_whitening", "moved_mean", "moved_whitening")
_ARRAYS += ("greatest_score", "distances")


@dataclass(frozen=True, eq=False)
class FaceSpace:
    """Tells aligned crops from other pictures.

    Args:
        mean: (P,) small gray picture.
        axes: (K, P), orthonormal.
        aligned: in the space, of the training crops.
        moved: in the space, of the same crops out of alignment.
        greatest_score: of a crop that passes.
        distances: (2,) least and greatest distance from the space of a crop that passes; a picture
            without detail lies too near.
    """

    mean: NDArray[np.float32]
    axes: NDArray[np.float32]
    aligned: Gaussian
    moved: Gaussian
    greatest_score: float = np.inf
    distances: tuple[float, float] = (0.0, np.inf)

    @classmethod
    def of(cls, images: Images, *, seed: int) -> Self:
        """The space of the crops that a network is trained on.

        Args:
            images: the training crops, at least `LEAST_CROPS`; of many, 6,000 are drawn.
            seed: of that draw and of how crops are moved.

        Raises:
            ValueError: too few, or one of another size or damaged.
        """
        if len(images) < LEAST_CROPS:
            raise ValueError(
                f"face space: {len(images)} training crops, expected at least {LEAST_CROPS}"
            )
        rng = np.random.default_rng(seed)
        rows = rng.permutation(len(images))[:_MOST_CROPS]
        batches = (rows[start : start + _BATCH].tolist() for start in range(0, len(rows), _BATCH))
        gray = np.concatenate([_gray(crops(images, batch)) for batch in batches])
        moved = np.stack([_small(disturbed(gray, rng)) for _ in range(_MOVED_EACH)])
        return cls._with_limits(_small(gray), moved)

    # the limits come from crops that the Gaussians have not seen, else they would be too narrow
    @classmethod
    def _with_limits(cls, aligned: NDArray[np.float32], moved: NDArray[np.float32]) -> Self:
        count, unseen = min(_AXES, len(aligned) // _CROPS_EACH_AXIS), []
        fold = np.arange(len(aligned)) % _FOLDS
        for each in range(_FOLDS):
            part = cls._fitted(aligned[fold != each], moved[:, fold != each], count)
            unseen.append(part._measured(aligned[fold == each]))
        scores, distances = np.concatenate(unseen, axis=1)
        least, greatest = np.quantile(distances, (_BEYOND, 1 - _BEYOND)).tolist()
        return replace(
            cls._fitted(aligned, moved, count),
            greatest_score=float(np.quantile(scores, _ACCEPTED)),
            distances=(least, greatest),
        )

    # aligned (N, P), moved (m, N, P)
    @classmethod
    def _fitted(cls, aligned: NDArray[np.float32], moved: NDArray[np.float32], count: int) -> Self:
        both = np.concatenate([aligned, moved[0]])
        mean = both.mean(axis=0)
        _, vectors = np.linalg.eigh((both - mean).T @ (both - mean))  # growing
        axes = np.ascontiguousarray(vectors[:, ::-1][:, :count].T)
        kinds = (aligned, np.concatenate(list(moved)))
        return cls(mean, axes, *(Gaussian.of((kind - mean) @ axes.T) for kind in kinds))

    def scores(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(N,) how much more a crop looks like one out of alignment: log of the density ratio.

        Args:
            images: (N, 112, 112, 3) uint8 RGB.

        Raises:
            ValueError: images of another kind.
        """
        return self._measured(_small(_gray(images)))[0]

    def accepts(self, images: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """(N,) whether each looks like an aligned crop.

        Args:
            images: (N, 112, 112, 3) uint8 RGB.

        Raises:
            ValueError: images of another kind.
        """
        scores, distances = self._measured(_small(_gray(images)))
        nearest, furthest = self.distances
        return (scores <= self.greatest_score) & (distances >= nearest) & (distances <= furthest)

    # (2, N): scores, and distances from the space
    def _measured(self, small: NDArray[np.float32]) -> NDArray[np.float64]:
        deviations = small - self.mean
        points = deviations @ self.axes.T
        scores = self.moved.log_density(points) - self.aligned.log_density(points)
        return np.stack([scores, np.linalg.norm(deviations - points @ self.axes, axis=1)])

    def save(self, path: Path) -> None:
        """Write the space, about 0.6 MB; it holds means of faces and no single face.

        Raises:
            OSError: it cannot be written.
        """
        values = (
            self.mean, self.axes, self.aligned.mean, self.aligned.whitening, self.moved.mean,
            self.moved.whitening, self.greatest_score, self.distances,
        )  # fmt: skip
        with runs.atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **dict(zip(_ARRAYS, map(np.asarray, values), strict=True)))

    @classmethod
    def load(cls, path: Path) -> Self:
        """What `save` wrote.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is damaged or of something else.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                mean, axes, *gaussians, score, distances = (file[name] for name in _ARRAYS)
                least, greatest = distances.tolist()
        except FileNotFoundError:
            raise FileNotFoundError(f"{path}: no such face space; notebook 06 makes it") from None
        except Exception as error:  # numpy raises many kinds for a damaged file
            raise ValueError(f"{path}: not a face space ({error})") from None
        aligned, moved = Gaussian(*gaussians[:2]), Gaussian(*gaussians[2:])
        return cls(mean, axes, aligned, moved, float(score), (least, greatest))


# (N, 56, 56)
def _gray(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    if images.dtype != np.uint8 or images.shape[1:] != (112, 112, 3):
        raise ValueError(f"images: {images.dtype} {images.shape}, expected uint8 (N, 112, 112, 3)")
    gray = torch.from_numpy(np.ascontiguousarray(images)).float() @ _GRAY
    return _pooled(gray, _MOVED_SIDE)


# (N, P), each of mean 0 and variance 1: light and contrast of a picture say nothing
def _small(gray: NDArray[np.float32]) -> NDArray[np.float32]:
    flat = _pooled(torch.from_numpy(gray), _SIDE).reshape(len(gray), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    return flat / np.maximum(flat.std(axis=1, keepdims=True), _PLAIN)


def _pooled(gray: torch.Tensor, side: int) -> NDArray[np.float32]:
    return F.avg_pool2d(gray[:, None], gray.shape[-1] // side)[:, 0].numpy()
