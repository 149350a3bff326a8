"""What a file given as a model holds: a network or a table, and its embeddings in the cache."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from embedding_models import BLUE, RED, noise, plain, png, saved
from pictures import put
from torch import nn

from irlib import runs
from irlib.checkpoints import Brought, load_backbone
from irlib.checkpoints.exporting import export_onnx, export_safetensors
from irlib.data.embeddings import EmbeddingTable, write_table
from irlib.data.pairs.rules import PairList
from irlib.data.sources import ImageFiles, crops
from irlib.evaluation import model_digests
from irlib.evaluation.cache import EmbeddingCache
from irlib.evaluation.opening import TABLE, color_orders, open_model
from irlib.images import to_input


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    root = tmp_path_factory.mktemp("images")
    for number in range(3):
        put(root / f"{number}.png", png(noise(number)))
    return ImageFiles(root, np.array(["0.png", "1.png", "2.png"]))


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A checkpoint of irlib's own, as a training leaves it."""
    return saved(tmp_path_factory.mktemp("own") / "last.pt")


@pytest.fixture(scope="module")
def expected(own, images):
    """The embeddings (3, 8) that the network of that checkpoint gives."""
    with torch.no_grad():
        return load_backbone(own)(to_input(torch.from_numpy(crops(images, range(3))))).numpy()


def embedded(path, images, **options):
    return open_model(path, **options).embedder.embed(images)


# Kinds of files


def test_a_checkpoint_of_irlib_embeds_as_its_network_does(own, images, expected):
    np.testing.assert_allclose(embedded(own, images), expected, atol=1e-5)


def test_its_tensors_as_safetensors_embed_alike(own, images, expected, tmp_path):
    torch.save(load_backbone(own).network.state_dict(), tmp_path / "bare.pt")
    path = tmp_path / "tiny.safetensors"
    export_safetensors(load_backbone(tmp_path / "bare.pt"), path)
    np.testing.assert_allclose(embedded(path, images), expected, atol=1e-5)


def test_its_export_to_onnx_embeds_alike_and_has_no_maps(own, images, expected, tmp_path):
    pytest.importorskip("onnxscript")
    path = tmp_path / "tiny.onnx"
    export_onnx(load_backbone(own), path)
    opened = open_model(path)
    np.testing.assert_allclose(opened.embedder.embed(images), expected, atol=1e-5)
    assert not opened.has_maps


def test_what_a_file_holds_is_told(own):
    opened = open_model(own)
    told = dict(opened.told)
    assert told.pop("digest") == load_backbone(own).digest
    assert told == {
        "file": "last.pt", "family": "irlib", "color_order": "RGB", "embedding_size": 8
    }  # fmt: skip
    assert opened.has_maps


@pytest.fixture
def table(tmp_path):
    rows = np.array([[3, 4], [0, 1], [1, 0], [9, 9]])
    names = np.array(["2.png", "0.png", "1.png", "other.png"])
    write_table(tmp_path / "table.npz", EmbeddingTable(names, rows))
    return tmp_path / "table.npz"


def test_a_table_gives_its_rows_by_the_names_of_the_images(table, images):
    assert embedded(table, images).tolist() == [[0, 1], [1, 0], [3, 4]]


def test_a_table_is_no_network(table):
    opened = open_model(table)
    told = {name: opened.told[name] for name in ("family", "color_order", "embedding_size")}
    assert told == {"family": TABLE, "color_order": "", "embedding_size": 2}
    assert opened.network is None
    assert not opened.has_maps


def test_a_table_has_no_color_order(table):
    with pytest.raises(ValueError, match=r"table\.npz: a table of embeddings has no color order"):
        open_model(table, color_order="RGB")


@pytest.mark.parametrize("name", ["gone.npz", "gone.onnx", "gone.pt"])
def test_a_missing_file_is_named(tmp_path, name):
    with pytest.raises(FileNotFoundError, match=name):
        open_model(tmp_path / name)


def test_a_color_order_that_is_none_is_refused(own):
    with pytest.raises(ValueError, match="expected RGB or BGR, got 'GBR'"):
        open_model(own, color_order="GBR")


# The cache


def test_what_is_in_the_cache_is_not_forwarded_again(own, images, expected, tmp_path, monkeypatch):
    cache = EmbeddingCache(tmp_path / "cache")
    embedded(own, images, cache=cache)
    monkeypatch.setattr(Brought, "forward", None)  # cannot be called
    np.testing.assert_allclose(embedded(own, images, cache=cache), expected, atol=1e-5)
    with pytest.raises(TypeError):
        embedded(own, images, color_order="BGR", cache=cache)


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the library, whose code is taken for what makes the embeddings."""
    for path in (runs.ROOT / "irlib").rglob("*.py"):
        copy = tmp_path / "copied" / path.relative_to(runs.ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    monkeypatch.setattr(model_digests, "ROOT", tmp_path / "copied")
    return tmp_path / "copied/irlib"


@pytest.mark.parametrize(
    ("file", "line", "is_made_again"),
    [
        ("backbones/tiny.py", "A = 1", True),
        ("images.py", "A = 1", True),
        ("backbones/tiny.py", "# a remark", False),
        ("backbones/ir.py", "A = 1", False),  # not this network's
        ("heads/arcface.py", "A = 1", False),
    ],
)
def test_an_embedding_is_made_again_once_the_code_behind_it_is_other(
    own, images, copied, tmp_path, monkeypatch, file, line, is_made_again
):
    cache = EmbeddingCache(tmp_path / "cache")
    embedded(own, images, cache=cache)
    with (copied / file).open("a") as source:
        source.write(f"\n{line}\n")
    made = []
    monkeypatch.setattr(Brought, "forward", lambda _, batch: made.append(1) or batch.mean((2, 3)))
    embedded(own, images, cache=cache)
    assert bool(made) is is_made_again


# Color orders


class RedAndOne(nn.Module):
    """Embeds an image as the mean of its red, and 0.2."""

    def forward(self, images):
        red = images[:, :1].mean(dim=(2, 3))
        return torch.cat([red, torch.full_like(red, 0.2)], dim=1)


@pytest.fixture(scope="module")
def colored(tmp_path_factory):
    """Red and blue images of two people each, pairs of equal and of unequal red, and a network."""
    root = tmp_path_factory.mktemp("colored")
    # the blue says nothing: each person has an image with and one without
    put(root / "ann/1.png", plain(RED))
    put(root / "ann/2.png", plain((255, 0, 255)))
    put(root / "bob/1.png", plain(BLUE))
    put(root / "bob/2.png", plain((0, 0, 0)))
    images = ImageFiles(root, np.array(["ann/1.png", "ann/2.png", "bob/1.png", "bob/2.png"]))
    first = ["ann/1.png", "bob/1.png", "ann/1.png", "ann/2.png"]
    second = ["ann/2.png", "bob/2.png", "bob/2.png", "bob/1.png"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that traces hold for their own input, and are old
        program = torch.jit.trace(RedAndOne(), torch.rand(2, 3, 112, 112), check_trace=False)
        program.save(root / "red.pt")
    return SimpleNamespace(images=images, first=first, second=second, network=root / "red.pt")


def listed(colored, repeats=1):
    first, second = np.array(colored.first * repeats), np.array(colored.second * repeats)
    person = [np.array([name[:3] for name in side]) for side in (first, second)]
    unknown = np.full(len(first), np.nan)
    return PairList(first, second, person[0] == person[1], *person, unknown, unknown)


def test_the_wrong_color_order_is_seen_on_a_few_pairs(colored):
    found = color_orders(colored.network, listed(colored), colored.images).set_index("color_order")
    # by red all four are right; by blue the two genuine pairs differ and the impostors agree, so
    # that nothing beats accepting all, or none
    assert found["accuracy"].to_dict() == {"RGB": 1.0, "BGR": 0.5}
    assert found["auc"].to_dict() == {"RGB": 1.0, "BGR": 0.0}


def test_of_a_long_list_400_pairs_are_taken(colored):
    found = color_orders(colored.network, listed(colored, 300), colored.images)
    assert found["pairs"].tolist() == [400, 400]
