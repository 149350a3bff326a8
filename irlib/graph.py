"""What Snakemake needs to know of a study: its runs, and what each of them depends on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from irlib import backbones, methods, provenance, runs, trainings
from irlib.data import needs
from irlib.data.pairs.sets import AUTHORS
from irlib.data.sets.catalog import CATALOG
from irlib.data.synthetic.population import plan
from irlib.models import Model
from irlib.notebooks.parameters import STAGES
from irlib.prepared import NAMES
from irlib.studies import Study

# what notebooks 02 and 06 start as a process, so import not
TRAINED_BY = "irlib.training.joining"
SYNTHESIZED_BY = "irlib.training.synthesis.joining"
SYNTHESIS = "synthesis"  # the one stage that is run only if it is asked for


def config(
    study: Study,
    names: Sequence[str],
    seeds: Sequence[int],
    *,
    models: Sequence[Model] = (),
    synthesized: Sequence[int] = (),
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
        synthesized: seeds of the runs of face age synthesis.
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
    synthesis = trainings.of_synthesis(study, synthesized)
    found = trainings.by_method(study, names, seeds, synthesis)
    starts = {name: other for name in found if (other := trainings.start_of(study, name))}
    start = study.recipe.start
    return {
        "study": study.name, "methods": list(names), "seeds": list(seeds), "trained": found,
        "synthesis": synthesis,
        "models": {model.name: model.settings for model in models},
        "starts": starts, "start": str(runs.resolve(start)) if start else "",
        "cores": cores, "threads": threads or study.threads, "gpus": gpus,
        "processes": processes, "train_threads": (threads or study.threads) * processes,
        "synthesis_threads": max(threads or study.threads, study.synthesis_threads) * processes,
        "train_gpus": gpus * processes,
        "probe_gpus": gpus if study.probe_epochs else 0, "devices": list(devices),
        "common": common, "outputs": str(outputs),
        "digests": _digests(study, names, list(found), list(synthesis)), "absent": {},
    }  # fmt: skip


def _digests(
    study: Study, names: Sequence[str], found: Sequence[str], synthesis: Sequence[str]
) -> dict[str, Any]:
    # what a head takes counts in the digest of the methods that have it
    shared = {**study.settings, "head_options": {}}
    stages = [stage for stage in STAGES if stage != SYNTHESIS or synthesis]
    settings = {stage: [shared, notebook_digest(stage)] for stage in stages}
    settings["train"].append(provenance.source_digest(runs.ROOT, TRAINED_BY))
    settings["report"] += [[*_shown(methods.find(name))] for name in names]
    if synthesis:
        code = provenance.source_digest(runs.ROOT, SYNTHESIZED_BY)
        model = model_digest(study, methods.find(trainings.ENCODER))
        settings[SYNTHESIS] += [study.synthesis_settings, code, model]
        settings["report"] += synthesis
    train = {name: [settings["train"], model_digest(study, methods.find(name))] for name in found}
    digests: dict[str, Any] = {stage: provenance.digest(settings[stage]) for stage in stages}
    return digests | {"train": {name: provenance.digest(each) for name, each in train.items()}}


def _shown(method: methods.Method) -> tuple[str, ...]:
    return method.title, method.kind, method.baseline


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


def training_images(study: Study, data: Path, home: Path) -> int | None:
    """How many images a study trains on: painted, counted, or else published; None if unknown.

    Args:
        study: whose data they are.
        data: the data folder.
        home: the study's folder of runs.
    """
    if study.synthetic:
        part = plan(study.synthetic, dataset=study.name).parts["train"]
        return part.stop - part.start
    found = home / runs.run_name("data") / "metrics.json"
    if found.is_file() and not data_changed(study, data, home):
        return runs.read_json(found)["training_set"]["images"]
    published = [entry.counts for entry in CATALOG.values() if entry.place == study.train]
    return published[0].get("images") if published else None


def notebook_digest(stage: str) -> str:
    """Digest of a stage's notebook and of the library code behind it."""
    return provenance.notebook_digest(runs.ROOT, runs.ROOT / f"notebooks/{STAGES[stage]}.ipynb")


def model_digest(study: Study, method: methods.Method) -> str:
    """Digest of what is trained: backbone, head and losses, their settings and their code."""
    modules = (*backbones.sources(study.backbone, method.objective.decomposition), *method.sources)
    arguments = backbones.arguments(study.backbone)
    code = provenance.source_digest(runs.ROOT, *modules)
    settings = (method.settings, method.head_settings(study), method.objective_settings(study))
    return provenance.digest(*settings, arguments, code)


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


def synthesis_key(
    study: Study, method: methods.Method, seed: int, *, data: str, device: str, network: str
) -> str:
    """Digest of all that decides a synthesis run's result, as `training_key` is of a training's.

    Args:
        study: names the settings of the synthesis.
        method: whose network the synthesis rests on.
        seed: of initialisation and order.
        data: fingerprint of the data.
        device: kind of device.
        network: digest of the weights of the recognition network; or, where it is trained at the
            same time, the key of that training.
    """
    parts = ("encoder", "generator", "discriminator", "losses", "files")
    modules = [f"irlib.age_invariant.synthesis.{part}" for part in parts]
    modules += [f"irlib.training.synthesis.{part}" for part in ("loop", "batches", "building")]
    code = provenance.source_digest(runs.ROOT, *modules)
    settings = [study.synthesis_settings, study.allowed_bad, seed, data, device, network]
    return provenance.digest(settings, model_digest(study, method), code)
