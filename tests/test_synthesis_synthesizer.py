"""Encoder and generator as one, and pixels of what they give."""

import pytest
import torch
from synthesis_networks import discriminator, encoder, generator, images, recognition
from torch import nn

from irlib import checkpoints
from irlib.age_invariant.synthesis import Synthesizer, files, one_group, to_pixels
from irlib.images import to_input

GROUPS = one_group(torch.tensor([0, 6]), 7)


@torch.no_grad()
def test_a_face_is_the_generators_on_what_the_encoder_sees():
    source = encoder()
    drawing, seen = generator(source), source.see(images())
    expected = drawing(images(), seen.pyramid, seen.identity, GROUPS).clamp(-1, 1)
    assert torch.equal(Synthesizer(source, drawing)(images(), GROUPS), expected)


@torch.no_grad()
def test_faces_stay_in_the_range_of_images():
    synthesizer = Synthesizer(encoder(), generator(encoder()))
    nn.init.constant_(synthesizer.generator.conv3.bias, 1.0)
    faces = synthesizer(images(), GROUPS)
    # some of the pixels in [-1, 1] were above 0, and 1 was added to all
    assert faces.max().item() == 1
    nn.init.constant_(synthesizer.generator.conv3.bias, -3.0)
    assert synthesizer(images(), GROUPS).unique().tolist() == [-1]


def test_it_is_in_evaluation_mode():
    source = encoder()
    assert not Synthesizer(source, generator(source).train()).generator.training


@torch.no_grad()
def test_a_file_gives_the_faces_of_what_was_saved(tmp_path):
    source = encoder()
    drawing = generator(source)
    content = files.content_of(recognition(source), drawing, discriminator(), key="k", step=1)
    files.save(tmp_path / "last.pt", content)
    expected = Synthesizer(source, drawing)(images(), GROUPS)
    assert torch.equal(Synthesizer.load(tmp_path / "last.pt")(images(), GROUPS), expected)


def test_a_file_of_a_recognition_training_is_refused_by_name(tmp_path):
    checkpoints.save(tmp_path / "aifr.pt", recognition(encoder()))
    with pytest.raises(ValueError, match=r"aifr\.pt: not a checkpoint of face age synthesis"):
        Synthesizer.load(tmp_path / "aifr.pt")


def test_a_file_whose_weights_do_not_fit_is_refused_by_name(tmp_path):
    source = encoder()
    content = files.content_of(
        recognition(source), generator(source), discriminator(), key="k", step=1
    )
    content["model"]["synthesis"]["blocks"] = 2
    files.save(tmp_path / "last.pt", content)
    with pytest.raises(ValueError, match=r"last\.pt: generator: .* missing: transform\.1\.conv1"):
        Synthesizer.load(tmp_path / "last.pt")


def test_two_numbers_of_groups_are_refused():
    told = "generator: expected 7 age groups as the encoder's age head, got 5"
    with pytest.raises(ValueError, match=told):
        Synthesizer(encoder(), generator(encoder(5)))


def test_pixels_of_the_range_are_0_to_255_and_what_lies_outside_is_cut():
    values = torch.tensor([-1.5, -1.0, 0.0, 1.0, 1.5])
    pixels = to_pixels(values[:, None, None, None].expand(5, 3, 112, 112))
    assert pixels.shape == (5, 112, 112, 3)
    # 0 is 127.5, and halves go to the even number
    assert pixels[:, 0, 0, 0].tolist() == [0, 0, 128, 255, 255]


def test_pixels_become_images_and_pixels_again():
    pixels = torch.arange(256, dtype=torch.uint8).repeat(147)  # 112 x 112 x 3 in all
    pixels = pixels.view(1, 112, 112, 3)
    assert torch.equal(to_pixels(to_input(pixels)), pixels)
