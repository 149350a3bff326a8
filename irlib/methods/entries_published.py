"""The rows whose authors' settings differ from the common recipe, with those settings."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from irlib.methods.entries_tables import TABLES
from irlib.methods.method import PUBLISHED, Method
from irlib.methods.recipes import Recipe, Schedule

_ROWS = {method.name: method for method in TABLES}

# The schedules of the baselines of Inter-Prototype (Lee et al., BMVC 2021), who give one for MS1M
# with ArcFace alone.
_ARCFACE = {"casia": Schedule(33, (21, 30)), "ms1m": Schedule(16, (8, 14))}
_BROADFACE = {"casia": Schedule(20, (13, 18))}
_OECNN = {"casia": Schedule(21, (9, 15, 18))}
_NO_DECAY = {"weight_decay": 0.0}

# 16-bit of the authors is fp16; bf16 is what this suite has.
_LARGE_BATCHES = {"batch_size": 512, "precision": "bf16"}

# Kim et al., CVPR 2022, on MS1MV2.
_ADAFACE = dict.fromkeys(("casia", "ms1m"), Schedule(26, (12, 20, 24)))
_AUGMENTED = {"crop": 0.2, "low_resolution": 0.2, "photometric": 0.2}

# Huang et al., CVPR 2021: 36,000 steps, falls after 20,000 and 23,000, warm-up of 1,000. CASIA has
# 959 such batches, MS1M 11,372: there both falls lie about the start of the third epoch. Biases
# decay here and do not there.
_MTLFACE = {
    "casia": Schedule(38, (21, 24), warmup_epochs=1.04),
    "ms1m": Schedule(3, (2,), warmup_epochs=0.09),
}


def _published(name: str, changes: Mapping[str, Any]) -> Method:
    row = _ROWS[name]
    told = {"name": f"{name}_published", "title": f"{row.title}, as published", "kind": PUBLISHED}
    baseline = "arcface" if name == "arcface" else "arcface_published"
    return dataclasses.replace(row, **told, baseline=baseline, **changes)


AS_PUBLISHED = (
    _published("arcface", {"recipe": Recipe(schedules=_ARCFACE)}),
    _published("mv_am", {"head_options": {"scale": 32.0, "margin": 0.5}}),
    # Another run's weights, the authors do not say whose: here ArcFace's by the common recipe.
    _published("broadface", {"recipe": Recipe(schedules=_BROADFACE), "start_from": "arcface"}),
    _published("oecnn", {"recipe": Recipe(schedules=_OECNN, changes=_NO_DECAY)}),
    _published("dal", {"recipe": Recipe(changes=_NO_DECAY)}),
    _published(
        "adaface",
        {
            "recipe": Recipe(schedules=_ADAFACE, changes=_AUGMENTED, on_real_images=_LARGE_BATCHES),
            "head_options": {"margin": 0.4, "h": 0.333},
        },
    ),
    _published(
        "mtlface",
        {
            "recipe": Recipe(
                schedules=_MTLFACE, changes={"lr_floor": 1e-4}, on_real_images=_LARGE_BATCHES
            )
        },
    ),
)
