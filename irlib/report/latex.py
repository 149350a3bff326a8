r"""Tables as LaTeX, for a paper that loads booktabs.

The cells are the texts of `irlib.tables`; what they hold besides plain text is a sign that LaTeX
writes another way, such as ``±``.
"""

from collections.abc import Sequence

import pandas as pd

# One pass, so that what a replacement holds is not escaped again.
_WRITTEN = str.maketrans({
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "[": "{[}", "]": "{]}",
    "\u00b1": r"$\pm$", "\u2212": "$-$", "\u2013": "--", "\u2192": r"$\rightarrow$",
    "\u00d7": r"$\times$", "\u2265": r"$\geq$", "\u2264": r"$\leq$", "\u03bb": r"$\lambda$",
    "\u00b0": r"$^\circ$", "\u2020": r"$\dagger$", "\u00a0": "~",
})  # fmt: skip


def escape(text: str) -> str:
    """The text as LaTeX sets it, sign by sign."""
    return text.translate(_WRITTEN)


def latex(
    table: pd.DataFrame,
    *,
    caption: str,
    label: str,
    left: Sequence[bool],
    bold: pd.DataFrame | None = None,
) -> str:
    """A floating table with rules by booktabs.

    Args:
        table: cells as texts.
        caption: plain text; it is escaped.
        label: to refer to it by, e.g. ``gains``.
        left: whether a column holds words, which stand on the left.
        bold: of the table's shape, the cells in bold.
    """
    columns = "".join("l" if words else "r" for words in left)
    heads = " & ".join(escape(str(name)) for name in table.columns)
    rows = []
    for at, cells in enumerate(table.itertuples(index=False)):
        marks = [False] * len(cells) if bold is None else list(bold.iloc[at])
        told = zip(cells, marks, strict=True)
        rows.append(" & ".join(_cell(str(cell), strong) for cell, strong in told) + r" \\")
    lines = [
        "% needs \\usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escape(caption)}}}",
        rf"\label{{tab:{label}}}",
        r"\small",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        heads + r" \\",
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str, strong: bool) -> str:
    # bold does not reach into mathematics by itself
    told = escape(text)
    return rf"{{\boldmath\textbf{{{told}}}}}" if strong else told
