import numpy as np
import pandas as pd
import pytest

from irlib import methods, published, tables
from irlib.tables import NONE

SETS = {"a": "AgeDB-C20", "b": "LAG", "c": "control"}


def scores():
    rows = [
        ("ArcFace", 1, "LAG", 0.80, 0.70), ("ArcFace", 2, "LAG", 0.82, np.nan),
        ("ArcFace", 1, "AgeDB-C20", 0.70, 0.60), ("ArcFace", 2, "AgeDB-C20", 0.70, np.nan),
        ("CosFace", 1, "LAG", 0.90, np.nan),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["method", "seed", "set", "last", "best"])


def test_spread_is_mean_and_sample_deviation_in_percent():
    # 0.80, 0.82, 0.84: mean 82, deviation sqrt((4 + 0 + 4) / 2) = 2 points
    assert tables.spread([0.80, 0.82, 0.84]) == "82.0 ± 2.0"


def test_a_single_seed_has_no_deviation():
    assert tables.spread([0.835]) == "83.5"


def test_spread_leaves_absent_values_out():
    assert tables.spread([None, np.nan, 0.5]) == "50.0"
    assert tables.spread([None]) == NONE


def test_spread_of_a_negative_mean_has_a_typographic_minus():
    assert tables.spread([-0.0134], scale=1, digits=3) == "\u22120.013"


def test_points_tell_gain_and_interval():
    assert tables.points(0.012, -0.003, 0.0264) == "+1.2 [\u22120.3, +2.6]"


def test_points_without_an_interval_tell_the_gain_alone():
    assert tables.points(0.012, np.nan, np.nan) == "+1.2"
    assert tables.points(np.nan, np.nan, np.nan) == NONE


def test_a_number_that_rounds_to_zero_has_no_minus():
    assert tables.signed(-0.04, 1) == "+0.0"


def test_by_method_keeps_the_order_of_the_sets_and_leaves_absent_ones_out():
    table = tables.by_method(scores(), "last", sets=list(SETS.values()), source="synthetic faces")
    assert list(table) == ["method", "source", "seeds", "AgeDB-C20", "LAG"]


def test_by_method_tells_how_many_seeds_went_in():
    table = tables.by_method(scores(), "last", sets=["LAG"], source="synthetic faces")
    assert table.to_dict("records") == [
        {"method": "ArcFace", "source": "synthetic faces", "seeds": "2", "LAG": "81.0 ± 1.4"},
        {"method": "CosFace", "source": "synthetic faces", "seeds": "1", "LAG": "90.0"},
    ]


def test_by_method_counts_only_seeds_that_have_the_value():
    table = tables.by_method(scores(), "best", sets=["LAG"], source="")
    assert table[["method", "seeds"]].values.tolist() == [["ArcFace", "1"]]


def test_a_method_without_a_score_in_a_set_has_a_dash_there():
    table = tables.by_method(scores(), "last", sets=["AgeDB-C20", "LAG"], source="")
    assert table["AgeDB-C20"].tolist() == ["70.0 ± 0.0", NONE]


def test_no_scores_give_an_empty_table():
    empty = pd.DataFrame(columns=["method", "seed", "set", "last"])
    assert tables.by_method(empty, "last", sets=["LAG"], source="").empty


def test_stacked_keeps_the_rows_of_a_method_together():
    told = {"last": "last", "best": "best on validation"}
    table = tables.stacked(scores(), told, sets=["LAG"], kind="checkpoint")
    assert table[["method", "checkpoint"]].values.tolist() == [
        ["ArcFace", "last"],
        ["ArcFace", "best on validation"],
        ["CosFace", "last"],
    ]


def test_published_rows_stand_below_ours_and_are_named_so():
    ours = tables.by_method(scores(), "last", sets=["AgeDB-C20", "LAG"], source="this suite")
    theirs = {"MV-AM": {"a": (81.01, 0.17)}, "ArcFace": {"a": (82.65, 0.31), "b": (89.8, 0.25)}}
    table = tables.with_published(ours, theirs, sets=SETS)
    assert table[["method", "source", "AgeDB-C20", "LAG"]].values.tolist() == [
        ["ArcFace", "this suite", "70.0 ± 0.0", "81.0 ± 1.4"],
        ["ArcFace", "published", "82.65 ± 0.31", "89.80 ± 0.25"],
        ["CosFace", "this suite", NONE, "90.0"],
        ["MV-AM", "published", "81.01 ± 0.17", NONE],
    ]


def test_without_published_values_our_table_stays_as_it_is():
    ours = tables.by_method(scores(), "last", sets=["AgeDB-C20", "LAG"], source="synthetic faces")
    pd.testing.assert_frame_equal(tables.with_published(ours, {}, sets=SETS), ours)


def test_published_rows_by_themselves_keep_the_order_of_the_paper():
    theirs = {"MV-AM": {"b": (89.38, 0.15)}, "ArcFace": {"a": (82.65, 0.31), "b": (89.8, 0.25)}}
    table = tables.as_printed(theirs, sets=SETS)
    assert list(table) == ["method", "source", "seeds", "AgeDB-C20", "LAG"]
    assert table[["method", "AgeDB-C20", "LAG"]].values.tolist() == [
        ["MV-AM", NONE, "89.38 ± 0.15"],
        ["ArcFace", "82.65 ± 0.31", "89.80 ± 0.25"],
    ]


def test_every_published_row_is_a_method_of_the_tables():
    titles = {method.title for method in methods.METHODS.values() if method.kind == "table"}
    for table in published.TABLES.values():
        assert set(table) <= titles


def test_the_paper_prints_ours_in_bold_everywhere():
    for rows in published.TABLES.values():
        table = tables.as_printed(rows, sets={key: key for key in published.SETS})
        bold = tables.best_cells(table, published.SETS)[list(published.SETS)]
        assert table["method"][bold.all(axis=1)].tolist() == ["ArcFace + Inter-Prototype"]
        assert int(bold.to_numpy().sum()) == len(published.SETS)


def test_the_best_cell_is_looked_for_within_its_source():
    table = pd.DataFrame(
        {
            "source": ["ours", "published", "ours", "published", "alone"],
            "LAG": ["81.0 ± 1.4", "90.35 ± 0.06", "82.0", "89.8 ± 0.1", "99.0"],
        }
    )
    assert tables.best_cells(table, ["LAG", "absent"])["LAG"].tolist() == [
        False, True, True, False, False
    ]  # fmt: skip


def test_equal_best_cells_are_both_marked_and_a_dash_never():
    table = pd.DataFrame({"LAG": ["\u22121.0", "\u22121.0 ± 0.2", "\u22122.0", NONE]})
    assert tables.best_cells(table, ["LAG"])["LAG"].tolist() == [True, True, False, False]


def gained(**changed):
    row = {
        "method": "M", "baseline": "B", "set": "LAG", "seeds": 3, "gain": 0.01, "low": 0.0,
        "high": 0.02, "wide_low": -0.01, "wide_high": 0.03, "p": 0.2, "before": 0.8,
        "after": 0.81, "least": 0.005, "most": 0.015, "train_low": -0.002, "train_high": 0.022,
    }  # fmt: skip
    return {**row, **changed}


def test_gains_have_a_row_a_method_and_a_column_a_set():
    rows = [gained(), gained(set="AgeDB-C20", gain=0.02), gained(method="N", baseline="M")]
    assert tables.gains(pd.DataFrame(rows)).values.tolist() == [
        ["M", "B", "+1.0 [+0.0, +2.0]", "+2.0 [+0.0, +2.0]"],
        ["N", "M", "+1.0 [+0.0, +2.0]", NONE],
    ]


def test_a_gain_is_marked_where_the_wide_interval_excludes_zero():
    rows = [gained(wide_low=0.001), gained(set="AgeDB-C20", wide_low=-0.03, wide_high=-0.001)]
    table = tables.gains(pd.DataFrame(rows))
    assert table["LAG"].item() == table["AgeDB-C20"].item() == "+1.0 [+0.0, +2.0]*"


def test_a_comparison_has_all_its_numbers_in_one_row():
    oracle, grouped = pd.DataFrame([gained()]), pd.DataFrame([gained(gain=0.004)])
    assert tables.comparisons(oracle, grouped).iloc[0].tolist() == [
        "M", "B", "3", "80.0", "81.0", "+1.0 [+0.0, +2.0]", "[\u22121.0, +3.0]", "0.20",
        "[\u22120.2, +2.2]", "+0.5 to +1.5", "+0.4 [+0.0, +2.0]",
    ]  # fmt: skip


def test_a_comparison_without_the_other_rule_has_a_dash_there():
    table = tables.comparisons(pd.DataFrame([gained()]), pd.DataFrame([gained()]).iloc[:0])
    assert table["thresholds from others"].item() == NONE


def test_small_p_values_keep_a_third_digit():
    told = [tables.p_value(p) for p in (0.2, 0.0094, 0.001, np.nan)]
    assert told == ["0.20", "0.009", "0.001", NONE]


def test_an_ablation_tells_accuracy_gain_and_prototypes():
    rows = [
        ("ArcFace", 2, 0.8, 0.75, 0.85, *[np.nan] * 8, 0.05),
        ("IP", 2, 0.81, 0.76, 0.86, 0.01, 0.0, 0.02, -0.02, -0.03, -0.01, -0.04, -0.001, np.nan),
    ]
    names = (
        "method", "seeds", "value", "low", "high", "gain", "gain_low", "gain_high",
        "less", "less_low", "less_high", "less_wide_low", "less_wide_high", "child_mean"
    )  # fmt: skip
    assert tables.ablation(pd.DataFrame(rows, columns=list(names))).values.tolist() == [
        ["ArcFace", "2", "80.0 [75.0, 85.0]", NONE, NONE, "+0.050"],
        [
            "IP",
            "2",
            "81.0 [76.0, 86.0]",
            "+1.0 [+0.0, +2.0]",
            "\u22122.0 [\u22123.0, \u22121.0]*",
            NONE,
        ],
    ]


def prototype_rows(**changed):
    rows = {
        "method": ["Plain", "Plain", "With"], "seed": [1, 2, 1], "child_mean": [0.3, 0.1, -0.05],
        "purity": [0.5, 0.5, 0.25], "ip_gradient": [0.0, 0.0, 2e-5],
        "decay_gradient": [4e-4] * 3,
    }  # fmt: skip
    return pd.DataFrame({**rows, **changed})


def test_changes_tell_before_after_and_the_pull():
    table = tables.changes(prototype_rows(), {"With": "Plain", "Absent": "Plain"})
    assert table.to_dict("records") == [
        {
            "method": "With", "over": "Plain",
            "child\u2013child cosine, mean": "0.200 \u2192 \u22120.050",
            "child share of neighbours": "0.500 \u2192 0.250",
            "gradient of the loss": "2.0e-05", "of weight decay": "4.0e-04", "ratio": "0.05",
        }
    ]  # fmt: skip


def test_a_method_without_the_loss_has_no_pull():
    table = tables.changes(prototype_rows(ip_gradient=np.nan), {"With": "Plain"})
    assert table[["gradient of the loss", "ratio"]].values.tolist() == [[NONE, NONE]]


def test_a_loss_that_is_off_at_the_end_pulls_with_nothing():
    table = tables.changes(prototype_rows(ip_gradient=0.0), {"With": "Plain"})
    assert table[["gradient of the loss", "ratio"]].values.tolist() == [["0", "0"]]


def test_without_weight_decay_there_is_no_ratio():
    table = tables.changes(prototype_rows(decay_gradient=0.0), {"With": "Plain"})
    assert table[["of weight decay", "ratio"]].values.tolist() == [["0", NONE]]


def test_by_quantity_leaves_out_what_no_run_has():
    values = pd.DataFrame(
        {"method": ["M", "M"], "seed": [1, 2], "x": [0.1, 0.3], "y": [None, None]}
    )
    table = tables.by_quantity(values, {"x": "mean", "y": "floor", "z": "absent"})
    # the sample deviation of 0.1 and 0.3 is 0.2 / sqrt(2)
    assert table.to_dict("records") == [{"method": "M", "mean": "0.200 ± 0.141"}]


def test_by_quantity_of_nothing_is_empty():
    values = pd.DataFrame({"method": ["M"], "seed": [1]})
    assert tables.by_quantity(values, {"x": "mean"}).empty


def test_cards_stand_side_by_side_in_words():
    cards = {
        "c20": {
            "title": "AgeDB-C20", "pairs": 3786, "gap_mean": 43.04, "gap_deciles": [20.4, 43.6],
            "same_gender_negatives": None, "identity_shares": {"Ann": 0.5}, "overlap": ["Ann"],
        },
        "lag": {
            "title": "LAG", "pairs": 10, "gap_mean": None, "gap_deciles": [],
            "same_gender_negatives": 0.5, "identity_shares": {}, "overlap": None,
        },
    }  # fmt: skip
    table = tables.pair_cards(cards)
    assert table.to_dict("list") == {
        "property": ["pairs", "gap mean", "gap deciles", "same gender negatives"],
        "AgeDB-C20": ["3786", "43.04", "20 44", NONE],
        "LAG": ["10", NONE, NONE, "0.5"],
    }


def test_without_pair_sets_there_is_an_empty_table():
    assert tables.pair_cards({}).empty


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ((0.003, 0.026), "[+0.3, +2.6]"),
        ((-0.008, -0.0004), "[\u22120.80, \u22120.04]"),  # not zero, which it excludes
        ((0.00003, 0.008), "[+0.003, +0.800]"),
        ((-0.008, 0.0004), "[\u22120.8, +0.0]"),  # includes zero
    ],
)
def test_an_interval_that_excludes_zero_shows_it(ends, text):
    assert tables.interval(*ends) == text


def test_a_rate_tells_its_interval_where_there_is_one():
    assert tables.rate(0.8224, 0.791, 0.849) == "82.2 [79.1, 84.9]"
    assert tables.rate(0.5) == "50.0"
    assert tables.rate(np.nan) == NONE


def test_a_mean_that_rounds_to_zero_has_no_minus():
    assert tables.spread([-0.0004]) == "0.0"


def test_a_small_chance_is_never_told_as_zero():
    assert [tables.p_value(p) for p in (0.0004, 0.0006, 0.02)] == ["< 0.001", "0.001", "0.02"]


def test_a_model_from_a_file_has_no_number_of_seeds():
    told = scores().assign(seed=tables.NO_SEED)
    table = tables.by_method(told, "last", sets=["LAG"], source="")
    assert table["seeds"].tolist() == ["file", "file"]


def test_crossed_keeps_rows_that_begin_alike_together():
    rows = [("S", "a", "x", "1"), ("T", "a", "x", "2"), ("S", "b", "y", "3")]
    table = pd.DataFrame(rows, columns=["set", "method", "measure", "cell"])
    assert tables.crossed(table, ["set", "method"], "measure", "cell").values.tolist() == [
        ["S", "a", "1", NONE],
        ["S", "b", NONE, "3"],
        ["T", "a", "2", NONE],
    ]


def test_a_comparison_is_marked_by_its_adjusted_p_and_its_doubt():
    row = {"set": "LAG", "first": "a", "second": "b", "value": 0.02, "low": 0.01, "high": 0.03,
           "p": 0.01, "p_holm": 0.04, "first_only": 1200, "second_only": 3}  # fmt: skip
    table = pd.DataFrame([row | {"doubt": "few"}, row | {"doubt": "", "p_holm": 0.05}])
    told = tables.pairwise(table)
    assert told["first less second [95 %]"].tolist() == [
        f"+2.0 [+1.0, +3.0]{tables.DOUBT}{tables.HELD}",
        "+2.0 [+1.0, +3.0]",
    ]
    assert told.loc[0, ["p, all together", "pairs for the first"]].tolist() == ["0.04", "1,200"]
