"""Run folders as notebooks 02 to 04 leave them, made up: small, and with known answers."""

import json

import numpy as np
import pandas as pd

from irlib import runs

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
