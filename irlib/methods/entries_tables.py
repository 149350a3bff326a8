"""The rows of the paper's two tables, and AdaFace: all by the study's own recipe."""

from irlib.class_groups import Children
from irlib.heads import CosFace
from irlib.methods.method import Method
from irlib.objectives import InterPrototypeObjective

TABLES = (
    Method(name="arcface", title="ArcFace"),
    Method(name="cosface", title="CosFace", head=CosFace),
    Method(
        name="inter_prototype",
        title="ArcFace + Inter-Prototype",
        objective=InterPrototypeObjective,
        options={"weight": 1.0},
        group=Children(),
    ),
)
