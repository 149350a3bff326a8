import dataclasses

import numpy as np
import pytest
import torch

from irlib import methods, studies
from irlib.objectives import Objective
from irlib.published import CASIA

CHILD = np.array([0, 2])
SMOKE = studies.find("smoke")


def built(name):
    torch.manual_seed(0)
    method = methods.find(name)
    network = method.network(SMOKE)
    return method.build(SMOKE, network, 6, CHILD)


def test_every_method_is_found_under_its_own_name():
    assert all(methods.find(name).name == name for name in methods.METHODS)


def test_names_fit_into_folder_names_and_command_lines():
    assert [n for n in methods.METHODS if not n.replace("_", "").isalnum() or n != n.lower()] == []


def test_titles_are_told_apart():
    assert len({method.title for method in methods.METHODS.values()}) == len(methods.METHODS)


def test_titles_match_the_rows_of_the_published_table():
    # else the report would put no published number beside ours
    ours = {methods.find(name).title for name in ("arcface", "inter_prototype", "cosface")}
    assert ours <= set(CASIA)


def test_the_head_gets_sizes_and_scale():
    head = built("arcface").head
    assert head.prototypes.shape == (6, 32)
    assert head.scale == 16.0


def test_the_paper_adds_the_loss_with_weight_one():
    assert built("inter_prototype").weight == 1.0


def test_a_method_and_its_baseline_start_from_the_same_prototypes():
    assert torch.equal(built("arcface").head.prototypes, built("inter_prototype").head.prototypes)


def test_an_unknown_method_is_told_with_the_nearest():
    with pytest.raises(ValueError, match="unknown method 'arcfase': did you mean 'arcface'"):
        methods.find("arcfase")


def test_settings_tell_a_method_from_its_baseline():
    assert methods.find("arcface").settings != methods.find("inter_prototype").settings


def test_settings_leave_the_title_out():
    method = methods.find("arcface")
    assert dataclasses.replace(method, title="Arc").settings == method.settings


def test_sources_name_the_heads_module_and_the_objectives():
    sources = methods.find("inter_prototype").sources
    assert sources == (
        "irlib.heads.arcface", "irlib.objectives.inter_prototype", "irlib.class_groups"
    )  # fmt: skip


def test_a_method_of_ones_own_is_one_class_and_one_entry():
    class Doubled(Objective):
        def total(self, losses):
            return 2 * super().total(losses)

    own = dataclasses.replace(methods.find("arcface"), name="own", objective=Doubled)
    built = own.build(SMOKE, own.network(SMOKE), 3)
    assert built.total({"id": torch.tensor(1.5)}).item() == 3.0
    assert own.sources == ("irlib.heads.arcface", __name__)
