import threading

import numpy as np
import pytest
import torch
from pictures import jpeg, put
from torch import nn

from irlib.backbones import build
from irlib.checkpoints.brought import Brought
from irlib.data.embeddings import EmbeddingTable
from irlib.data.sources import Chosen, ImageFiles, crops
from irlib.evaluation.cache import EmbeddingCache
from irlib.evaluation.embedding import Embedder, TableEmbedder, embed, usable
from irlib.images import to_input


class Rows(nn.Module):
    """Two numbers of each image: its mean, and its left half's less its right half's."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(2)
        self.sizes = []

    def forward(self, images):
        self.sizes.append(len(images))
        left, right = images.mean((1, 2)).chunk(2, dim=1)
        values = torch.stack([images.mean((1, 2, 3)), left.mean(1) - right.mean(1)], dim=1)
        return self.norm(values) if self.training else values


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (5, 112, 112, 3), dtype=np.uint8)


def test_embeddings_keep_the_order_and_take_each_image_once(images):
    backbone = Rows()
    embeddings = embed(backbone, iter([images[:3], images[3:]]), device="cpu")
    expected = images.mean((1, 2, 3)) / 127.5 - 1
    np.testing.assert_allclose(embeddings[:, 0], expected, atol=1e-5)
    assert embeddings.dtype == np.float32
    assert backbone.sizes == [3, 2]


def test_flip_adds_the_mirrored_image(images):
    plain = embed(Rows(), [images], device="cpu")
    mirrored = embed(Rows(), [np.ascontiguousarray(images[:, :, ::-1])], device="cpu")
    both = embed(Rows(), [images], device="cpu", flip=True)
    np.testing.assert_allclose(both, plain + mirrored, atol=1e-6)
    np.testing.assert_allclose(both[:, 1], 0, atol=1e-6)  # left and right change places


def test_modes_are_restored_module_by_module(images):
    backbone = Rows()
    backbone.norm.eval()
    embed(backbone, [images], device="cpu")
    assert backbone.training
    assert not backbone.norm.training


def test_modes_are_restored_after_an_error():
    backbone = Rows()
    with pytest.raises(ValueError, match="none given"):
        embed(backbone, [], device="cpu")
    assert backbone.training


def test_running_statistics_stay(images):
    backbone = Rows()
    before = backbone.norm.running_mean.clone()
    embed(backbone, [images], device="cpu")
    assert torch.equal(backbone.norm.running_mean, before)


@pytest.mark.parametrize("wrong", [np.zeros((2, 3, 112, 112), np.uint8), np.zeros((1, 8, 8, 3))])
def test_a_wrong_batch_is_refused(wrong):
    with pytest.raises(ValueError, match=r"expected uint8 \(B, height, width, 3\)"):
        embed(Rows(), [wrong], device="cpu")


def test_a_diverged_backbone_is_named(images):
    class Diverged(nn.Module):
        def forward(self, images):
            return images.mean((2, 3)) / 0

    with pytest.raises(ValueError, match="the backbone has diverged"):
        embed(Diverged(), [images], device="cpu")


def test_input_range():
    ends = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 112, 112, 3)
    assert to_input(ends).amax((1, 2, 3)).tolist() == [-1.0, 1.0]


@pytest.fixture
def folder(tmp_path):
    """Seven images, the last two of which are the first two under other names."""
    for number in range(7):
        put(tmp_path / "faces" / f"{number}.jpg", jpeg(number % 5))
    return ImageFiles(tmp_path / "faces", np.array([f"{number}.jpg" for number in range(7)]))


@pytest.fixture
def expected(folder):
    return embed(Rows().eval(), [crops(folder, range(7))], device="cpu")


def seeded():
    torch.manual_seed(0)
    return build("tiny", 8)


class Counting(nn.Module):
    """A small network; what is embedded is counted over all its copies."""

    images = 0

    def __init__(self):
        super().__init__()
        self.network = seeded()

    def forward(self, images):
        Counting.images += len(images)
        return self.network(images)


@pytest.fixture
def counting():
    Counting.images = 0
    return Counting()


def test_each_distinct_content_is_embedded_once(folder, expected):
    backbone = Rows()
    found = Embedder(backbone, batch_size=2).embed(folder)
    assert sorted(backbone.sizes) == [1, 2, 2]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.dtype == np.float32


def test_the_split_into_batches_moves_nothing_but_the_rounding(folder):
    # the embeddings' numbers are of the order of 1
    one, all_at_once = (Embedder(seeded(), batch_size=size).embed(folder) for size in (1, 256))
    np.testing.assert_allclose(one, all_at_once, atol=1e-5)


@pytest.mark.parametrize("devices", [("cpu",), ("cpu", "cpu", "cpu")])
def test_the_order_is_kept_on_any_number_of_devices(folder, expected, devices):
    found = Embedder(Rows(), devices=devices, batch_size=1).embed(folder)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_devices_work_at_the_same_time(folder):
    # each call waits until three are under way; one device alone would wait in vain
    together = threading.Barrier(3, timeout=60)

    def model(batch):
        together.wait()
        return batch.mean((2, 3))

    three = Chosen(folder, np.arange(3))
    assert Embedder(model, devices=["cpu"] * 3, batch_size=1).embed(three).shape == (3, 3)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_module_is_copied_to_a_gpu_and_stays_where_it_is(folder):
    backbone = seeded()
    on_both = Embedder(backbone, devices=("cpu", "cuda"), batch_size=1).embed(folder)
    assert next(backbone.parameters()).device.type == "cpu"
    np.testing.assert_allclose(on_both, Embedder(backbone).embed(folder), atol=1e-3)


def test_a_function_may_give_an_array(folder, expected):
    def model(batch):
        return Rows().eval()(batch).numpy()

    np.testing.assert_allclose(Embedder(model).embed(folder), expected, atol=1e-6)


@pytest.mark.parametrize("kind", [tuple, list])
def test_unit_embeddings_are_multiplied_by_the_norms_beside_them(folder, expected, kind):
    def model(batch):
        rows = Rows().eval()(batch)
        norms = rows.norm(dim=1, keepdim=True)
        return kind([rows / norms, norms])

    found = Embedder(model).embed(folder)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    # each of the two that are added has its own norm
    flipped = Embedder(model).embed(folder, flip=True)
    np.testing.assert_allclose(flipped[:, 0], 2 * expected[:, 0], atol=1e-6)


def test_an_undefined_direction_beside_its_norm_is_told_by_name(folder):
    def model(batch):
        return batch.mean((2, 3)) * torch.nan, torch.ones(len(batch), 1)

    with pytest.raises(ValueError, match=r"2 of 2 embeddings are not finite: 0\.jpg, 1\.jpg"):
        Embedder(model).embed(Chosen(folder, np.arange(2)))


def test_an_embedder_can_flip(folder, expected):
    found = Embedder(Rows()).embed(folder, flip=True)
    np.testing.assert_allclose(found[:, 0], 2 * expected[:, 0], atol=1e-6)
    np.testing.assert_allclose(found[:, 1], 0, atol=1e-6)


def test_progress_counts_distinct_images(folder):
    told = []
    Embedder(Rows(), batch_size=2).embed(folder, progress=lambda *counts: told.append(counts))
    assert told == [(2, 5), (4, 5), (5, 5)]


def test_a_module_is_in_evaluation_mode_meanwhile(folder):
    backbone = Rows()
    before = backbone.norm.running_mean.clone()
    Embedder(backbone, batch_size=2).embed(folder)
    assert torch.equal(backbone.norm.running_mean, before)
    assert backbone.training


def test_the_cache_spares_the_network(folder, counting, tmp_path):
    embedder = Embedder(counting, cache=EmbeddingCache(tmp_path / "cache"))
    first = embedder.embed(Chosen(folder, np.arange(3)))
    assert Counting.images == 3
    again = embedder.embed(folder)
    assert Counting.images == 5
    np.testing.assert_array_equal(again[:3], first)
    np.testing.assert_array_equal(embedder.embed(folder), again)
    assert Counting.images == 5


def test_renamed_images_are_found_in_the_cache(folder, counting, tmp_path):
    embedder = Embedder(counting, cache=EmbeddingCache(tmp_path / "cache"))
    embedder.embed(folder)
    put(tmp_path / "elsewhere" / "new.jpg", jpeg(3))
    embedder.embed(ImageFiles(tmp_path / "elsewhere", np.array(["new.jpg"])))
    assert Counting.images == 5


def test_the_cache_forgets_a_network_that_has_learned(folder, counting, tmp_path):
    embedder = Embedder(counting, cache=EmbeddingCache(tmp_path / "cache"))
    before = embedder.embed(folder)
    with torch.no_grad():
        counting.network.output[1].weight.mul_(2)
    after = embedder.embed(folder)
    assert Counting.images == 10
    assert not np.allclose(after, before)


def test_the_cache_forgets_a_network_with_a_digest_that_was_changed(folder, tmp_path):
    network = Brought(
        seeded(), family="", color_order="RGB", embedding_size=8, digest="of its file"
    )
    embedder = Embedder(network, cache=EmbeddingCache(tmp_path / "cache"))
    before = embedder.embed(folder)
    network.color_order = "BGR"
    other_order = embedder.embed(folder)
    with torch.no_grad():
        network.network.output[1].weight.mul_(2)
    assert not np.allclose(other_order, before)
    assert not np.allclose(embedder.embed(folder), other_order)


def test_flipped_embeddings_are_cached_apart(folder, tmp_path):
    embedder = Embedder(seeded(), cache=EmbeddingCache(tmp_path / "cache"))
    plain, flipped = embedder.embed(folder), embedder.embed(folder, flip=True)
    np.testing.assert_array_equal(embedder.embed(folder), plain)
    assert not np.allclose(plain, flipped)


def test_a_run_that_stops_keeps_what_it_has_made(folder, counting, tmp_path):
    put(folder.root / "4.jpg", b"no image")  # the last of the distinct ones
    embedder = Embedder(counting, batch_size=2, cache=EmbeddingCache(tmp_path / "cache"))
    with pytest.raises(ValueError, match=r"4\.jpg"):
        embedder.embed(folder)
    assert Counting.images == 4
    embedder.embed(Chosen(folder, np.arange(4)))
    assert Counting.images == 4


def test_a_function_without_a_key_cannot_be_cached(tmp_path):
    cache = EmbeddingCache(tmp_path)
    with pytest.raises(ValueError, match=r"cache: the model is a function.* expected key="):
        Embedder(lambda batch: batch, cache=cache)
    Embedder(lambda batch: batch, cache=cache, key="mine")


def test_a_key_of_its_own_for_each_model(folder, tmp_path):
    cache = EmbeddingCache(tmp_path / "cache")
    some = Chosen(folder, np.arange(2))
    Embedder(lambda batch: batch.mean((2, 3)), cache=cache, key="mine").embed(some)
    wider = Embedder(lambda batch: batch.mean(3).flatten(1), cache=cache, key="mine")
    with pytest.raises(ValueError, match="unequal width: 3 numbers in the cache, 336 of the model"):
        wider.embed(folder)


def test_missing_images_are_counted_and_named_before_the_network_runs(folder):
    backbone = Rows()
    names = np.array([*folder.names, *(f"gone{number}.jpg" for number in range(12))])
    with pytest.raises(ValueError, match="12 of 19 images are missing or damaged") as told:
        Embedder(backbone, batch_size=1).embed(ImageFiles(folder.root, names))
    assert all(f"gone{number}.jpg: no such image" in str(told.value) for number in range(10))
    assert str(told.value).endswith("and 2 more")
    assert backbone.sizes == []


def test_damaged_images_are_all_named(folder):
    put(folder.root / "0.jpg", b"no image")
    put(folder.root / "3.jpg", jpeg(3)[:500])
    put(folder.root / "4.jpg", jpeg(4, size=64))
    with pytest.raises(ValueError, match="3 of 5 images") as told:
        Embedder(Rows(), batch_size=1).embed(Chosen(folder, np.arange(5)))
    assert all(name in str(told.value) for name in ("0.jpg", "3.jpg", "4.jpg: 64x64 pixels"))


def test_usable_tells_what_is_left_where_some_may_fail(folder):
    put(folder.root / "1.jpg", b"no image")
    (folder.root / "6.jpg").unlink()
    left, failures = usable(Embedder(Rows()), folder, allowed=2)
    assert [left.name(row) for row in range(len(left))] == [f"{n}.jpg" for n in (0, 2, 3, 4, 5)]
    assert sorted(failures) == ["1.jpg", "6.jpg"]
    with pytest.raises(ValueError, match="2 of 7 images are missing or damaged; expected 1 at"):
        usable(Embedder(Rows()), folder, allowed=1)


def test_no_image_is_refused(folder):
    with pytest.raises(ValueError, match="images: none given"):
        Embedder(Rows()).embed(Chosen(folder, np.arange(0)))


def spoiled(kind):
    def model(batch):
        rows = batch.mean((2, 3)) + 2  # three numbers each, none of them zero
        if len(batch) == 1:  # the last of five, in batches of two
            wide = torch.cat([rows, rows], dim=1)
            return {"nan": rows * torch.nan, "zero": rows * 0, "wide": wide}[kind]
        return rows

    return model


@pytest.mark.parametrize(("kind", "told"), [
    ("nan", "1 of 1 embeddings are not finite: 4.jpg"),
    ("zero", "1 of 1 embeddings are zero vectors: 4.jpg"),
    ("wide", "unequal width: 6 numbers from 4.jpg on, 3 before"),
])  # fmt: skip
def test_embeddings_that_mean_nothing_are_named(folder, kind, told):
    with pytest.raises(ValueError, match=told):
        Embedder(spoiled(kind), batch_size=2).embed(folder)


@pytest.mark.parametrize(("model", "told"), [
    (lambda batch: batch, r"gave \(5, 3, 112, 112\) for 5 images; expected one \(5, D\) array"),
    (lambda batch: batch.mean((0, 2, 3)), r"gave \(3,\) for 5 images"),
    (lambda batch: (batch.mean((2, 3)), None), r"gave a tuple of \(5, 3\), NoneType for 5 images"),
    (lambda batch: (batch.mean((2, 3)),) * 2, r"gave a tuple of \(5, 3\), \(5, 3\) for 5 images"),
    (lambda batch: [batch.mean((2, 3))], r"gave a list of \(5, 3\) for 5 images"),
    (lambda batch: (), "gave a tuple of nothing for 5 images"),
    (lambda batch: {}, "gave dict for 5 images"),
    (lambda batch: (torch.full((5, 4), 1.0), torch.ones(5, 1)), "norms beside .* of length 2 to 2"),
])  # fmt: skip
def test_a_model_of_another_shape_is_refused(folder, model, told):
    with pytest.raises(ValueError, match=told):
        Embedder(model).embed(folder)


@pytest.mark.parametrize("devices", [(), "cpu"])
def test_devices_are_a_sequence(devices):
    with pytest.raises(ValueError, match="expected at least one"):
        Embedder(Rows(), devices=devices)


def test_a_batch_has_an_image():
    with pytest.raises(ValueError, match="batch_size 0: expected at least 1"):
        Embedder(Rows(), batch_size=0)


@pytest.fixture
def table(folder):
    names = folder.names[::-1]
    return EmbeddingTable(names, np.arange(1, 8, dtype=np.float32)[:, None])


def test_a_table_is_looked_up_by_name(folder, table):
    # the table's rows 1, 2, ... 7 are of 6.jpg, 5.jpg, ... 0.jpg
    found = TableEmbedder(table).embed(Chosen(folder, np.array([0, 6, 0])), flip=True)
    assert found[:, 0].tolist() == [7, 1, 7]


def test_images_that_a_table_lacks_are_named(folder, table):
    lacking = TableEmbedder(EmbeddingTable(table.names[2:], table.embeddings[2:]))
    with pytest.raises(ValueError, match=r"2 of 7 images .*\n  5.jpg: not in the table"):
        lacking.embed(folder)
    left, failures = usable(lacking, folder, allowed=2)
    assert len(left) == 5
    assert sorted(failures) == ["5.jpg", "6.jpg"]
