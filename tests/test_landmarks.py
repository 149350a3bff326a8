import numpy as np
import pytest

from irlib.data.alignment.landmarks import five_of_68, is_upright, read_landmarks, read_pts
from irlib.data.alignment.similarity import TEMPLATE

NUMBERS = " ".join(f"{value:.4f}" for value in TEMPLATE.ravel())


def fgnet_points():
    """68 points of FG-NET's order: only five of them matter here."""
    points = np.full((68, 2), 60.0)
    points[[31, 36, 67, 48, 54]] = TEMPLATE
    return points


def pts(points, count=68):
    lines = "\n".join(f"{x} {y}" for x, y in points)
    return f"version: 1\nn_points: {count}\n{{\n{lines}\n}}\n"


def write(path, text, **options):
    path.write_text(text, encoding="utf-8", **options)
    return path


def test_fgnets_pupils_nose_and_mouth_are_taken():
    assert np.array_equal(five_of_68(fgnet_points()), TEMPLATE)


def test_points_in_ibugs_order_are_refused():
    # there 36 and 45 are outer corners of the eyes, 30 the nose, 31 a nostril, 67 the inner lip
    points = np.full((68, 2), 60.0)
    points[[36, 45, 30, 48, 54]] = TEMPLATE
    points[[31, 67]] = [[50, 74], [52, 92]]
    with pytest.raises(ValueError, match="no upright face; expected FG-NET's order"):
        five_of_68(points)


@pytest.mark.parametrize("shape", [(67, 2), (68, 3), (136,)])
def test_another_number_of_points_is_refused(shape):
    with pytest.raises(ValueError, match="expected 68 finite points"):
        five_of_68(np.zeros(shape))


def test_a_point_that_is_not_finite_is_refused():
    points = fgnet_points()
    points[3, 0] = np.nan
    with pytest.raises(ValueError, match="68 finite points"):
        five_of_68(points)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (TEMPLATE, True),
        (TEMPLATE[[1, 0, 2, 3, 4]], False),  # eyes exchanged
        (TEMPLATE[[0, 1, 2, 4, 3]], False),  # corners of the mouth exchanged
        (TEMPLATE * [1, -1], False),  # upside down
        (TEMPLATE[:, ::-1], False),  # y before x
        (TEMPLATE[[0, 1, 3, 2, 4]], False),  # the nose below the mouth
    ],
)
def test_an_upright_face(points, expected):
    assert is_upright(points) is expected


def test_a_pts_file_is_read(tmp_path):
    path = write(tmp_path / "001a02.pts", pts(fgnet_points()))
    assert np.array_equal(read_pts(path), fgnet_points())


def test_a_pts_file_of_windows_with_a_byte_order_mark_is_read(tmp_path):
    text = "\ufeff" + pts(fgnet_points()).replace("n_points: ", "n_points:  ")
    path = write(tmp_path / "001a02.pts", text, newline="\r\n")
    assert np.array_equal(read_pts(path), fgnet_points())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected 'version: 1'"),
        (pts(fgnet_points())[:300], "expected 'version: 1'"),  # cut short: no closing brace
        (pts(fgnet_points()[:60]), "says 68 points, holds 60"),
        (pts(fgnet_points(), count=67), "says 67 points, holds 68"),
        (pts(fgnet_points()).replace("60.0 60.0", "60.0", 1), "point 0 is '60.0'"),
        (pts(fgnet_points()).replace("60.0 60.0", "60.0 nan", 1), "point 0 is '60.0 nan'"),
    ],
)
def test_a_damaged_pts_file_is_named(tmp_path, text, message):
    path = write(tmp_path / "001a02.pts", text)
    with pytest.raises(ValueError, match=rf"001a02\.pts: {message}"):
        read_pts(path)


def test_a_binary_file_is_no_pts_file(tmp_path):
    (tmp_path / "001a02.pts").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"001a02\.pts: not UTF-8"):
        read_pts(tmp_path / "001a02.pts")


def test_a_missing_pts_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"001a02\.pts"):
        read_pts(tmp_path / "001a02.pts")


def test_a_list_with_and_without_scores_is_read(tmp_path):
    path = write(tmp_path / "list.txt", f"1.jpg {NUMBERS} 0.97\n2.jpg {NUMBERS}\n")
    found = read_landmarks(path)
    assert found.names.tolist() == ["1.jpg", "2.jpg"]
    assert found.points.shape == (2, 5, 2)
    np.testing.assert_allclose(found.of("2.jpg"), TEMPLATE)
    np.testing.assert_array_equal(found.scores, [0.97, np.nan])
    assert found.rejected == ()


def test_names_may_hold_spaces_numbers_and_any_script(tmp_path):
    names = ["a b/photo 12 7.jpg", "張/写真 1.png", "./x.jpg"]
    lines = "".join(f"{name} {NUMBERS} 1\r\n" for name in names)
    found = read_landmarks(write(tmp_path / "list.txt", "\ufeff" + lines, newline=""))
    assert found.names.tolist() == ["a b/photo 12 7.jpg", "張/写真 1.png", "x.jpg"]
    assert "x.jpg" in found
    assert "y.jpg" not in found


def test_lines_of_another_form_are_listed_by_number(tmp_path):
    lines = [
        f"1.jpg {NUMBERS}",
        "",
        "2.jpg 1 2 3",
        f"3.jpg {NUMBERS.replace('38.2946', 'nan')}",
        f"readme {NUMBERS}",
        f"5.jpg {NUMBERS} 0.9 7",
    ]
    found = read_landmarks(write(tmp_path / "list.txt", "\n".join(lines)))
    assert found.names.tolist() == ["1.jpg"]
    assert [number for number, *_ in found.rejected] == [3, 4, 5, 6]
    assert found.rejected[0][1] == "2.jpg 1 2 3"
    assert "expected name x1 y1" in found.rejected[0][2]


def test_two_lines_of_one_image_are_refused(tmp_path):
    path = write(tmp_path / "list.txt", f"1.jpg {NUMBERS}\n2.jpg {NUMBERS}\n1.jpg {NUMBERS}\n")
    with pytest.raises(ValueError, match=r"lines 1 and 3 both give '1\.jpg'"):
        read_landmarks(path)


def test_a_list_without_a_line_of_that_form_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no line is of the form"):
        read_landmarks(write(tmp_path / "list.txt", "a b c\n"))


def test_points_as_all_x_then_all_y_are_refused(tmp_path):
    # MTCNN's order; read as x and y in turn it is no face
    values = " ".join(f"{value:.4f}" for value in TEMPLATE.T.ravel())
    with pytest.raises(ValueError, match="only 0 of 1 faces are upright"):
        read_landmarks(write(tmp_path / "list.txt", f"1.jpg {values}\n"))


def test_a_few_faces_upside_down_are_let_through(tmp_path):
    values = " ".join(f"{value:.4f}" for value in (100 - TEMPLATE).ravel())
    lines = f"1.jpg {NUMBERS}\n2.jpg {NUMBERS}\n3.jpg {values}\n"
    assert len(read_landmarks(write(tmp_path / "list.txt", lines)).names) == 3


def test_an_image_without_a_line_is_told(tmp_path):
    found = read_landmarks(write(tmp_path / "list.txt", f"1.jpg {NUMBERS}\n"))
    with pytest.raises(ValueError, match=r"no line for it in list\.txt"):
        found.of("2.jpg")


def test_a_missing_list_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"list\.txt"):
        read_landmarks(tmp_path / "list.txt")
