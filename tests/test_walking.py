import inspect
import os
import sys

import pytest

from irlib.data.walking import entries, find_entry, is_text, printable, scan, visible_folders, walk


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_every_file_below_is_found_in_order(tmp_path):
    touch(tmp_path, "b/c/1.jpg", "b/1.jpg", "a.txt", "b.txt", "張/x y.png")
    assert walk(tmp_path) == [
        ("a.txt", True), ("b.txt", True), ("b/1.jpg", True), ("b/c/1.jpg", True),
        ("張/x y.png", True),
    ]  # fmt: skip


def test_what_is_no_file_is_told(tmp_path):
    touch(tmp_path, "a/1.jpg", ".cache/2.jpg", ".hidden")
    (tmp_path / "a/up").symlink_to(tmp_path)
    (tmp_path / "a/gone").symlink_to(tmp_path / "nothing")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "one").symlink_to("other")
    (tmp_path / "other").symlink_to("one")
    os.mkfifo(tmp_path / "pipe")
    assert walk(tmp_path) == [
        (".cache/", False), (".hidden", True), ("a/1.jpg", True), ("a/gone", False),
        ("a/up/", False), ("loop", False), ("one", False), ("other", False), ("pipe", False),
    ]  # fmt: skip


def test_a_linked_folder_is_entered_wherever_it_stands(tmp_path):
    touch(tmp_path, "far/1.jpg", "here/2.jpg")
    for name in ("x", "y"):
        (tmp_path / "here" / name).symlink_to(tmp_path / "far")
    assert walk(tmp_path / "here") == [("2.jpg", True), ("x/1.jpg", True), ("y/1.jpg", True)]


def test_two_folders_that_hold_links_to_each_other_end(tmp_path):
    touch(tmp_path, "a/1.jpg", "b/2.jpg")
    (tmp_path / "a/b").symlink_to(tmp_path / "b")
    (tmp_path / "b/a").symlink_to(tmp_path / "a")
    assert walk(tmp_path) == [
        ("a/1.jpg", True), ("a/b/2.jpg", True), ("a/b/a/", False),
        ("b/2.jpg", True), ("b/a/1.jpg", True), ("b/a/b/", False),
    ]  # fmt: skip


def test_folders_may_lie_deeper_than_pythons_stack(tmp_path):
    (folder := tmp_path.joinpath(*["d"] * 150)).mkdir(parents=True)
    (folder / "1.jpg").touch()
    before, depth = sys.getrecursionlimit(), len(inspect.stack())
    sys.setrecursionlimit(depth + 100)
    try:
        found = walk(tmp_path)
    finally:
        sys.setrecursionlimit(before)
    assert found == [("d/" * 150 + "1.jpg", True)]


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        walk(tmp_path / "gone")


def test_entries_of_one_folder(tmp_path):
    touch(tmp_path, "b.txt", "a.txt", "y/1", ".z/1", "__MACOSX/1", "x/1")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "linked").symlink_to("x")
    assert entries(tmp_path) == (
        ["a.txt", "b.txt", "loop"], [".z", "__MACOSX", "linked", "x", "y"],
    )  # fmt: skip
    assert visible_folders(tmp_path) == ["linked", "x", "y"]
    assert dict(scan(tmp_path))["loop"] == "other"


def test_an_entry_is_found_in_any_case(tmp_path):
    touch(tmp_path, "Meta/1")
    assert find_entry(tmp_path, "meta") == tmp_path / "Meta"
    assert find_entry(tmp_path, "none") is None
    assert find_entry(tmp_path / "gone", "meta") is None
    assert find_entry(None, "meta") is None


def test_two_entries_that_differ_by_case_are_refused(tmp_path):
    touch(tmp_path, "META/1", "meta/1")
    if len(entries(tmp_path)[1]) < 2:
        pytest.skip("the file system knows no case")
    with pytest.raises(ValueError, match="META and meta are there; expected one"):
        find_entry(tmp_path, "meta")


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("a b.jpg", True, "a b.jpg"),
        ("張.jpg", True, "張.jpg"),
        (os.fsdecode(b"caf\xe9.jpg"), False, "caf\\udce9.jpg"),
    ],
)
def test_names_that_are_no_utf_8(name, text, shown):
    assert (is_text(name), printable(name)) == (text, shown)
