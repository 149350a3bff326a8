"""Checkpoints of synthesis: what they hold, who reads them, what is refused."""

import pytest
import torch
from synthesis_networks import NARROW, discriminator, encoder, generator, images, recognition

from irlib import checkpoints
from irlib.age_invariant.synthesis import Encoder, files


@pytest.fixture
def content():
    source = encoder()
    return files.content_of(
        recognition(source), generator(source), discriminator(), key="k", step=3
    )


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in (first | second))


def test_all_networks_come_back_as_they_were(tmp_path, content):
    files.save(tmp_path / "last.pt", content)
    found = files.load(tmp_path / "last.pt")
    source = Encoder.of(found)
    assert same(files.generator_of(found, source.map_shapes).state_dict(), content["generator"])
    assert same(files.discriminator_of(found).state_dict(), content["discriminator"])
    assert same(source.network.state_dict(), content["backbone"])


def test_sizes_key_and_step_come_back(tmp_path, content):
    files.save(tmp_path / "last.pt", content)
    found = files.load(tmp_path / "last.pt")
    shape = files.generator_of(found, encoder().map_shapes).shape
    assert shape == NARROW
    assert (files.discriminator_of(found).width, found["key"], found["step"]) == (8, "k", 3)


@torch.no_grad()
def test_evaluation_reads_it_as_the_recognition_network(tmp_path, content):
    files.save(tmp_path / "last.pt", content)
    backbone = checkpoints.load_backbone(tmp_path / "last.pt")
    assert torch.equal(backbone(images()), encoder().embed(images()))


def test_it_tells_the_model_of_the_recognition_training_and_its_own_sizes(tmp_path, content):
    files.save(tmp_path / "last.pt", content)
    assert checkpoints.model_of(tmp_path / "last.pt") == {
        "backbone": "tiny",
        "embedding_size": 8,
        "decomposition": "attention",
        "input": {},
        "synthesis": {
            "num_groups": 7,
            "units": 16,
            "blocks": 1,
            "widths": [16, 8, 8, 4],
            "discriminator_width": 8,
        },
    }


def test_a_checkpoint_of_recognition_alone_is_refused_by_name(tmp_path, content):
    alone = recognition(encoder())
    checkpoints.save(tmp_path / "aifr.pt", alone)
    told = r"aifr\.pt: not a checkpoint of face age synthesis \(no generator, discriminator, key"
    with pytest.raises(ValueError, match=told):
        files.load(tmp_path / "aifr.pt")


@pytest.mark.parametrize("name", ["generator", "discriminator", "key", "step"])
def test_what_is_missing_is_not_saved_and_told(tmp_path, content, name):
    del content[name]
    with pytest.raises(ValueError, match=rf"last\.pt: .*\(no {name}\)"):
        files.save(tmp_path / "last.pt", content)
    assert not (tmp_path / "last.pt").exists()


@pytest.mark.parametrize("name", ["num_groups", "units", "blocks", "widths", "discriminator_width"])
def test_a_size_that_is_missing_is_told(tmp_path, content, name):
    del content["model"]["synthesis"][name]
    with pytest.raises(ValueError, match=rf"last\.pt: .*\(no model\.synthesis\.{name}\)"):
        files.save(tmp_path / "last.pt", content)


def test_a_file_of_something_else_is_refused_by_name(tmp_path):
    torch.save({"state_dict": {}}, tmp_path / "other.pt")
    with pytest.raises(ValueError, match=r"other\.pt: not a checkpoint of irlib"):
        files.load(tmp_path / "other.pt")


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"last\.pt: no such checkpoint"):
        files.load(tmp_path / "last.pt")


def test_weights_of_another_width_are_refused(content):
    content["model"]["synthesis"]["units"] = 17
    with pytest.raises(ValueError, match=r"generator: .* of another shape: conv1\.0\.weight \(102"):
        files.generator_of(content, encoder().map_shapes)
