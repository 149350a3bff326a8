"""Analyses A1 to A5, A7 and A11: prototypes, training images and cost.

Units: angles in degrees.
"""

from functools import partial

from irlib import plots
from irlib.report.about_facts import read_ages, read_costs, tell_ages, tell_costs
from irlib.report.about_means import DIFFERENCE, read_means, tell_means, tell_prototypes
from irlib.report.analyses import Analysis

ABSENT = "Notebook 04 of a trained method makes it: ./run_all.sh with the study's name."
ABSENT_AGES = "Notebook 01 makes it: ./run_all.sh with the study's name."
LEANS = "A prototype leans to the age that its identity has more images of."

_EMBEDDINGS = {"child-child": "two children", "adult-adult": "two adults"}

PROTOTYPE_ANALYSES: tuple[Analysis, ...] = (
    Analysis(
        id="A1",
        name="a1_child_angles",
        title="Child images and the prototypes of other people",
        claim=(
            "Images of a child lie nearer to the prototypes of other child identities than to "
            "those of everybody else."
        ),
        read=partial(read_means, key="a1", names=("child", "other", DIFFERENCE)),
        draw=partial(
            plots.analysis_means,
            parts={
                "angle of child images to prototypes, degrees": ("child", "other"),
                "difference, child less other": (DIFFERENCE,),
            },
        ),
        finding=partial(
            tell_means,
            groups={"child": "to child prototypes", "other": "to others"},
            sign=-1,
            wanted=1,
            unit="\u00b0",
            digits=1,
        ),
        absent=ABSENT,
    ),
    Analysis(
        id="A2",
        name="a2_own_angles",
        title="Child and adult images and their own prototype",
        claim=(
            "Images of a child lie no farther from their own prototype than images of the same "
            "person as an adult: the gap within an identity is not the main problem."
        ),
        read=partial(read_means, key="a2", names=("child", "adult", DIFFERENCE)),
        draw=partial(
            plots.analysis_means,
            parts={
                "angle to the own prototype, degrees": ("child", "adult"),
                "difference, child less adult": (DIFFERENCE,),
            },
        ),
        finding=partial(
            tell_means,
            groups={"child": "child images", "adult": "adult images"},
            sign=-1,
            unit="\u00b0",
            digits=1,
            note=LEANS,
        ),
        absent=ABSENT,
    ),
    Analysis(
        id="A3",
        name="a3_mean_embeddings",
        title="Mean embeddings of different people",
        claim=(
            "The mean embeddings of different children are more alike than those of different "
            "adults, and Inter-Prototype lessens that."
        ),
        read=partial(
            read_means, key="a3", names=("child_child", "adult_adult", "child_adult", DIFFERENCE)
        ),
        draw=partial(
            plots.analysis_means,
            parts={
                "mean cosine of two mean embeddings": ("child-child", "adult-adult", "child-adult"),
                "difference, child-child less adult-adult": (DIFFERENCE,),
            },
        ),
        finding=partial(tell_means, groups=_EMBEDDINGS, sign=1, wanted=-1),
        absent=ABSENT,
    ),
    Analysis(
        id="A4",
        name="a4_prototypes",
        title="Prototypes of different people",
        claim=(
            "The prototypes of child identities lie closer together than those of others, and "
            "Inter-Prototype removes that."
        ),
        read=partial(
            read_means,
            key="a4",
            names=(
                "child_child",
                "other_other",
                "child_other",
                DIFFERENCE,
                "child_rms",
                "other_rms",
            ),
        ),
        draw=partial(
            plots.analysis_means,
            parts={
                "mean cosine of two prototypes": ("child-child", "other-other", "child-other"),
                "root mean square": ("child-rms", "other-rms"),
                "difference of means": (DIFFERENCE,),
            },
        ),
        finding=tell_prototypes,
        absent=ABSENT,
    ),
    Analysis(
        id="A5",
        name="a5_images",
        title="Images of different people across ages",
        claim=(
            "A child image is more like images of other children than like adult images of other "
            "people, and Inter-Prototype lessens that."
        ),
        read=partial(
            read_means, key="a5", names=("child_child", "child_adult", "adult_adult", DIFFERENCE)
        ),
        draw=partial(
            plots.analysis_means,
            parts={
                "mean cosine of two images": ("child-child", "child-adult", "adult-adult"),
                "difference, child-child less child-adult": (DIFFERENCE,),
            },
        ),
        finding=partial(
            tell_means,
            groups={"child-child": "two children", "child-adult": "a child and an adult"},
            sign=1,
            wanted=-1,
        ),
        absent=ABSENT,
    ),
    Analysis(
        id="A7",
        name="a7_ages",
        title="Ages of the training images",
        claim="Children are rare among training images.",
        read=read_ages,
        draw=plots.age_groups,
        finding=tell_ages,
        absent=ABSENT_AGES,
    ),
    Analysis(
        id="A11",
        name="a11_cost",
        title="Cost of each method",
        claim="Inter-Prototype adds no parameter and no computation to the network in use.",
        read=read_costs,
        draw=plots.costs,
        finding=tell_costs,
        absent=ABSENT,
    ),
)
