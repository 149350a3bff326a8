import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from irlib import plots
from irlib.plots.style import BLUE, METHODS, RED, method_colors, method_looks

METHOD = list(METHODS)[:2]


def scatter_colors(axes):
    return [to_hex(dots.get_facecolor()[0]).upper() for dots in axes.collections]


def projected(*panels):
    points = {"x": [0.0, 1.0, 2.0], "y": [1.0, 0.0, 1.0], "group": ["other", "child", "other"]}
    return pd.concat(pd.DataFrame({"panel": title, **points}) for title in panels)


def curves(**columns):
    return pd.DataFrame({"method": METHOD[0], "seed": 1, "images": [64, 128], **columns})


def rates(**names):
    return pd.DataFrame({"far": [0.0, 0.01, 1.0], "tar": [0.2, 0.5, 1.0], **names})


def accuracies():
    rows = [(s, m, 0.8, 0.75, 0.85) for s in ("AgeDB-C20", "LAG") for m in METHOD]
    return pd.DataFrame(rows, columns=["set", "method", "value", "low", "high"])


def gained(**changed):
    row = {"set": "LAG", "method": METHOD[1], "gain": 0.01, "low": -0.01, "high": 0.03}
    return pd.DataFrame([{**row, **changed}])


def families(**changed):
    rows = {
        "method": METHOD, "value": [0.8, 0.81], "low": [0.75, 0.76], "high": [0.85, 0.86],
        "gain": [np.nan, 0.01], "gain_low": [np.nan, 0.0], "gain_high": [np.nan, 0.02],
        "wide_low": [np.nan, -0.01], "wide_high": [np.nan, 0.03], "child_mean": [0.05, np.nan],
        "less": [np.nan, -0.02], "less_low": [np.nan, -0.03], "less_high": [np.nan, -0.01],
        "less_wide_low": [np.nan, -0.04], "less_wide_high": [np.nan, 0.01],
    }  # fmt: skip
    return pd.DataFrame({**rows, **changed})


def spans(axes):
    """Left and right end of each horizontal line, by its width."""
    return {
        float(lines.get_linewidth()[0]): lines.get_segments()[0][:, 0].tolist()
        for lines in axes.collections
    }


def test_plots_leave_torch_and_pyplot_alone():
    code = (
        "import sys, irlib.plots; print('torch' in sys.modules, 'matplotlib.pyplot' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["False", "False"]


def test_settings_of_matplotlib_are_as_before():
    before = dict(mpl.rcParams)
    plots.gains(gained())
    assert dict(mpl.rcParams) == before


def test_an_equal_table_gives_an_equal_png():
    first, second = (plots.roc(rates(set="LAG"))._repr_png_()[0] for _ in range(2))
    assert first == second


def test_jupyter_shows_a_figure_at_a_hundred_pixels_an_inch():
    picture = plots.roc(rates(set="LAG"))
    content, size = picture._repr_png_()
    assert content.startswith(b"\x89PNG")
    assert size == {"width": 620, "height": 420}


def test_contact_sheet_puts_row_and_column_where_they_belong():
    images = np.zeros((2, 3, 4, 4, 3), dtype=np.uint8)
    images[1, 2] = 255
    (axes,) = plots.contact_sheet(images, rows=["a", "b"], columns=["1", "2", "3"]).axes
    sheet = axes.images[0].get_array()
    assert sheet.shape == (8, 12, 3)
    assert sheet[4:, 8:].min() == 255
    assert sheet[:4].max() == 0


def test_contact_sheet_wants_a_title_for_each_row():
    with pytest.raises(ValueError, match=r"expected \(1, 3, H, W, 3\)"):
        plots.contact_sheet(
            np.zeros((2, 3, 4, 4, 3), np.uint8), rows=["a"], columns=["1", "2", "3"]
        )


def test_age_histogram_counts_children_below_the_age_only():
    # 13.0 itself is no child any more; one image has no label
    table = pd.DataFrame({"age": [3.2, 12.999, 13.0, 40.0, np.nan]})
    (axes,) = plots.age_histogram(table, child_below=13.0).axes
    heights = [sum(bar.get_height() for bar in bars) for bars in axes.containers]
    assert heights == [2, 2]
    title = axes.get_title(loc="left")
    assert title.startswith("2 of 4 labelled images (50.0%)")
    assert title.endswith("1 have no label")


def test_impostors_tell_the_mean_of_each_group():
    table = pd.DataFrame(
        {"group": ["child-child", "child-child", "adult-adult"], "cosine": [0.1, 0.3, -0.05]}
    )
    (axes,) = plots.impostors(table).axes
    _, labels = axes.get_legend_handles_labels()
    assert labels == ["child-child: mean +0.200", "adult-adult: mean -0.050"]


def test_an_unknown_group_is_named():
    table = pd.DataFrame({"group": ["toddlers"], "cosine": [0.1]})
    with pytest.raises(ValueError, match="'toddlers': expected one of child"):
        plots.impostors(table)


def test_training_curves_draw_only_what_was_logged():
    figure = plots.training_curves(curves(id_loss=[2.0, 1.0], child_loss=[np.nan, np.nan]))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Identity loss"]


def test_training_curves_skip_lines_without_the_value():
    figure = plots.training_curves(curves(id_loss=[2.0, 1.0], val_accuracy=[np.nan, 0.7]))
    line = figure.axes[1].lines[0]
    assert line.get_xdata().tolist() == [0.128]
    assert line.get_ydata().tolist() == [0.7]


def test_training_curves_share_the_axis_of_images():
    figure = plots.training_curves(curves(id_loss=[2.0, 1.0], val_accuracy=[0.7, np.nan]))
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()


def test_roc_of_one_method_is_one_panel_and_of_several_one_a_set():
    one = pd.concat([rates(set="LAG"), rates(set="AgeDB-C20")])
    several = pd.concat([one.assign(method=method) for method in METHOD])
    assert len(plots.roc(one).axes) == 1
    assert len(plots.roc(several).axes) == 2
    assert [len(axes.lines) for axes in plots.roc(several).axes] == [2, 2]


def test_roc_is_logarithmic_in_the_false_accept_rate():
    (axes,) = plots.roc(rates(set="LAG")).axes
    assert axes.get_xscale() == "log"
    assert axes.get_xlim() == (0.01, 1.0)


def test_similarity_histogram_has_a_panel_a_set():
    table = pd.DataFrame(
        {"set": ["LAG", "LAG", "B", "B"], "is_same": [1, 0] * 2, "similarity": [0.5, 0.1, 0.6, 0.0]}
    )
    titles = [axes.get_title(loc="left") for axes in plots.similarity_histogram(table).axes]
    assert titles == ["LAG", "B"]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6])
def test_projection_has_a_panel_a_method(count):
    assert len(plots.projection(projected(*map(str, range(count)))).axes) == count


def test_projection_draws_red_children_above_blue_others():
    (axes,) = plots.projection(projected("ArcFace")).axes
    order = dict(zip(scatter_colors(axes), [dots.zorder for dots in axes.collections], strict=True))
    assert set(order) == {RED, BLUE}
    assert order[RED] > order[BLUE]


def test_projection_needs_no_panel_column():
    (axes,) = plots.projection(projected("x").drop(columns="panel")).axes
    assert axes.get_title(loc="left") == ""


def test_cosine_histogram_marks_the_means():
    table = pd.DataFrame({"group": ["child-child"] * 2, "cosine": [0.1, 0.5]})
    (axes,) = plots.cosine_histogram(table).axes
    assert axes.lines[0].get_xdata()[0] == pytest.approx(0.3)


def test_accuracy_intervals_have_a_panel_a_set_and_a_row_a_method():
    drawn = plots.accuracy_intervals(accuracies()).axes
    assert [axes.get_title(loc="left") for axes in drawn] == ["AgeDB-C20", "LAG"]
    for axes in drawn:
        assert [dot.get_color() for dot in axes.lines] == [METHODS[name] for name in METHOD]
        assert [dot.get_xdata()[0] for dot in axes.lines] == [0.8, 0.8]
        assert [dot.get_ydata()[0] for dot in axes.lines] == [0, 1]


def test_methods_are_named_at_the_left_of_each_row_of_panels():
    table = pd.concat(accuracies().assign(set=name) for name in "abcd")
    named = [
        [text.get_text() for text in axes.get_yticklabels()]
        for axes in plots.accuracy_intervals(table).axes
    ]
    assert named == [METHOD, [], [], METHOD]


def test_a_method_without_a_set_leaves_its_row_empty():
    table = accuracies().iloc[1:]  # the first method has no AgeDB-C20
    first, _ = plots.accuracy_intervals(table).axes
    (dot,) = first.lines
    assert dot.get_color() == METHODS[METHOD[1]]
    assert [text.get_text() for text in first.get_yticklabels()][int(dot.get_ydata()[0])] == (
        METHOD[1]
    )


def test_gains_have_a_line_at_zero_and_one_scale():
    table = pd.concat([gained(), gained(set="AgeDB-C20", high=0.06)])
    first, second = plots.gains(table).axes
    assert list(first.lines[-1].get_xdata()) == [0, 0]
    # the farthest end is 0.06, and a twentieth of it is left free
    assert first.get_xlim() == second.get_xlim() == pytest.approx((-0.063, 0.063))


def test_the_interval_for_all_comparisons_is_a_hairline():
    (axes,) = plots.gains(gained(wide_low=-0.02, wide_high=0.04)).axes
    assert spans(axes) == {0.8: [-0.02, 0.04], 2.4: [-0.01, 0.03]}


def test_an_ablation_shows_accuracy_gains_and_prototypes():
    accuracy, gain, less, cosine = plots.ablation(families()).axes
    assert [dot.get_xdata()[0] for dot in accuracy.lines] == [0.8, 0.81]
    assert gain.lines[0].get_xdata()[0] == 0.01
    assert gain.lines[0].get_ydata()[0] == 1  # the plain head's row stays empty
    assert spans(gain) == {0.8: [-0.01, 0.03], 2.4: [0.0, 0.02]}
    assert less.lines[0].get_xdata()[0] == -0.02
    assert spans(less) == {0.8: [-0.04, 0.01], 2.4: [-0.03, -0.01]}
    assert cosine.lines[0].get_xdata()[0] == 0.05
    assert list(cosine.collections) == []


def test_axes_tell_percent_with_sign_and_typographic_minus():
    (axes,) = plots.gains(gained()).axes
    told = axes.xaxis.get_major_formatter()
    assert [told(value, 0) for value in (-0.015, 0.0, 0.02)] == ["\u22121.5", "0", "+2"]


SIXTEEN = [*METHODS, *(f"Variant {number}" for number in range(4))]


def test_sixteen_methods_all_look_different():
    looks = method_looks(SIXTEEN)
    assert len(looks) == 16
    assert len({(look.color, look.line, look.marker) for look in looks.values()}) == 16


def test_of_many_methods_the_compared_two_stand_in_front():
    looks = method_looks(SIXTEEN)
    front = [name for name, look in looks.items() if look.in_front]
    assert front == ["ArcFace", "ArcFace + Inter-Prototype"]
    behind = [look for look in looks.values() if not look.in_front]
    assert all(look.width < looks["ArcFace"].width for look in behind)
    assert all(look.order < looks["ArcFace"].order for look in behind)


def test_a_few_methods_all_stand_in_front():
    assert all(look.in_front for look in method_looks(SIXTEEN[:4]).values())


def test_curves_of_many_methods_name_each_once_above_the_panels():
    table = pd.concat(
        curves(id_loss=[2.0, 1.0]).assign(method=name, seed=seed)
        for name in SIXTEEN
        for seed in (1, 2)
    )
    figure = plots.training_curves(table)
    (named,) = figure.legends
    assert [text.get_text() for text in named.get_texts()] == SIXTEEN


def test_ranges_of_cosines_have_a_row_a_method():
    rows = [(m, g, 0.1, 0.0, 0.2) for m in METHOD for g in ("other-other", "child-child")]
    table = pd.DataFrame(rows, columns=["method", "group", "mean", "low", "high"])
    (axes,) = plots.cosine_ranges(table).axes
    assert [text.get_text() for text in axes.get_yticklabels()] == METHOD
    children = axes.lines[0]
    assert children.get_color() == RED
    assert [round(height) for height in children.get_ydata()] == [0, 1]


def test_a_note_stands_below_its_panel():
    table = projected("ArcFace").assign(note="seed 1\npurity 0.4")
    (axes,) = plots.projection(table).axes
    assert axes.get_xlabel() == "seed 1\npurity 0.4"


def test_a_method_keeps_its_colour_whoever_else_is_drawn():
    assert method_colors(["New", METHOD[1]])[METHOD[1]] == method_colors([METHOD[1]])[METHOD[1]]


def test_methods_without_a_colour_get_different_ones():
    colors = method_colors(["New", "Newer", *METHODS])
    assert len(set(colors.values())) == len(colors)
