import math

import pytest
import torch

from benchmarks import methods as table
from irlib import methods, studies


@pytest.mark.parametrize("name", methods.GROUPS["all"])
def test_a_step_of_each_method_moves_its_weights(name):
    batch = table.random_batch(8, 420, torch.device("cpu"))
    step = table.stepper(name, studies.find("demo"), 420, batch, with_network=True)
    cells = dict(zip(step.__code__.co_freevars, step.__closure__, strict=True))
    head = cells["objective"].cell_contents.head
    before = head.prototypes.detach().clone()
    step(20)  # of DAL's two kinds the one that trains the network
    assert not torch.equal(head.prototypes, before)
    assert math.isfinite(head.prototypes.sum().item())
