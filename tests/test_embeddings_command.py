"""The command that embeds, enrols, identifies and compares: its exit status, words and files."""

import csv
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from embedding_models import noise, png, saved
from pictures import put
from test_detection import MODEL, needs_model

from irlib.data.embeddings import read_table
from irlib.embeddings.__main__ import main
from irlib.embeddings.thresholds import CHILDREN, WITHOUT


@pytest.fixture
def model(tmp_path):
    return saved(tmp_path / "model.pt")


@pytest.fixture
def photos(tmp_path):
    """Two people with two crops each, one of them damaged."""
    for seed, name in enumerate(["ann/1", "ann/2", "bob/1"]):
        put(tmp_path / f"photos/{name}.png", png(noise(seed)))
    put(tmp_path / "photos/bob/2.png", b"no image")
    return tmp_path / "photos"


def run(*words):
    return main([str(word) for word in (*words, "--device", "cpu", "--workers", 1)])


@pytest.mark.parametrize("ending", ["npz", "parquet"])
def test_embed_writes_a_table_and_lists_what_failed(tmp_path, photos, model, capsys, ending):
    out = tmp_path / f"t.{ending}"
    assert run("embed", photos, "--model", model, "--out", out) == 0
    table = read_table(out)
    assert table.names.tolist() == ["ann/1.png", "ann/2.png", "bob/1.png"]
    assert table.embeddings.shape == (3, 8)
    told = capsys.readouterr().out
    assert f"{out}: 3 embeddings of 8 numbers; 1 failed (1 damaged), 0 with a note" in told
    with Path(f"{out}.failures.csv").open(encoding="utf-8", newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)] == ["bob/2.png"]


def test_embed_again_gives_the_same_file_and_forgets_mended_failures(tmp_path, photos, model):
    out = tmp_path / "t.npz"
    run("embed", photos, "--model", model, "--out", out)
    before = read_table(out)
    put(photos / "bob/2.png", png(noise(9)))
    assert run("embed", photos, "--model", model, "--out", out) == 0
    after = read_table(out)
    np.testing.assert_array_equal(after.embeddings[:3], before.embeddings)
    assert len(after) == 4
    assert not Path(f"{out}.failures.csv").exists()


def test_embed_of_nothing_but_failures_fails_and_lists_them(tmp_path, model, capsys):
    put(tmp_path / "photos/a.png", png(noise(0, 150, 160)))
    out = tmp_path / "t.npz"
    assert run("embed", tmp_path / "photos", "--model", model, "--out", out) == 1
    told = capsys.readouterr()
    assert "failed: a.png: 160x150 pixels, expected an aligned 112x112 crop" in told.out
    assert told.err.startswith("error: none of 1 images gave an embedding")
    assert Path(f"{out}.failures.csv").exists()
    assert not out.exists()


def test_a_table_of_another_ending_is_refused_before_work(tmp_path, photos, capsys):
    assert run("embed", photos, "--model", tmp_path / "none.pt", "--out", tmp_path / "t.csv") == 1
    assert "expected a name that ends in .npz or .parquet" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "told"), [
    (["--model", "none.pt"], "--model: none.pt is no file"),
    (["--batch-size", "0"], "--batch-size 0: expected at least 1"),
    (["--detector", "none.onnx"], "none.onnx: no such face detector"),
    (["--device", "abacus"], "device 'abacus': expected one of"),
])  # fmt: skip
def test_wrong_options_are_named(tmp_path, photos, model, capsys, words, told):
    options = ["--model", str(model), "--device", "cpu", *words]
    assert main(["embed", str(photos), "--out", str(tmp_path / "t.npz"), *options]) == 1
    assert told in capsys.readouterr().err


def gallery(tmp_path, photos, model):
    put(photos / "bob/2.png", png(noise(9)))
    assert run("enrol", photos, "--model", model, "--out", tmp_path / "g.npz") == 0
    return tmp_path / "g.npz"


def test_enrol_then_identify_finds_the_person_without_naming_the_model(
    tmp_path, photos, model, capsys
):
    stored = gallery(tmp_path, photos, model)
    assert f"{stored}: 2 people, 4 images; 0 failed, 0 with a note" in capsys.readouterr().out
    assert run("identify", photos / "ann/1.png", "--gallery", stored, "--top", 1) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{photos / 'ann/1.png'} (norm ")
    assert lines[1].endswith("  ann")
    assert CHILDREN in lines


def test_identify_says_unknown_below_the_threshold(tmp_path, photos, model, capsys):
    stored, probe = gallery(tmp_path, photos, model), photos / "ann/1.png"
    run("identify", probe, "--gallery", stored, "--threshold", 1)
    assert f"{probe}: unknown (norm" in capsys.readouterr().out
    run("identify", probe, "--gallery", stored, "--threshold", -1)
    assert f"{probe}: ann (norm" in capsys.readouterr().out


def test_identify_with_another_model_is_refused(tmp_path, photos, model, capsys):
    stored, other = gallery(tmp_path, photos, model), saved(tmp_path / "other.pt", seed=1)
    assert run("identify", photos / "ann/1.png", "--gallery", stored, "--model", other) == 1
    assert "the gallery was made by another model" in capsys.readouterr().err


def test_identify_tells_which_photographs_failed(tmp_path, photos, model, capsys):
    stored = gallery(tmp_path, photos, model)
    bad = put(tmp_path / "bad.png", b"no image")
    assert run("identify", photos / "ann/1.png", bad, "--gallery", stored) == 1
    assert f"failed: {bad}: not a readable image" in capsys.readouterr().out


def test_compare_prints_the_matrix_and_says_that_there_is_no_threshold(
    tmp_path, photos, model, capsys
):
    paths = [photos / "ann/1.png", photos / "bob/1.png"]
    assert run("compare", *paths, "--model", model, "--out", tmp_path / "out") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"1: {paths[0]} (norm ")
    assert lines[3].split()[:2] == ["1", "+1.000"]
    assert {WITHOUT, CHILDREN} <= set(lines)
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == ["comparison.png", "similarity.csv"]


def test_a_set_alone_gives_no_threshold(photos, model, capsys):
    paths = [photos / "ann/1.png", photos / "bob/1.png"]
    assert run("compare", *paths, "--model", model, "--set", "lag") == 1
    assert "--set: expected --threshold-from with it" in capsys.readouterr().err


@needs_model
def test_a_photograph_is_aligned_by_the_detector(tmp_path, model, capsys):
    put(tmp_path / "photos/face.png", png(skimage.data.astronaut()))
    put(tmp_path / "photos/gray.png", png(np.full((200, 200, 3), 128)))
    out = tmp_path / "t.npz"
    words = ("embed", tmp_path / "photos", "--model", model, "--out", out, "--detector", MODEL)
    assert run(*words) == 0
    assert "failed: gray.png: no face found" in capsys.readouterr().out
    assert read_table(out).names.tolist() == ["face.png"]
