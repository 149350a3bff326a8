"""How deep a network is, from the names of its tensors."""

from collections.abc import Mapping

from irlib.checkpoints.family import Weights


def depth_of(weights: Weights, stage: str, depths: Mapping[int, tuple[int, ...]]) -> int:
    """The depth of a network of four stages whose units are numbered ``<stage>1.0`` and so on.

    Args:
        weights: the network's tensors.
        stage: what the names of stages begin with.
        depths: units of the stages by depth.

    Raises:
        ValueError: no depth has so many units.
    """
    units = {tuple(name.split(".")[:2]) for name in weights if name.startswith(stage)}
    stages = [unit[0] for unit in units]
    counts = tuple(stages.count(f"{stage}{number}") for number in (1, 2, 3, 4))
    for depth, expected in depths.items():
        if counts == expected:
            return depth
    known = ", ".join(map(str, depths.values()))
    raise ValueError(f"{stage}1 to {stage}4 have {counts} units, expected one of {known}")
