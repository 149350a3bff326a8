"""Files of any origin: what kind they are, and that reading one runs nothing that lies in it."""

import argparse
import builtins
import os
import pathlib
import pickle
import subprocess
import sys
import types
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch
from brought_files import images
from safetensors.torch import save_file
from torch import nn

from irlib import backbones
from irlib.checkpoints import load_backbone
from irlib.checkpoints.reading import Kind, kind_of, read_torch, reason

TENSORS = {"a.weight": torch.arange(3.0)}


class Calls:
    """Whose pickle calls a function when it is read."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


def saved(path, content, *, is_legacy=False):
    torch.save(content, path, _use_new_zipfile_serialization=not is_legacy)
    return path


def payloads(target):
    """Calls that would make a file, each in a way of its own."""
    write = f"open({str(target)!r}, 'w').close()"
    return {
        "os.system": Calls(os.system, f"touch {target}"),
        "eval": Calls(builtins.eval, write),
        "exec": Calls(builtins.exec, write),
        "open": Calls(builtins.open, str(target), "w"),
        "subprocess": Calls(subprocess.call, ["touch", str(target)]),
        "a method": Calls(pathlib.Path.touch, pathlib.Path(target)),
    }


NAMES = tuple(payloads("x"))


@pytest.mark.parametrize("is_legacy", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_call_in_a_file_is_not_made(tmp_path, name, is_legacy):
    target = tmp_path / "made"
    content = {"state_dict": TENSORS, "extra": payloads(target)[name]}
    path = saved(tmp_path / "a.ckpt", content, is_legacy=is_legacy)
    try:
        read_torch(path)
    except ValueError as error:
        assert "a.ckpt: not a readable checkpoint; no code in it was run" in str(error)
    assert not target.exists()
    torch.load(path, weights_only=False)  # the call is in the file: a reader that trusts it obeys
    assert target.exists()


def test_a_command_to_the_system_is_refused_by_its_name(tmp_path):
    path = saved(tmp_path / "a.pt", {"x": payloads(tmp_path / "made")["os.system"]})
    with pytest.raises(ValueError, match=r"a\.pt: .+ no code in it was run .+posix\.system"):
        load_backbone(path)


@pytest.mark.parametrize("is_legacy", [False, True])
def test_what_was_found_is_told_without_torchs_advice_to_trust_the_file(tmp_path, is_legacy):
    content = {"x": payloads(tmp_path / "made")["os.system"]}
    path = saved(tmp_path / "a.pt", content, is_legacy=is_legacy)
    with pytest.raises(ValueError) as error:
        load_backbone(path)
    found = "Trying to load unsupported GLOBAL posix.system whose module posix is blocked."
    told = f"{path}: not a readable checkpoint; no code in it was run ({found})"
    assert str(error.value) == told


def test_a_class_that_is_not_allowed_is_told_by_its_name_alone(tmp_path):
    path = saved(tmp_path / "a.pt", {"x": argparse.Namespace(a=1)})
    with pytest.raises(pickle.UnpicklingError) as error:
        torch.load(path, weights_only=True)
    assert "\x1b" in str(error.value)  # colors of a terminal, and how to load the file all the same
    told = "Unsupported global: GLOBAL argparse.Namespace was not an allowed global by default."
    assert reason(error.value) == told


def test_tensors_beside_a_call_are_read(tmp_path):
    content = {"state_dict": TENSORS, "extra": payloads(tmp_path / "made")["eval"]}
    read = read_torch(saved(tmp_path / "a.ckpt", content))
    assert torch.equal(read["state_dict"]["a.weight"], TENSORS["a.weight"])
    assert type(read["extra"]).__name__ == "Inert"


# Objects of other projects


@pytest.fixture
def stranger():
    """A module with classes that exist while a file is written, and not when it is read."""
    module = types.ModuleType("stranger")
    module.Plain = type("Plain", (), {"__module__": "stranger"})
    module.AttributeDict = type("AttributeDict", (dict,), {"__module__": "stranger"})
    sys.modules["stranger"] = module
    yield module
    sys.modules.pop("stranger", None)


def test_hyper_parameters_of_foreign_classes_do_not_hinder(tmp_path, stranger):
    plain = stranger.Plain()
    plain.epochs, plain.path = 26, pathlib.Path("data")
    content = {
        "state_dict": OrderedDict(TENSORS),
        "hyper_parameters": stranger.AttributeDict(margin=0.4, kind=stranger.Plain),
        "arguments": argparse.Namespace(batch=512, inner=plain),
        "callbacks": {stranger.Plain: {"best": np.float64(0.9)}},
    }
    path = saved(tmp_path / "a.ckpt", content)
    del sys.modules["stranger"]
    read = read_torch(path)
    assert torch.equal(read["state_dict"]["a.weight"], TENSORS["a.weight"])
    assert read["hyper_parameters"]["margin"] == 0.4
    assert "stranger" not in sys.modules


def test_foreign_classes_in_a_file_of_before_archives_do_not_hinder(tmp_path, stranger):
    content = {
        "state_dict": OrderedDict(TENSORS),
        "hyper_parameters": argparse.Namespace(margin=0.4, kind=stranger.Plain),
        "extra": payloads(tmp_path / "made")["eval"],  # of a module that Python 2 named otherwise
    }
    path = saved(tmp_path / "a.ckpt", content, is_legacy=True)
    del sys.modules["stranger"]
    read = read_torch(path)
    assert torch.equal(read["state_dict"]["a.weight"], TENSORS["a.weight"])
    assert type(read["hyper_parameters"]).__name__ == "Inert"
    assert not (tmp_path / "made").exists()


def test_reading_leaves_no_class_trusted(tmp_path, stranger):
    path = saved(tmp_path / "a.ckpt", {"x": stranger.Plain()})
    before = set(torch.serialization.get_safe_globals())
    read_torch(path)
    assert set(torch.serialization.get_safe_globals()) == before


def test_a_whole_pickled_network_is_refused_by_its_class(tmp_path):
    path = saved(tmp_path / "a.pt", nn.Linear(2, 2))
    told = (
        r"a\.pt: holds an object of torch\.nn\.modules\.linear\.Linear, not tensors; save its sta"
    )
    with pytest.raises(ValueError, match=told):
        load_backbone(path)


# Kinds


@pytest.fixture
def tiny():
    """A small network, ready to evaluate."""
    torch.manual_seed(0)
    return backbones.build("tiny", 8).eval()


@torch.no_grad()
@pytest.mark.parametrize("is_legacy", [False, True])
def test_both_formats_of_torch_are_read(tmp_path, tiny, is_legacy):
    path = saved(tmp_path / "a.bin", tiny.state_dict(), is_legacy=is_legacy)
    assert kind_of(path) is Kind.TORCH
    assert torch.equal(load_backbone(path)(images()), tiny(images()))


@torch.no_grad()
def test_safetensors_are_read_with_the_color_order_that_they_tell(tmp_path, tiny):
    path = tmp_path / "a.safetensors"
    save_file(tiny.state_dict(), path, metadata={"color_order": "BGR"})
    brought = load_backbone(path)
    assert kind_of(path) is Kind.SAFETENSORS
    assert (brought.family, brought.color_order) == ("irlib", "BGR")
    assert torch.equal(brought(images()), tiny(images().flip(1)))
    assert torch.equal(load_backbone(path, color_order="RGB")(images()), tiny(images()))


def test_a_color_order_in_a_file_that_is_none_is_refused(tmp_path, tiny):
    save_file(tiny.state_dict(), tmp_path / "a.safetensors", metadata={"color_order": "grey"})
    with pytest.raises(
        ValueError, match=r"a\.safetensors: its color_order is 'grey', expected RGB"
    ):
        load_backbone(tmp_path / "a.safetensors")


@torch.no_grad()
@pytest.mark.parametrize("decomposition", ["attention", "residual"])
def test_tensors_of_a_network_that_splits_age_off_are_recognized(tmp_path, decomposition):
    torch.manual_seed(0)
    network = backbones.build("tiny", 8, decomposition)
    ours = backbones.recognition(network).eval()
    brought = load_backbone(saved(tmp_path / "a.pt", ours.state_dict()))
    assert brought.embedding_size == 8
    assert torch.equal(brought(images()), ours(images()))


@pytest.mark.parametrize(("content", "told"), [
    (b"", "empty"),
    (b"\n<!DOCTYPE html><html>", "a web page; was the download refused?"),
    (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of git LFS, not the file itself"),
    (b"\x80\x04}q\x00.", "a pickle that is not of torch; reading it could run code"),
    (b"hello there, world", "of no known kind; it starts with b'hello th'"),
    (b"PK\x03\x04 and then nothing", "damaged or cut short"),
])  # fmt: skip
def test_a_file_that_is_no_checkpoint_is_told_for_what_it_is(tmp_path, content, told):
    path = tmp_path / "a.pt"
    path.write_bytes(content)
    with pytest.raises(ValueError) as error:
        load_backbone(path)
    assert str(error.value) == f"{path}: not a readable checkpoint ({told})"


def test_an_archive_of_another_program_is_told_by_its_members(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros(2), y=np.zeros(2))
    with pytest.raises(ValueError, match=r"none of torch \(it holds x\.npy, y\.npy\)"):
        load_backbone(tmp_path / "a.npz")


def test_a_package_of_torch_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr("a/.data/extern_modules", "")
    with pytest.raises(ValueError, match="a package of torch, which runs its own code; not loaded"):
        load_backbone(tmp_path / "a.pt")


def test_missing_files_and_folders_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.pt: no such checkpoint"):
        load_backbone(tmp_path / "none.pt")
    with pytest.raises(ValueError, match="is a folder, expected a file"):
        load_backbone(tmp_path)


@pytest.mark.parametrize("part", [0.3, 0.9])
def test_files_cut_short_are_named(tmp_path, tiny, part):
    torch.save(tiny.state_dict(), tmp_path / "a.pt")
    save_file(tiny.state_dict(), tmp_path / "a.safetensors")
    for path in (tmp_path / "a.pt", tmp_path / "a.safetensors"):
        path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
        with pytest.raises(ValueError, match=rf"{path.name}: not a readable checkpoint"):
            load_backbone(path)


@pytest.mark.parametrize(("content", "found"), [
    ({"epoch": 3, "lr": 0.1}, "a dict of epoch, lr"),
    ([1, 2], "list"),
    ({"state_dict": {}}, "a dict of state_dict"),
])  # fmt: skip
def test_a_file_without_tensors_is_told_by_what_it_holds(tmp_path, content, found):
    with pytest.raises(ValueError) as error:
        load_backbone(saved(tmp_path / "a.pt", content))
    assert str(error.value) == f"{tmp_path / 'a.pt'}: no named tensors in it (found {found})"
