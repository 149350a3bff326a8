"""The studies by name: values, each with what it is expected to take and to show."""

import dataclasses
from typing import Any

from irlib.data.sets import catalog
from irlib.data.synthetic import SyntheticSpec
from irlib.studies.study import Study
from irlib.training.config import TrainConfig
from irlib.training.synthesis.config import SynthesisConfig


def _synthetic(name: str, **values: Any) -> Study:
    return _placed(name, test_dir=f"{name}/test", val_dir=f"{name}/val", **values)


def _placed(name: str, **values: Any) -> Study:
    return Study(name=name, train=f"{name}/train", age_labels=f"{name}/age-labels.txt", **values)


_WITH_AGES = tuple(catalog.need(key) for key in ("agedb", "fgnet"))
_TEST_SETS = (*_WITH_AGES, catalog.need("lag"))


def _brought(name: str, **values: Any) -> Study:
    return _placed(
        name,
        test_dir="test",
        needs=(catalog.need(name), catalog.need(f"{name}_ages")),
        test_needs=_TEST_SETS,
        synthesis_needs=_WITH_AGES,
        # The authors have eight GPUs of 64 images, and this is for one; on eight:
        # --processes 8 --set synthesis.batch_size=512.
        synthesis=SynthesisConfig(batch_size=64),
        threads=8,
        gpus=1,
        **values,
    )


_DEMO_FACES = SyntheticSpec(
    seed=2021,
    identities=420,
    images_per_identity=14,
    child_identity_share=0.15,
    child_images=12,
    child_image_share=0.02,
    agedb_identities=70,
    fgnet_identities=60,
    lag_identities=150,
    val_identities=20,
    test_images_per_identity=11,
    difficulty=1.0,
    age_noise=2.5,
    unlabelled_share=0.05,
)

# A queue as large a part of the images as the authors' is; fewer steps bear less of hard classes.
_FEW_IMAGES = {
    "BroadFace": {"queue_size": 400}, "MVAM": {"hard_weight": 0.1}, "MVArc": {"hard_weight": 0.05}
}  # fmt: skip

# Weights and rates for narrow networks and few steps; the published ones are for wide ones. The
# discriminator, which learns ages slowly, is given a lead and two steps for each of the
# generator's. Those of demo-large below are a first guess, not measured.
_NARROW = SynthesisConfig(
    steps=3300,
    batch_size=16,
    lr_generator=3e-4,
    lr_discriminator=1e-3,
    generator_every=2,
    lead=0.15,
    cooldown=0.25,
    average=0.99,
    adversarial_weight=2.0,
    identity_weight=0.3,
    age_weight=0.05,
    units=16,
    blocks=2,
    widths=(48, 32, 16, 8),
    discriminator_width=16,
    log_every=50,
    save_every=500,
    workers=0,
)

STUDIES = {
    study.name: study
    for study in (
        _synthetic(
            "demo",
            title="Synthetic cross-age faces, for two CPU cores",
            expected=(
                "15 minutes on 2 cores; ArcFace 82 % on child-adult and 95 % on adult pairs, the "
                "same with Inter-Prototype"
            ),
            expected_synthesis="18 minutes more, 12 of them the training itself",
            synthetic=_DEMO_FACES,
            backbone="tiny",
            embedding_size=128,
            scale=16.0,
            head_options=_FEW_IMAGES,
            recipe=TrainConfig(
                epochs=6, milestones=(4, 5), batch_size=32, log_every=50, save_every=200, workers=0
            ),
            synthesis=_NARROW,
            probe_epochs=3,
        ),
        _synthetic(
            "smoke",
            title="A miniature of demo, to see that everything runs",
            expected="90 seconds on 2 cores; its numbers mean nothing",
            synthetic=dataclasses.replace(
                _DEMO_FACES,
                identities=24,
                images_per_identity=14,
                child_identity_share=0.5,
                agedb_identities=16,
                fgnet_identities=16,
                lag_identities=16,
                val_identities=8,
                test_images_per_identity=8,
            ),
            backbone="tiny",
            embedding_size=32,
            scale=16.0,
            head_options=_FEW_IMAGES,
            recipe=TrainConfig(
                epochs=2, milestones=(1,), batch_size=32, log_every=5, save_every=5, workers=0
            ),
            synthesis=dataclasses.replace(
                _NARROW,
                steps=6,
                lead=0.2,
                batch_size=8,
                units=10,
                blocks=1,
                log_every=2,
                save_every=3,
            ),
            seeds=(1,),
            probe_epochs=1,
            bootstrap_repeats=100,
        ),
        _synthetic(
            "demo-large",
            title="Synthetic cross-age faces at CASIA-WebFace's size, for a GPU",
            expected="painting takes about 30 minutes of one core; training is not measured yet",
            synthetic=dataclasses.replace(
                _DEMO_FACES,
                identities=10_572,
                images_per_identity=46,
                child_identity_share=0.0217,
                child_image_share=0.014,
                agedb_identities=300,
                fgnet_identities=82,
                lag_identities=1_000,
                val_identities=100,
            ),
            recipe=TrainConfig(
                epochs=12, milestones=(6, 9, 11), batch_size=256, precision="bf16", workers=12
            ),
            synthesis=SynthesisConfig(
                steps=12_000,
                batch_size=64,
                units=64,
                widths=(128, 64, 32, 16),
                discriminator_width=32,
                precision="bf16",
                workers=12,
            ),
            threads=12,
            gpus=1,
            disk_gib=8.0,
        ),
        _brought(
            "casia",
            title="CASIA-WebFace with the paper's recipe",
            expected="the CASIA table of the paper, within its deviations; not measured yet",
            recipe=TrainConfig(),
            disk_gib=10.0,
        ),
        _brought(
            "ms1m",
            title="MS1MV2 with the paper's recipe",
            expected="the MS1M table of the paper, within its deviations; not measured yet",
            recipe=TrainConfig(epochs=25, milestones=(14, 19, 23)),
            head_options={"BroadFace": {"queue_size": 4_096}},  # 32,000 x 85,742 numbers are 11 GB
            disk_gib=20.0,
        ),
        Study(
            name="benchmark",
            title="The test sets alone, for models made elsewhere",
            expected="the time to embed the test images, which was not measured on real sets",
            train="",
            age_labels="",
            test_dir="test",
            test_needs=_TEST_SETS,
            recipe=TrainConfig(),
            methods=(),
            seeds=(),
            threads=8,
            gpus=1,
        ),
    )
}
