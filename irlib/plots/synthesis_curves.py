"""Curves and distributions of face age synthesis.

Units: ages in years; shares are fractions in tables, percent on axes.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from irlib.plots.style import (
    BLUE,
    DARK,
    GREY,
    ORANGE,
    TEAL,
    Picture,
    legend,
    panels,
    percent,
    styled,
)

# Panels of `synthesis_curves`: title, and column of the history to label and color.
CURVES = {
    "Adversarial losses": {
        "discriminator_loss": ("discriminator", ORANGE), "adversarial_loss": ("generator", TEAL),
    },
    "Patches judged right, %": {
        "real_right": ("of real faces", BLUE), "fake_right": ("of synthesized faces", ORANGE),
    },
    "Identity loss": {"identity_loss": ("generator", TEAL)},
    "Age loss": {"age_loss": ("generator", TEAL)},
    "Recognition trained along: identity loss": {"recognition_id_loss": ("recognition", DARK)},
}  # fmt: skip
KINDS = {
    "synthesized": (TEAL, "faces synthesized for the group"),
    "real": (GREY, "real faces of the group"),
}
DASH = "\u2013"


@styled
def synthesis_curves(table: pd.DataFrame) -> Picture:
    """Losses of generator and discriminator over training, and how often the latter is right.

    Args:
        table: `step` and the columns of `CURVES`, a row a line of the history; columns that it
            does not have are left out.
    """
    shown = {
        title: lines
        for title, names in CURVES.items()
        if (lines := {name: look for name, look in names.items() if name in table})
    }
    figure, drawn = panels(len(shown), across=2, size=(4.9, 2.4))
    for axes, (title, lines) in zip(drawn, shown.items(), strict=True):
        for name, (label, color) in lines.items():
            line = table.dropna(subset=name)
            marker = "o" if len(line) < 40 else ""
            axes.plot(line["step"], line[name], color=color, label=label, marker=marker, ms=2.5)
        axes.set(title=title, xlabel="step", xlim=(0, 1.02 * table["step"].max()))
        if len(lines) > 1:
            axes.legend()
        if title.endswith("%"):
            axes.set_ylim(0, 1.02)
            percent(axes.yaxis)
        else:
            axes.set_ylim(bottom=0)
    return figure


@styled
def age_following(table: pd.DataFrame) -> Picture:
    """Estimated ages of the faces of each age group: boxes of the quartiles, lines to 5 and 95 %.

    Real faces of the group stand beside the synthesized ones, since the estimator errs on these
    too. A short line marks the group's central age.

    Args:
        table: `group` (name), `central` (years), `faces` (synthesized or real) and `estimated`
            (years), a row a face; groups in the order in which they are drawn.
    """
    figure, (axes,) = panels(1, across=1, size=(7.2, 3.4))
    groups = list(dict.fromkeys(table["group"]))
    shift = dict(zip(KINDS, (-0.19, 0.19), strict=True))
    for kind, (color, label) in KINDS.items():
        part = table[table["faces"] == kind]
        values = [part.loc[part["group"] == name, "estimated"].to_numpy() for name in groups]
        _boxes(axes, values, np.arange(len(groups)) + shift[kind], color)
        axes.plot([], [], color=color, linewidth=6, alpha=0.5, label=label)
    central = table.drop_duplicates("group")["central"]
    axes.hlines(
        central, np.arange(len(groups)) - 0.4, np.arange(len(groups)) + 0.4, color=DARK,
        linewidth=1, linestyle=(0, (2, 1.5)), label="central age of the group", zorder=1,
    )  # fmt: skip
    _name_groups(axes, groups)
    axes.set(ylabel="estimated age, years", ylim=(0, None))
    legend(figure, axes, 3)
    return figure


@styled
def identity_kept(table: pd.DataFrame) -> Picture:
    """Cosines of synthesized faces with their sources, by group, and the share that is verified.

    Args:
        table: `group` (name), `cosine` and `threshold`, from which on a pair counts as one person,
            a row a face; a dotted line for each threshold.
    """
    figure, (axes,) = panels(1, across=1, size=(7.2, 2.9))
    groups = list(dict.fromkeys(table["group"]))
    values = [table.loc[table["group"] == name, "cosine"].to_numpy() for name in groups]
    _boxes(axes, values, np.arange(len(groups)), TEAL)
    thresholds = table["threshold"].unique()
    for threshold in thresholds:
        axes.axhline(threshold, color=DARK, linestyle=":", linewidth=1)
    told = {"va": "bottom", "fontsize": 8.5, "color": DARK}
    right = len(groups) - 0.45
    axes.text(right, max(thresholds), "threshold", ha="right", **told)
    low = min(0.0, *thresholds, table["cosine"].min())
    axes.set(ylabel="cosine with the source", ylim=(low - 0.03, 1.13))
    verified = (table["cosine"] >= table["threshold"]).groupby(table["group"]).mean()
    for place, name in enumerate(groups):
        axes.text(place, 1.02, f"{100 * verified[name]:.0f} %", ha="center", **told)
    axes.set_title("Share verified against the source, and its cosines")
    _name_groups(axes, groups)
    return figure


def _boxes(axes: Axes, values: list[np.ndarray], places: np.ndarray, color: str) -> None:
    there = [place for place, part in enumerate(values) if len(part)]
    if not there:
        return
    line = {"color": color, "linewidth": 1.2}
    axes.boxplot(
        [values[place] for place in there], positions=places[there], widths=0.32,
        whis=(5, 95), showfliers=False, patch_artist=True, manage_ticks=False,
        boxprops={"facecolor": f"{color}44", "edgecolor": color}, whiskerprops=line,
        capprops=line, medianprops={"color": color, "linewidth": 2.2},
    )  # fmt: skip


def _name_groups(axes: Axes, groups: list[str]) -> None:
    names = [name.replace("-", DASH) for name in groups]
    axes.set_xticks(range(len(groups)), names)
    axes.set(xlabel="asked for: age group, years", xlim=(-0.55, len(groups) - 0.45))
