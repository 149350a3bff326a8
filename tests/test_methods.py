import dataclasses

import numpy as np
import pytest
import torch

from irlib import methods, studies
from irlib.images import Batch, to_input
from irlib.objectives import Objective
from irlib.published import CASIA
from irlib.training.optimizers import build_optimizers

CHILD, NO_CLASS = np.array([0, 2]), np.array([], dtype=np.int64)
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


def test_the_number_of_age_groups_is_the_studys():
    study = dataclasses.replace(SMOKE, num_groups=5)
    method = methods.find("mtlface")
    head = method.build(study, method.network(study), 4).age_head
    assert head.group_output_layer.out_features == 5


def test_an_estimator_is_in_no_group_of_methods():
    assert methods.find("age_estimator").kind == "estimator"
    assert [name for name, group in methods.GROUPS.items() if "age_estimator" in group] == []


def test_an_estimator_is_no_row_to_ask_for():
    with pytest.raises(ValueError, match=r"'age_estimator' measures .* --synthesis trains it"):
        methods.expand(["arcface", "age_estimator"])


def test_an_estimator_learns_age_and_drives_it_out_of_nothing():
    objective = built("age_estimator")
    assert (objective.age_weight, objective.adversary_weight) == (1.0, 0.0)


def test_what_a_user_sets_for_the_methods_leaves_the_estimators_own_recipe():
    given = {"lr": 0.05, "optimizer": "sgd", "start": "mine.pt", "epochs": 9}
    study, estimator = studies.find("demo", given), methods.find("age_estimator")
    recipe = estimator.recipe_on(study)
    assert (recipe.optimizer, recipe.lr, recipe.schedule) == ("adamw", 5e-4, "cosine")
    assert (recipe.start, recipe.epochs) == ("", 9)


def test_a_method_of_ones_own_is_one_class_and_one_entry():
    class Doubled(Objective):
        def total(self, losses):
            return 2 * super().total(losses)

    own = dataclasses.replace(methods.find("arcface"), name="own", objective=Doubled)
    built = own.build(SMOKE, own.network(SMOKE), 3)
    assert built.total({"id": torch.tensor(1.5)}).item() == 3.0
    assert own.sources == ("irlib.heads.arcface", __name__)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", methods.METHODS)
def test_a_step_never_waits_for_the_device(name):
    method, device = methods.find(name), torch.device("cuda")
    network = method.network(SMOKE).to(device)
    objective = method.build(SMOKE, network, 6, CHILD if method.group else NO_CLASS).to(device)
    (optimizer,) = build_optimizers(network, objective, SMOKE.recipe)
    pixels = torch.zeros(8, 112, 112, 3, dtype=torch.uint8)
    ages = torch.tensor([5.0, 40.0] * 3 + [float("nan")] * 2)
    batch = Batch(pixels, torch.arange(8) % 6, ages).to(device)
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for step in (0, 20):  # DAL takes two kinds of steps
            objective.begin_step(step, 0)
            objective.total(objective(network(to_input(batch.images)), batch)).backward()
            optimizer.step()
            optimizer.zero_grad()
    finally:
        torch.cuda.set_sync_debug_mode("default")
