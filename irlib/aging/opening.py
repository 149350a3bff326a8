"""A finished run of face age synthesis, opened to be used."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from irlib import checkpoints, runs
from irlib.age_invariant.synthesis.encoder import Encoder
from irlib.age_invariant.synthesis.synthesizer import Synthesizer
from irlib.aging.facespace import FILE, FaceSpace
from irlib.checkpoints.brought import Brought

_NOTEBOOK = "06_synthesis"


@dataclass(frozen=True, eq=False)
class SynthesisRun:
    """What a run of notebook 06 left.

    Args:
        folder: of the run.
        synthesizer: makes the faces.
        device: where the networks are.
        space: of the crops that it was trained on; None where the run has none.
        estimator: reads ages; it was trained apart. None where it is not there.
        judge: tells people apart; it was trained apart. None where it is not there.
        notes: what is missing, in words.
    """

    folder: Path
    synthesizer: Synthesizer
    device: torch.device
    space: FaceSpace | None = None
    estimator: Encoder | None = None
    judge: Brought | None = None
    notes: tuple[str, ...] = ()


def open_run(folder: Path, *, device: torch.device | str = "cpu") -> SynthesisRun:
    """The synthesizer of a run, and the networks that its record names as estimator and judge.

    Args:
        folder: of a run of notebook 06; its neighbors hold estimator and judge.
        device: where the networks go.

    Raises:
        FileNotFoundError: there is no run, or it has no weights.
        ValueError: a run of another notebook, or a file that is damaged.
    """
    folder = folder.resolve()  # "." has no neighbors by its name
    record = _record(folder)
    where, space = torch.device(device), folder / FILE
    synthesizer = Synthesizer.load(runs.require(folder, "last.pt", _NOTEBOOK))
    estimator, judge = (_beside(folder, record, name) for name in ("estimator", "judge"))
    return SynthesisRun(
        folder=folder,
        synthesizer=synthesizer.to(where),
        device=where,
        space=FaceSpace.load(space) if space.is_file() else None,
        estimator=_estimator(estimator).to(where) if estimator else None,
        judge=checkpoints.load_backbone(judge).to(where) if judge else None,
        notes=tuple(_missing(folder, record, estimator, judge)),
    )


def _record(folder: Path) -> Mapping[str, Any]:
    path = folder / "run.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder}: no run.json; expected the folder of a run of notebook {_NOTEBOOK}"
        )
    record = runs.read_json(path)
    notebook = record.get("notebook") if isinstance(record, Mapping) else None
    if notebook != _NOTEBOOK:
        told = f"a run of notebook {notebook}" if notebook else "its run.json names no notebook"
        raise ValueError(f"{folder}: {told}, expected one of {_NOTEBOOK}")
    return record


def _estimator(path: Path) -> Encoder:
    content = checkpoints.load(path)
    try:
        return Encoder.of(content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _beside(folder: Path, record: Mapping[str, Any], name: str) -> Path | None:
    path = folder.parent / record[name] if record.get(name) else None
    return path if path is not None and path.is_file() else None


def _missing(folder: Path, record: Mapping[str, Any], *found: Path | None) -> list[str]:
    left_out = {"estimator": "ages are not estimated", "judge": "cosines are left out"}
    pairs = zip(left_out.items(), found, strict=True)
    notes = [
        f"{name}: {_absent(folder, record, name)}; {what}"
        for (name, what), path in pairs
        if path is None
    ]
    if not (folder / FILE).is_file():
        notes.append(f"{folder / FILE} is not there; without a detector no crop can be checked")
    return notes


def _absent(folder: Path, record: Mapping[str, Any], name: str) -> str:
    named = record.get(name)
    return f"{folder.parent / named} is not there" if named else "none in run.json"
