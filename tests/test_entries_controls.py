import numpy as np
import pytest
import torch

from irlib import methods, studies
from irlib.class_groups import Labelled
from irlib.methods.entries_controls import ABLATIONS, CONTROLS
from irlib.objectives import InterPrototypeObjective

SMOKE = studies.find("smoke")
NAMES = [method.name for method in CONTROLS]
PUBLISHED = methods.find("inter_prototype")


def test_a_family_lists_methods_that_there_are_and_the_published_one():
    for family, names in ABLATIONS.items():
        assert set(names) <= {*NAMES, "inter_prototype"}, family
        assert "inter_prototype" in names, family


def test_every_entry_is_in_a_family():
    listed = {name for names in ABLATIONS.values() for name in names}
    assert listed == {*NAMES, "inter_prototype"}


def test_controls_are_what_the_family_of_that_name_lists():
    controls = {method.name for method in CONTROLS if method.kind == "control"}
    assert controls == set(ABLATIONS["controls"]) - {"inter_prototype"}


def test_the_lambda_sweep_is_in_order():
    names = ABLATIONS["weight lambda"]
    weights = [methods.find(name).options["weight"] for name in names]
    assert weights == [0.1, 1.0, 10.0, 100.0, 1000.0]


def changes(method):
    """Parts in which a method differs from the published one; of the options, each by its name."""
    flat = [{**m.settings, **m.options, "objective": None} for m in (method, PUBLISHED)]
    return {part for part in flat[0] if flat[0][part] != flat[1].get(part)}


@pytest.mark.parametrize("method", CONTROLS, ids=NAMES)
def test_an_entry_changes_one_part_of_the_method(method):
    both = {"group", "weight"}
    expected = {
        "ip_all_size_free": {"group", "reduction"}, "ip_random_x100": both, "ip_adults_x100": both
    }.get(method.name)  # fmt: skip
    assert changes(method) == expected or (expected is None and len(changes(method)) == 1)


@pytest.mark.parametrize("method", CONTROLS, ids=NAMES)
def test_an_entry_is_measured_against_its_own_head_alone(method):
    baseline = methods.find(method.baseline)
    heads = [(m.head, dict(m.head_options), m.recipe) for m in (method, baseline)]
    assert heads[0] == heads[1]


@pytest.mark.parametrize("method", CONTROLS, ids=NAMES)
def test_an_entry_is_built_and_told(method):
    torch.manual_seed(0)
    objective = method.build(SMOKE, method.network(SMOKE), 12, np.arange(6))
    assert isinstance(objective, InterPrototypeObjective)
    told = {name: getattr(objective, name) for name in method.options}
    assert told == dict(method.options)


@pytest.fixture
def faces():
    """Six classes of 12 images of one age, but for one child image in the last class."""
    ages = np.repeat([8.0, 11.0, 16.0, 40.0, 40.0, 40.0], 12)
    ages[-1] = 5.0
    return Labelled(np.repeat(np.arange(6), 12), ages, 6, np.array([0, 1]))


@pytest.mark.parametrize(("name", "classes"), [
    ("ip_below_10", [0]),
    ("ip_below_18", [0, 1, 2]),
    ("ip_at_least_5", [0, 1]),
    ("ip_at_least_1", [0, 1, 5]),
    ("ip_all", [0, 1, 2, 3, 4, 5]),
    ("ip_x10", [0, 1]),
])  # fmt: skip
def test_an_entry_selects_its_classes(faces, name, classes):
    assert methods.find(name).select(faces, seed=1).tolist() == classes


def test_the_control_of_adults_takes_classes_of_adults_alone(faces):
    # of the others, class 2 is 16 years old, and 5 has a child image
    assert methods.find("ip_adults").select(faces, seed=1).tolist() == [3, 4]
