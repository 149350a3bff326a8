"""The rows of the paper's two tables, and AdaFace: all by the study's own recipe."""

from irlib.age_invariant import DAL, OECNN, MTLFace
from irlib.class_groups import Children
from irlib.heads import (
    MVAM,
    AdaFace,
    BroadFace,
    CosFace,
    CurricularFace,
    MVArc,
    SphereFace,
)
from irlib.methods.method import Method
from irlib.objectives import InterPrototypeObjective

TABLES = (
    Method(name="arcface", title="ArcFace"),
    Method(name="cosface", title="CosFace", head=CosFace),
    Method(name="sphereface", title="SphereFace", head=SphereFace),
    Method(name="curricularface", title="CurricularFace", head=CurricularFace),
    # The margin of the method's own paper; the authors of the tables took 0.5, which stands in
    # the published variant.
    Method(name="mv_am", title="MV-AM", head=MVAM, head_options={"margin": 0.35}),
    # As the authors code it, without the straight line, whole trainings end at an angle of pi.
    Method(name="mv_arc", title="MV-Arc", head=MVArc, head_options={"straight_line": True}),
    Method(name="broadface", title="BroadFace", head=BroadFace),
    Method(name="adaface", title="AdaFace", head=AdaFace),
    Method(name="oecnn", title="OE-CNN", head=CosFace, objective=OECNN),
    Method(
        name="dal",
        title="DAL",
        head=CosFace,
        objective=DAL,
    ),
    Method(
        name="mtlface",
        title="MTLFace",
        head=CosFace,
        objective=MTLFace,
        study_options=("num_groups",),
    ),
    Method(
        name="inter_prototype",
        title="ArcFace + Inter-Prototype",
        objective=InterPrototypeObjective,
        options={"weight": 1.0},
        group=Children(),
    ),
)
