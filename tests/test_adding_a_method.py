"""The README's way to add a method, done as it says in a copy of the package."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from irlib import graph, methods, studies

ROOT = Path(graph.__file__).parents[1]
USE = """
import json
import torch
from irlib import graph, methods, studies
from irlib.images import Batch, to_input

smoke = studies.find("smoke")
own = methods.find("growingface")
own.check(smoke)
torch.manual_seed(0)
network = own.network(smoke)
objective = own.build(smoke, network, 4)
parameters = [*network.parameters(), *objective.parameters()]
optimizer = torch.optim.SGD(parameters, lr=0.01)
labels = torch.arange(8) % 4
pixels = torch.randint(0, 256, (8, 112, 112, 3), dtype=torch.uint8)
batch = Batch(pixels, labels, torch.full((8,), float("nan")))
losses = []
for step in range(12):
    objective.begin_step(step, 0)
    loss = objective.total(objective(network(to_input(pixels)), batch))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
digests = {name: graph.model_digest(smoke, methods.find(name)) for name in methods.METHODS}
print(json.dumps({"losses": losses, "digests": digests, "all": methods.GROUPS["all"]}))
"""


def told(heading):
    """The Python blocks of a section of the README: text by the file that its first line names."""
    section = (ROOT / "README.md").read_text().split(f"### {heading}\n")[1].split("\n### ")[0]
    blocks = re.findall(r"```python\n# (\S+)\n(.*?)```", section, flags=re.DOTALL)
    return dict(blocks)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What a copy of the package does after the README's two edits."""
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "irlib", copy / "irlib", ignore=shutil.ignore_patterns("__pycache__"))
    blocks = told("Add a method")
    (head,) = [name for name in blocks if name.startswith("irlib/heads/")]
    (copy / head).write_text(blocks[head])
    table = copy / "irlib/methods/entries_tables.py"
    entry, text = blocks["irlib/methods/entries_tables.py"], table.read_text()
    importing, method = (line.split("  #")[0] for line in entry.split("\n") if line)
    text = text.replace("from irlib.methods.method", f"{importing}\nfrom irlib.methods.method", 1)
    table.write_text(text.replace("TABLES = (\n", f"TABLES = (\n    {method},\n", 1))
    script = copy / "use.py"
    script.write_text(USE)
    done = subprocess.run(
        [sys.executable, script],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_method_is_one_of_the_table(found):
    assert "growingface" in found["all"]


def test_it_learns(found):
    assert found["losses"][-1] < 0.8 * found["losses"][0]


def test_no_other_method_becomes_stale(found):
    smoke = studies.find("smoke")
    digests = {name: graph.model_digest(smoke, methods.find(name)) for name in methods.METHODS}
    del found["digests"]["growingface"]
    assert found["digests"] == digests
