import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from irlib import studies
from irlib.methods import METHODS
from irlib.training.config import TrainConfig

ROOT = Path(__file__).parents[1]

each_study = pytest.mark.parametrize("study", studies.STUDIES.values(), ids=lambda each: each.name)


def test_the_studies_that_the_readme_promises_are_there():
    assert {"demo", "demo-large", "casia", "ms1m"} <= set(studies.STUDIES)


def test_naming_a_study_does_not_bring_torch():
    code = "import sys, irlib.studies, irlib.__main__; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@each_study
def test_a_study_is_found_under_its_own_name(study):
    assert studies.find(study.name) is study


@each_study
def test_a_study_is_a_value_that_nobody_changes(study):
    with pytest.raises(dataclasses.FrozenInstanceError):
        study.threads = 3


@each_study
def test_its_methods_exist(study):
    assert set(study.methods) <= set(METHODS)


@each_study
def test_its_backbone_exists(study):
    from irlib import backbones

    assert study.backbone in backbones.NAMES


@each_study
def test_it_says_what_to_expect(study):
    assert len(study.expected.split()) >= 4


@each_study
def test_its_rate_falls_before_its_end(study):
    assert max(study.recipe.milestones) < study.recipe.epochs


@each_study
def test_its_settings_are_plain_values(study):
    assert json.loads(json.dumps(study.settings)).keys() == study.settings.keys()


@each_study
def test_it_either_paints_its_faces_or_says_who_has_them(study):
    assert (study.synthetic is None and study.train != "") == bool(study.needs)
    assert (study.synthetic is None) == bool(study.test_needs)


@pytest.mark.parametrize(("name", "epochs"), [("casia", 50), ("ms1m", 25)])
def test_real_sets_are_trained_by_the_papers_recipe(name, epochs):
    study = studies.find(name)
    recipe = study.recipe
    assert (recipe.epochs, recipe.batch_size, recipe.precision) == (epochs, 64, "fp32")
    assert (study.backbone, study.embedding_size, study.scale) == ("ir_se_50", 512, 64.0)
    assert study.seeds == (4885, 1234, 5678)


def test_every_field_is_read_somewhere():
    code = "\n".join(path.read_text() for path in (ROOT / "irlib").rglob("*.py"))
    code += "\n".join(path.read_text() for path in (ROOT / "notebooks").glob("*.ipynb"))
    named = set(re.findall(r"study_?\.(\w+)", code)) | set(re.findall(r'"(\w+)"', code))
    assert {field.name for field in dataclasses.fields(studies.Study)} - named == set()


def test_every_field_of_the_recipe_is_read_somewhere():
    code = "\n".join(path.read_text() for path in (ROOT / "irlib").rglob("*.py"))
    code += "\n".join(path.read_text() for path in (ROOT / "notebooks").glob("*.ipynb"))
    named = set(re.findall(r"(?:config|recipe)\.(\w+)", code))
    assert {each.name for each in dataclasses.fields(TrainConfig)} - named == set()


def test_an_unknown_study_is_told_with_the_nearest():
    with pytest.raises(ValueError, match="unknown study 'dmeo': did you mean 'demo'"):
        studies.find("dmeo")


# Variants


def test_a_variant_has_its_changes_in_its_recipe_and_in_its_name():
    study = studies.find("demo", {"precision": "bf16", "epochs": "3"})
    assert (study.recipe.precision, study.recipe.epochs) == ("bf16", 3)
    assert study.name == "demo+epochs=3+precision=bf16"


@pytest.mark.parametrize("value", ["1,2", [1, 2], (1, 2)])
def test_a_variant_has_one_name_however_its_value_is_spelt(value):
    assert studies.find("demo", {"milestones": value}).name == "demo+milestones=1-2"


@pytest.mark.parametrize("value", ["0.1", "0.10", "1e-1", 0.1])
def test_a_number_has_one_spelling_in_a_variants_name(value):
    assert studies.find("demo", {"lr": value}).name == "demo+lr=0.1"


def test_a_variant_keeps_the_data_of_its_study():
    demo, variant = studies.find("demo"), studies.find("demo", {"epochs": 3})
    assert (variant.train, variant.synthetic) == (demo.train, demo.synthetic)


def test_no_change_is_no_variant():
    assert studies.find("demo", {}) is studies.find("demo")


def test_a_variants_wrong_value_is_refused():
    with pytest.raises(ValueError, match="precision is 'fp8': expected one of"):
        studies.find("demo", {"precision": "fp8"})


def test_a_variant_has_other_settings():
    assert studies.find("demo", {"epochs": 3}).settings != studies.find("demo").settings


def test_what_is_only_told_is_no_setting():
    demo = studies.find("demo")
    told = dataclasses.replace(demo, title="Faces", expected="soon", disk_gib=2.0)
    assert told.settings == demo.settings


# What of a study itself may be set


def test_what_makes_a_child_identity_and_what_is_borne_may_be_set():
    given = {
        "child_below": "10",
        "child_at_least": "5",
        "allowed_bad": "3",
        "exclude_overlap": "true",
        "epochs": "7",
    }
    study = studies.find("casia", given)
    assert (study.child_below, study.child_at_least) == (10.0, 5)
    assert (study.allowed_bad, study.exclude_overlap) == (3, True)
    assert study.recipe.epochs == 7
    told = "allowed_bad=3+child_at_least=5+child_below=10.0+epochs=7+exclude_overlap=True"
    assert study.name == f"casia+{told}"


def test_what_is_not_set_is_the_papers():
    study = studies.find("casia", {"allowed_bad": 1})
    assert (study.child_below, study.child_at_least, study.exclude_overlap) == (13.0, 10, False)
    assert study.recipe == studies.find("casia").recipe


@pytest.mark.parametrize("value", ["12", "12.0", "1.2e1", 12, 12.0])
def test_a_bound_of_years_has_one_spelling(value):
    assert studies.find("casia", {"child_below": value}).name == "casia+child_below=12.0"


@pytest.mark.parametrize("value", [True, "True", "true"])
def test_a_switch_has_one_spelling(value):
    study = studies.find("casia", {"exclude_overlap": value})
    assert (study.name, study.exclude_overlap) == ("casia+exclude_overlap=True", True)


def test_a_variant_of_the_data_keeps_the_place_of_the_data():
    study = studies.find("casia", {"child_below": 10})
    assert (study.train, study.age_labels) == ("casia/train", "casia/age-labels.txt")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"child_bellow": 10}, "unknown setting of a study 'child_bellow': did you mean 'child_b"),
        ({"exclude_overlaps": True}, "did you mean 'exclude_overlap'"),
        ({"train": "elsewhere"}, "unknown setting of a study 'train'"),
        ({"pair_seed": 1}, "unknown setting of a study 'pair_seed'"),
        ({"child_below": "many"}, "child_below is 'many': expected float"),
        ({"child_below": "nan"}, "child_below is 'nan': expected float"),
        ({"child_below": 0}, "child_below is 0.0: expected years above 0"),
        ({"child_below": -1}, "child_below is -1.0: expected years above 0"),
        ({"child_below": 131}, "child_below is 131.0: expected years above 0"),
        ({"child_at_least": 0}, "child_at_least is 0: expected at least 1"),
        ({"child_at_least": 2.5}, "child_at_least is 2.5: expected int"),
        ({"allowed_bad": -1}, "allowed_bad is -1: expected at least 0"),
        ({"allowed_bad": "some"}, "allowed_bad is 'some': expected int"),
        ({"exclude_overlap": "perhaps"}, "exclude_overlap is 'perhaps': expected bool"),
        ({"exclude_overlap": 1}, "exclude_overlap is 1: expected bool"),
    ],
)
def test_a_wrong_name_or_value_is_refused(given, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        studies.find("casia", given)


def test_an_unknown_name_is_told_with_all_that_may_be_set():
    with pytest.raises(ValueError) as error:
        studies.find("casia", {"colour": 1})
    assert all(name in str(error.value) for name in (*studies.SETTABLE, "epochs", "lr"))


@pytest.mark.parametrize("field", ["child_below", "child_at_least", "allowed_bad"])
def test_a_training_depends_on_it(field):
    value = getattr(studies.find("casia"), field) + 1
    changed = studies.find("casia", {field: value}).training_settings
    assert changed != studies.find("casia").training_settings
    assert changed[field] == value


def test_a_training_does_not_depend_on_who_is_in_the_test_pairs():
    study, casia = studies.find("casia", {"exclude_overlap": True}), studies.find("casia")
    assert study.training_settings == casia.training_settings
    assert study.settings != casia.settings


def test_each_field_that_may_be_set_has_the_type_it_is_read_as():
    types = {field.name: field.type for field in dataclasses.fields(studies.Study)}
    assert {name: types[name].__name__ for name in studies.SETTABLE} == studies.SETTABLE


# Face age synthesis


def test_a_recipe_of_synthesis_may_be_set_by_names_with_its_prefix():
    study = studies.find("demo", {"synthesis.steps": "100", "synthesis.widths": "8,8,4,4"})
    assert (study.synthesis.steps, study.synthesis.widths) == (100, (8, 8, 4, 4))
    assert study.name == "demo+synthesis.steps=100+synthesis.widths=8-8-4-4"
    assert (study.recipe, study.overridden) == (studies.find("demo").recipe, frozenset())


def test_fields_of_both_recipes_have_their_own_names():
    study = studies.find("demo", {"synthesis.batch_size": 8, "batch_size": 16})
    assert (study.synthesis.batch_size, study.recipe.batch_size) == (8, 16)
    assert study.overridden == {"batch_size"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"synthesis.stepz": 1}, "'synthesis.stepz': did you mean 'synthesis.steps'"),
        ({"synthesis.steps": 0}, "synthesis.steps is 0: expected at least 1"),
        ({"synthesis.steps": "many"}, "synthesis.steps is 'many': expected int"),
        ({"synthesis.age_weight": -1}, "synthesis.age_weight: expected a finite number"),
        ({"num_groups": 3}, "num_groups is 3: expected 4 to 8 age groups"),
        ({"num_groups": 9}, "num_groups is 9: expected 4 to 8 age groups"),
    ],
)
def test_a_wrong_value_of_synthesis_is_refused_by_its_name(given, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        studies.find("demo", given)


def test_the_recipe_of_synthesis_is_no_setting_of_other_stages():
    study, demo = studies.find("demo", {"synthesis.steps": 3}), studies.find("demo")
    assert study.settings == demo.settings
    assert study.synthesis_settings != demo.synthesis_settings


def test_a_study_takes_the_numbers_of_groups_that_thresholds_are_known_for():
    from irlib.age_invariant.ages import THRESHOLDS
    from irlib.studies.study import AGE_GROUPS

    assert list(AGE_GROUPS) == list(THRESHOLDS)


@pytest.mark.parametrize("name", ["casia", "ms1m"])
def test_real_sets_are_synthesized_from_by_the_papers_recipe_on_one_of_its_gpus(name):
    recipe = studies.find(name).synthesis
    assert (recipe.steps, recipe.batch_size, recipe.units) == (36_000, 512 // 8, 128)


# Data


def put(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")


TRAIN = ("casia/train/1/1.jpg", "casia/age-labels.txt")


def test_a_synthetic_study_asks_for_nothing(tmp_path):
    studies.require_data(studies.find("demo"), tmp_path)


def test_missing_data_are_told_with_folder_content_and_whom_to_ask(tmp_path):
    with pytest.raises(ValueError, match="study 'casia': data are missing") as error:
        studies.require_data(studies.find("casia"), tmp_path)
    lines = str(error.value).splitlines()[1:]
    # images, labels and three test sets
    assert len(lines) == 5
    assert all(re.fullmatch(rf"  {re.escape(str(tmp_path))}/\S+: .+; .*from .+", x) for x in lines)


def test_one_test_set_is_enough(tmp_path):
    put(tmp_path, *TRAIN, "test/LAG-aligned/a/1.png")
    studies.require_data(studies.find("casia"), tmp_path)


def test_no_test_set_is_too_few(tmp_path):
    put(tmp_path, *TRAIN)
    with pytest.raises(ValueError, match="at least one of the test sets"):
        studies.require_data(studies.find("casia"), tmp_path)


def test_a_test_set_that_is_not_needed_is_not_asked_for(tmp_path):
    put(tmp_path, "test/LAG-aligned/a/1.png")
    with pytest.raises(ValueError) as error:
        studies.require_data(studies.find("casia"), tmp_path)
    assert "AgeDB" not in str(error.value)


@pytest.mark.parametrize(
    "name", ["test/AgeDB-aligned/a/1_a_3.jpg", "test/FGNET-aligned/001A02.JPG"]
)
def test_one_test_set_with_ages_is_enough_for_synthesis(tmp_path, name):
    put(tmp_path, *TRAIN, name)
    studies.require_data(studies.find("casia"), tmp_path, synthesis=True)


def test_a_test_set_without_ages_is_too_few_for_synthesis(tmp_path):
    put(tmp_path, *TRAIN, "test/LAG-aligned/a/1.png")
    with pytest.raises(ValueError, match=r"LAG has no ages: data are missing") as error:
        studies.require_data(studies.find("casia"), tmp_path, synthesis=True)
    places = [line.split(":")[0].strip() for line in str(error.value).splitlines()[1:]]
    assert places == [str(tmp_path / f"test/{name}-aligned") for name in ("AgeDB", "FGNET")]


def test_a_synthetic_study_paints_the_faces_of_known_age_itself(tmp_path):
    studies.require_data(studies.find("demo"), tmp_path, synthesis=True)


def test_the_benchmark_study_needs_one_test_set_and_nothing_else(tmp_path):
    put(tmp_path, "test/FGNET-aligned/001A02.png")
    studies.require_data(studies.find("benchmark"), tmp_path)
    studies.require_made(studies.find("benchmark"), tmp_path)


def test_the_benchmark_study_without_a_test_set_names_all_three(tmp_path):
    with pytest.raises(ValueError, match="study 'benchmark': data are missing") as error:
        studies.require_data(studies.find("benchmark"), tmp_path)
    places = [line.split(":")[0].strip() for line in str(error.value).splitlines()[1:]]
    names = ("AgeDB-aligned", "FGNET-aligned", "LAG-aligned")
    assert places == [str(tmp_path / "test" / name) for name in names]


def test_an_empty_folder_is_missing(tmp_path):
    put(tmp_path, TRAIN[1], "test/LAG-aligned/a/1.png")
    (tmp_path / "casia/train").mkdir()
    with pytest.raises(ValueError, match="casia/train: "):
        studies.require_data(studies.find("casia"), tmp_path)


def test_an_empty_file_is_missing(tmp_path):
    put(tmp_path, *TRAIN, "test/LAG-aligned/a/1.png")
    (tmp_path / TRAIN[1]).write_text("")
    with pytest.raises(
        ValueError, match=r"age-labels\.txt: ages of CASIA-WebFace: lines `id path age gender`"
    ):
        studies.require_data(studies.find("casia"), tmp_path)
