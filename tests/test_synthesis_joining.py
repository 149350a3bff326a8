"""A synthesis training from its run folder, by the command that trains."""

import json

import numpy as np
import pytest
import small_study
import torch

from irlib import checkpoints, methods, runs, studies
from irlib.age_invariant.synthesis.synthesizer import Synthesizer
from irlib.data.manifests import INPUT
from irlib.training import __main__ as command
from irlib.training import joining as recognition
from irlib.training import status
from irlib.training.history import read_history
from irlib.training.synthesis import joining
from irlib.training.synthesis.joining import SynthesisTask

# 114 images; those of known age fall into each of six groups, but none is over 60
FEW = {
    "num_groups": 6, "synthesis.steps": 2, "synthesis.batch_size": 4, "synthesis.log_every": 1,
}  # fmt: skip
JOINT = {**FEW, "synthesis.joint": True, "epochs": 1, "batch_size": 64}  # two steps each
NAME = "synthesis-mtlface-s1"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The data of a small study."""
    home = tmp_path_factory.mktemp("synthesis")
    small_study.prepare(home)
    return home


def recognition_run(folder, overrides, method="mtlface"):
    """What notebook 02 would leave, of a network with random weights."""
    study, method = studies.find("smoke", overrides), methods.find(method)
    torch.manual_seed(0)
    network = method.network(study)
    objective = method.build(study, network, 12)
    model = method.model(study) | {"input": INPUT, "num_classes": 12}
    parts = {"backbone": network.state_dict(), "objective": objective.state_dict()}
    folder.mkdir(parents=True, exist_ok=True)
    checkpoints.save(folder / "last.pt", {"model": model, "key": "k", "step": 9, **parts})


def asked(home, outputs, overrides=FEW, method="mtlface"):
    """The run folder of a synthesis that nobody has started, and its recognition run beside."""
    name = runs.run_name("synthesis", method, 1)
    given = {"notebook": "06_synthesis", "method": method, "overrides": overrides}
    folder = small_study.run_folder(home, outputs, name, **given)
    recognition_run(folder.with_name("train-mtlface-s1"), overrides)
    return folder


def task_of(folder):
    return SynthesisTask.of(runs.read_json(folder / "run.json")["parameters"])


def refused(capsys, folder):
    """The one message that a training is refused with."""
    assert command.main([str(folder)]) == 1
    return capsys.readouterr().err


@pytest.fixture(scope="module")
def trained(home):
    """A synthesis of two steps."""
    folder = asked(home, "plain")
    assert command.main([str(folder)]) == 0
    return folder


def test_the_record_of_notebook_06_asks_for_a_synthesis(trained):
    assert [line["step"] for line in read_history(trained)] == [1, 2]
    assert {"adversarial_loss", "age_loss"} <= read_history(trained)[-1].keys()
    assert not (trained / "resume").exists()


def test_its_checkpoint_holds_generator_and_recognition_network(trained):
    synthesizer = Synthesizer.load(trained / "last.pt")
    assert synthesizer.num_groups == 6
    network = checkpoints.load_backbone(trained / "last.pt").network
    given = checkpoints.load_backbone(trained.with_name("train-mtlface-s1") / "last.pt").network
    pairs = zip(network.state_dict().values(), given.state_dict().values(), strict=True)
    assert all(torch.equal(*pair) for pair in pairs)


def test_its_record_says_what_it_rests_on_and_how_many_images_each_group_has(trained):
    record = status.read(trained)
    about = record["about"]
    assert (record["status"], about["steps"]) == (status.COMPLETE, 2)
    weights = trained.with_name("train-mtlface-s1") / "last.pt"
    assert about["first_weights"]["path"] == str(weights)
    known = about["data"].pop("of known age")
    assert about["data"].pop("images") == 114
    assert sum(about["data"].values()) == known == 109
    assert about["recipe"]["batch_size"] == 4


def test_a_finished_synthesis_is_shown_and_not_repeated(trained):
    before = (trained / "last.pt").stat().st_mtime_ns
    assert command.main([str(trained)]) == 0
    assert (trained / "last.pt").stat().st_mtime_ns == before


def test_other_weights_of_the_network_are_another_synthesis(home, trained):
    place = recognition.Place()
    task = task_of(trained)
    keys = [joining.assemble(task, joining.collect(task), place).recorder.key]
    path = trained.with_name("train-mtlface-s1") / "last.pt"
    content = checkpoints.load(path)
    checkpoints.save(path, {**content, "step": 10})
    keys.append(joining.assemble(task, joining.collect(task), place).recorder.key)
    checkpoints.save(path, content)
    assert keys[0] == status.read(trained)["key"] != keys[1]


def test_a_method_that_splits_no_age_off_is_refused_by_name(capsys, home):
    folder = asked(home, "refused", method="arcface")
    told = refused(capsys, folder)
    assert "method 'arcface' has no age head on maps that are split by attention" in told


def test_without_the_recognition_run_its_notebook_is_named(capsys, home):
    folder = asked(home, "no run")
    (folder.with_name("train-mtlface-s1") / "last.pt").unlink()
    told = refused(capsys, folder)
    assert "train-mtlface-s1/last.pt is missing: run notebooks/02_train.ipynb first" in told


def test_a_checkpoint_of_another_network_is_refused_with_its_path(capsys, home):
    folder = asked(home, "other network")
    recognition_run(folder.with_name("train-mtlface-s1"), FEW, method="arcface")
    told = refused(capsys, folder)
    assert "train-mtlface-s1/last.pt: model: decomposition is ''" in told


def test_an_age_group_without_images_is_refused_by_name(capsys, home):
    folder = asked(home, "no old faces", {**FEW, "num_groups": 7})
    told = refused(capsys, folder)
    assert "age group 6 (over 60 years) has none of the 109 training images of known age" in told
    assert not (folder / "history.jsonl").exists()


def test_a_joint_training_trains_both_tasks(home):
    folder = asked(home, "joint", JOINT)
    (folder.with_name("train-mtlface-s1") / "last.pt").unlink()  # it starts from random weights
    assert command.main([str(folder)]) == 0
    lines = read_history(folder)
    assert [np.isfinite(line["recognition_id_loss"]) for line in lines] == [True, True]
    content = checkpoints.load(folder / "last.pt")
    assert {"head.prototypes", "adversary.group_output_layer.bias"} <= content["objective"].keys()
    assert Synthesizer.load(folder / "last.pt").num_groups == 6
    about = status.read(folder)["about"]
    assert (about["recognition"]["steps"], about["first_weights"]["path"]) == (2, "")


def test_a_joint_training_that_ends_before_recognition_does_is_refused(capsys, home):
    folder = asked(home, "joint", {**JOINT, "epochs": 3})
    assert "steps is 2: expected at least the 6 of the recognition" in refused(capsys, folder)


def test_a_command_line_names_a_synthesis_by_a_word(home, trained):
    folder = asked(home, "by words")
    (folder / "run.json").unlink()
    words = ["--study", "smoke", "--synthesis", "--seed", "1", "--device", "cpu"]
    words += ["--data", str(home / "data"), "--outputs", str(home / "by words")]
    words += [f"--set={name}={value}" for name, value in FEW.items()]
    assert command.main([str(folder), *words]) == 0
    assert runs.read_json(folder / "run.json")["notebook"] == "06_synthesis"
    assert weights(folder) == weights(trained)


def weights(folder):
    """The generator's weights, as plain numbers."""
    found = checkpoints.load(folder / "last.pt")["generator"]
    return {name: value.tolist() for name, value in found.items()}


def test_the_record_of_a_notebook_that_trains_nothing_is_refused(capsys, home):
    folder = asked(home, "other notebook")
    record = json.loads((folder / "run.json").read_text())
    runs.write_json(folder / "run.json", {**record, "notebook": "03_evaluate"})
    told = refused(capsys, folder)
    assert "notebook is '03_evaluate', expected one of 02_train, 06_synthesis" in told
