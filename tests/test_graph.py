import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from irlib import graph, methods, runs, studies, trainings
from irlib.data.loading import TrainLoader
from irlib.models import Model

DEMO = studies.find("demo")
COMMON = {"study": "demo", "overrides": "{}", "device": "cpu", "data": "/d", "outputs": "/o"}


def config(
    study=DEMO, names=("arcface", "inter_prototype"), seeds=(1, 2), models=(), synthesized=()
):
    about = {"models": models, "common": COMMON, "outputs": Path("/o"), "synthesized": synthesized}
    return graph.config(study, list(names), list(seeds), **about)


@pytest.fixture(scope="module")
def digests():
    return config()["digests"]


def changed(before, study):
    """Stages whose digest is another one for a study."""
    after = config(study)["digests"]
    return {stage for stage in before if after[stage] != before[stage]}


def test_the_config_is_plain_json():
    found = config()
    assert json.loads(json.dumps(found)) == found


def test_the_config_holds_what_the_snakefile_reads():
    text = (runs.ROOT / "Snakefile").read_text()
    read = {name for name in config() if f"config['{name}']" in text or f'config["{name}"]' in text}
    assert read == set(config())


@pytest.fixture
def tuned(monkeypatch):
    """Methods "tuned", which starts from cosface, and "twice", which starts from tuned."""
    cosface = methods.find("cosface")
    for name, start in (("tuned", "cosface"), ("twice", "tuned")):
        own = dataclasses.replace(cosface, name=name, start_from=start)
        monkeypatch.setitem(methods.METHODS, name, own)


def test_a_method_that_starts_from_another_brings_that_ones_training(tuned):
    found = config(names=("arcface", "tuned"))
    assert found["methods"] == ["arcface", "tuned"]
    assert found["trained"] == {"arcface": [1, 2], "cosface": [1, 2], "tuned": [1, 2]}
    assert list(found["trained"]).index("cosface") < list(found["trained"]).index("tuned")
    assert found["starts"] == {"tuned": "cosface"}
    assert set(found["digests"]["train"]) == {"arcface", "cosface", "tuned"}


def test_a_training_comes_after_those_that_it_starts_from(tuned):
    assert trainings.trained(DEMO, ["twice", "cosface"]) == ["cosface", "tuned", "twice"]


def test_methods_that_start_from_each_other_are_refused(tuned, monkeypatch):
    round_ = dataclasses.replace(methods.find("cosface"), start_from="twice")
    monkeypatch.setitem(methods.METHODS, "cosface", round_)
    with pytest.raises(ValueError, match="start from each other: twice, tuned, cosface"):
        trainings.trained(DEMO, ["twice"])


def test_weights_that_the_user_names_go_before_another_methods(tuned):
    recipe = dataclasses.replace(DEMO.recipe, start="mine.pt")
    study = dataclasses.replace(DEMO, recipe=recipe, overridden=frozenset({"start"}))
    found = config(study, names=("tuned",))
    assert (found["trained"], found["starts"]) == ({"tuned": [1, 2]}, {})
    assert found["start"] == str(runs.ROOT / "mine.pt")


def test_the_data_stage_takes_a_gpu_only_for_the_studies_probe():
    about = {"common": COMMON, "outputs": Path("/o"), "gpus": 1}
    names = ("demo", "demo-large")  # 3 epochs, none
    found = [graph.config(studies.find(name), ["arcface"], [1], **about) for name in names]
    assert [each["probe_gpus"] for each in found] == [1, 0]


def test_every_stage_has_a_digest(digests):
    assert set(digests) == {"data", "train", "evaluate", "prototypes", "report"}
    assert set(digests["train"]) == {"arcface", "inter_prototype"}


def test_digests_repeat(digests):
    assert config()["digests"] == digests


def test_methods_differ_in_their_training(digests):
    assert digests["train"]["arcface"] != digests["train"]["inter_prototype"]


def test_another_recipe_makes_everything_stale(digests):
    variant = dataclasses.replace(DEMO, recipe=dataclasses.replace(DEMO.recipe, epochs=3))
    assert changed(digests, variant) == {"data", "train", "evaluate", "prototypes", "report"}


def test_other_words_make_nothing_stale(digests):
    told = dataclasses.replace(DEMO, title="Faces", expected="soon")
    assert changed(digests, told) == set()


def test_more_disk_makes_nothing_stale(digests):
    assert changed(digests, dataclasses.replace(DEMO, disk_gib=9.0)) == set()


def test_where_things_lie_makes_nothing_stale(digests):
    moved = graph.config(
        DEMO,
        ["arcface", "inter_prototype"],
        [1],
        common={**COMMON, "data": "/e"},
        outputs=Path("/p"),
    )
    assert moved["digests"] == digests


def test_a_new_method_leaves_the_others_as_they_are(digests, monkeypatch):
    new = dataclasses.replace(methods.find("arcface"), name="new", options={"weight": 2.0})
    monkeypatch.setitem(methods.METHODS, "new", new)
    found = config(names=("arcface", "inter_prototype", "new"))["digests"]
    del found["train"]["new"], found["report"]  # the page has one row more
    assert found == {stage: each for stage, each in digests.items() if stage != "report"}


def test_another_weight_makes_that_methods_training_stale(digests, monkeypatch):
    heavier = dataclasses.replace(methods.find("inter_prototype"), options={"weight": 2.0})
    monkeypatch.setitem(methods.METHODS, "inter_prototype", heavier)
    found = config()["digests"]["train"]
    assert found["arcface"] == digests["train"]["arcface"]
    assert found["inter_prototype"] != digests["train"]["inter_prototype"]


def test_an_unknown_method_is_told_with_the_nearest():
    with pytest.raises(ValueError, match="unknown method 'arcfase': did you mean 'arcface'"):
        config(names=("arcfase",))


# Models made elsewhere


@pytest.fixture
def model(tmp_path):
    (tmp_path / "network.onnx").write_bytes(b"weights")
    return Model("mine", tmp_path / "network.onnx", "BGR")


def test_a_model_made_elsewhere_is_in_the_config_with_its_file(model):
    found = config(models=[model])
    assert json.loads(json.dumps(found)) == found
    [(name, told)] = found["models"].items()
    assert (name, told["path"], told["color_order"]) == ("mine", str(model.path), "BGR")


def test_a_model_made_elsewhere_makes_nothing_else_stale(digests, model):
    assert config(models=[model])["digests"] == digests


def test_models_made_elsewhere_need_no_method(model):
    found = config(names=(), models=[model])
    assert (found["methods"], found["trained"], list(found["models"])) == ([], {}, ["mine"])


def test_a_study_of_test_sets_alone_watches_those(tmp_path):
    benchmark = studies.find("benchmark")
    (tmp_path / "test/LAG-aligned").mkdir(parents=True)
    (tmp_path / "test/LAG-aligned/1.png").write_text("a")
    assert [path for path, *_ in graph.brought(benchmark, tmp_path)] == ["test/LAG-aligned"]


# Face age synthesis


@pytest.fixture(scope="module")
def aged():
    """The config of a study of which another method is asked for, with synthesis."""
    return config(names=("cosface",), synthesized=(1,))


def test_synthesis_brings_what_it_rests_on_for_its_seed_alone(aged):
    # the estimator of age has draws of its own: the next seed
    assert aged["trained"] == {
        "cosface": [1, 2], "mtlface": [1], "age_estimator": [2], "arcface": [1],
    }  # fmt: skip
    assert aged["synthesis"]["synthesis-mtlface-s1"]["rests_on"] == [
        "data", "train-mtlface-s1", "train-age_estimator-s2", "train-arcface-s1",
        "evaluate-arcface-s1",
    ]  # fmt: skip


def test_synthesis_leaves_methods_and_seeds_of_the_report(aged):
    assert (aged["methods"], aged["seeds"]) == (["cosface"], [1, 2])


def test_a_training_that_is_asked_for_anyway_is_not_done_twice():
    found = config(names=("arcface", "mtlface"), synthesized=(1,))["trained"]
    assert found == {"arcface": [1, 2], "mtlface": [1, 2], "age_estimator": [2]}


def test_synthesis_makes_nothing_stale_but_the_report(digests):
    found = config(synthesized=(1,))["digests"]
    added = {name: found["train"].pop(name) for name in ("mtlface", "age_estimator")}
    assert len(set(added.values())) == 2
    assert {stage for stage, each in digests.items() if found[stage] != each} == {"report"}
    assert found.keys() - digests.keys() == {"synthesis"}


def test_joint_training_needs_no_recognition_before_it():
    joint = dataclasses.replace(DEMO.synthesis, joint=True)
    found = config(dataclasses.replace(DEMO, synthesis=joint), ("arcface",), synthesized=(1,))
    assert found["trained"] == {"arcface": [1, 2], "age_estimator": [2]}
    assert "train-mtlface-s1" not in found["synthesis"]["synthesis-mtlface-s1"]["rests_on"]


@pytest.mark.parametrize("images", [64, 65, 66])  # a batch of one image is left out
def test_recognition_takes_the_steps_that_its_batches_take(images):
    joint = dataclasses.replace(DEMO.synthesis, steps=1, joint=True, generator_every=1)
    study = dataclasses.replace(DEMO, synthesis=joint)
    each = TrainLoader.__len__(SimpleNamespace(faces=range(images), batch_size=32))
    with pytest.raises(ValueError, match=f"--set synthesis.steps={6 * each}$"):
        trainings.require_joint_steps(study, images)


def test_a_joint_training_as_long_as_its_recognition_is_none_too_short():
    # 383,300 steps: 50 epochs of 7,665 batches of 64 and one of 63
    fits, short = (
        studies.find("casia", {"synthesis.joint": True, "synthesis.steps": steps})
        for steps in (383_300, 383_299)
    )
    trainings.require_joint_steps(fits, 490_623)
    with pytest.raises(ValueError, match="the 383,300 of the recognition training"):
        trainings.require_joint_steps(short, 490_623)


def test_where_nobody_knows_how_many_images_there_are_no_number_of_steps_is_refused():
    trainings.require_joint_steps(studies.find("casia"), None)


def test_the_images_of_a_painted_set_are_known_before_they_are_painted(tmp_path):
    assert graph.training_images(DEMO, tmp_path, tmp_path) == 6_200


def test_the_images_of_a_brought_set_are_those_that_notebook_01_counted(tmp_path):
    casia, home = studies.find("casia"), tmp_path / "casia"
    assert graph.training_images(casia, tmp_path, home) == 490_623  # as published
    run = runs.start(home / "data", notebook="01_data_prep", parameters={})
    run.update(brought=graph.brought(casia, tmp_path))
    run.finish({"training_set": {"images": 1_000}})
    assert graph.training_images(casia, tmp_path, home) == 1_000


def test_the_estimator_has_a_seed_that_a_generator_takes():
    assert [trainings.estimator_seed(seed) for seed in (1, 2**32 - 1)] == [2, 0]


def test_another_recipe_of_synthesis_makes_that_alone_stale(aged):
    longer = dataclasses.replace(DEMO.synthesis, steps=3)
    study = dataclasses.replace(DEMO, synthesis=longer)
    found = config(study, ("cosface",), synthesized=(1,))["digests"]
    assert {s for s, each in aged["digests"].items() if found[s] != each} == {"synthesis"}


def test_the_number_of_age_groups_reaches_the_methods_with_an_age_head():
    study = dataclasses.replace(DEMO, num_groups=5)
    names = ["arcface", "dal", "mtlface", "mtlface_published", "age_estimator"]
    found = {name: graph.model_digest(study, methods.find(name)) for name in names}
    changed = [n for n in names if found[n] != graph.model_digest(DEMO, methods.find(n))]
    assert changed == names[2:]


def synthesis_key(study=DEMO, seed=1, data="abc", device="cpu", network="ab"):
    given = {"data": data, "device": device, "network": network}
    return graph.synthesis_key(study, methods.find("mtlface"), seed, **given)


@pytest.mark.parametrize(
    "other",
    [
        {"study": dataclasses.replace(DEMO, synthesis=studies.find("smoke").synthesis)},
        {"study": dataclasses.replace(DEMO, allowed_bad=1)},
        {"seed": 2},
        {"data": "abd"},
        {"device": "cuda"},
        {"network": "ac"},
    ],
    ids=["recipe", "allowed_bad", "seed", "data", "device", "network"],
)
def test_what_decides_a_synthesis_changes_its_key(other):
    assert synthesis_key(**other) != synthesis_key()


@pytest.mark.parametrize("changed", [{"workers": 3}, {"save_every": 7}])
def test_what_decides_on_speed_alone_leaves_the_key_of_a_synthesis(changed):
    recipe = dataclasses.replace(DEMO.synthesis, **changed)
    assert synthesis_key(dataclasses.replace(DEMO, synthesis=recipe)) == synthesis_key()


# The key under which a checkpoint may be resumed


def key(study=DEMO, name="arcface", seed=1, data="abc", device="cpu", child_ids=(1, 2)):
    about = {"data": data, "device": device, "child_ids": list(child_ids)}
    return graph.training_key(study, methods.find(name), seed, **about)


@pytest.mark.parametrize(
    "other",
    [
        {"name": "inter_prototype"},
        {"seed": 2},
        {"data": "abd"},
        {"device": "cuda"},
        {"child_ids": (1, 3)},
        {"study": dataclasses.replace(DEMO, scale=64.0)},
        {"study": dataclasses.replace(DEMO, child_below=12.0)},
        {"study": dataclasses.replace(DEMO, recipe=dataclasses.replace(DEMO.recipe, lr=0.05))},
    ],
    ids=["method", "seed", "data", "device", "child_ids", "scale", "child_below", "lr"],
)
def test_what_decides_a_training_changes_its_key(other):
    assert key(**other) != key()


def test_other_weights_to_start_from_are_another_training():
    given = {"data": "abc", "device": "cpu"}
    method = methods.find("arcface")
    keys = [graph.training_key(DEMO, method, 1, start=each, **given) for each in ("", "ab", "cd")]
    assert len(set(keys)) == 3


def test_where_the_weights_to_start_from_lie_is_no_part_of_a_key():
    moved = dataclasses.replace(DEMO, recipe=dataclasses.replace(DEMO.recipe, start="mine.pt"))
    assert key(study=moved) == key()


def test_what_is_done_after_a_training_leaves_its_key():
    # a checkpoint of hours is not thrown away for another bootstrap
    assert key(study=dataclasses.replace(DEMO, bootstrap_repeats=10)) == key()


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of the library and the notebooks, and the digests taken of it."""
    root = tmp_path_factory.mktemp("copied")
    parts = {"irlib": "*.py", "notebooks": "*.ipynb"}
    for path in (path for part in parts for path in (runs.ROOT / part).rglob(parts[part])):
        copy = root / path.relative_to(runs.ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "ROOT", root)
        return root, config()["digests"]


@pytest.mark.parametrize(
    ("edit", "stale"),
    [
        (("irlib/heads/arcface.py", "math.cos(self.margin)", "math.cos(0.5)"), {"train"}),
        (("irlib/backbones/tiny.py", "nn.ReLU()", "nn.ELU()"), {"train"}),
        (("irlib/backbones/ir.py", "import", "A = 1\nimport"), set()),  # not the demo's backbone
        (("irlib/heads/cosface.py", "import", "A = 1\nimport"), set()),  # not these methods' head
        (("irlib/heads/arcface.py", "# Past pi - m", "# Beyond pi - m"), set()),
        (("irlib/methods/method.py", 'title: str', 'label: str = ""\n    title: str'), set()),
        (("irlib/training/schedules.py", "rate *= 0.1", "rate *= 0.2"), {"data", "train"}),
        (("irlib/data/sampling.py", "permutation", "choice"), {"data", "train"}),
        (("irlib/training/building.py", "set_num_threads(threads)", "set_num_threads(1)"),
         {"train"}),  # which runs in a process that the notebook starts
        (("irlib/training/launching.py", "import os\n", "import os\nA = 1\n"), set()),
        (("irlib/training/synthesis/stepping.py", "MIDDLE = 0.5", "MIDDLE = 0.4"), set()),
        (("irlib/training/synthesis/joining.py", "import copy\n", "import copy\nA = 1\n"), set()),
        (("irlib/evaluation/embedding.py", "import torch\n", "import torch\nA = 1\n"),
         {"data", "train", "evaluate", "prototypes", "report"}),  # 02 validates with it
        (("notebooks/04_prototypes.ipynb", "Where do", "Where, then, do"), set()),
        (("notebooks/04_prototypes.ipynb", "float = 30.0", "float = 20.0"), {"prototypes"}),
    ],
    ids=lambda value: value[0].rpartition("/")[2] if isinstance(value, tuple) else "",
)  # fmt: skip
def test_an_edit_makes_stale_what_rests_on_it(copied, monkeypatch, edit, stale):
    root, before = copied
    file, old, new = edit
    text = (root / file).read_text()
    assert old in text
    monkeypatch.setattr(runs, "ROOT", root)
    (root / file).write_text(text.replace(old, new, 1))
    try:
        assert changed(before, DEMO) == stale
    finally:
        (root / file).write_text(text)


@pytest.mark.parametrize(
    ("file", "decides"),
    [
        ("irlib/training/building.py", True), ("irlib/training/optimizers.py", True),
        ("irlib/training/joining.py", False), ("irlib/training/__main__.py", False),
        ("irlib/training/launching.py", False), ("irlib/parallel/starting.py", False),
        ("irlib/training/synthesis/loop.py", False), ("irlib/training/synthesis/config.py", False),
    ],
)  # fmt: skip
def test_weights_are_kept_unless_the_code_that_decides_them_changes(
    copied, monkeypatch, file, decides
):
    root, before = copied[0], key()
    text = (root / file).read_text()
    monkeypatch.setattr(runs, "ROOT", root)
    (root / file).write_text(text + "\nA = 1\n")
    try:
        assert (key() != before) is decides
    finally:
        (root / file).write_text(text)


def test_the_number_of_processes_makes_nothing_stale(digests):
    made = {"common": COMMON, "outputs": Path("/o"), "processes": 8, "gpus": 1}
    found = graph.config(DEMO, ["arcface", "inter_prototype"], [1, 2], **made)
    assert found["digests"] == digests
    assert (found["gpus"], found["train_gpus"]) == (1, 8)


@pytest.fixture
def brought(tmp_path):
    """CASIA as a user puts it down, and the record of a notebook 01 that found it so."""
    data, home = tmp_path / "data", tmp_path / "outputs/casia"
    for name in ("casia/train/0/1.jpg", "casia/age-labels.txt", "test/pairs/lag.txt"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text("a")
    record = {"brought": graph.brought(studies.find("casia"), data)}
    runs.write_json(home / "data/run.json", record)
    return SimpleNamespace(data=data, home=home)


def test_data_that_nobody_touched_are_not_looked_at_again(brought):
    assert not graph.data_changed(studies.find("casia"), brought.data, brought.home)


@pytest.mark.parametrize(
    "name",
    [
        "casia/train/train.rec", "casia/age-labels.txt", "test/pairs/lag.txt",
        "test/AgeDB-aligned/faces.csv", "casia/identity-names.txt",
    ],
)  # fmt: skip
def test_a_file_that_came_or_was_rewritten_in_place_is_noticed(brought, name):
    (brought.data / name).parent.mkdir(parents=True, exist_ok=True)
    (brought.data / name).write_text("ab")
    assert graph.data_changed(studies.find("casia"), brought.data, brought.home)


def test_an_identity_that_came_is_noticed(brought):
    (brought.data / "casia/train/1").mkdir()
    assert graph.data_changed(studies.find("casia"), brought.data, brought.home)


def test_a_synthetic_study_has_nothing_brought(tmp_path):
    assert graph.brought(DEMO, tmp_path) == []
