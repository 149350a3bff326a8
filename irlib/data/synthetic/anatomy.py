"""From identity and age to the measures and colours of a face.

Shapes: B faces, T traits; every measure is (B,).
Units: lengths in adult distances between the pupils, origin midway between the pupils of the
average adult, x to the right and y downwards; colours in [0, 1]; ages in years.
"""

import numpy as np
from numpy.typing import NDArray

from irlib.data.synthetic.colors import Measures, face_colors
from irlib.data.synthetic.growth import (
    cardioidal_strain,
    greying,
    grown,
    hair_loss,
    maturity,
    puberty,
    sagging,
    smoothstep,
    strain_coefficient,
    wrinkling,
)
from irlib.data.synthetic.traits import INDEX, TRAITS, Identities

AT_BIRTH = np.array([trait.at_birth for trait in TRAITS])
MIDPOINT = np.array([trait.midpoint for trait in TRAITS])
DRIFT = np.array([trait.drift for trait in TRAITS])

SPREAD = 1.3  # of the traits, for faces that differ as much as a small net can learn to tell


def traits_at(people: Identities, age: NDArray[np.float64]) -> NDArray[np.float64]:
    """Traits that show at an age: drifted from the infant's and scaled by their maturity.

    Args:
        people: B identities, one per face.
        age: (B,) years.

    Returns:
        (B, T) deviations in adult standard deviations; those of children are smaller.
    """
    share = maturity(age[:, None], AT_BIRTH, MIDPOINT)
    angle = 0.5 * np.pi * DRIFT * (1.0 - smoothstep(age[:, None], 1.0, 21.0))
    return share * (np.cos(angle) * people.adult + np.sin(angle) * people.infant)


def _geometry(z: dict[str, NDArray], sex: NDArray, fat: NDArray) -> Measures:
    """Landmarks and outline of the grown face, before growth is taken back."""
    return {
        "eye_x": 0.5 + 0.024 * z["eye_spacing"],
        "eye_y": 0.0 * sex,
        "brow_y": -0.36 - 0.036 * z["brow_height"] + 0.026 * sex,
        "nose_y": 0.70 + 0.050 * z["nose_length"] + 0.014 * sex,
        "mouth_y": 1.12 + 0.042 * z["mouth_height"] + 0.036 * z["nose_length"] + 0.02 * sex,
        "chin_y": 1.79 + 0.075 * z["chin_length"] + 0.065 * sex + 0.03 * z["mouth_height"],
        "top_y": -1.70 - 0.03 * z["forehead"],
        "hair_y": -1.00 - 0.09 * z["forehead"],
        "outline_y": 0.10 + 0.02 * z["cheek_bone"],
        "outline_w": 1.15 + 0.050 * z["face_width"] + 0.028 * sex + 0.035 * fat,
        "ear_y": 0.22 + 0.02 * z["ear_size"],
    }


def _grow(face: Measures, age: NDArray) -> Measures:
    """The same face at `age`: each landmark and the outline under cardioidal strain."""
    k = strain_coefficient(age)
    moved = dict(face)
    moved["eye_x"], moved["eye_y"] = cardioidal_strain(face["eye_x"], face["eye_y"], k)
    for name in ("brow_y", "nose_y", "mouth_y", "chin_y", "top_y", "hair_y", "ear_y"):
        across = face["eye_x"] if name == "brow_y" else 0.0 * k
        moved[name] = cardioidal_strain(across, face[name], k)[1]
    moved["outline_w"], moved["outline_y"] = cardioidal_strain(
        face["outline_w"], face["outline_y"], k
    )
    moved["unit"] = moved["eye_x"] / 0.5  # half the distance of the pupils, relative to an adult
    return moved


def _outline(
    z: dict[str, NDArray], sex: NDArray, fat: NDArray, sag: NDArray, young: NDArray
) -> Measures:
    return {
        "jaw_square": np.clip(
            0.26 + 0.13 * z["jaw_square"] + 0.15 * sex + 0.14 * sag + 0.05 * fat, 0.0, 0.9
        ),
        "taper": np.clip(
            0.26 - 0.055 * z["jaw_width"] - 0.065 * sex - 0.05 * fat - 0.05 * sag - 0.14 * young,
            0.04, 0.46,
        ),
        "chin_w": np.clip(0.30 + 0.05 * z["chin_width"] + 0.05 * sex, 0.18, 0.48),
        "chin_bump": np.clip(0.13 + 0.04 * z["chin_length"] + 0.02 * sex, 0.03, 0.26),
        "cheek_bone": np.clip(0.12 + 0.05 * z["cheek_bone"] - 0.06 * young, 0.0, 0.3),
        "cheek_fat": np.clip(0.06 + 0.05 * fat + 0.16 * young - 0.03 * sag, 0.0, 0.35),
    }  # fmt: skip


def _eyes(z: dict[str, NDArray], sex: NDArray, sag: NDArray, grow: NDArray) -> Measures:
    young = 1.0 - grow
    return {
        "eye_w": (0.252 + 0.015 * z["eye_size"]) * (1.0 - 0.03 * young),
        "eye_h": (0.094 + 0.013 * z["eye_open"] - 0.008 * sex - 0.015 * sag) * (1 + 0.30 * young),
        "eye_tilt": 0.035 + 0.055 * z["eye_tilt"] - 0.015 * sex - 0.05 * sag,
        "eye_fold": np.clip(z["eye_fold"] * 0.4, -0.4, 1.2),
        "eye_depth": np.clip(0.55 + 0.22 * z["eye_depth"] + 0.16 * sex - 0.4 * young, 0.05, 1.4),
        "iris_r": 0.104 * (1.0 - 0.02 * young) + 0.002 * z["eye_size"],
        "lash": np.clip(0.60 - 0.32 * sex - 0.12 * sag, 0.15, 1.0),
        "brow_thick": np.clip(
            (0.046 + 0.012 * z["brow_thick"] + 0.015 * sex) * (0.72 + 0.28 * grow), 0.018, 0.09
        ),
        "brow_arch": 0.065 + 0.030 * z["brow_arch"] - 0.028 * sex,
        "brow_tilt": 0.02 + 0.05 * z["brow_tilt"] - 0.03 * sag,
        "brow_in": 0.20 + 0.035 * z["brow_gap"] - 0.02 * sex,
        "brow_out": 0.80 + 0.02 * z["brow_gap"],
        "brow_strength": np.clip(0.50 + 0.30 * grow + 0.06 * z["brow_thick"], 0.3, 0.95),
    }


def _nose_mouth(z: dict[str, NDArray], sex: NDArray, sag: NDArray, grow: NDArray) -> Measures:
    thin = 1.0 - 0.38 * np.clip(sag, 0, 1.2)
    return {
        "nose_w": (0.262 + 0.034 * z["nose_width"] + 0.020 * sex) * (0.76 + 0.24 * grow)
        + 0.018 * sag,
        "nose_bridge": np.clip(0.52 + 0.20 * z["nose_bridge"] + 0.10 * sex, 0.1, 1.2)
        * (0.25 + 0.75 * grow),
        "nose_tip": np.clip(0.125 + 0.020 * z["nose_tip"] + 0.008 * sex, 0.07, 0.19)
        * (0.85 + 0.15 * grow)
        + 0.010 * sag,
        "nose_up": 0.5 * (1.0 - grow) + 0.25 * z["nostril"] - 0.35 * sag,
        "mouth_w": (0.405 + 0.034 * z["mouth_width"] + 0.010 * sex) * (0.78 + 0.22 * grow),
        "upper_lip": np.clip(0.080 + 0.017 * z["upper_lip"] - 0.016 * sex, 0.03, 0.15) * thin,
        "lower_lip": np.clip(0.106 + 0.020 * z["lower_lip"] - 0.014 * sex, 0.05, 0.18) * thin,
        "mouth_curve": 0.10 + 0.16 * z["mouth_curve"] - 0.22 * sag,
        "cupid_bow": np.clip(0.5 + 0.25 * z["cupid_bow"] + 0.2 * (1 - grow), 0.0, 1.2),
    }


def _hair(z: dict[str, NDArray], people: Identities, age: NDArray) -> Measures:
    infancy = 1.0 - smoothstep(age, 0.3, 3.0)
    loss = hair_loss(age, people.adult[:, INDEX["balds_early"]], people.male)
    return {
        "hair_loss": np.clip(loss, 0.0, 1.0),
        "hair_thin": np.clip(0.85 * infancy, 0.0, 0.9),
        "hair_curl": np.clip(0.18 + 0.30 * z["hair_curl"], 0.0, 1.2),
        "grey": greying(age, people.adult[:, INDEX["greys_early"]]),
    }


def _moles(people: Identities, age: NDArray) -> NDArray[np.float64]:
    """(B, MOLES, 4) moles, one after the other appearing in childhood and youth."""
    moles = people.moles.copy()
    for k in range(moles.shape[1]):
        moles[:, k, 3] *= smoothstep(age, 3.0 + 6.0 * k, 8.0 + 6.0 * k)
    return moles


def face_measures(people: Identities, age: NDArray[np.float64]) -> Measures:
    """Measures and colours of each person's face at an age.

    Args:
        people: B identities, one per face.
        age: (B,) years.

    Returns:
        Name to (B,) array, or (B, 3) for colours.

    Source: proportions of the adult face follow the averages tabulated by Farkas, "Anthropometry
        of the head and face" (1994); growth is `growth.cardioidal_strain`.
    """
    shown = traits_at(people, age)
    z = {trait.name: SPREAD * shown[:, column] for column, trait in enumerate(TRAITS)}
    grow = grown(age)
    young = 1.0 - grow
    sex = (2.0 * people.male - 1.0) * puberty(age)
    wrinkle = wrinkling(age, people.adult[:, INDEX["wrinkles_early"]])
    sag = sagging(age, people.adult[:, INDEX["sags_early"]])
    fat = z["fat"] + 0.35 * smoothstep(age, 25, 50) - 0.5 * smoothstep(age, 65, 85)

    face = _grow(_geometry(z, sex, fat), age)
    face["outline_w"] = face["outline_w"] * (1.0 + 0.07 * young)
    face["chin_y"] = face["chin_y"] - 0.05 * young
    face["brow_y"] = face["brow_y"] + 0.04 * sag
    face["nose_y"] = face["nose_y"] + 0.04 * sag
    face["mouth_y"] = face["mouth_y"] + 0.03 * sag
    face |= _outline(z, sex, fat, sag, young)
    face |= _eyes(z, sex, sag, grow)
    face |= _nose_mouth(z, sex, sag, grow)
    face |= _hair(z, people, age)
    face |= face_colors(z, sex, age, face["grey"])
    adult_man = people.male * smoothstep(age, 15.0, 22.0)
    face |= {
        "age": age, "young": young, "sex": sex, "wrinkle": wrinkle, "sag": sag,
        "ear_h": (0.30 + 0.03 * z["ear_size"] + 0.03 * sag) * (0.88 + 0.12 * grow),
        "ear_out": np.clip(0.10 + 0.03 * z["ear_out"] + 0.02 * young, 0.02, 0.22),
        "neck_w": (0.66 + 0.10 * sex + 0.05 * fat) * (0.68 + 0.32 * grow),
        "asymmetry_x": 0.018 * z["asymmetry_x"], "asymmetry_y": 0.014 * z["asymmetry_y"],
        "moles": _moles(people, age),
        "beard": adult_man * np.clip(0.55 + 0.25 * z["beard_density"], 0.05, 1.0),
    }  # fmt: skip
    return face
