"""Ages of the training images and cost of the networks: A7 and A11."""

import pandas as pd

from irlib.plots.analyses_prototypes import MILLION
from irlib.report.about_means import told_runs
from irlib.report.basis import OURS, PLAIN, roles_of, study_of
from irlib.report.collected import Found

COSTS = ("method", "role", "parameters", "multiply_adds", "training_only", "plain_parameters")


def read_ages(found: Found) -> pd.DataFrame:
    """Training images by age group: `group`, `images`, `identities`, `is_child`, and the counts.

    The counts are those of `irlib.analyses.about_ages.age_counts`, the same in every row, as is
    `by_construction`: whether the faces are synthetic.
    """
    study = study_of(found)
    made = study is not None and study.synthetic is not None
    for run in found.complete("data"):
        path, counts = run.folder / "age_groups.csv", run.metrics.get("ages")
        if path.exists() and counts:
            told = {f"all_{name}": n for name, n in counts.items()}
            return pd.read_csv(path).assign(**told, by_construction=made)
    return pd.DataFrame(columns=["group", "images", "identities", "is_child"])


def tell_ages(table: pd.DataFrame) -> str:
    """How rare children are in the training set, and how many identities show both ages."""
    counts = table.iloc[0]
    if not counts["all_labeled_images"]:
        return f"None of {counts['all_images']:,} training images has an age: nothing can be told."
    made = " The faces are synthetic, so this is set by construction and not a finding."
    return (
        f"{counts['all_child_images']:,} of {counts['all_labeled_images']:,} labeled training "
        f"images ({100 * counts['all_child_share']:.1f} %) show a child; {counts['all_both']:,} of "
        f"{counts['all_identities']:,} identities have images both of a child and of an adult."
        f"{made if counts['by_construction'] else ''}"
    )


def read_costs(found: Found) -> pd.DataFrame:
    """Cost of each method, deployed and in training: the columns `COSTS`, in numbers."""
    rows, roles = {}, roles_of(found)
    for (method, _), run in told_runs(found, "a11", ("parameters",)).items():
        cost = run.metrics["analyses"]["a11"]
        only = cost["training_only"] + cost["prototypes"] + cost["further"]
        told = {"method": method, "role": roles.get(method, ""), "training_only": only}
        rows.setdefault(method, cost | told)
    table = pd.DataFrame([rows[method] for method in found.methods if method in rows])
    return table[list(COSTS)] if len(table) else pd.DataFrame(columns=list(COSTS))


def tell_costs(table: pd.DataFrame) -> str:
    """Whether Inter-Prototype deploys more than its plain head, and which methods do."""
    costs, by_role = table.set_index("method"), table.set_index("role")["method"]
    first = by_role.get(PLAIN, costs.index[0])
    plain = costs.loc[first]
    text = (
        f"{first} deploys {plain['parameters'] / MILLION:.2f} million parameters and "
        f"{plain['multiply_adds'] / MILLION:,.0f} million multiply-adds an image."
    )
    if {OURS, PLAIN} <= set(by_role.index):
        ours = costs.loc[by_role[OURS]]
        same = all(ours[name] == plain[name] for name in ("parameters", "multiply_adds"))
        verdict = "holds here: it deploys" if same else "does not hold here: it does not deploy"
        text += f" For {ours.name} the claim {verdict} the same."
    extra = 100 * (costs["parameters"] / costs["plain_parameters"] - 1)
    more = [f"{name} ({percent:+.1f} %)" for name, percent in extra.items() if percent > 0]
    return f"{text} More parameters than the plain backbone: {', '.join(more)}." if more else text
