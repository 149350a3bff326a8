"""Run folders as notebooks 02 to 04 leave them, made up: small, and with known answers."""

import json
import shutil

import numpy as np
import pandas as pd

from irlib import runs

NOTEBOOK = runs.ROOT / "notebooks" / "05_report.ipynb"
PEOPLE = np.array([f"p{number:02d}" for number in range(24)])
PAIRS = 2 * len(PEOPLE)
KEYS = ("agedb20_child", "fgnet20_child", "agedb30_child", "fgnet30_child", "lag", "agedb20_adult")


def pair_arrays():
    # each person once with himself, once with the next one
    first = np.tile(PEOPLE, 2)
    second = np.concatenate([PEOPLE, np.roll(PEOPLE, 1)])
    return {"is_same": first == second, "first_identity": first, "second_identity": second}


def similarity(wrong):
    # genuine 0.9, impostor 0.1; the first `wrong` genuine pairs look like impostors
    same = pair_arrays()["is_same"]
    values = np.where(same, 0.9, 0.1)
    values[:wrong] = 0.0
    return values


def add_run(folder, stage, method, seed, metrics):
    name = runs.run_name(stage, method, seed)
    run = runs.start(folder / name, notebook=stage, parameters={"seed": seed}, data="ab" * 32)
    run.finish(metrics)
    return run.folder


def add_evaluation(folder, method, seed, wrong, keys=("lag",)):
    accuracy = 1 - wrong / PAIRS
    told = {
        "oracle_accuracy": accuracy, "fold_accuracy": accuracy, "auc": 0.9, "eer": 0.1,
        "tar": {"0.1": 0.5, "0.01": 0.2, "0.001": None},
    }  # fmt: skip
    impostors = {"child_child": 0.1, "adult_adult": 0.02}
    metrics = {"sets": dict.fromkeys(keys, told), "impostors": impostors}
    place = add_run(folder, "evaluate", method, seed, metrics)
    arrays = {**pair_arrays(), "similarity": similarity(wrong)}
    stored = {f"{key}/{name}": values for key in keys for name, values in arrays.items()}
    np.savez(place / "similarities.npz", **stored)
    curve = pd.DataFrame({"set": "LAG", "far": [0.0, 0.01, 1.0], "tar": [0.0, accuracy, 1.0]})
    add_figure(place, "roc", curve)
    return place


def add_model(folder, name, wrong, keys=("lag",), **told):
    """A model made elsewhere, as notebook 03 leaves it with `model` given."""
    place = add_evaluation(folder, "arcface", 0, wrong, keys)
    target = folder / runs.run_name("evaluate", name)
    shutil.move(place, target)
    network = {"file": f"{name}.onnx", "family": "onnx", "color_order": "BGR"} | told
    metrics = json.loads((target / "metrics.json").read_text())
    searches = {"probes": 40, "rank_1": 0.25, "rank_1_interval": [0.2, 0.3]}
    metrics["model"] = network | {"embedding_size": 512, "digest": "ab"}
    metrics["further"] = {"fgnet": {"gallery": 9, "all": searches, "adults": None}}
    runs.write_json(target / "metrics.json", metrics)
    add_details(target)
    return target


def add_details(place):
    """What newer evaluations keep: thresholds carried over, bands, strangers."""
    sets, control = ("AgeDB-C20", "LAG"), "AgeDB-A20 (adult control)"
    cells = [(a, b) for a in (*sets, control) for b in (*sets, control)]
    transfer = pd.DataFrame(cells, columns=["fitted_on", "set"])
    away = transfer["fitted_on"] != transfer["set"]
    add_figure(place, "transfer", transfer.assign(
        threshold=0.3, accuracy=np.where(away, 0.75, 0.8), lost=np.where(away, 0.05, 0.0)
    ))  # fmt: skip
    bands = {"set": "AgeDB-C20", "by": "child age, years", "band": ["0-3", "4-6"]}
    pairs = {"kind": "child-adult", "pairs": 100, "genuine": 50, "impostor": 50, "people": [40, 20]}
    rates = {"accuracy": [0.7, 0.8], "low": 0.6, "high": 0.9, "fnmr": 0.4, "fnmr_low": 0.3}
    rest = {"fnmr_high": 0.5, "fmr": 0.2, "fmr_low": 0.1, "fmr_high": 0.3}
    add_figure(place, "breakdown", pd.DataFrame(bands | pairs | rates | rest))
    groups = {"band": ["child-child", "adult-adult"], "fmr": [0.2, 0.1]}
    by = {"set": "AgeDB", "by": f"strangers, threshold of {control}", "fmr_low": 0.0, "fmr_high": 1}
    add_figure(place, "strangers", pd.DataFrame(groups | by))


def add_training(folder, method, seed):
    place = add_run(folder, "train", method, seed, {})
    lines = [
        {"images": images, "id_loss": 3.0 - images / 100, "accuracy": 0.5} for images in (64, 128)
    ]
    (place / "history.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return place


def add_prototypes(folder, method, seed, **changed):
    metrics = {
        "child_mean": 0.05, "child_max": 0.8, "sampled_mean": 0.0, "loss": 0.1, "purity": 0.4,
        "ip_gradient": 1e-5, "decay_gradient": 4e-4,
    }  # fmt: skip
    place = add_run(folder, "prototypes", method, seed, metrics | changed)
    points = pd.DataFrame({"x": [0.0, 1.0], "y": [1.0, 0.0], "group": ["child", "other"]})
    add_figure(place, "tsne", points)
    add_figure(place, "umap", points)
    groups = ["child-child", "other-other", "child-other"]
    add_figure(place, "cosines", pd.DataFrame({"group": groups, "cosine": [0.3, 0.0, 0.1]}))
    return place


def add_figure(place, name, table):
    (place / "figures").mkdir(exist_ok=True)
    table.to_csv(place / "figures" / f"{name}.csv", index=False)


def fail(place, error):
    """Make a run a failed one, as notebook execution leaves it."""
    (place / "metrics.json").unlink()
    record = json.loads((place / "run.json").read_text())
    runs.write_json(place / "run.json", {**record, "status": "failed", "error": error})


def execute(outputs, **changed):
    """The notebook's cells in this process; a kernel would take longer to start."""
    space = {"display": lambda *shown: None}
    for cell in json.loads(NOTEBOOK.read_text())["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), space)
            if "parameters" in cell["metadata"].get("tags", []):
                space |= {"study": "smoke", "outputs": str(outputs), **changed}
    return space
