"""Figures of where a network fails: bands, DET curves, carried thresholds, wrongly judged pairs."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from irlib import plots
from irlib.plots.style import METHODS

FIRST, SECOND = list(METHODS)[:2]


def banded(**changed):
    rows = [
        {"by": by, "band": band, "accuracy": 0.9, "low": 0.85, "high": 0.95, "fnmr": 0.12,
         "fnmr_low": 0.1, "fnmr_high": 0.15, "fmr": 0.08, "fmr_low": 0.05, "fmr_high": 0.1}
        for by, band in (("all pairs", "all"), ("gender", "both male"), ("gender", "both female"))
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(**{"set": "AgeDB-C20", **changed})


def points(axes):
    lines = [line for line in axes.lines if len(line.get_xdata())]
    return [(line.get_xdata()[0], line.get_ydata()[0]) for line in lines]


def test_a_breakdown_has_a_row_a_property_and_a_column_a_rate():
    drawn = plots.breakdown(banded()).axes
    assert len(drawn) == 2 * 3
    assert [axes.get_title(loc="left") for axes in drawn[::3]] == ["all pairs", "gender"]
    assert [text.get_text() for text in drawn[3].get_yticklabels()] == ["both male", "both female"]


def test_a_dot_stands_at_its_rate_and_on_its_interval():
    fnmr = plots.breakdown(banded()).axes[4]
    assert points(fnmr) == [(0.12, 0.0), (0.12, 1.0)]
    assert fnmr.collections[0].get_segments()[0][:, 0].tolist() == [0.1, 0.15]


def test_a_rate_that_a_band_lacks_is_not_drawn():
    table = banded()
    table.loc[2, "accuracy"] = np.nan
    assert points(plots.breakdown(table).axes[3]) == [(0.9, 0.0)]


def test_a_table_of_one_rate_has_one_column():
    table = banded().drop(columns=["accuracy", "fnmr"])
    assert len(plots.breakdown(table).axes) == 2


def test_methods_stand_below_each_other_in_their_colors():
    table = pd.concat([banded(method=name) for name in (FIRST, SECOND)], ignore_index=True)
    dots = [line for line in plots.breakdown(table).axes[3].lines if len(line.get_xdata())]
    assert [line.get_color() for line in dots] == [METHODS[FIRST]] * 2 + [METHODS[SECOND]] * 2
    first, second = dots[0].get_ydata()[0], dots[2].get_ydata()[0]
    assert (first, second) == pytest.approx((-0.175, 0.175))  # 0.35 of a band apart


def test_methods_of_several_sets_are_refused():
    table = pd.concat([banded(method=FIRST), banded(method=FIRST, set="LAG")], ignore_index=True)
    with pytest.raises(ValueError, match="sets AgeDB-C20, LAG: expected one"):
        plots.breakdown(table)


def test_a_breakdown_without_numbers_is_refused():
    with pytest.raises(ValueError, match="no accuracy, fnmr, fmr"):
        plots.breakdown(banded()[["set", "by", "band"]])


def curve(**names):
    far = [0.0, 0.01, 0.2, 0.5, 0.7, 1.0]
    return pd.DataFrame({"far": far, "tar": [0.1, 0.6, 0.9, 0.95, 0.99, 1.0], **names})


def test_det_draws_normal_deviates_of_both_errors():
    (axes,) = plots.det(curve(set="LAG")).axes
    line = axes.lines[0]
    # far 0 lies at infinity, and what is beyond one half is left out
    assert line.get_xdata() == pytest.approx(ndtri([0.01, 0.2, 0.5]))
    assert line.get_ydata() == pytest.approx(ndtri([0.4, 0.1, 0.05]))


def test_det_ticks_tell_percent_at_their_deviates():
    (axes,) = plots.det(curve(set="LAG")).axes
    told = {
        text.get_text(): at
        for text, at in zip(axes.get_xticklabels(), axes.get_xticks(), strict=True)
    }
    assert told["5"] == pytest.approx(-1.6449, abs=1e-4)  # a normal is below it one time in 20
    assert told["50"] == pytest.approx(0.0)


def test_det_of_several_methods_has_a_panel_a_set():
    table = pd.concat([curve(set=s, method=m) for s in ("LAG", "B") for m in (FIRST, SECOND)])
    drawn = plots.det(table).axes
    assert [axes.get_title(loc="left") for axes in drawn] == ["LAG", "B"]
    assert [axes.lines[1].get_color() for axes in drawn] == [METHODS[SECOND]] * 2


def carried():
    rows = [("A", "A", 0.9, 0.0), ("A", "B", 0.7, 0.1), ("B", "A", 0.85, 0.05), ("B", "B", 0.8, 0)]
    return pd.DataFrame(rows, columns=["fitted_on", "set", "accuracy", "lost"])


def test_transfer_has_a_row_a_threshold_and_a_column_a_set():
    axes = plots.threshold_transfer(carried()).axes[0]
    told = {text.get_position(): text.get_text() for text in axes.texts}
    assert told == {(0, 0): "90.0", (1, 0): "70.0", (0, 1): "85.0", (1, 1): "80.0"}
    assert axes.images[0].get_array().tolist() == [[0.0, 10.0], [5.0, 0.0]]


def test_transfer_marks_the_sets_own_thresholds():
    axes = plots.threshold_transfer(carried()).axes[0]
    bold = [text.get_position() for text in axes.texts if text.get_fontweight() == "bold"]
    assert bold == [(0, 0), (1, 1)]


def wrong_pairs():
    return pd.DataFrame({
        "set": "FG-NET-C20", "kind": ["false reject", "false accept"], "cosine": [-0.1, 0.5],
        "threshold": 0.3, "first_age": [5.0, np.nan], "second_age": [40.0, np.nan],
    })  # fmt: skip


def test_face_pairs_tell_ages_and_scores():
    faces = np.zeros((2, 8, 8, 3), dtype=np.uint8)
    reject, accept = plots.face_pairs(faces, faces, wrong_pairs()).axes
    assert reject.get_title(loc="left") == "FG-NET-C20\nfalse reject"
    assert [text.get_text() for text in reject.get_xticklabels()] == ["5 years", "40 years"]
    assert reject.get_xlabel() == "cosine \u22120.10, threshold 0.30"
    assert [text.get_text() for text in accept.get_xticklabels()] == ["age unknown"] * 2


def test_face_pairs_put_the_first_face_left():
    dark, bright = np.zeros((2, 8, 8, 3), np.uint8), np.full((2, 8, 8, 3), 200, np.uint8)
    shown = plots.face_pairs(dark, bright, wrong_pairs()).axes[0].images[0].get_array()
    assert shown[:, :8].max() == 0
    assert shown[:, -8:].min() == 200


def test_face_pairs_want_a_row_a_pair():
    faces = np.zeros((3, 8, 8, 3), dtype=np.uint8)
    with pytest.raises(ValueError, match="3 and 3 images: expected 2 each"):
        plots.face_pairs(faces, faces, wrong_pairs())
