"""Enrolling people and finding them again; colors stand for faces."""

from dataclasses import replace

import numpy as np
import pytest
from embedding_models import BLUE, GREEN, RED, Finder, MeanColor, people, plain
from pictures import put

from irlib.embeddings import PhotoEmbedder, enrol, identify, read_gallery, write_gallery
from irlib.embeddings.galleries import Gallery


@pytest.fixture
def embedder():
    return PhotoEmbedder(MeanColor())


@pytest.fixture
def enrolled(tmp_path, embedder):
    return enrol(people(tmp_path / "people").root, embedder)


def search(tmp_path, gallery, embedder, color=BLUE, **options):
    path = put(tmp_path / "probe.png", plain(color))
    return identify([path], gallery, embedder, **options)


def test_a_template_is_the_mean_direction_of_a_persons_images(enrolled):
    gallery = enrolled.gallery
    assert gallery.people == ("ann", "bob")
    # red (1, -1, -1) and green (-1, 1, -1), equally long, add to (0, 0, -2)
    expected = [[0, 0, -1], np.array([-1, -1, 1]) / 3**0.5]
    np.testing.assert_allclose(gallery.templates, expected, atol=1e-6)
    assert gallery.images.tolist() == [2, 1]


def test_longer_embeddings_do_not_weigh_more(tmp_path, embedder):
    # gray has (a, a, a) with a = 2 * 64 / 255 - 1, red is longer: (1, -1, -1)
    put(tmp_path / "people/ann/1.png", plain((64, 64, 64)))
    put(tmp_path / "people/ann/2.png", plain(RED))
    mean = np.array([-1, -1, -1]) / 3**0.5 + np.array([1, -1, -1]) / 3**0.5
    made = enrol(tmp_path / "people", embedder).gallery
    np.testing.assert_allclose(made.templates[0], mean / np.linalg.norm(mean), atol=1e-6)
    assert made.norms[0] == pytest.approx((3**0.5 * (1 - 128 / 255) + 3**0.5) / 2, rel=1e-5)


def test_images_that_fail_are_listed_and_the_others_enrolled(tmp_path, embedder):
    root = people(tmp_path / "people").root
    put(root / "ann/3.png", b"no image")
    made = enrol(root, embedder)
    assert [each.name for each in made.failures] == ["ann/3.png"]
    assert made.gallery.images.tolist() == [2, 1]


def test_a_person_without_an_image_is_refused_by_name(tmp_path, embedder):
    root = people(tmp_path / "people").root
    put(root / "cid/notes.txt", "words")
    (root / "dan").mkdir()
    with pytest.raises(ValueError, match="no image of cid, dan; add some, or remove the folder"):
        enrol(root, embedder)
    assert embedder.model.seen == 0  # told before any work


def test_a_person_whose_images_all_fail_is_refused_by_name(tmp_path, embedder):
    root = people(tmp_path / "people").root
    put(root / "cid/1.png", b"no image")
    with pytest.raises(ValueError, match=r"no image of cid gave an embedding; cid/1\.png: not a"):
        enrol(root, embedder)


def test_a_person_without_a_direction_is_refused(tmp_path):
    put(tmp_path / "people/ann/1.png", plain(RED))
    put(tmp_path / "people/ann/2.png", plain((0, 255, 255)))  # the opposite, (-1, 1, 1)
    with pytest.raises(ValueError, match="the images of ann have no direction in common"):
        enrol(tmp_path / "people", PhotoEmbedder(MeanColor()))


def test_a_function_without_a_key_cannot_enrol(tmp_path):
    with pytest.raises(ValueError, match="the model is a function; give PhotoEmbedder a key"):
        enrol(people(tmp_path / "people").root, PhotoEmbedder(MeanColor().forward))


# The file


def test_a_gallery_comes_back_from_its_file(tmp_path, enrolled):
    write_gallery(tmp_path / "g.npz", enrolled.gallery)
    back = read_gallery(tmp_path / "g.npz")
    np.testing.assert_array_equal(back.templates, enrolled.gallery.templates)
    np.testing.assert_array_equal(back.norms, enrolled.gallery.norms)
    assert (back.people, back.settings) == (enrolled.gallery.people, enrolled.gallery.settings)


def test_a_gallery_is_an_npz(tmp_path, enrolled):
    with pytest.raises(ValueError, match=r"g\.csv: expected a name that ends in \.npz"):
        write_gallery(tmp_path / "g.csv", enrolled.gallery)


def test_a_missing_gallery_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"g\.npz: no such gallery"):
        read_gallery(tmp_path / "g.npz")


@pytest.mark.parametrize("size", [0, 10, 600])
def test_a_gallery_cut_short_is_named(tmp_path, enrolled, size):
    path = tmp_path / "g.npz"
    write_gallery(path, enrolled.gallery)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match=r"g\.npz: not a gallery that can be read"):
        read_gallery(path)


def test_another_npz_is_no_gallery(tmp_path):
    np.savez(tmp_path / "g.npz", names=["a"], embeddings=[[1.0]])
    with pytest.raises(ValueError, match="has no people, templates, images, norms, settings"):
        read_gallery(tmp_path / "g.npz")


def test_a_gallery_never_runs_pickled_code(tmp_path):
    np.savez(tmp_path / "g.npz", people=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match=r"g\.npz: not a gallery"):
        read_gallery(tmp_path / "g.npz")


@pytest.mark.parametrize(("changed", "told"), [
    ({"templates": np.ones((2, 3), dtype=np.float32)}, "a template is not of length 1"),
    ({"templates": np.full((2, 3), np.nan, dtype=np.float32)}, "a template is not of length 1"),
    ({"people": ("ann", "ann")}, "a person stands there twice"),
    ({"images": np.array([1])}, "2 people, but arrays of"),
])  # fmt: skip
def test_a_gallery_that_does_not_fit_is_refused(enrolled, changed, told):
    with pytest.raises(ValueError, match=told):
        replace(enrolled.gallery, **changed)


# Who it is


def test_the_most_alike_come_first_with_their_cosines(tmp_path, enrolled, embedder):
    (found,) = search(tmp_path, enrolled.gallery, embedder, BLUE).found
    assert found.people == ("bob", "ann")
    # blue is Bob himself; against Ann's (0, 0, -1) it is -1 / sqrt(3)
    assert found.cosines == pytest.approx((1.0, -(3**-0.5)), abs=1e-6)


def test_only_the_top_is_told(tmp_path, enrolled, embedder):
    (found,) = search(tmp_path, enrolled.gallery, embedder, BLUE, top=1).found
    assert found.people == ("bob",)


@pytest.mark.parametrize(("threshold", "known"), [(0.5, True), (0.6, False), (None, None)])
def test_below_the_threshold_nobody_is_known(tmp_path, enrolled, embedder, threshold, known):
    # red is nearest to Ann, by 1 / sqrt(3) = 0.577
    (found,) = search(tmp_path, enrolled.gallery, embedder, RED, threshold=threshold).found
    assert found.people[0] == "ann"
    assert found.is_known is known


def test_equals_stand_in_the_order_of_the_gallery(tmp_path, embedder):
    for name in ("zoe", "ann"):
        put(tmp_path / f"people/{name}/1.png", plain(GREEN))
    gallery = enrol(tmp_path / "people", embedder).gallery
    (found,) = search(tmp_path, gallery, embedder, GREEN).found
    assert found.people == ("ann", "zoe")


def test_a_photograph_without_a_face_is_listed(tmp_path, enrolled):
    embedder = PhotoEmbedder(MeanColor(), Finder(faces=0))
    path = put(tmp_path / "probe.png", plain(RED, 150, 160))
    found = identify([path], enrolled.gallery, embedder)
    assert found.found == ()
    assert [each.reason for each in found.failures] == ["no face found"]


def test_a_gallery_of_another_model_is_refused(tmp_path, enrolled):
    with pytest.raises(ValueError, match="the gallery was made by another model"):
        search(tmp_path, enrolled.gallery, PhotoEmbedder(MeanColor(), key="another"))


def test_a_gallery_made_with_flip_is_refused_without(tmp_path, enrolled):
    with pytest.raises(ValueError, match="made with flip False, now True"):
        search(tmp_path, enrolled.gallery, PhotoEmbedder(MeanColor(), flip=True))


def test_another_detector_gets_a_note(tmp_path, enrolled):
    settings = enrolled.gallery.settings | {"detector": "cd"}
    embedder = PhotoEmbedder(MeanColor(), Finder(sha256="ab"))
    found = search(tmp_path, replace(enrolled.gallery, settings=settings), embedder)
    assert [name for name, _ in found.notes] == ["gallery"]


@pytest.mark.parametrize(("options", "told"), [
    ({"top": 0}, "top 0: expected at least 1"),
    ({"threshold": 1.5}, "threshold 1.5: expected a cosine"),
    ({"threshold": float("nan")}, "threshold nan: expected a cosine"),
])  # fmt: skip
def test_numbers_outside_their_bounds_are_refused(tmp_path, enrolled, embedder, options, told):
    with pytest.raises(ValueError, match=told):
        search(tmp_path, enrolled.gallery, embedder, **options)


def test_a_gallery_of_embeddings_of_another_size_is_refused(tmp_path, embedder):
    gallery = Gallery(
        ("ann",), np.array([[0.6, 0.8]], dtype=np.float32), np.array([1]), np.array([1.0]),
        embedder.settings,
    )  # fmt: skip
    with pytest.raises(ValueError, match="embeddings of 3 numbers, the gallery's have 2"):
        search(tmp_path, gallery, embedder)
