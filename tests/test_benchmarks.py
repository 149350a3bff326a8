import io
import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from irlib.data.sets.bins import bins_in, read_bin
from irlib.evaluation.benchmarks import (
    fold_columns,
    judge,
    pair_cosines,
    ten_fold_accuracy,
    title_of,
)


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


def test_perfect_scores_are_right_in_every_fold():
    is_same = alternating(40)
    assert ten_fold_accuracy(is_same * 1.0, is_same).accuracy == 1.0


def test_each_fold_takes_the_threshold_of_the_others():
    # two folds of four; the first is separated at .8, the second at .3
    similarity = [0.9, 0.8, 0.5, 0.4, 0.4, 0.3, 0.2, 0.1]
    is_same = np.array([True, True, False, False] * 2)
    found = ten_fold_accuracy(similarity, is_same, folds=2)
    assert found.thresholds.tolist() == [0.3, 0.8]
    # at .3 the first fold accepts all four; at .8 the second accepts none
    assert found.fold_accuracy.tolist() == [0.5, 0.5]


def test_of_several_best_thresholds_the_highest_is_taken():
    # on the other fold, .9 (one right, one genuine lost) and .2 (one impostor more) are equal
    similarity = [0.9, 0.5, 0.2, 0.6, 0.4]
    is_same = np.array([True, False, True, True, False])
    assert ten_fold_accuracy(similarity, is_same, folds=2).thresholds[1] == 0.9


def test_the_mean_is_over_folds_and_not_over_pairs():
    # folds of three and two. The first takes .1 and accepts all three, 2/3 right; the second takes
    # .5 and judges both wrongly. By pairs it would be 2/5
    similarity = [0.9, 0.5, 0.2, 0.1, 0.8]
    is_same = np.array([True, True, False, True, False])
    assert ten_fold_accuracy(similarity, is_same, folds=2).accuracy == pytest.approx(1 / 3)


def test_the_interval_is_students():
    # ten folds of two pairs, one of them half wrong: mean .95, deviation sqrt(.025)
    is_same = alternating(20)
    similarity = is_same * 1.0
    similarity[1] = 1.0
    found = ten_fold_accuracy(similarity, is_same)
    assert found.accuracy == pytest.approx(0.95)
    half = 2.2621572 * np.sqrt(0.025) / np.sqrt(10)  # quantile of t with 9 degrees
    assert found.interval == pytest.approx((0.95 - half, 0.95 + half), abs=1e-6)


def test_a_list_sorted_by_kind_is_refused():
    is_same = np.arange(40) < 20
    with pytest.raises(ValueError, match="fold 1 of 10: 4 of its 4 pairs show one person"):
        ten_fold_accuracy(np.linspace(1, 0, 40), is_same)


def test_fewer_pairs_than_folds_are_refused():
    with pytest.raises(ValueError, match="folds 10: expected 2 to 4"):
        ten_fold_accuracy([0.9, 0.1, 0.8, 0.2], alternating(4))


def test_a_cosine_is_that_of_an_image_and_its_mirror_image(tmp_path):
    # left half red, right half green: with the mirror image, as much of both
    both, other = png((255, 0, 0), (0, 255, 0)), png((255, 255, 0), (255, 255, 0))
    pairs = read_bin(put_bin(tmp_path, "lfw", [both, other], [True]))
    # both: (1, -1, -1) + (-1, 1, -1) = (0, 0, -2); other: 2 (1, 1, -1); cosine 1 / sqrt 3
    found = pair_cosines(pairs, Means(), device="cpu")
    assert found == pytest.approx([1 / np.sqrt(3)], abs=1e-6)


def test_an_image_of_several_pairs_is_embedded_once(tmp_path):
    one, two = png((255, 0, 0), (0, 0, 0)), png((0, 0, 255), (0, 0, 0))
    pairs = read_bin(put_bin(tmp_path, "lfw", [one, two, two, one, one, one], [False, False, True]))
    network = Means()
    found = pair_cosines(pairs, network, device="cpu")
    assert network.images == 4  # two images and their mirror images
    assert found[0] == pytest.approx(found[1])
    assert found[2] == pytest.approx(1)


def test_a_set_that_cannot_be_used_stops_no_other(tmp_path):
    files = [png((value, 90, 30), (30, 90, value)) for value in range(0, 240, 6)]
    put_bin(tmp_path, "good", files, alternating(20).tolist())
    put_bin(tmp_path, "sorted", files, [True] * 10 + [False] * 10)
    put_bin(tmp_path, "torn", [b"no image", *files[1:]], alternating(20).tolist())
    found, refused = judge(bins_in(tmp_path), Means(), device=torch.device("cpu"))
    assert list(found) == ["good"]
    assert "show one person" in refused["sorted"]
    assert "torn.bin" in refused["torn"]


def test_titles_are_those_of_the_catalog():
    assert [title_of(key) for key in ("agedb_30", "adults")] == ["AgeDB-30", "Adults"]


def test_folds_are_told_from_one():
    is_same = alternating(20)
    told = fold_columns("lfw", ten_fold_accuracy(is_same * 1.0, is_same))
    assert told["set"] == "LFW"
    assert told["fold"].tolist() == list(range(1, 11))
