"""What changes from one photograph of a person to the next.

Shapes: B images; every array is (B,) or, for colours, (B, 3).
Units: angles in radians, shifts in pixels, colours in [0, 1].
"""

import numpy as np
from numpy.typing import NDArray

Nuisance = dict[str, NDArray[np.float64]]

# name: (centre, spread at difficulty 1); normal draws are clipped at two spreads.
SCALARS: dict[str, tuple[float, float]] = {
    "yaw": (0.0, 0.13),
    "pitch": (0.0, 0.06),
    "roll": (0.0, 0.028),
    "shift_x": (0.0, 0.7),
    "shift_y": (0.0, 0.7),
    "zoom": (1.0, 0.02),
    "light_x": (0.0, 0.26),
    "light_y": (-0.35, 0.12),
    "light_contrast": (0.62, 0.1),
    "exposure": (1.0, 0.06),
    "warmth": (0.0, 0.03),
    "tint": (0.0, 0.01),
    "smile": (0.25, 0.22),
    "mouth_open": (-0.1, 0.24),
    "brow_raise": (0.0, 0.3),
    "eye_closure": (0.0, 0.06),
    "gaze_x": (0.0, 0.2),
    "gaze_y": (0.0, 0.11),
    "weight": (0.0, 0.15),
    "hair_volume": (0.0, 0.45),
    "hair_messy": (0.0, 0.7),
    "fringe": (0.0, 0.45),
    "part": (0.0, 0.45),
    "length": (0.0, 0.35),
    "blur": (0.25, 0.2),
    "noise": (0.006, 0.005),
}
SHARES: dict[str, float] = {  # probability at difficulty 1
    "glasses": 0.07,
    "dark_glasses": 0.008,
    "bearded": 0.2,
    "moustached": 0.08,
    "makeup": 0.3,
    "tied_back": 0.16,
    "monochrome": 0.09,
    "low_resolution": 0.1,
}


def image_generator(seed: int, person: int, image: int) -> np.random.Generator:
    """Stream of random numbers of one image, whatever else is drawn."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 1, person, image])))


def _muted(color: NDArray[np.float64]) -> NDArray[np.float64]:
    grey = 1.35 * (color.mean(axis=1, keepdims=True) - 0.5) + 0.5
    return np.clip(grey + 0.4 * (color - color.mean(axis=1, keepdims=True)), 0.06, 0.95)


def draw_nuisance(
    seed: int, people: NDArray[np.integer], images: NDArray[np.integer], *, difficulty: float
) -> Nuisance:
    """Nuisance of the numbered images.

    Args:
        seed: root of every stream.
        people: (B,) person of each image.
        images: (B,) number of each image among its person's.
        difficulty: factor on every spread and share; 0 gives the same calm studio portrait.
    """
    count = len(people)
    normals = np.empty((count, len(SCALARS)))
    uniforms = np.empty((count, len(SHARES)))
    extra = np.empty((count, 16))
    for row in range(count):
        rng = image_generator(seed, int(people[row]), int(images[row]))
        normals[row] = rng.standard_normal(len(SCALARS))
        uniforms[row] = rng.random(len(SHARES))
        extra[row] = rng.random(16)
    drawn = {
        name: center + spread * difficulty * np.clip(normals[:, column], -2.0, 2.0)
        for column, (name, (center, spread)) in enumerate(SCALARS.items())
    }
    for column, (name, share) in enumerate(SHARES.items()):
        drawn[name] = (uniforms[:, column] < share * difficulty).astype(np.float64)
    spread = min(difficulty, 1.0)
    drawn["backdrop"] = _muted(0.55 + spread * 0.7 * (extra[:, 0:3] - 0.5))
    drawn["backdrop_to"] = _muted(0.55 + spread * 0.7 * (extra[:, 3:6] - 0.5))
    drawn["cloth"] = _muted(0.4 + spread * 0.7 * (extra[:, 6:9] - 0.5))
    drawn["backdrop_angle"] = 2.0 * np.pi * extra[:, 9]
    drawn["texture_x"], drawn["texture_y"] = extra[:, 10], extra[:, 11]
    drawn["backdrop_texture"] = extra[:, 12] * spread
    drawn["frame_hue"] = extra[:, 13]
    drawn["quality"] = np.round(92.0 - spread * 40.0 * extra[:, 14] ** 2)
    drawn["resolution"] = 0.45 + 0.3 * extra[:, 15]
    return drawn
