import dataclasses

import numpy as np
import pytest
import torch

from irlib import methods
from irlib.heads import ArcFace, CosFace
from irlib.objectives import InterPrototypeObjective, Objective
from irlib.published import CASIA

CHILD = np.array([0, 2])


def built(name):
    torch.manual_seed(0)
    return methods.find(name).build(4, 6, scale=16.0, child_ids=CHILD)


@pytest.mark.parametrize(
    ("name", "head", "objective"),
    [
        ("arcface", ArcFace, Objective),
        ("cosface", CosFace, Objective),
        ("arcface-ip", ArcFace, InterPrototypeObjective),
        ("cosface-ip", CosFace, InterPrototypeObjective),
    ],
)
def test_a_method_is_a_head_and_an_objective(name, head, objective):
    found = built(name)
    assert (type(found.head), type(found)) == (head, objective)


def test_every_method_is_found_under_its_own_name():
    assert all(methods.find(name).name == name for name in methods.METHODS)


def test_names_fit_into_folder_names_and_command_lines():
    assert [n for n in methods.METHODS if not n.replace("-", "").isalnum() or n != n.lower()] == []


def test_titles_are_told_apart():
    assert len({method.title for method in methods.METHODS.values()}) == len(methods.METHODS)


def test_titles_match_the_rows_of_the_published_table():
    # else the report would put no published number beside ours
    ours = {methods.find(name).title for name in ("arcface", "arcface-ip", "cosface")}
    assert ours <= set(CASIA)


def test_the_head_gets_sizes_and_scale():
    head = built("arcface").head
    assert head.prototypes.shape == (6, 4)
    assert head.scale == 16.0


def test_the_paper_adds_the_loss_with_weight_one():
    assert built("arcface-ip").child_weight == 1.0


def test_a_method_and_its_baseline_start_from_the_same_prototypes():
    assert torch.equal(built("arcface").head.prototypes, built("arcface-ip").head.prototypes)


def test_a_plain_method_needs_no_child():
    none = np.array([], dtype=np.int64)
    methods.find("arcface").build(4, 6, scale=16.0, child_ids=none)


def test_an_unknown_method_is_told_with_the_nearest():
    with pytest.raises(ValueError, match="unknown method 'arcfase': did you mean 'arcface'"):
        methods.find("arcfase")


def test_settings_tell_a_method_from_its_baseline():
    assert methods.find("arcface").settings != methods.find("arcface-ip").settings


def test_settings_leave_the_title_out():
    method = methods.find("arcface")
    assert dataclasses.replace(method, title="Arc").settings == method.settings


def test_sources_name_the_heads_module_and_the_objectives():
    sources = methods.find("cosface-ip").sources
    assert sources == ("irlib.heads.cosface", "irlib.objectives")


def test_a_method_of_ones_own_is_one_class_and_one_entry():
    class Doubled(Objective):
        def total(self, losses):
            return 2 * super().total(losses)

    own = dataclasses.replace(methods.find("arcface"), name="own", objective=Doubled)
    built = own.build(8, 3, scale=16.0, child_ids=np.array([0]))
    assert built.total({"id": torch.tensor(1.5)}).item() == 3.0
    assert own.sources == ("irlib.heads.arcface", __name__)
