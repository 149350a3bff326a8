"""Photographs to embeddings: what fails, what is said of it, and what is not done twice."""

import numpy as np
import pytest
import torch
from embedding_models import BLUE, GREEN, RED, Finder, MeanColor, noise, plain, png
from pictures import put

from irlib.embeddings import PhotoEmbedder, cutting, embed_folder
from irlib.embeddings.cutting import DAMAGED, NO_CROP, NO_FACE
from irlib.embeddings.finding import FaceFinder
from irlib.embeddings.listing import photographs, photographs_below


def folder(tmp_path, **files):
    """A folder of pictures by name, without their ending .png."""
    for name, data in files.items():
        put(tmp_path / f"photos/{name}.png", data)
    return tmp_path / "photos"


def test_a_crop_is_embedded_as_it_is(tmp_path):
    found = embed_folder(folder(tmp_path, a=plain(RED)), PhotoEmbedder(MeanColor()))
    # 255 becomes 1 and 0 becomes -1
    np.testing.assert_allclose(found.table.embeddings, [[1, -1, -1]], atol=1e-6)


def test_names_are_paths_below_the_folder_in_order(tmp_path):
    photos = folder(tmp_path, b=plain(RED))
    put(photos / "x/y/a.png", plain(BLUE))
    put(photos / "readme.txt", "words")
    found = embed_folder(photos, PhotoEmbedder(MeanColor()))
    assert found.table.names.tolist() == ["b.png", "x/y/a.png"]


def test_the_norm_is_the_length_of_the_embedding(tmp_path):
    found = embed_folder(folder(tmp_path, a=plain(RED)), PhotoEmbedder(MeanColor()))
    assert found.table.norms[0] == pytest.approx(3**0.5)  # of (1, -1, -1)


def test_flip_adds_the_mirrored_crop(tmp_path):
    found = embed_folder(folder(tmp_path, a=plain(RED)), PhotoEmbedder(MeanColor(), flip=True))
    np.testing.assert_allclose(found.table.embeddings, [[2, -2, -2]], atol=1e-6)


def test_a_face_is_cut_where_it_is_found(tmp_path):
    pixels = noise(0, 150, 160)
    photos = folder(tmp_path, a=png(pixels), b=png(pixels[10:122, 20:132]))
    found = embed_folder(photos, PhotoEmbedder(MeanColor(), Finder()))
    np.testing.assert_allclose(found.embeddings[0], found.embeddings[1], atol=1e-6)


def test_several_faces_get_a_note_and_an_embedding(tmp_path):
    photos = folder(tmp_path, a=plain(RED, 150, 160))
    found = embed_folder(photos, PhotoEmbedder(MeanColor(), Finder(faces=2)))
    assert found.notes == (("a.png", "2 faces: the one nearest to the center was taken"),)
    assert len(found.table) == 1


@pytest.mark.parametrize(("data", "faces", "kind", "reason"), [
    (b"no image", 1, DAMAGED, "not a readable image (no format that is known)"),
    (plain(RED, 150, 160), 0, NO_FACE, "no face found"),
    (plain(RED, 150, 160), None, NO_CROP, "160x150 pixels, expected an aligned 112x112 crop"),
])  # fmt: skip
def test_an_image_that_fails_is_listed_with_its_reason(tmp_path, data, faces, kind, reason):
    photos = folder(tmp_path, bad=data, good=plain(RED))
    detector = None if faces is None else Finder(faces)
    found = embed_folder(photos, PhotoEmbedder(MeanColor(), detector))
    (failure,) = found.failures
    assert (failure.name, failure.kind) == ("bad.png", kind)
    assert failure.reason.startswith(reason)
    assert found.table.names.tolist() == ["good.png"]


def test_a_folder_whose_images_all_fail_gives_no_table(tmp_path):
    found = embed_folder(folder(tmp_path, a=b"no image"), PhotoEmbedder(MeanColor()))
    with pytest.raises(ValueError, match=r"none of 1 images gave an embedding; a\.png: not a rea"):
        _ = found.table


def test_embeddings_keep_their_names_beyond_one_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr(cutting, "CHUNK", 2)
    colors = {"a": RED, "b": GREEN, "c": BLUE, "d": RED, "e": GREEN}
    photos = folder(tmp_path, **{name: plain(color) for name, color in colors.items()})
    put(photos / "bb.png", b"no image")
    table = embed_folder(photos, PhotoEmbedder(MeanColor(), workers=3)).table
    expected = {name: int(np.argmax(color)) for name, color in colors.items()}
    rows = zip(table.names.tolist(), table.embeddings.argmax(axis=1).tolist(), strict=True)
    assert {name.removesuffix(".png"): row for name, row in rows} == expected


def test_progress_tells_every_image(tmp_path):
    photos = folder(tmp_path, a=plain(RED), b=b"no image", c=plain(BLUE))
    told = []
    embed_folder(photos, PhotoEmbedder(MeanColor()), progress=lambda *done: told.append(done))
    assert told[-1] == (3, 3)
    assert told == sorted(told)


# What is not done twice


class StopsAfter(MeanColor):
    """Fails once it has seen so many images."""

    def __init__(self, images):
        super().__init__()
        self.images = images

    def forward(self, images):
        if self.seen >= self.images:
            raise RuntimeError("stopped")
        return super().forward(images)


def test_work_that_stopped_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(cutting, "CHUNK", 2)
    noisy = {name: png(noise(seed)) for seed, name in enumerate("abcde")}
    photos, options = folder(tmp_path, **noisy), {"cache": tmp_path / "cache", "key": "colors"}
    with pytest.raises(RuntimeError, match="stopped"):
        embed_folder(photos, PhotoEmbedder(StopsAfter(2), **options))
    model = MeanColor()
    resumed = embed_folder(photos, PhotoEmbedder(model, **options))
    assert model.seen == 3  # of 5, as 2 were done
    undisturbed = embed_folder(photos, PhotoEmbedder(MeanColor()))
    np.testing.assert_array_equal(resumed.embeddings, undisturbed.embeddings)


def test_faces_are_looked_for_once(tmp_path):
    photos = folder(tmp_path, a=png(noise(0, 150, 160)), b=png(noise(1, 150, 160)))
    for expected in (2, 0):
        finder = Finder(faces=2)
        embedder = PhotoEmbedder(MeanColor(), finder, cache=tmp_path / "cache")
        found = embed_folder(photos, embedder)
        assert finder.seen == expected
        assert [name for name, _ in found.notes] == ["a.png", "b.png"]


def test_that_there_is_no_face_is_remembered(tmp_path):
    photos = folder(tmp_path, a=png(noise(0, 150, 160)), b=plain(RED))
    for expected in (1, 0):
        finder = Finder(faces=0)
        found = embed_folder(photos, PhotoEmbedder(MeanColor(), finder, cache=tmp_path / "cache"))
        assert finder.seen == expected
        assert found.failures[0].reason == "no face found"


def test_another_detector_looks_again(tmp_path):
    photos = folder(tmp_path, a=png(noise(0, 150, 160)))
    for sha256 in ("ab", "cd"):
        finder = Finder(sha256=sha256)
        embed_folder(photos, PhotoEmbedder(MeanColor(), finder, cache=tmp_path / "cache"))
        assert finder.seen == 1


def test_an_exchanged_photograph_is_looked_at_again(tmp_path):
    for seed in (0, 1):
        photos, finder = folder(tmp_path, a=png(noise(seed, 150, 160))), Finder()
        embed_folder(photos, PhotoEmbedder(MeanColor(), finder, cache=tmp_path / "cache"))
        assert finder.seen == 1


def test_a_line_that_was_cut_short_is_made_anew(tmp_path):
    picture, data = noise(0, 150, 160), b"the file"
    first = FaceFinder(Finder(), tmp_path)
    points, _ = first.find("a", data, picture)
    whole = first.path.read_text()
    first.path.write_text(whole + "\n" + whole.strip()[:40])
    again = Finder()
    np.testing.assert_array_equal(FaceFinder(again, tmp_path).find("a", data, picture)[0], points)
    assert again.seen == 0
    first.path.write_text(whole[:40])
    FaceFinder(again, tmp_path).find("a", data, picture)
    assert again.seen == 1


# Which photographs are meant


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="none: no such folder of images"):
        photographs_below(tmp_path / "none")


def test_a_folder_without_images_is_refused(tmp_path):
    put(tmp_path / "a.txt", "words")
    with pytest.raises(ValueError, match="no image below it; 1 other entries"):
        photographs_below(tmp_path)


def test_files_that_are_not_there_are_all_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a\.png, .*b\.png: no such image"):
        photographs([tmp_path / "a.png", tmp_path / "b.png"])


def test_a_file_given_twice_is_refused(tmp_path):
    path = put(tmp_path / "a.png", plain(RED))
    with pytest.raises(ValueError, match=r"a\.png: given twice"):
        photographs([path, path])


# What tells a model


def test_a_function_has_no_digest_but_its_key():
    assert PhotoEmbedder(torch.flatten).digest == ""
    assert PhotoEmbedder(torch.flatten, key="v1").digest == "v1"


def test_a_module_that_was_changed_has_another_digest():
    module = torch.nn.Linear(2, 1)
    module.digest = "of its file"
    embedder = PhotoEmbedder(module)
    before = embedder.digest
    torch.nn.init.zeros_(module.weight)
    assert embedder.digest != before


def test_a_module_is_told_by_its_weights():
    one, two = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)
    two.load_state_dict({name: value + 1 for name, value in one.state_dict().items()})
    assert PhotoEmbedder(one).digest == PhotoEmbedder(one).digest
    assert PhotoEmbedder(one).digest != PhotoEmbedder(two).digest
