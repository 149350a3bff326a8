"""Face age synthesis trained by several processes, beside the same training by one, in float64."""

import json
from dataclasses import replace

import pytest
import ranks
import torch
from synthesis_runs import RECIPE, Run
from training_runs import without_clock

from irlib import checkpoints, parallel
from irlib.training.config import LAST

# The fifth step has three images: of four processes one has none.
CASES = {
    "alone": RECIPE,
    "joint": replace(RECIPE, joint=True, average=0.9, lead=0.2, generator_every=2),
}


def trained(crops, home, name, kill_at=None):
    """History of a training, by as many processes as there are."""
    run = Run(crops, home / name).build(CASES[name], wide=True)
    if name == "alone":
        return run.train(kill_at=kill_at)
    run.network.double()
    run.objective.double()
    run.network.backbone.output[1].p = 0.0  # each process draws its own dropout
    return run.train(kill_at=kill_at, recognition=run.recognition())


def all_trained(crops, home):
    return {name: trained(crops, home, name) for name in CASES}


@pytest.fixture(scope="module")
def one(crops, tmp_path_factory):
    home = tmp_path_factory.mktemp("one")
    return all_trained(crops, home), home


@pytest.fixture(scope="module", params=[2, pytest.param(4, marks=pytest.mark.slow)])
def several(request, crops, tmp_path_factory):
    home = tmp_path_factory.mktemp("several")
    return ranks.run(all_trained, request.param, crops, home), home


def same_numbers(history, expected):
    pairs = zip(without_clock(history), without_clock(expected), strict=True)
    return all(ours == pytest.approx(theirs, rel=1e-6, abs=1e-9) for ours, theirs in pairs)


def require_same_weights(folder, other):
    ours, expected = (checkpoints.load(each / LAST) for each in (folder, other))
    for part in ("backbone", "objective", "generator", "discriminator"):
        assert list(ours[part]) == list(expected[part])
        for key, value in expected[part].items():
            torch.testing.assert_close(ours[part][key], value, rtol=1e-6, atol=1e-7, msg=key)


@pytest.mark.parametrize("name", CASES)
def test_several_processes_tell_the_losses_of_one(several, one, name):
    assert len(one[0][name]) == RECIPE.steps
    assert all(same_numbers(each[name], one[0][name]) for each in several[0])


@pytest.mark.parametrize("name", CASES)
def test_several_processes_end_with_the_weights_of_one(several, one, name):
    require_same_weights(several[1] / name, one[1] / name)


def test_the_history_is_written_once(several):
    found, home = several
    text = (home / "alone/history.jsonl").read_text()
    assert [json.loads(line) for line in text.splitlines()] == found[0]["alone"]


def left_in(crops, home, name):
    trained(crops, home, name, kill_at=5)
    return parallel.size()


@pytest.mark.parametrize(("name", "before", "after"), [
    ("joint", 2, 1), pytest.param("alone", 1, 3, marks=pytest.mark.slow),
])  # fmt: skip
def test_another_number_of_processes_goes_on_to_the_same_end(
    crops, one, tmp_path, name, before, after
):
    assert ranks.run(left_in, before, crops, tmp_path, name) == [before] * before
    assert (tmp_path / name / "resume/4").exists()
    history = ranks.run(trained, after, crops, tmp_path, name)[0]
    assert same_numbers(history, one[0][name])
    require_same_weights(tmp_path / name, one[1] / name)


def small(crops, home):
    """What is told of batches that leave a process without an image, by each process."""
    try:
        Run(crops, home).build(replace(RECIPE, shared_batch_norm=False))
    except ValueError as error:
        return str(error)
    return ""


def test_a_process_without_images_has_no_batch_statistics_of_its_own(crops, tmp_path):
    expected = "shared_batch_norm is False: of 19 images in batches of 4 a batch of 3 gives one"
    assert all(told.startswith(expected) for told in ranks.run(small, 4, crops, tmp_path))
    assert ranks.run(small, 2, crops, tmp_path) == ["", ""]
