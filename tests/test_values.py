from dataclasses import dataclass

import pytest

from irlib.values import integers, replaced, typed, unknown, words


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("3", "int", 3),
        (3.0, "int", 3),
        ("0.5", "float", 0.5),
        (1, "float", 1.0),
        ("true", "bool", True),
        ("False", "bool", False),
        ("3", "str", "3"),
        ("[1, 2]", "list", [1, 2]),
        ("a, b", "list", ["a", "b"]),
        ("", "list", []),
        ('{"a": 1}', "dict", {"a": 1}),
        ("28,38", "tuple", (28, 38)),
        ([28, 38], "tuple[int, ...]", (28, 38)),
    ],
)
def test_a_value_is_read_as_its_type(value, kind, expected):
    found = typed("x", value, kind)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("3.5", "int"),
        (3.5, "int"),
        (True, "int"),  # Python would take it for 1
        (None, "int"),
        ("", "int"),
        ("high", "float"),
        (True, "float"),
        ("nan", "float"),  # passes every check that asks whether it is too small
        ("inf", "float"),
        (float("inf"), "int"),
        (1, "bool"),
        ("1", "bool"),
        ("yes", "bool"),
        (3, "str"),
        ("[1", "list"),
        (3, "list"),
        ("[1]", "dict"),
        ("a", "dict"),
        ("28,x", "tuple"),
        (28, "tuple"),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(value, kind):
    with pytest.raises(ValueError, match=rf"^lr is .*: expected {kind}$"):
        typed("lr", value, kind)


def test_an_unknown_name_is_told_with_the_nearest_and_all_known():
    message = unknown("method", "arcfase", ["cosface", "arcface"])
    assert message == ("unknown method 'arcfase': did you mean 'arcface'? known: arcface, cosface")


def test_a_name_far_from_all_gets_no_guess():
    assert unknown("method", "zzz", ["arcface"]) == "unknown method 'zzz': known: arcface"


def test_integers_between_commas():
    assert integers("--seeds", "4885, 1,007") == (4885, 1, 7)


@pytest.mark.parametrize("text", ["1,b", "", "1,", "-1", "1.5", "1e3", "٣", "4294967296"])
def test_a_list_of_integers_that_is_none_is_refused(text):
    # 2**32 is one more than numpy's and scikit-learn's seeds may be; ٣ is a digit elsewhere
    with pytest.raises(ValueError, match=r"^--seeds "):
        integers("--seeds", text)


@pytest.mark.parametrize("text", ["1,2,1", "1,01"])
def test_an_integer_may_stand_there_once(text):
    with pytest.raises(ValueError, match="1 stands there twice"):
        integers("--seeds", text)


def test_words_between_commas_lose_their_spaces():
    assert words("--methods", "arcface, inter_prototype") == ["arcface", "inter_prototype"]


@pytest.mark.parametrize("text", ["", "a,,b", "a,"])
def test_an_empty_word_is_refused(text):
    with pytest.raises(ValueError, match=r"^--methods .*expected words between commas"):
        words("--methods", text)


def test_a_word_may_stand_there_once():
    with pytest.raises(ValueError, match="arcface stands there twice"):
        words("--methods", "arcface,cosface,arcface")


@dataclass(frozen=True)
class Recipe:
    steps: int = 3
    rate: float = 0.5


def test_fields_are_replaced_by_what_their_text_says():
    assert replaced(Recipe(), {"rate": "1"}, kind="option") == Recipe(steps=3, rate=1.0)


def test_a_field_that_does_not_exist_is_told_with_the_nearest():
    with pytest.raises(ValueError, match="unknown option 'step': did you mean 'steps'"):
        replaced(Recipe(), {"step": 1}, kind="option")
