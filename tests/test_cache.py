import multiprocessing

import numpy as np
import pytest

from irlib.evaluation.cache import EmbeddingCache, content_digest, kept

DIGESTS = [content_digest(content) for content in (b"a", b"b", b"c", b"d")]
ROWS = np.arange(8, dtype=np.float32).reshape(4, 2)


@pytest.fixture
def shelf(tmp_path):
    return EmbeddingCache(tmp_path / "cache").shelf("network")


def files(shelf):
    return sorted(path.name for path in shelf.folder.iterdir())


def test_nothing_is_known_at_first(shelf):
    mask, rows = shelf.found(DIGESTS)
    assert mask.tolist() == [False] * 4
    assert len(rows) == 0


def test_what_was_added_is_found_in_the_order_asked(shelf):
    shelf.add(DIGESTS[:3], ROWS[:3])
    mask, rows = shelf.found([DIGESTS[2], DIGESTS[3], DIGESTS[0], DIGESTS[2]])
    assert mask.tolist() == [True, False, True, True]
    assert rows.tolist() == [[4, 5], [0, 1], [4, 5]]


def test_a_second_addition_lies_beside_the_first(shelf):
    shelf.add(DIGESTS[:1], ROWS[:1])
    before = files(shelf)
    shelf.add(DIGESTS[1:], ROWS[1:])
    assert set(before) < set(files(shelf))
    assert np.array_equal(shelf.found(DIGESTS)[1], ROWS)


def test_digests_that_end_in_zeros_are_told_apart(shelf):
    # 32 bytes each; numpy drops zeros at the end of such texts, which must lose nothing
    first, second = b"x" * 31 + b"\0", b"x" * 30 + b"\0\0"
    shelf.add([first], ROWS[:1])
    assert shelf.found([second, first])[0].tolist() == [False, True]


@pytest.mark.parametrize(("key", "flip"), [("another", False), ("network", True)])
def test_networks_and_mirroring_do_not_mix(tmp_path, key, flip):
    cache = EmbeddingCache(tmp_path)
    cache.shelf("network", flip=False).add(DIGESTS, ROWS)
    assert not cache.shelf(key, flip=flip).found(DIGESTS)[0].any()


def test_a_key_may_be_any_text(tmp_path):
    shelf = EmbeddingCache(tmp_path).shelf("../my model: v2?")
    shelf.add(DIGESTS, ROWS)
    assert shelf.folder.parent.parent == tmp_path
    assert shelf.found(DIGESTS)[0].all()


def add_some(folder, number):
    shelf = EmbeddingCache(folder).shelf("network")
    for start in range(20):
        names = [content_digest(bytes([start + i, number % 2])) for i in range(5)]
        rows = [[start + i + 1, number % 2] for i in range(5)]
        shelf.add(names, rows)


def test_several_writers_at_once_do_no_harm(tmp_path):
    # pairs of processes write the very same files
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=add_some, args=(tmp_path, number)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 4
    shelf = EmbeddingCache(tmp_path).shelf("network")
    for kind in (0, 1):
        mask, rows = shelf.found([content_digest(bytes([i, kind])) for i in range(24)])
        assert mask.all()
        assert rows.tolist() == [[i + 1, kind] for i in range(24)]


def test_a_writer_killed_between_its_files_left_nothing(shelf):
    shelf.add(DIGESTS, ROWS)
    next(shelf.folder.glob("*.digests.npy")).unlink()
    assert not shelf.found(DIGESTS)[0].any()


def turn_a_bit(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["digests", "rows"])
@pytest.mark.parametrize("harm", [
    lambda path: path.write_bytes(path.read_bytes()[:-9]),
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(b"something else"),
])  # fmt: skip
def test_damage_is_named_with_what_to_do(shelf, name, harm):
    shelf.add(DIGESTS, ROWS)
    harm(next(shelf.folder.glob(f"*.{name}.npy")))
    with pytest.raises(ValueError, match=r"\.digests\.npy: a damaged part .* delete it and .*rows"):
        shelf.found(DIGESTS)


def test_a_turned_bit_is_noticed(shelf):
    shelf.add(DIGESTS, ROWS)
    turn_a_bit(next(shelf.folder.glob("*.rows.npy")))
    with pytest.raises(ValueError, match="its content is not what was written"):
        shelf.found(DIGESTS[:1])


def test_without_the_embeddings_the_digests_are_damaged(shelf):
    shelf.add(DIGESTS, ROWS)
    next(shelf.folder.glob("*.rows.npy")).unlink()
    with pytest.raises(ValueError, match="a damaged part"):
        shelf.found(DIGESTS)


def test_two_sizes_under_one_key_are_refused(shelf):
    shelf.add(DIGESTS[:1], ROWS[:1])
    shelf.add(DIGESTS[1:2], [[1, 2, 3]])
    with pytest.raises(ValueError, match="expected a key of its own for each network"):
        shelf.found(DIGESTS)


def test_what_was_made_before_a_failure_is_kept(shelf):
    def made():
        yield ROWS[:2]
        yield ROWS[2:3]
        raise ValueError("the disk of images is gone")

    with pytest.raises(ValueError, match="gone"):
        list(kept(made(), shelf, np.array(DIGESTS)))
    mask, rows = shelf.found(DIGESTS)
    assert mask.tolist() == [True, True, True, False]
    assert np.array_equal(rows, ROWS[:3])


def test_batches_are_written_together(shelf):
    list(kept(iter([ROWS[:1], ROWS[1:2], ROWS[2:]]), shelf, np.array(DIGESTS)))
    assert len(files(shelf)) == 2  # digests and embeddings of one addition
