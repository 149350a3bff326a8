"""Models made elsewhere, as the command line names them."""

import pytest

from irlib import models


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "network.onnx"
    path.write_bytes(b"weights")
    return path


def test_a_model_is_a_name_and_a_file(file):
    assert models.parse(f"mine={file}", ()) == [models.Model("mine", file)]


def test_a_color_order_stands_behind_the_file(file):
    assert models.parse(f"mine={file}@BGR", ())[0].color_order == "BGR"


def test_a_file_may_have_an_at_sign(tmp_path):
    path = tmp_path / "a@home.onnx"
    path.write_bytes(b"weights")
    assert models.parse(f"mine={path}", ()) == [models.Model("mine", path)]


def test_several_models_keep_their_order(file):
    assert [m.name for m in models.parse(f"b={file},a={file}", ())] == ["b", "a"]


@pytest.mark.parametrize("word", ["mine", "=x.onnx", "mine=", "Mine={}", "my-net={}"])
def test_what_is_no_name_and_file_is_refused(file, word):
    with pytest.raises(ValueError, match="expected NAME=FILE"):
        models.parse(word.format(file), ())


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match=r"gone\.onnx is no file"):
        models.parse(f"mine={tmp_path / 'gone.onnx'}", ())


def test_the_name_of_a_method_is_refused(file):
    with pytest.raises(ValueError, match="the name 'arcface' is taken"):
        models.parse(f"arcface={file}", {"arcface": None})


def test_a_name_that_stands_there_twice_is_refused(file):
    with pytest.raises(ValueError, match="the name 'mine' is taken"):
        models.parse(f"mine={file},mine={file}@BGR", ())


def test_another_content_or_color_order_makes_an_evaluation_stale(file):
    before = models.Model("mine", file).settings["digest"]
    assert models.Model("mine", file, "BGR").settings["digest"] != before
    file.write_bytes(b"other weights")
    assert models.Model("mine", file).settings["digest"] != before
