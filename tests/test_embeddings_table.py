import re

import numpy as np
import pytest

from irlib.data.embeddings import EmbeddingTable, listed, read_table, write_table

NAMES = np.array(["b/1.jpg", "a/1.jpg", "é,2.png"])
ROWS = np.array([[3, 4], [1, 0], [0, -2]], dtype=np.float32)


@pytest.fixture
def table():
    return EmbeddingTable(NAMES, ROWS)


def with_row(row):
    return np.concatenate([ROWS[:2], np.array([row])])


def csv(folder, text):
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    return path


def parquet(folder, **columns):
    arrow, files = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = folder / "made_elsewhere.parquet"
    files.write_table(arrow.table(columns), path)
    return path


def same(found):
    return found.names.tolist() == NAMES.tolist() and np.array_equal(found.embeddings, ROWS)


def test_norms_are_lengths(table):
    assert table.norms.tolist() == [5, 1, 2]


def test_rows_are_looked_up_by_name(table):
    assert table.rows(["a/1.jpg", "b/1.jpg", "a/1.jpg"]).tolist() == [1, 0, 1]


def test_images_without_an_embedding_are_counted_and_named_once(table):
    with pytest.raises(ValueError, match=r"2 of 3 images have no embedding: x, y$"):
        table.rows(["x", "a/1.jpg", "y", "x"])


def test_ten_names_are_listed():
    assert listed([str(i) for i in range(12)]) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"


def test_embeddings_are_kept_as_single_precision():
    assert EmbeddingTable(NAMES, ROWS.astype(np.float16)).embeddings.dtype == np.float32


@pytest.mark.parametrize("ending", [".npz", ".parquet"])
def test_a_written_table_is_read_back(tmp_path, table, ending):
    if ending == ".parquet":
        pytest.importorskip("pyarrow")
    write_table(tmp_path / f"t{ending}", table)
    assert same(read_table(tmp_path / f"t{ending}"))


def test_the_norms_are_written_too(tmp_path, table):
    write_table(tmp_path / "t.npz", table)
    with np.load(tmp_path / "t.npz") as file:
        assert file["norms"].tolist() == [5, 1, 2]


def test_an_npz_of_two_arrays_under_other_names(tmp_path):
    np.savez(tmp_path / "t.npz", files=NAMES, arr_1=ROWS)
    assert same(read_table(tmp_path / "t.npz"))


def test_an_npz_of_other_arrays_tells_what_it_holds(tmp_path):
    np.savez(tmp_path / "t.npz", files=NAMES, a=ROWS, b=ROWS)
    with pytest.raises(ValueError, match=r"files <U7 \(3,\), a float32 \(3, 2\), b float32"):
        read_table(tmp_path / "t.npz")


def test_pickled_names_are_not_read(tmp_path):
    np.savez(tmp_path / "t.npz", names=NAMES.astype(object), embeddings=ROWS)
    with pytest.raises(ValueError, match=r"t.npz: .*allow_pickle=False; write names as texts"):
        read_table(tmp_path / "t.npz")


@pytest.mark.parametrize("content", [b"", b"PK\3\4 torn", b"\x93NUMPY", b"plain text"])
def test_a_damaged_npz_is_named(tmp_path, content):
    (tmp_path / "t.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"t\.npz: "):
        read_table(tmp_path / "t.npz")


def test_a_single_array_is_no_npz(tmp_path):
    with (tmp_path / "t.npz").open("wb") as file:
        np.save(file, ROWS)
    with pytest.raises(ValueError, match=r"not a readable .npz file"):
        read_table(tmp_path / "t.npz")


@pytest.mark.parametrize("titles", ["", "name,e0,e1\n"])
def test_a_csv_with_and_without_titles(tmp_path, titles):
    lines = 'b/1.jpg,3,4\na/1.jpg,1,0\n"é,2.png",0,-2\n'
    assert same(read_table(csv(tmp_path, titles + lines)))


def test_a_csv_with_titles_of_pandas(tmp_path):
    lines = 'name,0,1\nb/1.jpg,3,4\na/1.jpg,1,0\n"é,2.png",0,-2\n'
    assert same(read_table(csv(tmp_path, lines)))


def test_a_first_image_whose_numbers_count_up_is_no_title(tmp_path):
    assert read_table(csv(tmp_path, "a,0,1\nb,1,0\n")).names.tolist() == ["a", "b"]


def test_the_mark_at_the_start_of_a_csv_is_no_part_of_a_name(tmp_path):
    assert read_table(csv(tmp_path, "\ufeffa,1,2\n")).names.tolist() == ["a"]


@pytest.mark.parametrize("fields", ["x,2", "1,", "n/a,n/a", ","])
def test_a_first_image_with_a_field_that_is_no_number_is_not_dropped(tmp_path, fields):
    with pytest.raises(ValueError, match=r"table\.csv: line 1: could not convert string to float"):
        read_table(csv(tmp_path, f"a,{fields}\nb,1,2\n"))


def test_a_csv_line_without_numbers_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"table\.csv: line 1: 0 numbers; expected some"):
        read_table(csv(tmp_path, "a;1;2\n"))


def test_a_csv_field_that_is_too_long_is_told_by_its_line(tmp_path):
    with pytest.raises(ValueError, match=r"table\.csv: line 2: field larger than field limit"):
        read_table(csv(tmp_path, "a,1,2\nb,1," + "2" * 200_000))


def test_a_csv_row_of_another_width_is_told_by_its_line(tmp_path):
    with pytest.raises(ValueError, match="line 2: 3 numbers; expected 2"):
        read_table(csv(tmp_path, "a,1,2\nb,1,2,3\n"))


def test_a_csv_field_that_is_no_number_is_told_by_its_line(tmp_path):
    with pytest.raises(ValueError, match="line 2: could not convert string to float: 'x'"):
        read_table(csv(tmp_path, "a,1,2\nb,1,x\n"))


def test_parquet_lists_of_any_length_kind(tmp_path):
    path = parquet(tmp_path, name=NAMES.tolist(), embedding=ROWS.tolist())
    assert same(read_table(path))


def test_parquet_with_a_column_a_number(tmp_path):
    path = parquet(tmp_path, e1=ROWS[:, 1], name=NAMES.tolist(), e0=ROWS[:, 0], other=[1, 2, 3])
    assert same(read_table(path))


def test_parquet_without_a_column_in_between_is_refused(tmp_path):
    path = parquet(tmp_path, name=NAMES.tolist(), e0=ROWS[:, 0], e2=ROWS[:, 1])
    with pytest.raises(ValueError, match=r"parquet: 2 columns e0, e1, ..., and no column e1"):
        read_table(path)


def test_parquet_with_a_row_without_a_name_is_refused(tmp_path):
    path = parquet(tmp_path, name=["a", None, "b"], embedding=ROWS.tolist())
    with pytest.raises(ValueError, match=r"parquet: row 1: no name"):
        read_table(path)


def test_parquet_rows_of_unequal_width_are_named(tmp_path):
    path = parquet(tmp_path, name=NAMES.tolist(), embedding=[[1.0, 2.0], [1.0], [2.0, 3.0]])
    with pytest.raises(ValueError, match=r"row 1 \(a/1.jpg\): 1 numbers; expected 2, as in row 0"):
        read_table(path)


def test_parquet_without_a_list_in_a_row_is_unequal_too(tmp_path):
    path = parquet(tmp_path, name=NAMES.tolist(), embedding=[[1.0, 2.0], [3.0, 4.0], None])
    with pytest.raises(ValueError, match=r"row 2 \(é,2.png\): 0 numbers; expected 2"):
        read_table(path)


def test_parquet_with_a_missing_number_names_its_image(tmp_path):
    path = parquet(tmp_path, name=NAMES.tolist(), embedding=[[1.0, None], [3.0, 4.0], [1.0, 1.0]])
    with pytest.raises(ValueError, match=r"1 of 3 embeddings are not finite: b/1.jpg"):
        read_table(path)


@pytest.mark.parametrize("columns", [{"name": ["a"]}, {"embedding": [[1.0]]}])
def test_parquet_without_the_columns_tells_those_it_has(tmp_path, columns):
    told = re.escape(f"columns {list(columns)}; expected name, and embedding")
    with pytest.raises(ValueError, match=told):
        read_table(parquet(tmp_path, **columns))


def test_parquet_texts_are_no_embeddings(tmp_path):
    with pytest.raises(ValueError, match="column embedding: string; expected lists of numbers"):
        read_table(parquet(tmp_path, name=["a"], embedding=["0.1 0.2"]))


def test_a_damaged_parquet_file_is_named(tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "t.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(ValueError, match=r"t.parquet: not a readable Parquet file"):
        read_table(tmp_path / "t.parquet")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"t.npz: no such table"):
        read_table(tmp_path / "t.npz")


def test_an_unknown_ending_is_refused(tmp_path, table):
    with pytest.raises(ValueError, match=r"unknown ending '.pkl'; expected .npz or .parquet or"):
        read_table(tmp_path / "t.pkl")
    with pytest.raises(ValueError, match=r"unknown ending '.csv'; expected .npz or .parquet$"):
        write_table(tmp_path / "t.csv", table)


@pytest.mark.parametrize(("rows", "told"), [
    (with_row([np.nan, 1]), "1 of 3 embeddings are not finite: é,2.png"),
    (with_row([np.inf, 1]), "1 of 3 embeddings are not finite: é,2.png"),
    (with_row([1e300, 1]), "1 of 3 embeddings are not finite: é,2.png"),
    (with_row([0, 0]), "1 of 3 embeddings are zero vectors: é,2.png"),
    (ROWS[:2], r"embeddings: float32 \(2, 2\); expected \(3, D\) numbers"),
    (ROWS[:, 0], r"embeddings: float32 \(3,\); expected \(3, D\) numbers"),
    (ROWS.astype(str), r"expected \(3, D\) numbers"),
    (ROWS[:, :0], "3 of 3 embeddings are zero vectors"),
])  # fmt: skip
def test_embeddings_that_mean_nothing_are_refused(rows, told):
    with pytest.raises(ValueError, match=told):
        EmbeddingTable(NAMES, rows)


def test_a_name_that_stands_twice_is_refused():
    with pytest.raises(ValueError, match=r"1 names stand twice or more: a$"):
        EmbeddingTable(np.array(["a", "b", "a"]), ROWS)


@pytest.mark.parametrize("names", [np.array([], dtype=str), np.array([1, 2, 3])])
def test_names_are_texts(names):
    with pytest.raises(ValueError, match=r"expected \(N,\) texts"):
        EmbeddingTable(names, ROWS[: len(names)])


def test_a_failed_write_leaves_the_old_table(tmp_path, table, monkeypatch):
    path = tmp_path / "t.npz"
    write_table(path, table)

    def fail(*_, **__):
        raise OSError("no")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="no"):
        write_table(path, EmbeddingTable(NAMES[:1], ROWS[:1]))
    assert same(read_table(path))
    assert list(tmp_path.iterdir()) == [path]
