import json
import os
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

# Before anything imports torch, and for the processes that tests start: one thread repeats best.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def crops(tmp_path_factory):
    """Nineteen 112x112 crops of four identities, each identity with a color of its own."""
    root = tmp_path_factory.mktemp("crops")
    rng = np.random.default_rng(0)
    labels = np.array([0] * 5 + [1] * 5 + [2] * 5 + [3] * 4)
    colors = rng.integers(40, 216, (4, 1, 1, 3))
    paths = []
    for index, label in enumerate(labels):
        pixels = colors[label] + rng.integers(-40, 40, (112, 112, 3))
        path = root / f"{label:06d}" / f"{index:08d}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(path)
        paths.append(path)
    ages = np.where(labels < 2, 8.0, 40.0)  # years; the first two are children
    ages[-1] = np.nan
    return SimpleNamespace(root=root, paths=paths, labels=labels, ages=ages)


@pytest.fixture
def write_tree(tmp_path):
    """A function that writes files, name to text, below a folder without git, and returns it."""

    def write(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


def _notebook(*cells, parameters=""):
    """A notebook of code cells, after a cell tagged `parameters`."""
    sources = [(parameters, ["parameters"]), *((cell, []) for cell in cells)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {
        "cells": [
            {
                "cell_type": "code",
                "id": f"c{index}",
                "metadata": {"tags": tags} if tags else {},
                "execution_count": None,
                "outputs": [],
                "source": source.splitlines(keepends=True),
            }
            for index, (source, tags) in enumerate(sources)
        ],
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


@pytest.fixture(scope="session")
def write_notebook():
    """A function that writes a notebook of code cells to a path, and returns the path."""

    def write(path, *cells, parameters=""):
        path.write_text(json.dumps(_notebook(*cells, parameters=parameters)))
        return path

    return write
