import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from irlib import plots
from irlib.plots.style import TEAL

SIDE = 32
GROUPS = ("0-10", "11-20", "over 20")


def gray(*values):
    """Pictures of one gray each, of the shape of the values."""
    levels = np.array(values, dtype=np.uint8)
    return np.broadcast_to(levels[..., None, None, None], (*levels.shape, SIDE, SIDE, 3))


SOURCES = gray(10, 20)
FACES = gray([11, 12, 13], [21, 22, 23])


def sheet(figure):
    return figure.axes[0].images[0].get_array()


def grays(figure):
    """The faces of a sheet as their gray, row by row."""
    values = sheet(figure)[..., 0]
    rows = [row for row in values if (row < 255).any()]
    found = []
    for row in rows:
        line = [int(v) for v, before in zip(row[1:], row, strict=False) if v != before and v < 255]
        if not found or found[-1] != line:
            found.append(line)
    return found


def words(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_a_grid_has_a_row_a_source_and_its_groups_in_order():
    figure = plots.aging_grid(SOURCES, FACES, groups=GROUPS)
    assert grays(figure) == [[10, 11, 12, 13], [20, 21, 22, 23]]


def test_a_face_of_112_pixels_is_an_inch_large():
    # four faces, three gaps and two margins: 4 + 0.22 + 2 * 0.04 + 2 * 0.06 inches
    large = [np.zeros(shape, np.uint8) for shape in ((1, 112, 112, 3), (1, 3, 112, 112, 3))]
    figure = plots.aging_grid(*large, groups=GROUPS)
    assert figure.get_size_inches()[0] == pytest.approx(4.42, abs=0.02)


def test_a_grid_names_the_groups_and_tells_the_ages():
    figure = plots.aging_grid(
        SOURCES, FACES, groups=GROUPS, ages=[6.4, np.nan], estimated=[[5, 14.6, 30], [7, 16, 31]]
    )
    told = words(figure)
    assert told[2:5] == ["0\u201310", "11\u201320", "over 20"]
    assert told[5:7] == ["6 years", ""]
    assert told[7:13] == ["5", "15", "30", "7", "16", "31"]


def test_an_estimated_age_stands_below_its_own_face():
    figure = plots.aging_grid(SOURCES, FACES, groups=GROUPS, estimated=np.arange(6).reshape(2, 3))
    at = {text.get_text(): text.get_position() for text in figure.axes[0].texts}
    column, row = at["5"]  # of the last group of the second source
    assert sheet(figure)[int(row) - SIDE // 2, int(column), 0] == 23


def test_the_sources_alone_are_framed():
    figure = plots.aging_grid(SOURCES, FACES, groups=GROUPS)
    frames = figure.axes[0].patches
    middles = [(f.get_x() + SIDE / 2, f.get_y() + SIDE / 2) for f in frames]
    assert [to_hex(f.get_edgecolor()).upper() for f in frames] == [TEAL] * 2
    assert [int(sheet(figure)[int(y), int(x), 0]) for x, y in middles] == [10, 20]


def test_without_an_estimator_no_note_speaks_of_it():
    assert not any(
        "estimates" in word for word in words(plots.aging_grid(SOURCES, FACES, groups=GROUPS))
    )


def test_true_faces_stand_below_the_synthesized_ones():
    truth = gray([31, 32, 33], [41, 42, 43])
    figure = plots.truth_grid(SOURCES, FACES, truth, groups=GROUPS, ages=[6, 30])
    assert grays(figure) == [[10, 11, 12, 13], [31, 32, 33], [20, 21, 22, 23], [41, 42, 43]]


def test_interpolation_names_the_groups_and_not_what_lies_between():
    places = [0, 0.5, 1]
    figure = plots.interpolation(SOURCES, FACES, places=places, groups=GROUPS)
    assert words(figure)[2:5] == ["0\u201310", "\u00b7 \u00b7 \u00b7", "11\u201320"]


def test_there_and_back_puts_two_people_in_a_row():
    sources, there, back = gray(10, 20, 30), gray(11, 21, 31), gray(12, 22, 32)
    figure = plots.there_and_back(sources, there, back, titles=("over 60", "0-10"))
    assert grays(figure) == [[10, 11, 12, 20, 21, 22], [30, 31, 32]]


def test_there_and_back_tells_both_cosines_with_the_source():
    cosines = [[0.5, -0.25]]
    figure = plots.there_and_back(
        gray(1), gray(2), gray(3), titles=("old", "young"), ages=[8], cosines=cosines
    )
    assert words(figure)[3:6] == ["8 years", "0.50", "\u22120.25"]


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.aging_grid(SOURCES, FACES[:, :2], groups=GROUPS),
        lambda: plots.aging_grid(SOURCES[:1], FACES, groups=GROUPS),
        lambda: plots.truth_grid(SOURCES, FACES, FACES[:1], groups=GROUPS),
        lambda: plots.interpolation(SOURCES, FACES, places=[0, 1], groups=GROUPS),
    ],
)
def test_faces_that_do_not_fit_are_refused(draw):
    with pytest.raises(ValueError, match=r"^faces \(\d, \d, 32, 32, 3\): expected \(\d, \d, "):
        draw()


def test_pictures_that_are_not_square_are_refused():
    with pytest.raises(ValueError, match="expected one size"):
        plots.aging_grid(SOURCES[:, :8], FACES[:, :, :8], groups=GROUPS)


def history():
    return pd.DataFrame({
        "step": [1, 2, 3], "discriminator_loss": [0.3, 0.2, 0.25], "age_loss": [2.0, 1.0, np.nan],
        "real_right": [0.5, 0.6, 0.7],
    })  # fmt: skip


def test_curves_have_a_panel_for_each_kind_that_the_history_holds():
    titles = [axes.get_title(loc="left") for axes in plots.synthesis_curves(history()).axes]
    assert titles == ["Adversarial losses", "Patches judged right, %", "Age loss"]


def test_a_line_of_the_history_without_a_value_is_left_out():
    drawn = plots.synthesis_curves(history()).axes[2].lines[0]
    assert drawn.get_xdata().tolist() == [1, 2]
    assert drawn.get_ydata().tolist() == [2.0, 1.0]


def followed():
    rows = [("0-10", 6.0, "synthesized", 4.0), ("0-10", 6.0, "synthesized", 8.0)]
    rows += [("0-10", 6.0, "real", 5.0), ("over 60", 66.0, "synthesized", 70.0)]
    return pd.DataFrame(rows, columns=["group", "central", "faces", "estimated"])


def test_the_median_of_each_groups_estimated_ages_is_drawn():
    # three boxes: (4 + 8) / 2 and 70 on the left of their places, the real 5 on the right
    lines = [
        line
        for line in plots.age_following(followed()).axes[0].lines
        if line.get_linewidth() == 2.2
    ]
    medians = [(float(np.mean(line.get_xdata())), float(line.get_ydata()[0])) for line in lines]
    assert medians == [
        pytest.approx((-0.19, 6.0)),
        pytest.approx((0.81, 70.0)),
        pytest.approx((0.19, 5.0)),
    ]


def test_the_central_age_of_each_group_is_marked():
    marks = plots.age_following(followed()).axes[0].collections[0].get_segments()
    assert [float(mark[0, 1]) for mark in marks] == [6.0, 66.0]


def test_the_share_at_or_above_the_threshold_is_told():
    # of 0-10: 0.5 and 0.9 of three; of over 60: the only one is not
    cosines = pd.DataFrame({"group": ["0-10"] * 3 + ["over 60"], "cosine": [0.5, 0.9, 0.1, 0.4]})
    told = words(plots.identity_kept(cosines.assign(threshold=0.5)))
    assert told == ["threshold", "67 %", "0 %"]
