import dataclasses

import pytest

from irlib import methods, studies
from irlib.methods.entries_published import AS_PUBLISHED
from irlib.methods.method import PUBLISHED
from irlib.methods.recipes import AS_THE_STUDY, Recipe, Schedule

ENTRIES = pytest.mark.parametrize("method", AS_PUBLISHED, ids=lambda method: method.name)
STUDIES = pytest.mark.parametrize("study", studies.STUDIES)
CASIA, MS1M, DEMO = (studies.find(name) for name in ("casia", "ms1m", "demo"))


def row_of(method):
    return methods.find(method.name.removesuffix("_published"))


def times(name, study):
    recipe = methods.find(name).recipe_on(study)
    return recipe.epochs, recipe.milestones


# The entries


@ENTRIES
def test_an_entry_is_named_after_its_row(method):
    assert method.title == f"{row_of(method).title}, as published"
    assert method.kind == PUBLISHED


@ENTRIES
def test_an_entry_differs_from_its_row_in_what_a_result_depends_on(method):
    assert method.settings != row_of(method).settings


@ENTRIES
def test_an_entry_trains_the_same_head_objective_and_network(method):
    row = row_of(method)
    parts = ("head", "objective", "options", "group")
    assert [getattr(method, part) for part in parts] == [getattr(row, part) for part in parts]


@ENTRIES
@STUDIES
def test_an_entrys_recipe_fits_every_study(method, study):
    recipe = method.recipe_on(studies.find(study))
    # a fall at or after the end would be none
    assert max(recipe.milestones, default=0) < recipe.epochs


def test_all_rows_but_the_published_ones_have_the_studys_recipe():
    rows = map(methods.find, methods.GROUPS["everything"])  # an estimator is no row
    fair = [method for method in rows if method.kind != PUBLISHED]
    assert [m.name for m in fair if m.recipe_on(DEMO) != DEMO.recipe or m.start_from] == []


def test_arcface_is_trained_for_33_epochs_on_casia_and_16_on_ms1m():
    assert times("arcface_published", CASIA) == (33, (21, 30))
    assert times("arcface_published", MS1M) == (16, (8, 14))


def test_the_schedules_of_broadface_oecnn_and_adaface():
    assert times("broadface_published", CASIA) == (20, (13, 18))
    assert times("oecnn_published", CASIA) == (21, (9, 15, 18))
    assert times("adaface_published", MS1M) == (26, (12, 20, 24))


def test_mv_am_has_scale_32_and_margin_a_half():
    options = methods.find("mv_am_published").head_options
    assert options == {"scale": 32.0, "margin": 0.5}


@pytest.mark.parametrize("name", ["oecnn_published", "dal_published"])
def test_oecnn_and_dal_have_no_weight_decay(name):
    assert methods.find(name).recipe_on(CASIA).weight_decay == 0


def test_adaface_has_its_own_augmentation_and_batch():
    recipe = methods.find("adaface_published").recipe_on(MS1M)
    assert (recipe.crop, recipe.low_resolution, recipe.photometric) == (0.2, 0.2, 0.2)
    assert (recipe.batch_size, recipe.precision) == (512, "bf16")


def test_mtlface_has_a_warm_up_of_a_thousand_steps_and_falls_after_20000_and_23000():
    recipe = methods.find("mtlface_published").recipe_on(CASIA)
    steps = -(-490_623 // recipe.batch_size)  # an epoch
    assert recipe.warmup_epochs * steps == pytest.approx(1_000, rel=0.01)
    falls = [milestone * steps for milestone in recipe.milestones]
    assert falls == pytest.approx([20_000, 23_000], rel=0.02)  # whole epochs of 959 steps
    assert recipe.epochs * steps == pytest.approx(36_000, rel=0.02)
    assert recipe.lr_floor == 1e-4


# The recipe as a value


def test_elsewhere_casias_schedule_is_taken_in_proportion():
    # 6 of 50 epochs: 33 are 3.96, the falls 2.52 and 3.6 are rounded down
    assert times("arcface_published", DEMO) == (4, (2, 3))


def test_a_scaled_schedule_keeps_falls_inside_and_apart():
    # epochs 3.2; falls 0.8, 1.6, 1.9, 3.1
    scaled = Schedule(32, (8, 16, 19, 31), warmup_epochs=5.0).scaled(0.1)
    assert scaled == Schedule(3, (1,), warmup_epochs=0.5)


def test_a_schedule_in_its_own_proportion_is_itself():
    schedule = Schedule(33, (21, 30), 1.5)
    assert schedule.scaled(1.0) == schedule


def test_painted_images_keep_the_batch_of_their_study():
    assert methods.find("adaface_published").recipe_on(DEMO).batch_size == DEMO.recipe.batch_size


def test_what_the_user_sets_stays():
    study = studies.find("casia", {"batch_size": 128, "weight_decay": 0.001})
    assert methods.find("adaface_published").recipe_on(study).batch_size == 128
    assert methods.find("dal_published").recipe_on(study).weight_decay == 0.001


def test_other_settings_of_the_user_leave_the_schedule_alone():
    study = studies.find("ms1m", {"batch_size": 128})
    assert times("arcface_published", study) == (16, (8, 14))


@pytest.mark.parametrize("given", [{"epochs": 10}, {"milestones": (5, 8)}])
def test_a_user_who_sets_the_epochs_or_the_falls_gets_the_studys_for_the_other(given):
    study = studies.find("casia", given)
    assert times("arcface_published", study) == (study.recipe.epochs, study.recipe.milestones)


def test_the_empty_recipe_changes_nothing():
    assert AS_THE_STUDY.on(CASIA) == Recipe().on(DEMO) == {}


# First weights


def test_without_a_start_weights_are_random(tmp_path):
    assert methods.find("arcface").first_weights(DEMO, tmp_path, 1) is None


def test_broadface_starts_from_arcface_of_the_same_seed(tmp_path):
    path = tmp_path / "train-arcface-s7" / "last.pt"
    path.parent.mkdir()
    path.touch()
    assert methods.find("broadface_published").first_weights(DEMO, tmp_path, 7) == path


def test_a_missing_run_to_start_from_is_named(tmp_path):
    told = r"train-arcface-s7/last\.pt is missing: run notebooks/02_train"
    with pytest.raises(FileNotFoundError, match=told):
        methods.find("broadface_published").first_weights(DEMO, tmp_path, 7)


def test_the_users_start_goes_before_the_methods_own(tmp_path):
    path = tmp_path / "mine.pt"
    path.touch()
    recipe = dataclasses.replace(DEMO.recipe, start=str(path))
    study = dataclasses.replace(DEMO, recipe=recipe, overridden=frozenset({"start"}))
    assert methods.find("broadface_published").first_weights(study, tmp_path, 7) == path


def test_a_start_that_is_not_there_is_refused(tmp_path):
    recipe = dataclasses.replace(DEMO.recipe, start=str(tmp_path / "mine.pt"))
    study = dataclasses.replace(DEMO, recipe=recipe)
    with pytest.raises(FileNotFoundError, match=r"^start is '.*mine\.pt': there is no such"):
        methods.find("arcface").first_weights(study, tmp_path, 7)


def test_the_method_that_a_run_starts_from_is_part_of_its_settings():
    method = methods.find("broadface_published")
    assert dataclasses.replace(method, start_from="cosface").settings != method.settings
