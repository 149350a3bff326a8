import pytest

from irlib.data.sets.names import AgedbName, FgnetName, agedb, cacd_vs, fgnet


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("16488_WillSmith _35_m.jpg", AgedbName("16488", "WillSmith", "35", "m", "jpg")),
        ("7_AnnLee_8_F.JPG", AgedbName("7", "AnnLee", "8", "f", "JPG")),
        ("WillSmith/0015_WillSmith_42.jpg", AgedbName("0015", "WillSmith", "42", "", "jpg")),
        ("x/y/1_Ann_B_Lee_101_f.png", AgedbName("1", "Ann_B_Lee", "101", "f", "png")),
        ("1_李 明_3_m.webp", AgedbName("1", "李 明", "3", "m", "webp")),
    ],
)
def test_a_name_of_agedb(path, told):
    assert agedb(path) == told


@pytest.mark.parametrize("name", [
    "Ann_8_f.jpg", "1_Ann_f.jpg", "1_Ann_1000_f.jpg", "1_Ann_8_x.jpg", "1_Ann_8_f", "1__8_f.jpg",
    "1_.._8_f.jpg", "1_.Ann_8_f.jpg", "2_A/b_10_m.jpg", "1_Ann_٨_f.jpg", "",
])  # fmt: skip
def test_no_name_of_agedb(name):
    assert agedb(name) is None


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("047A05.JPG", FgnetName("047A05", "047", "05")),
        ("images/001a43B.jpg", FgnetName("001a43B", "001", "43")),
    ],
)
def test_a_name_of_fgnet(path, told):
    assert fgnet(path) == told


@pytest.mark.parametrize("name", ["47A05.JPG", "047A5.JPG", "047B05.JPG", "047A05bc.JPG", "047A05"])
def test_no_name_of_fgnet(name):
    assert fgnet(name) is None


def test_names_of_cacd_vs():
    assert [cacd_vs(name) for name in ("0012_1.jpg", "x/3999_0.png", "0012_2.jpg", "a_1.jpg")] == [
        (12, 1), (3999, 0), None, None,
    ]  # fmt: skip
