"""What Snakemake needs to know of a study: its runs, and what each of them depends on."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from irlib import backbones, methods, provenance, runs
from irlib.data import needs
from irlib.data.pairs.sets import AUTHORS
from irlib.notebooks.parameters import STAGES
from irlib.prepared import NAMES
from irlib.studies import Study


def config(
    study: Study, names: list[str], seeds: list[int], *, common: dict[str, str], outputs: Path
) -> dict[str, Any]:
    """The Snakefile's config, as plain JSON values.

    Args:
        study: what is run.
        names: methods, by name.
        seeds: one training run a method and seed.
        common: parameters that every notebook gets, as text.
        outputs: absolute path of the outputs folder.

    Raises:
        ValueError: an unknown method.
    """
    settings = {stage: [study.settings, notebook_digest(stage)] for stage in STAGES}
    train = {name: [settings["train"], model_digest(study, methods.find(name))] for name in names}
    digests: dict[str, Any] = {stage: provenance.digest(settings[stage]) for stage in STAGES}
    digests["train"] = {name: provenance.digest(values) for name, values in train.items()}
    return {
        "study": study.name, "methods": names, "seeds": seeds, "threads": study.threads,
        "gpus": study.gpus, "common": common, "outputs": str(outputs), "digests": digests,
    }  # fmt: skip


def brought(study: Study, data: Path) -> list[list[str | int]]:
    """What lies in the places where a user puts down the data of a study; see `needs.listing`."""
    if not study.needs:
        return []
    places = [need.path for need in (*study.needs, *study.test_needs)]
    lists, names = Path(study.test_dir, AUTHORS), Path(study.train).with_name(NAMES)
    return needs.listing([*places, str(lists), str(names)], data)


def data_changed(study: Study, data: Path, home: Path) -> bool:
    """Whether other data lie there than notebook 01 found, whoever started it then.

    Args:
        study: whose data they are.
        data: the data folder.
        home: the study's folder of runs.
    """
    record = home / runs.run_name("data") / "run.json"
    return record.is_file() and runs.read_json(record).get("brought") != brought(study, data)


def notebook_digest(stage: str) -> str:
    """Digest of a stage's notebook and of the library code behind it."""
    return provenance.notebook_digest(runs.ROOT, runs.ROOT / f"notebooks/{STAGES[stage]}.ipynb")


def model_digest(study: Study, method: methods.Method) -> str:
    """Digest of what is trained: backbone, head and losses, their settings and their code."""
    modules = (*backbones.sources(study.backbone, method.decomposition), *method.sources)
    return provenance.digest(method.settings, provenance.source_digest(runs.ROOT, *modules))


def training_key(
    study: Study,
    method: methods.Method,
    seed: int,
    *,
    data: str,
    device: str,
    child_ids: Sequence[int] = (),
    class_ids: Sequence[int] = (),
) -> str:
    """Digest of all that decides a training run's result; a checkpoint under another is not used.

    The version of torch is not part of it, so that an upgrade does not throw weights away.

    Args:
        study: names the recipe and the backbone.
        method: what is trained.
        seed: of initialisation, order and augmentation.
        data: fingerprint of the data.
        device: kind of device; a run does not go on on another kind.
        child_ids: child classes.
        class_ids: classes that the method treats apart.
    """
    code = provenance.source_digest(
        runs.ROOT, "irlib.training.loop", "irlib.data.loading", "irlib.data.ages", "irlib.devices"
    )
    recipe = dataclasses.asdict(method.recipe_on(study))
    settings = [
        study.training_settings,
        recipe,
        seed,
        data,
        device,
        list(child_ids),
        list(class_ids),
    ]
    return provenance.digest(settings, model_digest(study, method), code)
