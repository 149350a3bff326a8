"""Who a person is: the latent traits of an identity, drawn once and the same at every age.

Shapes: I identities, T traits.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Trait:
    """One latent trait, standard normal over the adults of one population.

    Args:
        name: what it moves.
        at_birth: share of the adult's deviation that a newborn shows, in [0, 1].
        midpoint: years at which half of the rest has appeared.
        drift: share of a right angle between the trait of the newborn and of the adult; 0 keeps
            the trait for life, 1 makes the child's value independent of the adult's.
    """

    name: str
    at_birth: float
    midpoint: float
    drift: float


TRAITS = (
    Trait("face_width", 0.32, 11.0, 0.56),
    Trait("jaw_width", 0.14, 14.0, 0.75),
    Trait("jaw_square", 0.09, 14.5, 0.75),
    Trait("chin_length", 0.14, 14.0, 0.75),
    Trait("chin_width", 0.14, 14.0, 0.75),
    Trait("cheek_bone", 0.14, 13.0, 0.75),
    Trait("fat", 0.36, 11.0, 0.95),
    Trait("forehead", 0.36, 9.0, 0.56),
    Trait("eye_spacing", 0.36, 9.0, 0.5),
    Trait("eye_size", 0.36, 9.0, 0.5),
    Trait("eye_open", 0.41, 9.0, 0.56),
    Trait("eye_tilt", 0.41, 9.0, 0.44),
    Trait("eye_fold", 0.75, 6.0, 0.25),
    Trait("eye_depth", 0.14, 13.0, 0.62),
    Trait("brow_height", 0.27, 11.0, 0.62),
    Trait("brow_thick", 0.27, 12.0, 0.56),
    Trait("brow_arch", 0.27, 12.0, 0.62),
    Trait("brow_tilt", 0.27, 12.0, 0.62),
    Trait("brow_gap", 0.27, 12.0, 0.62),
    Trait("nose_length", 0.18, 13.0, 0.69),
    Trait("nose_width", 0.32, 12.0, 0.56),
    Trait("nose_bridge", 0.11, 14.0, 0.69),
    Trait("nose_tip", 0.18, 13.0, 0.69),
    Trait("nostril", 0.23, 12.0, 0.62),
    Trait("mouth_width", 0.32, 11.0, 0.62),
    Trait("upper_lip", 0.36, 10.0, 0.56),
    Trait("lower_lip", 0.36, 10.0, 0.56),
    Trait("mouth_height", 0.27, 12.0, 0.69),
    Trait("mouth_curve", 0.36, 10.0, 0.62),
    Trait("cupid_bow", 0.36, 10.0, 0.56),
    Trait("ear_size", 0.36, 9.0, 0.5),
    Trait("ear_out", 0.54, 8.0, 0.44),
    Trait("asymmetry_x", 0.27, 11.0, 0.62),
    Trait("asymmetry_y", 0.27, 11.0, 0.62),
    Trait("skin_tone", 0.95, 5.0, 0.12),
    Trait("skin_red", 0.5, 9.0, 0.5),
    Trait("iris_hue", 1.0, 5.0, 0.0),
    Trait("iris_light", 0.8, 5.0, 0.2),
    Trait("hair_dark", 0.75, 9.0, 0.3),
    Trait("hair_red", 0.9, 6.0, 0.15),
    Trait("hair_curl", 0.5, 9.0, 0.4),
    Trait("freckles", 0.5, 8.0, 0.1),
    Trait("greys_early", 1.0, 5.0, 0.0),
    Trait("balds_early", 1.0, 5.0, 0.0),
    Trait("wrinkles_early", 1.0, 5.0, 0.0),
    Trait("sags_early", 1.0, 5.0, 0.0),
    Trait("beard_density", 1.0, 5.0, 0.0),
)
INDEX = {trait.name: position for position, trait in enumerate(TRAITS)}
MOLES = 3
STYLES = ("hair_volume", "fringe", "part", "length")  # of the hair, kept for a decade
DECADES = 10

# Correlated means of five appearance poles; a person is a random mixture of them.
POLES: tuple[dict[str, float], ...] = (
    {"skin_tone": -1.25, "hair_dark": -1.1, "iris_hue": -1.1, "freckles": 0.5, "nose_width": -0.5},
    {"skin_tone": -0.45, "hair_dark": 0.35, "iris_hue": 0.6, "nose_bridge": 0.6, "brow_thick": 0.5},
    {"skin_tone": 0.65, "hair_dark": 1.1, "iris_hue": 1.3, "brow_thick": 0.4, "freckles": -1.0},
    {
        "skin_tone": -0.35, "hair_dark": 1.4, "iris_hue": 1.4, "eye_fold": 2.2, "nose_bridge": -1.1,
        "face_width": 0.5, "eye_open": -0.7, "hair_curl": -1.2, "freckles": -1.0,
    },
    {
        "skin_tone": 1.7, "hair_dark": 1.5, "iris_hue": 1.6, "nose_width": 1.4, "upper_lip": 1.2,
        "lower_lip": 1.1, "hair_curl": 2.2, "nose_bridge": -0.9, "freckles": -1.2,
    },
)  # fmt: skip


@dataclass(frozen=True)
class Identities:
    """Latent description of I people.

    Args:
        adult: (I, T) traits of the grown person, in standard deviations.
        infant: (I, T) traits that the newborn drifts away from.
        male: (I,) 1 male, 0 female.
        moles: (I, MOLES, 4) x and y in face coordinates, size, darkness in [0, 1].
        style: (I, DECADES, STYLES) hair style of each decade of life, standard normal.
    """

    adult: NDArray[np.float64]
    infant: NDArray[np.float64]
    male: NDArray[np.float64]
    moles: NDArray[np.float64]
    style: NDArray[np.float64]

    def __len__(self) -> int:
        """Number of people."""
        return len(self.male)

    def take(self, index: NDArray[np.integer]) -> "Identities":
        """The people at `index`, repeated where it repeats."""
        return Identities(**{name: values[index] for name, values in vars(self).items()})


def identity_generator(seed: int, person: int) -> np.random.Generator:
    """Stream of random numbers of one person, whoever else is drawn."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 0, person])))


def draw_identities(seed: int, people: NDArray[np.integer]) -> Identities:
    """Traits of the numbered people of a seed.

    Args:
        seed: root of every stream.
        people: (I,) numbers, each a stream of its own.
    """
    adult = np.empty((len(people), len(TRAITS)))
    infant = np.empty_like(adult)
    male = np.empty(len(people))
    moles = np.empty((len(people), MOLES, 4))
    style = np.empty((len(people), DECADES, len(STYLES)))
    for row, person in enumerate(people):
        rng = identity_generator(seed, int(person))
        weights = rng.dirichlet(np.full(len(POLES), 0.25))
        mean = np.zeros(len(TRAITS))
        for weight, pole in zip(weights, POLES, strict=True):
            for name, value in pole.items():
                mean[INDEX[name]] += weight * value
        adult[row] = mean + np.clip(rng.standard_normal(len(TRAITS)), -2.2, 2.2)
        infant[row] = mean + np.clip(rng.standard_normal(len(TRAITS)), -2.2, 2.2)
        male[row] = rng.random() < 0.5
        moles[row, :, 0] = rng.uniform(-0.85, 0.85, MOLES)
        moles[row, :, 1] = rng.uniform(-0.7, 1.5, MOLES)
        moles[row, :, 2] = rng.uniform(0.014, 0.034, MOLES)
        moles[row, :, 3] = rng.uniform(0.2, 0.85, MOLES) * (rng.random(MOLES) < 0.35)
        style[row] = np.clip(rng.standard_normal(style[row].shape), -1.8, 1.8)
    return Identities(adult, infant, male, moles, style)
