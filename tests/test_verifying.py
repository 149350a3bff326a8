import numpy as np
import pytest
from pictures import jpeg, put
from PIL import Image

from irlib.data.embeddings import EmbeddingTable
from irlib.data.sources import ImageFiles
from irlib.evaluation.cache import EmbeddingCache
from irlib.evaluation.embedding import TableEmbedder
from irlib.evaluation.verifying import cosines, verify, verify_with

# Mean colors of eight crops. Two follow each other that show one person: red, green, blue, gray.
COLORS = [
    (255, 0, 0), (255, 40, 0), (0, 255, 0), (40, 255, 0),
    (0, 0, 255), (0, 40, 255), (255, 255, 255), (255, 255, 200),
]  # fmt: skip
# Red is beside blue and green beside gray, so that two folds can share no person.
PAIRS = np.array([(0, 1), (0, 4), (2, 3), (2, 6), (4, 5), (5, 1), (6, 7), (7, 3)])
IS_SAME = np.arange(8) % 2 == 0
PEOPLE = PAIRS // 2


class Means:
    """Mean color above black of each image; counts the images that it is given."""

    def __init__(self):
        self.images = 0

    def __call__(self, batch):
        self.images += len(batch)
        return batch.mean((2, 3)) + 1


@pytest.fixture
def pixels():
    return np.array(COLORS, dtype=np.uint8)[:, None, None].repeat(112, 1).repeat(112, 2)


def expected_cosines():
    unit = np.array(COLORS, dtype=float)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    return (unit[PAIRS[:, 0]] * unit[PAIRS[:, 1]]).sum(axis=1)


def test_similarity_is_the_cosine_of_each_pair(pixels):
    found = verify(Means(), pixels, PAIRS, IS_SAME)
    np.testing.assert_allclose(found.similarity, expected_cosines(), atol=1e-6)


def test_each_image_that_a_pair_names_is_embedded_once(pixels):
    model = Means()
    found = verify(model, pixels, PAIRS[:4], IS_SAME[:4], folds=2)
    assert model.images == 6  # all but 5 and 7
    assert found.images == 6


def test_a_perfect_model_reaches_everything(pixels):
    # the least genuine cosine is 255 / |(255, 40, 0)| = .988, the largest of an impostor
    # (255, 255, 200) (40, 255, 0) / (412.3 * 258.1) = .707
    found = verify(Means(), pixels, PAIRS, IS_SAME, identities=PEOPLE, threshold=0.8, folds=2)
    each = (found.oracle, found.folds, found.identity_folds, found.at_threshold)
    assert [accuracy.mean for accuracy in each] == [1.0] * 4
    assert (found.auc, found.eer) == (1.0, 0.0)
    assert found.refused.keys() == {"tar"}


def test_a_threshold_that_accepts_all_is_half_right(pixels):
    assert verify(Means(), pixels, PAIRS, IS_SAME, threshold=-1).at_threshold.mean == 0.5


def test_what_was_not_asked_for_is_none(pixels):
    found = verify(Means(), pixels, PAIRS, IS_SAME, folds=2)
    assert (found.identity_folds, found.at_threshold) == (None, None)


def test_a_list_sorted_by_kind_has_no_folds_and_tells_why(pixels):
    order = np.argsort(~IS_SAME, kind="stable")
    found = verify(Means(), pixels, PAIRS[order], IS_SAME[order], folds=2)
    assert found.folds is None
    assert "fold 1 of 2: 4 of its 4 pairs show one person" in found.refused["folds"]
    assert found.oracle.mean == 1.0


def test_rates_that_the_impostors_cannot_tell_are_left_out(pixels):
    # four impostor pairs are too few for 1 in 10
    none = verify(Means(), pixels, PAIRS, IS_SAME)
    assert none.tar is None
    assert none.refused["tar"].startswith(
        "4 impostor pairs are too few to tell a false accept rate"
    )
    every = np.array([(i, j) for i in range(8) for j in range(i)])  # 24 of 28 are impostors
    found = verify(Means(), pixels, every, every[:, 0] // 2 == every[:, 1] // 2)
    assert found.tar.fars.tolist() == [0.1]
    assert "24 impostor pairs .* rate of 0.01, 0.001, 0.0001, 1e-05, 1e-06; expected" in (
        found.refused["tar"].replace("are too few to tell a false accept", ".*")
    )
    assert found.tar.tar.tolist() == [1.0]


def test_pairs_may_be_named_by_paths(tmp_path):
    paths = [put(tmp_path / f"{number}.jpg", jpeg(number)) for number in range(4)]
    rows = np.array([(0, 1), (2, 3)])
    named = [(str(paths[a]), str(paths[b])) for a, b in rows]
    is_same = np.array([True, False])
    by_name = verify(Means(), paths, named, is_same).similarity
    np.testing.assert_array_equal(by_name, verify(Means(), paths, rows, is_same).similarity)


def test_relative_paths_are_those_of_the_working_folder(tmp_path, monkeypatch):
    for number in range(3):
        put(tmp_path / f"{number}.jpg", jpeg(number))
    monkeypatch.chdir(tmp_path)
    names = ["0.jpg", "1.jpg", "2.jpg"]
    found = verify(
        Means(), names, [("0.jpg", "1.jpg"), ("1.jpg", "2.jpg")], np.array([True, False])
    )
    assert found.images == 3


def test_images_may_be_any_source(tmp_path):
    for number in range(3):
        put(tmp_path / f"{number}.jpg", jpeg(number))
    images = ImageFiles(tmp_path, np.array(["0.jpg", "1.jpg", "2.jpg"]))
    pairs = [("0.jpg", "1.jpg"), ("1.jpg", "2.jpg")]
    assert verify(Means(), images, pairs, np.array([True, False])).images == 3


def test_a_table_is_judged_like_a_network(pixels, tmp_path):
    names = np.array([f"{number}.jpg" for number in range(8)])
    embedder = TableEmbedder(EmbeddingTable(names, np.array(COLORS, dtype=np.float32)))
    found = verify_with(embedder, ImageFiles(tmp_path, names), names[PAIRS], IS_SAME)
    np.testing.assert_allclose(found.similarity, expected_cosines(), atol=1e-6)


def test_the_cache_is_used(pixels, tmp_path):
    model = Means()
    model.digest = "means"
    for _ in range(2):
        verify(model, pixels, PAIRS, IS_SAME, cache=EmbeddingCache(tmp_path), flip=True)
    assert model.images == 16  # eight, and mirrored, in the first run


def test_mirroring_is_added():
    half = np.zeros((2, 112, 112, 3), dtype=np.uint8)
    half[0, :, :56, 0] = half[1, :, 56:, 0] = 255  # left half red; right half red

    def left(batch):
        return batch[..., :56].mean((2, 3)) + 1.5  # (2.5, .5, .5) if red, else (.5, .5, .5)

    three = np.concatenate([half, half[:1]])
    three[2, 0, 0] = 9  # nearly the first
    pairs, is_same = [(0, 1), (0, 2)], np.array([True, False])
    assert verify(left, three, pairs, is_same).similarity[0] < 0.8  # 1.75 / 2.25 = .78
    assert verify(left, three, pairs, is_same, flip=True).similarity[0] == pytest.approx(1)


def test_cosines_of_many_pairs_are_those_of_few():
    rng = np.random.default_rng(0)
    embeddings = rng.normal(size=(10, 4)).astype(np.float32)
    pairs = rng.integers(0, 10, (70_000, 2))
    found = cosines(embeddings, pairs)
    np.testing.assert_array_equal(found[-3:], cosines(embeddings, pairs[-3:]))


def changed(pairs, row, pair):
    pairs = pairs.copy()
    pairs[row] = pair
    return pairs


@pytest.mark.parametrize(("pairs", "told"), [
    (changed(PAIRS, 6, (4, 0)), r"1 pairs stand in the list before.* pair 6, image 4 and image 0, "
        "as pair 1; expected each pair once"),
    (changed(PAIRS, 3, (4, 4)), "1 pairs hold one image twice; the first is pair 3, image 4"),
    (changed(PAIRS, 3, (1, 8)), r"1 of 8 pairs name a row outside 0 to 7.* pair 3, \(1, 8\)"),
    (changed(PAIRS, 0, (-1, 1)), "name a row outside 0 to 7"),
    (PAIRS[:, 0], r"pairs \(8,\) int64: expected \(P, 2\)"),
    (PAIRS[:0], r"pairs \(0, 2\) int64: expected"),
    (PAIRS / 1, r"pairs \(8, 2\) float64: expected \(P, 2\) rows \(integers\)"),
    (PAIRS.astype(str), "pairs name 8 images not given: 0, 1, 4, 2, 3, 6, 5, 7"),
])  # fmt: skip
def test_pairs_that_cannot_be_meant_are_refused(pixels, pairs, told):
    with pytest.raises(ValueError, match=told):
        verify(Means(), pixels, pairs, IS_SAME)


@pytest.mark.parametrize(("is_same", "told"), [
    (IS_SAME * 2 - 1, "is_same: 4 of 8 are neither 0 nor 1, the first of them -1 at 1"),
    (IS_SAME[:7], "expected one number and one bool a pair"),
    (np.ones(8, dtype=bool), "no impostor pair; expected both kinds"),
    (np.zeros(8, dtype=bool), "no genuine pair; expected both kinds"),
])  # fmt: skip
def test_a_truth_that_does_not_fit_is_refused_before_the_network_runs(pixels, is_same, told):
    model = Means()
    with pytest.raises(ValueError, match=told):
        verify(model, pixels, PAIRS, is_same)
    assert model.images == 0


@pytest.mark.parametrize(("options", "told"), [
    ({"identities": PEOPLE[:7]}, r"identities \(7, 2\): expected \(8, 2\)"),
    ({"identities": PEOPLE[::-1].copy()}, "8 of 8 pairs contradict is_same, .* pair 0: is_same"),
    ({"allowed_missing": -1}, "allowed_missing -1: expected a number of images"),
    ({"threshold": np.nan}, "threshold nan: expected a finite similarity"),
])  # fmt: skip
def test_options_are_checked_before_the_network_runs(pixels, options, told):
    model = Means()
    with pytest.raises(ValueError, match=told):
        verify(model, pixels, PAIRS, IS_SAME, **options)
    assert model.images == 0


def test_missing_files_are_named(tmp_path):
    path = put(tmp_path / "0.jpg", jpeg(0))
    gone = tmp_path / "gone.jpg"
    names = [path, gone, tmp_path / "also gone.jpg"]
    with pytest.raises(ValueError, match="2 of 3 images are missing or damaged"):
        verify(Means(), names, [(0, 1), (0, 2)], np.array([True, False]))


@pytest.fixture
def files(tmp_path, pixels):
    """The eight crops as files."""
    paths = [tmp_path / f"{number}.png" for number in range(8)]
    for path, crop in zip(paths, pixels, strict=True):
        Image.fromarray(crop).save(path)
    return paths


def test_pairs_of_missing_images_are_left_out_where_some_may_be(files):
    files[0].unlink()  # pairs 0 and 1
    files[7].write_bytes(b"no image")  # pairs 6 and 7
    found = verify(Means(), files, PAIRS, IS_SAME, identities=PEOPLE, folds=2, allowed_missing=2)
    assert found.missing == (str(files[0]), str(files[7]))
    assert found.kept.tolist() == [False, False, True, True, True, True, False, False]
    assert found.pairs_left_out == 4
    np.testing.assert_allclose(found.similarity, expected_cosines()[2:6], atol=1e-6)
    assert found.images == 6  # the pairs (2, 3), (2, 6), (4, 5) and (5, 1) name 1 to 6
    assert found.oracle.num_pairs.tolist() == [4]


def test_where_none_is_missing_no_pair_is_left_out(files):
    found = verify(Means(), files, PAIRS, IS_SAME, allowed_missing=3)
    assert (found.missing, found.pairs_left_out, len(found.similarity)) == ((), 0, 8)


def test_more_missing_images_than_allowed_are_named_before_the_network_runs(files):
    for row in (0, 7):
        files[row].unlink()
    model = Means()
    with pytest.raises(ValueError, match=r"2 of 8 images .* expected 1 at most:(.|\n)*7\.png"):
        verify(model, files, PAIRS, IS_SAME, allowed_missing=1)
    assert model.images == 0


def test_a_kind_of_pair_that_is_missing_altogether_is_told(files):
    files[1].unlink()
    told = "without the 1 of 2 pairs of 1 missing images: 0 of 1 pairs are genuine"
    with pytest.raises(ValueError, match=told):
        verify(Means(), files, PAIRS[:2], IS_SAME[:2], allowed_missing=1)


def test_a_file_that_stands_twice_counts_as_one_image(files):
    # as a list of twice as many images as pairs has it
    model = Means()
    spread = [files[row] for row in PAIRS.ravel()]
    found = verify(model, spread, np.arange(16).reshape(8, 2), IS_SAME)
    np.testing.assert_allclose(found.similarity, expected_cosines(), atol=1e-6)
    assert (model.images, found.images) == (8, 8)


def test_labels_of_the_field_are_taken(pixels):
    found = verify(Means(), pixels, PAIRS, IS_SAME.astype(int))
    assert found.oracle.mean == 1.0
