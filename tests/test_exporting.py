"""Exports to ONNX and safetensors, and the command that makes them."""

import re

import pytest
import torch
from brought_files import images, weights
from safetensors import safe_open
from torch import nn

from irlib import backbones
from irlib.checkpoints import __main__ as command
from irlib.checkpoints import exporting, load_backbone

pytest.importorskip("onnxscript")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A network that was trained on BGR, as plain tensors."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("file") / "tiny.pt"
    torch.save(backbones.build("tiny", embedding_size=8).state_dict(), path)
    return path


@pytest.fixture(scope="module")
def original(file):
    return load_backbone(file, color_order="BGR")


@pytest.fixture(scope="module")
def as_onnx(original, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "tiny.onnx"
    exporting.export_onnx(original, path)
    return path


@torch.no_grad()
def test_an_onnx_file_gives_the_embeddings_of_the_original_to_any_number(original, as_onnx):
    again = load_backbone(as_onnx)
    for count in (1, 4):
        want = original(images(count))
        torch.testing.assert_close(again(images(count)), want, rtol=0, atol=1e-5)


def test_an_onnx_file_takes_rgb_and_tells_what_it_is(original, as_onnx):
    import onnx

    told = {entry.key: entry.value for entry in onnx.load(as_onnx).metadata_props}
    assert told["color_order"] == "RGB"
    assert (told["family"], told["architecture"], told["embedding_size"]) == ("irlib", "tiny", "8")
    assert [path.name for path in as_onnx.parent.iterdir()] == ["tiny.onnx"]


@torch.no_grad()
def test_a_safetensors_file_gives_the_same_embeddings_in_its_own_color_order(original, tmp_path):
    exporting.export_safetensors(original, tmp_path / "a.safetensors")
    again = load_backbone(tmp_path / "a.safetensors")
    assert torch.equal(again(images(2)), original(images(2)))
    assert (again.family, again.color_order) == ("irlib", "BGR")


def test_the_header_of_a_safetensors_file_tells_what_it_is(original, tmp_path):
    exporting.export_safetensors(original, tmp_path / "a.safetensors")
    with safe_open(tmp_path / "a.safetensors", framework="pt") as file:
        told = file.metadata()
    assert told.pop("irlib")
    assert told == {
        "family": "irlib",
        "architecture": "tiny",
        "embedding_size": "8",
        "color_order": "BGR",
        "input": "float (N, 3, 112, 112) in [-1, 1]",
    }


@torch.no_grad()
def test_the_networks_of_others_go_through_safetensors(tmp_path):
    theirs = weights("insightface_pytorch_mobilefacenet", embedding_size=16)
    torch.save(theirs, tmp_path / "a.pth")
    first = load_backbone(tmp_path / "a.pth", color_order="BGR")
    exporting.export_safetensors(first, tmp_path / "a.safetensors")
    again = load_backbone(tmp_path / "a.safetensors")
    assert torch.equal(again(images()), first(images()))
    assert (again.family, again.color_order) == ("mobilefacenet", "BGR")


@torch.no_grad()
@pytest.mark.parametrize("decomposition", ["attention", "residual"])
def test_a_network_that_splits_age_off_goes_through_safetensors(tmp_path, decomposition):
    torch.manual_seed(0)
    network = backbones.recognition(backbones.build("tiny", 8, decomposition)).eval()
    exporting.export_safetensors(network, tmp_path / "a.safetensors")
    again = load_backbone(tmp_path / "a.safetensors")
    assert torch.equal(again(images(2)), network(images(2)))


def test_an_export_leaves_the_original_in_its_mode(tmp_path):
    network = backbones.build("tiny", 8).train()
    exporting.export_safetensors(network, tmp_path / "a.safetensors")
    assert network.training


@pytest.mark.parametrize("write", [exporting.export_onnx, exporting.export_safetensors])
def test_an_export_that_differs_is_refused_and_the_file_before_it_stays(
    original, tmp_path, monkeypatch, write
):
    path = tmp_path / ("a.onnx" if write is exporting.export_onnx else "a.safetensors")
    path.write_text("before")
    real = exporting.load_backbone

    class Off(nn.Module):
        def __init__(self, backbone):
            super().__init__()
            self.backbone = backbone

        def forward(self, images):
            return self.backbone(images) * 1.001

    monkeypatch.setattr(exporting, "load_backbone", lambda path: Off(real(path)))
    with pytest.raises(ValueError, match=r"not written, as its embeddings are up to 0\.001 of the"):
        write(original, path)
    assert path.read_text() == "before"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_tensors_that_no_layout_knows_are_not_written(tmp_path):
    network = nn.Sequential(nn.AvgPool2d(112), nn.Flatten(), nn.Linear(3, 4))
    told = r"cannot be read back: .+a\.safetensors: of no known network; found 2 tensors"
    with pytest.raises(ValueError, match=told):
        exporting.export_safetensors(network, tmp_path / "a.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_program_has_no_tensors_to_write(as_onnx, tmp_path):
    told = r"the network is a program \(onnx\); it has no tensors to write"
    with pytest.raises(ValueError, match=told):
        exporting.export_safetensors(load_backbone(as_onnx), tmp_path / "a.safetensors")


# The command


def run(*words):
    return command.main([str(word) for word in words])


def test_show_tells_what_a_file_is(file, capsys):
    assert run("show", file, "--color-order", "BGR") == 0
    told = dict(re.split(r":\s+", line) for line in capsys.readouterr().out.splitlines())
    digest = load_backbone(file, color_order="BGR").digest
    parameters = sum(p.numel() for p in backbones.build("tiny", 8).parameters())
    assert told == {
        "family": "irlib",
        "architecture": "tiny",
        "parameters": f"{parameters:,}",
        "embedding size": "8",
        "color order": "BGR",
        "digest": digest,
    }


def test_show_tells_of_a_program(as_onnx, capsys):
    assert run("show", as_onnx) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(maxsplit=1)[1] for line in lines[:2]] == ["onnx", "program"]


def test_export_writes_what_its_name_ends_in(file, original, tmp_path, capsys):
    assert run("export", file, "--color-order", "BGR", "--to", tmp_path / "a.safetensors") == 0
    assert capsys.readouterr().out.startswith(f"{tmp_path}/a.safetensors: written, 8 numbers")
    assert load_backbone(tmp_path / "a.safetensors").color_order == "BGR"


@pytest.mark.parametrize(("words", "told"), [
    (["show", "{}/none.pt"], "{}/none.pt: no such checkpoint"),
    (["show", "{}/text.pt"], "{}/text.pt: not a readable checkpoint"),
    (["export", "{}/text.pt", "--to", "{}/a.foo"], "--to {}/a.foo: expected a name that ends in"),
    (["export", "{}/text.pt", "--to", "{}/a.safetensors", "--opset", "9"], "--opset 9: only ONNX"),
])  # fmt: skip
def test_bad_input_is_told_in_one_line(tmp_path, capsys, words, told):
    (tmp_path / "text.pt").write_text("no network")
    assert run(*[word.format(tmp_path) for word in words]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: " + told.format(tmp_path))
