"""The command that ages photographs: its files, words, exit status, and what it refuses."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from aging_runs import held_out, space, synthesis_run
from embedding_models import noise, png, saved
from pictures import put
from PIL import Image

from benchmarks.facespace import moved
from irlib import checkpoints
from irlib.aging import aged, open_run, require_free, write_aged
from irlib.aging.__main__ import main
from irlib.aging.making import Aged
from irlib.aging.writing import GRID_ROWS
from irlib.evaluation.synthesized.faces import in_all_groups


def passing(count):
    """Held-out crops that the small space of these tests takes for aligned."""
    return held_out()[space(30).accepts(held_out())][:count]


@pytest.fixture
def folder(tmp_path):
    return synthesis_run(tmp_path / "study")


@pytest.fixture
def photos(tmp_path):
    return [put(tmp_path / f"photos/{at}.png", png(crop)) for at, crop in enumerate(passing(2))]


def run(*words):
    return main([str(word) for word in (*words, "--device", "cpu")])


def test_it_writes_a_grid_a_table_and_a_picture_of_each_face_and_group(
    tmp_path, folder, photos, capsys
):
    out = tmp_path / "out"
    assert run(*photos, "--run", folder, "--out", out, "--groups", "0,6") == 0
    pictures = {f"{name}-{group}.png" for name in "01" for group in ("0-10", "over-60")}
    assert {path.name for path in out.iterdir()} == {"grid.png", "ages.csv"} | pictures
    assert f"{out / 'grid.png'}, {out / 'ages.csv'} and 4 pictures" in capsys.readouterr().out


def test_the_pictures_are_what_the_generator_makes(tmp_path, folder, photos):
    out = tmp_path / "out"
    run(*photos, "--run", folder, "--out", out)
    made = in_all_groups(open_run(folder).synthesizer, passing(2), device="cpu")
    with Image.open(out / "1-31-40.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), made[3, 1])


def test_the_table_has_ages_of_source_and_faces_and_cosines_of_faces(tmp_path, folder, photos):
    out = tmp_path / "out"
    run(*photos, "--run", folder, "--out", out, "--groups", "2,5")
    table = pd.read_csv(out / "ages.csv", dtype={"picture": str}).fillna({"picture": ""})
    assert table["photograph"].tolist() == [str(path) for path in photos for _ in range(3)]
    assert table["group"].tolist() == ["source", "21-30", "51-60"] * 2
    assert table["picture"].tolist()[3:] == ["", "1-21-30.png", "1-51-60.png"]
    assert table["estimated_age"].between(0, 100).all()
    assert table["cosine"].isna().tolist() == [True, False, False] * 2
    assert table["cosine"].dropna().between(-1, 1).all()


def test_ages_are_those_of_the_estimator_that_the_run_names(tmp_path, folder):
    crops = passing(2)
    path = tmp_path / "study/train-age_estimator-s2/last.pt"
    # another age head: the synthesizer's own gives other ages
    content = checkpoints.load(path)
    last = "age_head.age_output_layer.4.bias"
    content["objective"][last][17] += 1000
    checkpoints.save(path, content)
    # a logit above all others by a thousand is the expected age
    np.testing.assert_allclose(aged(open_run(folder), crops, groups=[0]).ages, 17, atol=1e-3)


def test_without_estimator_and_judge_their_columns_are_left_out(tmp_path, folder, photos, capsys):
    for name in ("train-age_estimator-s2", "train-arcface-s1"):
        (tmp_path / "study" / name / "last.pt").unlink()
    out = tmp_path / "out"
    assert run(*photos, "--run", folder, "--out", out, "--groups", "0") == 0
    assert list(pd.read_csv(out / "ages.csv")) == ["photograph", "group", "picture"]
    told = capsys.readouterr().out
    assert "train-age_estimator-s2/last.pt is not there; ages are not estimated" in told
    assert "train-arcface-s1/last.pt is not there; cosines are left out" in told


@pytest.mark.parametrize(("words", "told"), [
    (["--groups", "7"], "group: expected 0 to 6, got 7; ages of the groups: 0: 0-10, 1: 11-20"),
    (["--groups", "old"], "--groups old: expected numbers between commas, as 0,3,6"),
    (["--groups", "1,1"], "groups: 1 is given twice"),
    (["--detector", "none.onnx"], "none.onnx: no such face detector"),
    (["--device", "abacus"], "device 'abacus': expected one of"),
])  # fmt: skip
def test_wrong_options_are_named(tmp_path, folder, photos, capsys, words, told):
    out = tmp_path / "out"
    options = ["--run", str(folder), "--out", str(out), "--device", "cpu", *words]
    assert main([*map(str, photos), *options]) == 1
    assert told in capsys.readouterr().err
    assert not out.exists()


def test_photographs_that_cannot_be_used_are_all_named_and_nothing_is_written(
    tmp_path, folder, photos, capsys
):
    shifted = put(tmp_path / "shifted.png", png(moved(passing(1), shift=(30, 10))[0]))
    large = put(tmp_path / "large.png", png(noise(0, 150, 160)))
    out = tmp_path / "out"
    assert run(photos[0], shifted, large, "--run", folder, "--out", out) == 1
    told = capsys.readouterr().err
    assert f"{shifted}: does not look like the aligned crops" in told
    assert f"{large}: 160x150 pixels, expected an aligned 112x112 crop" in told
    assert str(photos[0]) not in told
    assert not out.exists()


def test_a_run_of_another_notebook_is_refused(tmp_path, photos, capsys):
    other = synthesis_run(tmp_path / "other", notebook="02_train")
    assert run(*photos, "--run", other, "--out", tmp_path / "out") == 1
    assert "a run of notebook 02_train, expected one of 06_synthesis" in capsys.readouterr().err


def test_a_folder_that_is_no_run_is_refused(tmp_path, photos, capsys):
    assert run(*photos, "--run", tmp_path, "--out", tmp_path / "out") == 1
    assert "no run.json; expected the folder of a run of notebook 06" in capsys.readouterr().err


@pytest.mark.parametrize("content", [{"name": "an app"}, ["no", "record"]])
def test_a_record_of_something_else_is_refused(tmp_path, folder, photos, capsys, content):
    (folder / "run.json").write_text(json.dumps(content))
    assert run(*photos, "--run", folder, "--out", tmp_path / "out") == 1
    told = f"{folder}: its run.json names no notebook, expected one of 06_synthesis"
    assert told in capsys.readouterr().err


def test_an_estimator_that_is_none_is_refused_by_its_file(tmp_path, folder):
    path = tmp_path / "study/train-age_estimator-s2/last.pt"
    saved(path)
    with pytest.raises(ValueError, match=rf"^{path}: model: decomposition is ''"):
        open_run(folder)


def test_the_run_of_the_present_folder_finds_estimator_and_judge(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert open_run(Path()).notes == ()


def test_a_photograph_is_not_written_over(tmp_path, folder, capsys):
    photo = put(tmp_path / "photos/grid.png", png(passing(1)[0]))
    before = photo.read_bytes()
    assert run(photo, "--run", folder, "--out", photo.parent) == 1
    assert f"{photo.parent}: grid.png is there already" in capsys.readouterr().err
    assert [path.name for path in photo.parent.iterdir()] == ["grid.png"]
    assert photo.read_bytes() == before


def test_what_an_earlier_call_wrote_is_not_written_over(tmp_path, folder, photos, capsys):
    out = tmp_path / "out"
    run(photos[0], "--run", folder, "--out", out, "--groups", "0")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert run(photos[1], "--run", folder, "--out", out, "--groups", "6") == 1
    assert f"{out}: grid.png, ages.csv are there already" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_file_is_no_folder_for_results(tmp_path):
    path = put(tmp_path / "out", "words")
    with pytest.raises(FileExistsError, match="out: not a folder"):
        require_free(path, ["a.png"], ["0-10"])


def test_weights_of_something_else_are_refused(tmp_path, folder, photos, capsys):
    saved(folder / "last.pt")
    assert run(*photos, "--run", folder, "--out", tmp_path / "out") == 1
    assert "last.pt: not a checkpoint of face age synthesis" in capsys.readouterr().err


def test_a_run_without_weights_is_refused(tmp_path, folder, photos, capsys):
    (folder / "last.pt").unlink()
    assert run(*photos, "--run", folder, "--out", tmp_path / "out") == 1
    assert "last.pt is missing: run notebooks/06_synthesis.ipynb first" in capsys.readouterr().err


def test_a_run_whose_record_names_no_judge_has_none(folder):
    record = json.loads((folder / "run.json").read_text())
    del record["judge"]
    (folder / "run.json").write_text(json.dumps(record))
    found = open_run(folder)
    assert found.judge is None
    assert "judge: none in run.json; cosines are left out" in found.notes


def test_photographs_of_one_name_get_pictures_of_their_own(tmp_path):
    faces = held_out()[:2]
    result = Aged(faces, faces[:, None], ("0-10",))
    _, _, *pictures = write_aged(tmp_path, ["a/me.jpg", "b/me.png"], result)
    assert [path.name for path in pictures] == ["01-me-0-10.png", "02-me-0-10.png"]


def test_as_many_names_as_faces_are_asked_for(tmp_path):
    faces = held_out()[:2]
    with pytest.raises(ValueError, match="1 names for 2 faces"):
        write_aged(tmp_path, ["a.jpg"], Aged(faces, faces[:, None], ("0-10",)))


def test_a_photograph_that_is_a_file_of_the_results_is_refused(tmp_path, monkeypatch):
    photo = put(tmp_path / "ages.csv", png(noise(0)))
    before = photo.read_bytes()
    monkeypatch.chdir(tmp_path)
    faces = held_out()[:1]
    with pytest.raises(ValueError, match=r"ages\.csv: is a photograph given"):
        write_aged(Path(), [str(photo)], Aged(faces, faces[:, None], ("0-10",)))
    assert photo.read_bytes() == before
    assert list(tmp_path.iterdir()) == [photo]


def test_the_grid_shows_the_first_photographs_and_the_table_all(tmp_path):
    # all rows of 1.21 inches at 150 pixels must stay below the 65,536 that a picture may have
    count = GRID_ROWS + 10
    faces = np.repeat(held_out()[:1], count, axis=0)
    names = [f"{at}.jpg" for at in range(count)]
    grid, table, *pictures = write_aged(tmp_path, names, Aged(faces, faces[:, None], ("0-10",)))
    assert (len(pictures), len(pd.read_csv(table))) == (count, 2 * count)
    with Image.open(grid) as picture:
        assert picture.height == pytest.approx(181.5 * GRID_ROWS, rel=0.01)


def test_photographs_beyond_the_grid_are_told(tmp_path, folder, photos, capsys, monkeypatch):
    monkeypatch.setattr("irlib.aging.__main__.GRID_ROWS", 1)
    run(*photos, "--run", folder, "--out", tmp_path / "out", "--groups", "0")
    assert "note: grid.png shows the first 1 of 2 photographs" in capsys.readouterr().out
