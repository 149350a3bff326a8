"""Portraits from measures and nuisance: the painters, in order.

Shapes: B images; a picture is (SIZE, SIZE, 3).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from irlib.data.synthetic import features, hair, skin, wrinkles
from irlib.data.synthetic.anatomy import Measures, face_measures
from irlib.data.synthetic.camera import View, develop, view
from irlib.data.synthetic.canvas import SIZE, Plane, column
from irlib.data.synthetic.growth import smoothstep
from irlib.data.synthetic.nuisance import Nuisance
from irlib.data.synthetic.traits import DECADES, STYLES, Identities

CHUNK = 8  # images painted together; their planes stay in the cache

KEPT = (  # measures that stay as they are, for more than one number each
    "skin",
    "hair",
    "brow",
    "iris",
    "backdrop",
    "backdrop_to",
    "cloth",
    "frame",
    "beard_color",
    "moles",
)
FRAMES = np.array([[0.07, 0.06, 0.06], [0.30, 0.17, 0.09], [0.62, 0.55, 0.40], [0.45, 0.46, 0.50]])


def _style(face: Measures, nuisance: Nuisance, people: Identities) -> Measures:
    """Hair style, expression and accessories of the day: nuisance within what age and sex allow."""
    age, male = face["age"], people.male
    decade = np.clip(age / 10.0, 0, DECADES - 1).astype(int)
    habit = people.style[np.arange(len(age)), decade]
    hair_style = {name: nuisance[name] + 0.8 * habit[:, k] for k, name in enumerate(STYLES)}
    woman = np.where(male > 0.5, 0.0, np.clip((age - 1.5) / 4.0, 0.0, 1.0))
    grow = 1.0 - face["young"]
    length = woman * np.clip(
        0.75 + 0.55 * hair_style["length"] - 0.35 * smoothstep(age, 50.0, 70.0), 0.0, 1.3
    )
    length = length + (1 - woman) * np.clip(0.05 + 0.22 * hair_style["length"], 0.0, 0.6)
    length = np.where(nuisance["tied_back"] * woman > 0.5, 0.12, length)
    length = length * np.clip(age / 2.5, 0.25, 1.0)
    fringe = np.clip(0.02 + 0.40 * hair_style["fringe"] + 0.12 * woman, 0.0, 1.0)
    fringe = np.where(face["hair_curl"] > 0.6, 0.4 * fringe, fringe) * np.clip(age / 3.0, 0.15, 1.0)
    beard = face["beard"] * np.where(nuisance["bearded"] > 0.5, 0.85, 0.22)
    frame = np.minimum((nuisance["frame_hue"] * len(FRAMES)).astype(int), len(FRAMES) - 1)
    glasses = np.maximum(nuisance["glasses"], nuisance["dark_glasses"]) * (age > 6)
    volume = np.clip(0.16 + 0.07 * hair_style["hair_volume"] + 0.05 * woman, 0.03, 0.42)
    return {
        "long": np.clip(length, 0.0, 1.0),
        "hair_end": face["ear_y"] - 0.15 + 2.1 * length,
        "opening": 0.985 - 0.13 * np.clip(length, 0, 1) - 0.03 * nuisance["hair_messy"] * woman,
        "fringe": fringe,
        "part": np.clip(hair_style["part"], -1.3, 1.3),
        "messy": np.clip(0.5 + nuisance["hair_messy"], 0.0, 2.0),
        "volume": volume * (0.35 + 0.65 * np.clip(age / 4.0, 0, 1)) * (1 - 0.5 * face["hair_thin"]),
        "beard_now": beard, "moustache_now": 0.85 * face["beard"] * nuisance["moustached"],
        "beard_color": 0.75 * face["brow"] + 0.25 * face["hair"],
        "makeup": np.where(male > 0.5, 0.0, nuisance["makeup"] * np.clip((age - 14) / 4, 0, 1)),
        "glasses": glasses, "dark_glasses": nuisance["dark_glasses"] * glasses,
        "frame": FRAMES[frame], "frame_round": (nuisance["frame_hue"] * 7) % 1.0,
        "frame_bold": (nuisance["frame_hue"] * 13) % 1.0,
        "closure": np.clip(nuisance["eye_closure"], -0.15, 0.6) * (0.4 + 0.6 * grow),
        "smile": nuisance["smile"], "mouth_open": nuisance["mouth_open"],
        "brow_raise": nuisance["brow_raise"],
        "gaze_x": nuisance["gaze_x"], "gaze_y": nuisance["gaze_y"],
        "offset": nuisance["texture_x"],
        "backdrop": nuisance["backdrop"], "backdrop_to": nuisance["backdrop_to"],
        "backdrop_angle": nuisance["backdrop_angle"],
        "backdrop_texture": nuisance["backdrop_texture"], "cloth": nuisance["cloth"],
        "cheek_fat": np.clip(face["cheek_fat"] + 0.04 * nuisance["weight"], 0.0, 0.4),
        "outline_w": face["outline_w"] * (1.0 + 0.015 * nuisance["weight"]),
    }  # fmt: skip


def _for_some(
    painter: Callable[[Plane, skin.Face, View, Plane], None], image: Plane, face: skin.Face,
    look: View, cover: Plane, chosen: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Run a painter on the chosen images only; it would leave the others as they are."""
    rows = np.flatnonzero(chosen)
    if len(rows) == 0:
        return
    some = skin.Face(**{name: values[rows] for name, values in vars(face).items()})
    near = View(**{name: values[rows] for name, values in vars(look).items()})
    view = image[:, rows]
    painter(view, some, near, cover[rows])
    image[:, rows] = view


def _paint(measures: Measures, nuisance: Nuisance, people: Identities) -> NDArray[np.uint8]:
    measures = measures | _style(measures, nuisance, people)
    look = view(measures, nuisance)
    columns = {k: column(v) for k, v in measures.items() if k not in KEPT}
    colors = {k: np.asarray(measures[k], dtype=np.float32) for k in KEPT}
    face = skin.Face(**columns, **colors)
    light = skin.Face(
        x=column(nuisance["light_x"]), y=column(nuisance["light_y"]),
        contrast=column(np.clip(nuisance["light_contrast"], 0.2, 1.1)),
    )  # fmt: skip
    image = hair.paint_backdrop(face, len(people))
    paint, silhouette, strands = hair.paint_behind(image, face, light, look)
    hair.paint_body(image, face, light, look)
    hair.paint_ears(image, face, light, look)
    cover = skin.paint_skin(image, face, light, look)
    wrinkles.paint_forehead(image, face, look, cover)
    wrinkles.paint_temples(image, face, look, cover)
    wrinkles.paint_folds(image, face, look, cover)
    _for_some(features.paint_beard, image, face, look, cover, measures["beard"] > 0.0)
    features.paint_nose(image, face, look)
    features.paint_mouth(image, face, look)
    for side in (-1, 1):
        features.paint_eye(image, face, light, look, side)
    features.paint_brows(image, face, look)
    _for_some(features.paint_moles, image, face, look, cover, face.moles[..., 3].any(axis=1))
    hair.paint_front(image, face, look, paint, np.maximum(silhouette, cover), strands)
    _for_some(features.paint_glasses, image, face, look, cover, measures["glasses"] > 0.5)
    return develop(image, nuisance)


def render(people: Identities, age: NDArray[np.float64], nuisance: Nuisance) -> NDArray[np.uint8]:
    """Portraits of people at an age; the same bytes whatever is rendered beside them.

    Args:
        people: B identities, one per picture.
        age: (B,) years.
        nuisance: of each picture.

    Returns:
        (B, SIZE, SIZE, 3) uint8 RGB, eyes, nose and mouth near their place in aligned crops.
    """
    measures = face_measures(people, np.asarray(age, dtype=np.float64))
    pictures = np.empty((len(people), SIZE, SIZE, 3), dtype=np.uint8)
    for start in range(0, len(people), CHUNK):
        part = np.arange(start, min(start + CHUNK, len(people)))
        pictures[part] = _paint(
            {name: values[part] for name, values in measures.items()},
            {name: values[part] for name, values in nuisance.items()},
            people.take(part),
        )
    return pictures
