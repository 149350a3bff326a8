import dataclasses
import hashlib
import json

import pytest

from irlib.data.manifests import (
    INPUT,
    Manifest,
    content_hash,
    list_hash,
    read_manifest,
    require_same_input,
    write_manifest,
)

FULL = Manifest(
    set="agedb",
    images=2,
    identities=1,
    landmarks="detected",
    detector={"name": "yunet.onnx", "sha256": "ab"},
    list_sha256="cd",
    content_sha256="ef",
    quarantined=(("張 3.jpg", "no face found"),),
    notes=(("1.jpg", "2 faces"),),
)


@pytest.mark.parametrize("manifest", [FULL, Manifest(set="x", images=0)])
def test_a_manifest_comes_back_as_it_was(tmp_path, manifest):
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest


def test_a_folder_without_one_has_none(tmp_path):
    assert read_manifest(tmp_path) is None


def test_the_usual_input():
    assert Manifest(set="x", images=1).input == INPUT


def test_sets_of_the_usual_input_suit_a_network_of_it():
    require_same_input(INPUT, [FULL, Manifest(set="x", images=1)])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"color_order": "BGR"}, "set 'agedb': color_order is 'BGR', but .* for 'RGB'"),
        ({"template": "mtcnn"}, "template is 'mtcnn', but .* for 'arcface-112'"),
        ({"normalization": "x / 255"}, "normalization is 'x / 255'"),
        ({"size": (96, 112)}, r"size is \[96, 112\], but .* for \[112, 112\]"),
    ],
)
def test_a_set_of_another_input_is_refused_by_name(changed, message):
    other = dataclasses.replace(FULL, **changed)
    with pytest.raises(ValueError, match=message):
        require_same_input(INPUT, [Manifest(set="fits", images=1), other])


def test_a_property_that_no_set_has_is_refused():
    with pytest.raises(ValueError, match="channels is None, but the network was trained for 4"):
        require_same_input(INPUT | {"channels": 4}, [FULL])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([], "not the manifest of a prepared set"),
        ({"images": 1, "set": None}, "the other fields are texts"),
        ({"images": "2"}, "images is a count"),
        ({"images": -1}, "images is a count"),
        ({"images": True}, "images is a count"),
        ({"identities": 1.5}, "identities is a count or null"),
        ({"size": 112}, "size is two counts"),
        ({"size": [112]}, "size is two counts"),
        ({"size": ["112", "112"]}, "size is two counts"),
        ({"color_order": "GBR"}, "color_order is RGB or BGR"),
        ({"detector": "yunet"}, "detector is an object or null"),
        ({"detector": {"name": 1}}, "the other fields are texts"),
        ({"template": 7}, "the other fields are texts"),
        ({"quarantined": ["1.jpg"]}, "quarantined: expected pairs"),
        ({"notes": 3}, "notes: expected pairs"),
        ({"unknown": 1}, "not the manifest"),
    ],
)
def test_a_manifest_that_was_tampered_with_is_named(tmp_path, changes, message):
    written = json.loads(json.dumps(dataclasses.asdict(FULL)))
    changed = changes if isinstance(changes, list) else written | changes
    (tmp_path / "manifest.json").write_text(json.dumps(changed), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"manifest\.json: .*{message}"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe"])
def test_a_manifest_that_is_no_json_is_named(tmp_path, content):
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"manifest\.json: not valid JSON"):
        read_manifest(tmp_path)


def test_the_hash_of_a_list_is_that_of_its_sorted_lines():
    expected = hashlib.sha256("a.jpg\nb.jpg\n張.jpg\n".encode()).hexdigest()
    assert list_hash(["b.jpg", "張.jpg", "a.jpg"]) == expected


def test_the_hash_of_contents_knows_order_of_files_no_more_than_the_list():
    expected = hashlib.sha256(b"a.jpg 11\nb.jpg 22\n").hexdigest()
    assert content_hash([("b.jpg", "22"), ("a.jpg", "11")]) == expected
    assert content_hash([("b.jpg", "11"), ("a.jpg", "22")]) != expected
