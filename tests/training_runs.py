"""What the tests of training share: a kill at a step, and histories and weights side by side."""

import torch

CLOCK = {"time", "images_per_second", "peak_memory_mib"}


class Killed(BaseException):
    """Stands for a kill: nothing in the loop may catch it."""


def kill_before(objective, step):
    """Make an objective die at the beginning of a step, counted from 0."""
    begin = objective.begin_step

    def killer(at, drops):
        if at == step:
            raise Killed
        begin(at, drops)

    objective.begin_step = killer


def weights_of(*modules):
    """A copy of every entry of the modules' state dicts, in order."""
    return [value.clone() for module in modules for value in module.state_dict().values()]


def without_clock(history):
    return [{k: v for k, v in line.items() if k not in CLOCK} for line in history]


def equal(first, second):
    return len(first) == len(second) and all(map(torch.equal, first, second))
