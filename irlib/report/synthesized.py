"""Face age synthesis as the report tells it: what was reached, its measures, its figures."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from irlib.report.collected import SYNTHESIS, Found, Named
from irlib.report.page import Page
from irlib.report.result import Result
from irlib.tables import synthesized as tables

TITLE = "Face age synthesis"
_NAME = re.compile(rf"{SYNTHESIS}-(\w+)-s[0-9]+")
_INTRO = (
    "MTLFace's second task: a child's and an adult's photograph of each test person, where there "
    "are, are made anew in every age group by a generator that learned from the maps of {network}. "
    "Age is read by an estimator that was trained apart, identity is judged by {judge}; neither "
    "was used in the training. Both learned from the same training images as the generator, the "
    "judge under the same seed: they are independent of the generator, not of the data."
)
# Figures of a run that a page has room for: name, caption, and whether faces are on it.
_FIGURES = (
    ("aging_grid", "Sources, framed, and their faces in every age group.", True),
    ("truth_grid", "Below each synthesized face the true one, which nothing was trained on.", True),
    ("there_and_back", "Children made old, and the results made children again.", True),
    ("age_following", "Estimated ages of synthesized and of real faces by age group: quartiles, "
     "and 5 to 95 %.", False),
    ("identity_kept", "Cosines with the source by age group, and the share that is verified.",
     False),
    ("training", "Losses of generator and discriminator, and patches that the latter judges right.",
     False),
)  # fmt: skip


def titles(names: Iterable[str], find: Callable[[str], Named]) -> dict[str, str]:
    """Title of the method of each run of face age synthesis, by the name of its folder.

    Args:
        names: such as ``synthesis-mtlface-s4885``.
        find: gives a method by its name.

    Raises:
        ValueError: a name of another kind, or an unknown method.
    """
    found = {}
    for name in names:
        if not (match := _NAME.fullmatch(name)):
            raise ValueError(f"synthesis {name!r}: expected a run such as synthesis-mtlface-s4885")
        found[name] = find(match[1]).title
    return found


def add(page: Page, found: Found) -> None:
    """Put the section on the page, one part for each complete run; none without any such run.

    Figures with faces are put there only where the run says that its faces were painted.

    Args:
        page: that is being filled.
        found: the runs, of which those of the stage `SYNTHESIS` are told.
    """
    results = found.complete(SYNTHESIS)
    if not results:
        return
    page.section(TITLE)
    for result in results:
        page.text(*_told(result))
        for part in (_add_measures, _add_figures, _add_groups, _add_use):
            part(page, result)


def _told(result: Result) -> tuple[str, ...]:
    parameters = result.record.get("parameters") or {}
    intro = _INTRO.format(network=result.title, judge=parameters.get("judge", "another network"))
    return intro, reached(result.metrics), *_shared(result.metrics)


def _shared(metrics: dict[str, Any]) -> tuple[str, ...]:
    if "shared_people" not in metrics:
        return ()
    people = metrics["shared_people"]
    if people is None and metrics.get("synthetic") is True:
        return ("The painted people of the test sets are others than those of the training set.",)
    if people is None:
        return ("Names do not tell whether the training set shows people of the test sets too.",)
    told = "None" if not people else f"{people:,}"
    left_out = "; they are left out of all that is measured here" if people else ""
    return (f"{told} of the test people are in the training set, as far as names tell{left_out}.",)


def reached(metrics: dict[str, Any]) -> str:
    """What the synthesis reached of the two things that it is made for, as sentences.

    Args:
        metrics: as notebook 06 finishes with.
    """
    following, kept = metrics["following"], metrics["kept"]
    rank, real = (tables.number(each, "spearman", 2) for each in (following, following["real"]))
    share = tables.share(kept, "verified")
    return (
        f"The estimated age follows the group asked for with a rank correlation of {rank} (real "
        f"faces and their known ages, for scale: {real}), and {share} % of the faces are verified "
        f"against their source [95 % intervals over people]{_strangers(kept)}. The two count "
        f"together only: a copy of the source keeps every identity. {_true(metrics)}{_use(metrics)}"
    ).strip()


def _true(metrics: dict[str, Any]) -> str:
    if not (true := metrics.get("true_faces")):
        return ""
    rank, share = (
        tables.number(true["following"], "spearman", 2),
        tables.share(true["kept"], "verified"),
    )
    return f"The true faces at these ages, which are painted, reach {rank} and {share} %. "


def _strangers(kept: dict[str, Any]) -> str:
    share = kept["strangers"]
    return "" if share is None else f", {100 * share:.1f} % against that of somebody else"


def _use(metrics: dict[str, Any]) -> str:
    # on child-adult pairs, thresholds chosen on other people
    told = [
        f"{each['title']} {tables.gain(each['folds'], 'difference')}"
        for each in (metrics.get("crossing") or {}).values()
    ]
    if not told:
        return ""
    return (
        "Making each child as old as the adult it is compared with changes the accuracy by "
        f"{'; '.join(told)} points."
    )


def _add_measures(page: Page, result: Result) -> None:
    page.table(
        _name(result),
        tables.measures(result.metrics),
        f"{result.title}: measures of synthesized faces of test people, with 95 % intervals over "
        "people. Real faces stand there for scale and are no bound.",
    )


def _add_groups(page: Page, result: Result) -> None:
    page.table(
        f"{_name(result)}_groups",
        tables.by_group(result.metrics),
        f"{result.title}: the same by age group; ages in years. KID of real halves: of the real "
        "faces of half of the people from the other half.",
    )


def _add_use(page: Page, result: Result) -> None:
    page.table(
        f"{_name(result)}_use",
        tables.use(result.metrics),
        f"{result.title}, use in recognition: percent of child\u2013adult pairs judged rightly "
        "with the photographs as they are, and with every child made as old as the adult; the "
        "difference in points. The adult's age is taken as known.",
    )


def _name(result: Result) -> str:
    return result.folder.name.replace("-", "_")


def _add_figures(page: Page, result: Result) -> None:
    painted = result.metrics.get("synthetic") is True
    for name, caption, has_faces in _FIGURES:
        if painted or not has_faces:
            page.image(result.folder / "figures" / f"{name}.png", f"{result.title}: {caption}")
