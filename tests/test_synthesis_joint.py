"""Synthesis joined to recognition: the one learns on as if it were alone, the other looks on."""

from dataclasses import replace

import pytest
import torch
from synthesis_runs import MODEL, RECIPE, RECOGNITION, Run, made, recognition_loader
from training_runs import equal, weights_of, without_clock

from irlib import checkpoints
from irlib.training.config import LAST
from irlib.training.loop import train
from irlib.training.recorder import Recorder

JOINT = replace(RECIPE, joint=True)


@pytest.fixture
def run(crops, tmp_path):
    return Run(crops, tmp_path)


@pytest.fixture(scope="module")
def joined(crops, tmp_path_factory):
    run = Run(crops, tmp_path_factory.mktemp("joined")).build(JOINT)
    return run, run.train(recognition=run.recognition())


@pytest.fixture(scope="module")
def alone(crops, tmp_path_factory):
    """A plain training of the same recognition, five steps long."""
    run = Run(crops, tmp_path_factory.mktemp("synthesis")).build()
    recorder = Recorder(tmp_path_factory.mktemp("alone"), model=MODEL, key="k")
    loader = recognition_loader(run.faces())
    torch.manual_seed(3)
    return run, train(run.network, run.objective, loader, RECOGNITION, recorder, seed=5)


def test_recognition_ends_as_if_it_had_been_alone(joined, alone):
    ours, plain = joined[0], alone[0]
    expected = weights_of(plain.network, plain.objective)
    assert equal(weights_of(ours.network, ours.objective), expected)
    content = checkpoints.load(ours.folder / LAST)
    saved = [*content["backbone"].values(), *content["objective"].values()]
    assert equal(saved, expected)


def test_the_losses_of_recognition_are_told_as_long_as_it_lasts(joined, alone):
    told = [line["recognition_id_loss"] for line in joined[1] if "recognition_id_loss" in line]
    assert told == [line["id_loss"] for line in alone[1]]


def test_the_encoder_follows_recognition(joined):
    run, _ = joined
    expected = weights_of(run.network, run.objective.age_head)
    assert equal(weights_of(run.encoder.network, run.encoder.age_head), expected)


def test_a_killed_joint_training_ends_as_an_undisturbed_one(run, joined):
    run.build(JOINT)
    run.train(kill_at=4, recognition=run.recognition())
    run.build(JOINT)
    history = run.train(recognition=run.recognition())
    assert without_clock(history) == without_clock(joined[1])
    assert equal(made(run), made(joined[0]))
    parts = [(each.network, each.objective) for each in (run, joined[0])]
    assert equal(*(weights_of(*part) for part in parts))


def test_a_finished_joint_training_gives_back_its_weights(crops, joined):
    again = Run(crops, joined[0].folder).build(JOINT)
    again.train(recognition=again.recognition())
    assert equal(
        weights_of(again.network, again.objective),
        weights_of(joined[0].network, joined[0].objective),
    )


def test_other_kernels_for_the_two_are_refused(run):
    run.build(replace(RECIPE, joint=True, tf32=True))
    with pytest.raises(ValueError, match="tf32 is True in the recipe of synthesis and False"):
        run.train(recognition=run.recognition())


def test_too_few_steps_for_recognition_are_refused(run):
    run.build(JOINT)
    with pytest.raises(ValueError, match=r"steps is 6: expected at least the 10 .* 2 epochs of 5"):
        run.train(recognition=run.recognition(epochs=2))


def test_an_encoder_that_is_the_network_itself_is_refused(run):
    run.build(JOINT)
    run.network = run.encoder.network
    with pytest.raises(ValueError, match="encoder: expected copies"):
        run.train(recognition=run.recognition())


@pytest.mark.parametrize("joint", [False, True])
def test_a_recipe_that_does_not_say_what_it_is_given_is_refused(run, joint):
    run.build(replace(RECIPE, joint=joint))
    number = "a" if joint else "no"
    with pytest.raises(ValueError, match=f"joint is {joint}: expected {number} recognition"):
        run.train(recognition=None if joint else run.recognition())
