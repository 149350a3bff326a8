"""Controls and ablations of the Inter-Prototype loss: each changes one thing of the method.

On the demo's faces the groups by threshold and filter have these sizes, beside 61 children of the
study: below 10 years 29, below 18 years 63, at least 1 image 142, at least 5 images 63.
"""

from collections.abc import Mapping
from typing import Any

from irlib.class_groups import AdultClasses, AllClasses, Children, ChildrenBy, Group, RandomClasses
from irlib.heads import AdaFace, ArcFace, CosFace, CurricularFace, MarginHead
from irlib.methods.method import ABLATION, CONTROL, Method
from irlib.objectives import InterPrototypeObjective

_CHILDREN = Children()
_AS_PUBLISHED = {"weight": 1.0}


def _entry(
    name: str,
    title: str,
    changes: Mapping[str, Any] = _AS_PUBLISHED,
    *,
    group: Group = _CHILDREN,
    head: type[MarginHead] = ArcFace,
    kind: str = ABLATION,
    baseline: str = "arcface",
) -> Method:
    return Method(
        name=name,
        title=title,
        head=head,
        objective=InterPrototypeObjective,
        options={**_AS_PUBLISHED, **changes},
        group=group,
        kind=kind,
        baseline=baseline,
    )


CONTROLS = (
    _entry("ip_random", "IP on random classes", group=RandomClasses(), kind=CONTROL),
    _entry("ip_all", "IP on all classes", group=AllClasses(), kind=CONTROL),
    _entry(
        "ip_all_size_free", "IP on all classes, size-free",
        {"reduction": "size_free"}, group=AllClasses(), kind=CONTROL,
    ),
    _entry("ip_adults", "IP on adult classes", group=AdultClasses(), kind=CONTROL),
    _entry("ip_x01", "IP, lambda 0.1", {"weight": 0.1}),
    _entry("ip_x10", "IP, lambda 10", {"weight": 10.0}),
    _entry("ip_x100", "IP, lambda 100", {"weight": 100.0}),
    _entry("ip_x1000", "IP, lambda 1000", {"weight": 1000.0}),
    _entry(
        "ip_random_x100", "IP on random classes, lambda 100",
        {"weight": 100.0}, group=RandomClasses(),
    ),
    _entry(
        "ip_adults_x100", "IP on adult classes, lambda 100", {"weight": 100.0}, group=AdultClasses()
    ),
    _entry("ip_below_10", "IP, below 10 years", group=ChildrenBy(below=10.0)),
    _entry("ip_below_18", "IP, below 18 years", group=ChildrenBy(below=18.0)),
    _entry("ip_at_least_1", "IP, at least 1 image", group=ChildrenBy(at_least=1)),
    _entry("ip_at_least_5", "IP, at least 5 images", group=ChildrenBy(at_least=5)),
    _entry("ip_off_diagonal", "IP, off-diagonal mean", {"reduction": "off_diagonal"}),
    _entry("ip_size_free", "IP, size-free", {"reduction": "size_free"}),
    _entry("ip_one_sided", "IP, one-sided", {"sides": "one"}),
    _entry("ip_l1", "IP, L1", {"target": "l1"}),
    _entry("ip_ce", "IP, cross entropy", {"target": "ce"}),
    _entry("ip_until_drop", "IP until the first drop", {"when": "until_drop"}),
    _entry("ip_after_drop", "IP after the first drop", {"when": "after_drop"}),
    _entry("ip_cosface", "IP on CosFace", head=CosFace, baseline="cosface"),
    _entry(
        "ip_curricularface", "IP on CurricularFace",
        head=CurricularFace, baseline="curricularface",
    ),
    _entry("ip_adaface", "IP on AdaFace", head=AdaFace, baseline="adaface"),
)  # fmt: skip

# What a report sets side by side: names of methods by the title of their family, in order, each
# with the published method at its place.
ABLATIONS: dict[str, tuple[str, ...]] = {
    "weight lambda": ("ip_x01", "inter_prototype", "ip_x10", "ip_x100", "ip_x1000"),
    "child threshold and filter": (
        "ip_below_10", "inter_prototype", "ip_below_18", "ip_at_least_5", "ip_at_least_1"
    ),
    "reduction and sides": ("inter_prototype", "ip_off_diagonal", "ip_size_free", "ip_one_sided"),
    "loss type": ("inter_prototype", "ip_l1", "ip_ce"),
    "schedule": ("inter_prototype", "ip_until_drop", "ip_after_drop"),
    "controls": ("inter_prototype", "ip_random", "ip_adults", "ip_all", "ip_all_size_free"),
    "controls at lambda 100": ("inter_prototype", "ip_x100", "ip_random_x100", "ip_adults_x100"),
    "other heads": ("inter_prototype", "ip_cosface", "ip_curricularface", "ip_adaface"),
}  # fmt: skip
