"""Checkpoints of synthesis: those of recognition, with a generator and discriminator beside.

So `irlib.checkpoints` reads them too, as the recognition network that they hold.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from irlib import checkpoints
from irlib.age_invariant.synthesis.discriminator import PatchDiscriminator
from irlib.age_invariant.synthesis.generator import Generator, GeneratorShape
from irlib.checkpoints import own
from irlib.checkpoints.family import fill

# beside what every checkpoint of irlib has, and the kind of each
_ENTRIES = {"generator": Mapping, "discriminator": Mapping, "key": str, "step": int}
_SIZES = {"num_groups": int, "units": int, "blocks": int, "widths": Sequence}
_SIZES |= {"discriminator_width": int}


def content_of(
    recognition: Mapping[str, Any],
    generator: Generator,
    discriminator: PatchDiscriminator,
    *,
    key: str,
    step: int,
) -> dict[str, Any]:
    """What a checkpoint of synthesis holds.

    Args:
        recognition: ``model``, ``backbone`` and ``objective`` of the encoder's checkpoint, the
            last with the entries ``age_head.*`` at least.
        generator: as trained.
        discriminator: as trained beside it.
        key: digest of all that the result depends on.
        step: steps taken.
    """
    shape = generator.shape
    sizes = {
        "num_groups": generator.num_groups,
        "units": shape.units,
        "blocks": shape.blocks,
        "widths": list(shape.widths),
        "discriminator_width": discriminator.width,
    }
    return {
        "model": {**recognition["model"], "synthesis": sizes},
        "backbone": recognition["backbone"],
        "objective": recognition["objective"],
        "generator": generator.state_dict(),
        "discriminator": discriminator.state_dict(),
        "key": key,
        "step": step,
    }


def save(path: Path, content: dict[str, Any]) -> None:
    """Write what `content_of` gave, atomically.

    Raises:
        ValueError: something is missing; the message names it.
        OSError: it could not be written; the file before it stays.
    """
    _check(path, content)
    checkpoints.save(path, content)


def load(path: Path) -> dict[str, Any]:
    """The content of a checkpoint of synthesis, on the CPU.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, or of something else; the message names what is missing.
    """
    content = checkpoints.load(path)
    _check(path, content)
    return content


def generator_of(
    content: Mapping[str, Any], map_shapes: Sequence[tuple[int, int, int]]
) -> Generator:
    """The generator in a checkpoint with its weights, in evaluation mode.

    Args:
        content: what `load` gave.
        map_shapes: of the encoder in the same checkpoint.

    Raises:
        ValueError: weights that do not fit.
    """
    sizes = content["model"]["synthesis"]
    shape = GeneratorShape(
        units=sizes["units"], blocks=sizes["blocks"], widths=tuple(sizes["widths"])
    )
    make = partial(Generator, map_shapes, sizes["num_groups"], shape)
    return _filled("generator", make, content["generator"])


def discriminator_of(content: Mapping[str, Any]) -> PatchDiscriminator:
    """The discriminator in a checkpoint with its weights, in evaluation mode.

    Raises:
        ValueError: weights that do not fit.
    """
    sizes = content["model"]["synthesis"]
    make = partial(PatchDiscriminator, sizes["num_groups"], sizes["discriminator_width"])
    return _filled("discriminator", make, content["discriminator"])


def _filled(name: str, make: Callable[[], Any], weights: Mapping[str, Tensor]) -> Any:
    try:
        return fill(make, weights)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _check(path: Path, content: dict[str, Any]) -> None:
    try:
        own.check(content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    missing = [name for name, kind in _ENTRIES.items() if not isinstance(content.get(name), kind)]
    sizes = content["model"].get("synthesis", {})
    missing += [
        f"model.synthesis.{name}"
        for name, kind in _SIZES.items()
        if not isinstance(sizes.get(name), kind)
    ]
    if missing:
        raise ValueError(
            f"{path}: not a checkpoint of face age synthesis (no {', '.join(missing)}); "
            "notebook 06_synthesis makes one"
        )
