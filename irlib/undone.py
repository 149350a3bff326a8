"""What a study lacks once Snakemake has ended: which runs failed, why, and what rests on them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from irlib import runs


def rests_on(config: Mapping[str, Any]) -> dict[str, list[str]]:
    """Names of a study's runs, each with those whose results it reads; the report is left out.

    A run comes after those that it rests on.

    Args:
        config: as `irlib.graph.config` gives it.
    """
    data, found = runs.run_name("data"), {runs.run_name("data"): []}
    for method, seeds in config["trained"].items():
        start = config["starts"].get(method)
        for seed in seeds:
            first = [runs.run_name("train", start, seed)] if start else []
            found[runs.run_name("train", method, seed)] = [data, *first]
    for method in config["methods"]:
        for seed in config["seeds"]:
            train = runs.run_name("train", method, seed)
            found[runs.run_name("evaluate", method, seed)] = [data, train]
            found[runs.run_name("prototypes", method, seed)] = [data, train]
    for told in config["synthesis"].values():
        train = runs.run_name("train", told["judge"], told["seed"])
        found[runs.run_name("evaluate", told["judge"], told["seed"])] = [data, train]
    for model in config["models"]:
        found[runs.run_name("evaluate", model)] = [data]
    return found | {name: told["rests_on"] for name, told in config["synthesis"].items()}


def absent(home: Path, config: Mapping[str, Any]) -> dict[str, str]:
    """Why a run is not made, by its name, for all that are not or that rest on such a one.

    Args:
        home: the study's folder of runs.
        config: as `irlib.graph.config` gives it.
    """
    found: dict[str, str] = {}
    for name, needed in rests_on(config).items():
        missing = next((other for other in needed if other in found), None)
        if missing:
            found[name] = f"rests on {missing}: {first_line(found[missing])}"
        elif not _is_made(home / name):
            found[name] = reason(home / name)
    return found


def records(home: Path, config: Mapping[str, Any]) -> dict[str, int]:
    """When the record of each run, the report's too, was written: ns since 1970, 0 for never."""
    names = [*rests_on(config), runs.run_name("report")]
    files = {name: home / name / "run.json" for name in names}
    return {name: f.stat().st_mtime_ns if f.exists() else 0 for name, f in files.items()}


def failures(home: Path, config: Mapping[str, Any], before: Mapping[str, int]) -> dict[str, str]:
    """Why a run failed, by its name, for all that were tried and are not made.

    Args:
        home: the study's folder of runs.
        config: as `irlib.graph.config` gives it.
        before: what `records` gave before they were tried.
    """
    tried = [name for name, time in records(home, config).items() if time != before[name]]
    return {name: reason(home / name) for name in tried if not _is_made(home / name)}


def reason(folder: Path) -> str:
    """Why a run that nobody works at any more has no result."""
    if not (folder / "run.json").exists():
        return "not run"
    try:
        record = runs.read_record(folder)
    except ValueError as error:
        return str(error)
    if record["status"] == "running":  # on another machine, so nobody saw its end
        return f"ended without a word on {record.get('host')}: out of memory, or of time?"
    return record.get("error") or record["status"]


def first_line(text: str) -> str:
    """The first line of a reason, which may go on with a library's advice."""
    return text.partition("\n")[0]


def settle(home: Path, config: Mapping[str, Any]) -> dict[str, str]:
    """Put on record what `absent` finds, so that nothing outdated passes for a result.

    What rests on an absent run is withdrawn; a run that ended without a word is closed.

    Args:
        home: the study's folder of runs.
        config: as `irlib.graph.config` gives it.

    Returns:
        What `absent` found.
    """
    missing = absent(home, config)
    for name, needed in rests_on(config).items():
        if missing.keys() & set(needed):
            (home / name / "metrics.json").unlink(missing_ok=True)
            _close(home / name, "missing", missing[name])
        elif name in missing and _record(home / name).get("status") == "running":
            _close(home / name, "killed", missing[name])
    return missing


def _is_made(folder: Path) -> bool:
    return (folder / "metrics.json").exists()


def _close(folder: Path, status: str, why: str) -> None:
    runs.write_json(folder / "run.json", {**_record(folder), "status": status, "error": why})


def _record(folder: Path) -> dict[str, Any]:
    try:
        return runs.read_record(folder) if (folder / "run.json").exists() else {}
    except ValueError:  # damaged; `reason` tells so
        return {}
