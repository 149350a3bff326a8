import io
import pickle

import numpy as np
import pytest
from pictures import put
from PIL import Image
from torch import nn

from irlib.data.embeddings import EmbeddingTable
from irlib.data.sets.bins import bins_in, read_bin
from irlib.evaluation.benchmarks import fold_columns, judge, title_of, told, verified_pairs
from irlib.evaluation.embedding import Embedder, TableEmbedder
from irlib.evaluation.protocols import accuracy


def alternating(pairs):
    return np.arange(pairs) % 2 == 0


class Means(nn.Module):
    """Mean of each channel in the left half; counts the images it is given."""

    def __init__(self):
        super().__init__()
        self.images = 0

    def forward(self, images):
        self.images += len(images)
        return images[..., : images.shape[-1] // 2].mean(dim=(2, 3))


def png(left, right):
    pixels = np.zeros((112, 112, 3), dtype=np.uint8)
    pixels[:, :56], pixels[:, 56:] = left, right
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def put_bin(folder, name, files, is_same):
    path = folder / "bin" / f"{name}.bin"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(pickle.dumps((files, is_same), 4))
    return path


def test_a_cosine_is_that_of_an_image_and_its_mirror_image(tmp_path):
    # left half red, right half green: with the mirror image, as much of both
    both, other = png((255, 0, 0), (0, 255, 0)), png((255, 255, 0), (255, 255, 0))
    dark = png((0, 0, 255), (0, 0, 255))
    pairs = read_bin(put_bin(tmp_path, "lfw", [both, other, both, dark], [True, False]))
    # both: (1, -1, -1) + (-1, 1, -1) = (0, 0, -2); other: 2 (1, 1, -1); cosine 1 / sqrt 3
    found = verified_pairs(pairs, Embedder(Means()))
    assert found.similarity[0] == pytest.approx(1 / np.sqrt(3), abs=1e-6)


def test_an_image_of_several_pairs_is_embedded_once(tmp_path):
    one, two = png((255, 0, 0), (0, 0, 0)), png((0, 0, 255), (0, 0, 0))
    pairs = read_bin(put_bin(tmp_path, "lfw", [one, two, two, one, one, one], [False, False, True]))
    network = Means()
    found = verified_pairs(pairs, Embedder(network))
    assert network.images == 4  # two images and their mirror images
    assert found.similarity[0] == pytest.approx(found.similarity[1])
    assert found.similarity[2] == pytest.approx(1)


def test_a_set_that_cannot_be_used_stops_no_other(tmp_path):
    files = [png((value, 90, 30), (30, 90, value)) for value in range(0, 240, 6)]
    put_bin(tmp_path, "good", files, alternating(20).tolist())
    put_bin(tmp_path, "sorted", files, [True] * 10 + [False] * 10)
    put_bin(tmp_path, "torn", [b"no image", *files[1:]], alternating(20).tolist())
    found, refused = judge(bins_in(tmp_path), Embedder(Means()))
    assert list(found) == ["good"]
    assert "show one person" in refused["sorted"]
    assert "torn.bin" in refused["torn"]


def test_cacd_vs_is_judged_from_a_table_of_the_test_folder(tmp_path):
    # of each fold of 400 pairs the first, of one person, and the 201st, of two; 60 and 90 degrees
    numbers = [number for fold in range(10) for number in (400 * fold, 400 * fold + 200)]
    sides = {0: [(1, 0), (1, 0)], 1: [(1, 3**0.5), (0, 1)]}
    rows = {}
    for at, number in enumerate(numbers):
        for side in sides:
            name = f"CACD-VS/{number:04d}_{side}.jpg"
            put(tmp_path / name, b"")
            rows[name] = sides[side][at % 2]
    table = EmbeddingTable(np.array(list(rows)), np.array(list(rows.values())))
    found, refused = judge({"cacd_vs": tmp_path / "CACD-VS"}, TableEmbedder(table))
    assert refused == {}
    assert found["cacd_vs"].folds.mean == 1.0
    assert found["cacd_vs"].folds.thresholds == pytest.approx(np.full(10, 0.5))


def test_a_set_that_is_gone_is_named(tmp_path):
    found, refused = judge({"cacd_vs": tmp_path / "CACD-VS"}, Embedder(Means()))
    assert found == {}
    assert f"{tmp_path / 'CACD-VS'}: no such folder" in refused["cacd_vs"]


def test_rates_are_told_as_far_as_the_impostors_suffice(tmp_path):
    files = [png((value, 90, 30), (30, 90, value)) for value in range(0, 240, 6)]
    path = put_bin(tmp_path, "good", files, alternating(20).tolist())
    found = told(verified_pairs(read_bin(path), Embedder(Means())))
    assert list(found["tar"]) == ["0.1"]  # of ten impostors
    assert found["interval"][0] <= found["accuracy"] <= found["interval"][1]


def test_titles_are_those_of_the_catalog():
    assert [title_of(key) for key in ("agedb_30", "adults")] == ["AgeDB-30", "Adults"]


def test_folds_are_told_from_one():
    is_same = alternating(20)
    told = fold_columns("lfw", accuracy(is_same * 1.0, is_same, "folds"))
    assert told["set"] == "LFW"
    assert told["fold"].tolist() == list(range(1, 11))
