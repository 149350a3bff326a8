"""What Snakemake needs to know of a study: its runs, and what each of them depends on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from irlib import backbones, methods, provenance, runs
from irlib.data import needs
from irlib.data.pairs.sets import AUTHORS
from irlib.models import Model
from irlib.notebooks.parameters import STAGES
from irlib.prepared import NAMES
from irlib.studies import Study

TRAINED_BY = "irlib.training.joining"  # what notebook 02 starts as a process, so imports not


def config(
    study: Study,
    names: Sequence[str],
    seeds: Sequence[int],
    *,
    models: Sequence[Model] = (),
    common: dict[str, str],
    outputs: Path,
    cores: int = 1,
    threads: int | None = None,
    gpus: int = 0,
    processes: int = 1,
    devices: Sequence[str] = (),
) -> dict[str, Any]:
    """The Snakefile's config, as plain JSON values.

    Args:
        study: what is run.
        names: methods, by name.
        seeds: one training run a method and seed.
        models: made elsewhere, that are evaluated too.
        common: parameters that every notebook gets, as text.
        outputs: absolute path of the outputs folder.
        cores: that the data stage may use, while nothing else runs.
        threads: cores that are set aside for a run; None for as many as it uses.
        gpus: that a run needs.
        processes: of a training, each of which takes so many cores and GPUs.
        devices: names of this machine's GPUs, of which each run gets its own; empty where
            somebody else hands them out.

    Raises:
        ValueError: an unknown method, or methods that start from each other.
    """
    # what a head takes counts in the digest of the methods that have it
    shared = {**study.settings, "head_options": {}}
    settings = {stage: [shared, notebook_digest(stage)] for stage in STAGES}
    settings["train"].append(provenance.source_digest(runs.ROOT, TRAINED_BY))
    settings["report"] += [[*_shown(methods.find(name))] for name in names]
    found = trained(study, names)
    starts = {name: other for name in found if (other := _start(study, name))}
    start = study.recipe.start
    train = {name: [settings["train"], model_digest(study, methods.find(name))] for name in found}
    digests: dict[str, Any] = {stage: provenance.digest(settings[stage]) for stage in STAGES}
    digests["train"] = {name: provenance.digest(values) for name, values in train.items()}
    return {
        "study": study.name, "methods": list(names), "seeds": list(seeds), "trained": found,
        "models": {model.name: model.settings for model in models},
        "starts": starts, "start": str(runs.resolve(start)) if start else "",
        "cores": cores, "threads": threads or study.threads, "gpus": gpus,
        "processes": processes, "train_threads": (threads or study.threads) * processes,
        "train_gpus": gpus * processes,
        "probe_gpus": gpus if study.probe_epochs else 0, "devices": list(devices),
        "common": common, "outputs": str(outputs), "digests": digests, "absent": {},
    }  # fmt: skip


def _shown(method: methods.Method) -> tuple[str, ...]:
    return method.title, method.kind, method.baseline


def trained(study: Study, names: Sequence[str]) -> list[str]:
    """The methods, each after the one whose weights it starts from, which is trained as well.

    Args:
        study: what is run.
        names: methods, by name.

    Raises:
        ValueError: an unknown method, or methods that start from each other.
    """
    found: dict[str, None] = {}
    for name in names:
        chain = [name]
        while start := _start(study, chain[-1]):
            if start in chain:
                raise ValueError(f"methods that start from each other: {', '.join(chain)}")
            chain.append(start)
        found |= dict.fromkeys(reversed(chain))
    return list(found)


def _start(study: Study, name: str) -> str:
    method = methods.find(name)
    # weights that the user names go before the method's own
    return "" if method.recipe_on(study).start else method.start_from


def brought(study: Study, data: Path) -> list[list[str | int]]:
    """What lies in the places where a user puts down the data of a study; see `needs.listing`."""
    if not (study.needs or study.test_needs):
        return []
    places = [need.path for need in (*study.needs, *study.test_needs)]
    places.append(str(Path(study.test_dir, AUTHORS)))
    if study.train:
        places.append(str(Path(study.train).with_name(NAMES)))
    return needs.listing(places, data)


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
    modules = (*backbones.sources(study.backbone, method.objective.decomposition), *method.sources)
    arguments = backbones.arguments(study.backbone)
    code = provenance.source_digest(runs.ROOT, *modules)
    return provenance.digest(method.settings, method.head_settings(study), arguments, code)


def training_key(
    study: Study,
    method: methods.Method,
    seed: int,
    *,
    data: str,
    device: str,
    child_ids: Sequence[int] = (),
    class_ids: Sequence[int] = (),
    start: str = "",
) -> str:
    """Digest of all that decides a training run's result; a checkpoint under another is not used.

    The version of torch is not part of it, so that an upgrade does not throw weights away, nor is
    what starts the training, or how many processes and workers it has.

    Args:
        study: names the recipe and the backbone.
        method: what is trained.
        seed: of initialisation, order and augmentation.
        data: fingerprint of the data.
        device: kind of device; a run does not go on on another kind.
        child_ids: child classes.
        class_ids: classes that the method treats apart.
        start: digest of the weights that it starts from; empty for random ones.
    """
    modules = ("irlib.training.loop", "irlib.training.building", "irlib.data.ages")
    code = provenance.source_digest(runs.ROOT, *modules)
    settings = [
        # the options of other heads do not count; those of its own are in the model's digest
        {**study.training_settings, "recipe": method.recipe_on(study).settings, "head_options": {}},
        seed, data, device, list(child_ids), list(class_ids), start,
    ]  # fmt: skip
    return provenance.digest(settings, model_digest(study, method), code)
