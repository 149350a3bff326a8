"""What measures the results of others: networks trained apart from them, in no table."""

from irlib.age_invariant import MTLFace
from irlib.heads import CosFace
from irlib.methods.method import ESTIMATOR, Method
from irlib.methods.recipes import Recipe

# For age, not for identity: AdamW learns years faster than SGD, and its rate is its own. On the
# demo's painted test faces the mean absolute error is 7.8 years and the rank correlation with the
# true age 0.93, against 13.8 years and 0.69 of the age head of MTLFace's own training.
_RECIPE = Recipe(
    fixed={
        "optimizer": "adamw", "lr": 5e-4, "lr_floor": 0.0, "schedule": "cosine",
        "warmup_epochs": 1.5,  # without, the years' squared error kills the hidden units at once
        "sampled_share": 1.0, "start": "",
    }
)  # fmt: skip

ESTIMATORS = (
    Method(
        name="age_estimator",
        title="Age estimator",
        head=CosFace,
        objective=MTLFace,
        options={"age_weight": 1.0, "adversary_weight": 0.0},
        study_options=("num_groups",),
        recipe=_RECIPE,
        kind=ESTIMATOR,
    ),
)
