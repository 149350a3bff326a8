"""Photographs beside each other, and where a suggested threshold comes from."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from embedding_models import BLUE, GREEN, RED, Finder, MeanColor, noise, plain, png
from pictures import put
from PIL import Image
from test_detection import MODEL, needs_model

from irlib import plots
from irlib.data.alignment.detection import Detector
from irlib.embeddings import PhotoEmbedder, compare
from irlib.embeddings.comparing import write_comparison
from irlib.embeddings.thresholds import suggestion

ERRORS = {"threshold": 0.3, "genuine": 200, "false_rejects": 30, "impostor": 100,
          "false_accepts": 5}  # fmt: skip
SETS = {"lag": ("LAG", 0.3), "agedb20_adult": ("AgeDB-A20 (adult control)", 0.4)}


def photos(tmp_path, *colors):
    return [put(tmp_path / f"{at}.png", plain(color)) for at, color in enumerate(colors)]


def weights(home, content="weights"):
    return put(home / "train-arcface-s1/last.pt", content)


def evaluated(home, sets=SETS, *, name="evaluate-arcface-s1", **parameters):
    """The folder of an evaluation run of train-arcface-s1, with its record and numbers."""
    told = {"study": "demo", "overrides": {}, "method": "arcface", "seed": 1, "checkpoint": "last"}
    metrics = {
        "sets": {key: {"title": title} for key, (title, _) in sets.items()},
        "analyses": {"a12": {key: ERRORS | {"threshold": at} for key, (_, at) in sets.items()}},
    }
    record = {"status": "complete", "parameters": told | parameters}
    put(home / name / "metrics.json", json.dumps(metrics))
    put(home / name / "run.json", json.dumps(record))
    return home / name


def test_the_matrix_holds_the_cosine_of_each_pair(tmp_path):
    found = compare(photos(tmp_path, RED, GREEN, (255, 255, 0)), PhotoEmbedder(MeanColor()))
    # (1, -1, -1), (-1, 1, -1) and (1, 1, -1), each of length sqrt(3)
    expected = np.array([[3, -1, 1], [-1, 3, 1], [1, 1, 3]]) / 3
    np.testing.assert_allclose(found.similarity, expected, atol=1e-6)


def test_crops_are_what_the_model_saw(tmp_path):
    pixels = noise(0, 150, 160)
    paths = [put(tmp_path / "a.png", png(pixels)), *photos(tmp_path, RED)]
    found = compare(paths, PhotoEmbedder(MeanColor(), Finder(faces=2)))
    np.testing.assert_array_equal(found.crops[0], pixels[10:122, 20:132])
    assert [name for name, _ in found.notes] == [str(tmp_path / "a.png")]


@needs_model
def test_one_face_gives_one_crop_from_a_picture_and_from_a_part_of_it(tmp_path):
    portrait = skimage.data.astronaut()
    parts = {"whole": portrait, "part": portrait[:300, 50:400]}
    paths = [put(tmp_path / f"{name}.png", png(pixels)) for name, pixels in parts.items()]
    whole, part = compare(paths, PhotoEmbedder(MeanColor(), Detector(MODEL))).crops.astype(float)
    # moved by 8 pixels against each other, the two correlate by less than 0.7
    assert np.corrcoef(whole.ravel(), np.roll(part, 8, axis=1).ravel())[0, 1] < 0.7
    assert np.corrcoef(whole.ravel(), part.ravel())[0, 1] > 0.9


def test_one_photograph_cannot_be_compared(tmp_path):
    with pytest.raises(ValueError, match="1 photographs: expected at least two to compare"):
        compare(photos(tmp_path, RED), PhotoEmbedder(MeanColor()))


def test_photographs_without_a_face_are_all_named(tmp_path):
    paths = [put(tmp_path / f"{name}.png", plain(RED, 150, 160)) for name in "ab"]
    with pytest.raises(ValueError, match=r"a\.png: no face found; .*b\.png: no face found"):
        compare(paths, PhotoEmbedder(MeanColor(), Finder(faces=0)))


def test_without_a_suggestion_no_pair_is_judged(tmp_path):
    found = compare(photos(tmp_path, RED, GREEN), PhotoEmbedder(MeanColor()))
    assert found.pairs == {(0, 1): (pytest.approx(-1 / 3, abs=1e-6), None)}


def test_with_a_suggestion_each_pair_is_judged(tmp_path):
    told = suggestion(str(evaluated(tmp_path)), weights(tmp_path))  # 0.3, of LAG
    paths = photos(tmp_path, RED, (255, 255, 0), GREEN)
    found = compare(paths, PhotoEmbedder(MeanColor()), suggestion=told)
    # red and yellow 1/3, red and green -1/3, yellow and green 1/3
    reaches = {at: reaches for at, (_, reaches) in found.pairs.items()}
    assert reaches == {(0, 1): True, (0, 2): False, (1, 2): True}


def test_a_threshold_found_without_flip_is_refused_with_it(tmp_path):
    told = suggestion(str(evaluated(tmp_path)), weights(tmp_path))
    with pytest.raises(ValueError, match="flip: the threshold was found without it"):
        compare(photos(tmp_path, RED, BLUE), PhotoEmbedder(MeanColor(), flip=True), suggestion=told)


def test_the_matrix_is_written_with_names(tmp_path):
    found = compare(photos(tmp_path, RED, GREEN), PhotoEmbedder(MeanColor()))
    matrix, _ = write_comparison(tmp_path / "out", found)
    with matrix.open(encoding="utf-8", newline="") as file:
        titles, first, _ = csv.reader(file)
    assert titles == ["name", "norm", *found.names]
    assert [float(value) for value in first[1:]] == pytest.approx([3**0.5, 1, -1 / 3], abs=1e-6)


def test_the_picture_is_a_png_and_repeats(tmp_path):
    found = compare(photos(tmp_path, RED, GREEN), PhotoEmbedder(MeanColor()))
    one, two = (write_comparison(tmp_path / name, found)[1] for name in ("x", "y"))
    with Image.open(one) as image:
        assert image.format == "PNG"
    assert one.read_bytes() == two.read_bytes()


def test_pairs_that_reach_the_threshold_are_framed():
    crops = np.zeros((3, 112, 112, 3), dtype=np.uint8)
    similarity = np.array([[1, 0.4, 0.1], [0.4, 1, 0.3], [0.1, 0.3, 1]])
    figure = plots.comparison(crops, similarity, names=["a", "b", "c"], threshold=0.3)
    assert len(figure.axes[-1].patches) == 4  # two pairs, each in two cells
    figure = plots.comparison(crops, similarity, names=["a", "b", "c"])
    assert len(figure.axes[-1].patches) == 0


def test_a_matrix_of_another_size_is_refused():
    with pytest.raises(ValueError, match="2 names"):
        plots.comparison(np.zeros((2, 9, 9, 3), np.uint8), np.eye(3), names=["a", "b"])


# Where a threshold comes from


def test_a_threshold_comes_with_the_errors_it_had(tmp_path):
    told = suggestion(str(evaluated(tmp_path)), weights(tmp_path), key="lag").chosen
    assert (told.title, told.threshold) == ("LAG", 0.3)
    assert (told.false_reject_rate, told.false_accept_rate) == (30 / 200, 5 / 100)


def test_child_adult_sets_come_before_adults(tmp_path):
    sets = dict(reversed(SETS.items()))
    told = suggestion(str(evaluated(tmp_path, sets)), weights(tmp_path))
    assert (told.chosen.key, told.chosen.adults) == ("lag", False)
    assert [each.adults for each in told.sets] == [True, False]


def test_a_set_is_found_beside_the_models_training(tmp_path):
    evaluated(tmp_path)
    told = suggestion("agedb20_adult", weights(tmp_path))
    assert (told.chosen.threshold, told.run) == (0.4, tmp_path / "evaluate-arcface-s1")


def test_a_set_without_a_run_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="lag: no such folder, and no evaluation run"):
        suggestion("lag", weights(tmp_path))


def test_a_set_that_the_run_has_not_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"set 'lfw': .* has lag, agedb20_adult"):
        suggestion(str(evaluated(tmp_path)), weights(tmp_path), key="lfw")


def test_synthetic_faces_are_called_so(tmp_path):
    home, model = evaluated(tmp_path), weights(tmp_path)
    assert suggestion(str(home), model).faces == "synthetic faces of study demo"
    home = evaluated(tmp_path, study="casia")
    assert suggestion(str(home), model).faces == "the faces of study casia"
    home = evaluated(tmp_path, study="somebody's")
    assert suggestion(str(home), model).synthetic is None


def test_a_run_of_another_model_is_refused(tmp_path):
    home = evaluated(tmp_path)
    weights(tmp_path)
    other = put(tmp_path / "other.pt", "other weights")
    with pytest.raises(ValueError, match=r"evaluated .*last\.pt, whose content is not that of"):
        suggestion(str(home), other)


def test_whether_the_model_was_checked_is_told(tmp_path):
    home, model = evaluated(tmp_path), put(tmp_path / "copy.pt", "weights")
    assert not suggestion(str(home), model).checked  # what was evaluated is gone
    weights(tmp_path)
    assert suggestion(str(home), model).checked


def test_a_run_of_a_model_that_was_brought_is_checked_by_its_file(tmp_path):
    model = put(tmp_path / "net.onnx", "a network")
    home = evaluated(tmp_path, name="evaluate-net", model=str(model), color_order="BGR")
    assert suggestion(str(home), model, color_order="BGR").checked
    with pytest.raises(ValueError, match="evaluated with color order 'BGR', now 'not given'"):
        suggestion(str(home), model)


def test_a_run_without_errors_at_a_threshold_is_refused(tmp_path):
    home = evaluated(tmp_path)
    put(home / "metrics.json", json.dumps({"sets": {}}))
    with pytest.raises(ValueError, match="tells no errors at a threshold"):
        suggestion(str(home), weights(tmp_path))


def test_a_run_that_is_not_complete_is_refused(tmp_path):
    home = evaluated(tmp_path)
    Path(home / "metrics.json").unlink()
    with pytest.raises(FileNotFoundError, match="run notebooks/03_evaluate"):
        suggestion(str(home), weights(tmp_path))
