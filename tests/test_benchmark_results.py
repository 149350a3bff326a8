import math

import pytest

from benchmarks import __main__, results

ORDER = ["First", "Second", "Third"]


def written(path, *titles):
    for title in titles:
        results.replace(path, title, f"of {title}", ORDER)
    return path


def test_a_section_takes_the_place_of_its_former_self_alone(tmp_path):
    path = written(tmp_path / "RESULTS.md", "First", "Second")
    results.replace(path, "First", "anew", ORDER)
    assert results.sections(path) == {"First": "anew", "Second": "of Second"}


def test_sections_stand_in_the_order_of_the_tables(tmp_path):
    path = written(tmp_path / "RESULTS.md", "Third", "First")
    assert list(results.sections(path)) == ["First", "Third"]


def test_a_gpus_section_follows_the_processors(tmp_path):
    path = written(tmp_path / "RESULTS.md", "Third", "First (Some GPU)", "First")
    assert list(results.sections(path)) == ["First", "First (Some GPU)", "Third"]


def test_a_section_of_no_known_table_is_kept_at_the_end(tmp_path):
    path = written(tmp_path / "RESULTS.md", "Former", "Third")
    assert list(results.sections(path)) == ["Third", "Former"]


def test_rows_of_other_columns_make_a_table_of_their_own():
    text = results.table([{"a": 1, "b": "x"}, {"c": 2}, {"a": 3, "b": "y"}])
    assert text == "| a | b |\n|---|---|\n| 1 | x |\n| 3 | y |\n\n| c |\n|---|\n| 2 |\n\n"


@pytest.mark.parametrize(
    ("value", "text"), [(1234.5, "1,234"), (0.12345, "0.123"), (math.nan, "-"), (7, "7")]
)
def test_numbers_are_told_with_three_digits(value, text):
    assert results.told(value) == text


def test_how_a_table_is_run_is_left_out_of_its_section():
    text = results.section("What.\n\nHow.\n\nRun `python -m it`: a minute.\n\nShapes: none.", [])
    assert text == f"What.\n\nHow.\n\n{results.hardware()}"


def test_a_name_that_is_no_benchmark_is_told_with_the_nearest(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["benchmarks", "traning"])
    with pytest.raises(SystemExit):
        __main__.main()
    assert "did you mean 'training'" in capsys.readouterr().err
