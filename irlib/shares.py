"""How much of what there is a run gets: processes, cores and GPUs."""

import argparse
import os
from typing import Any

from irlib import gpus, provenance
from irlib.studies import Study


def share(options: argparse.Namespace, study: Study) -> dict[str, Any]:
    """What a run gets, as `irlib.graph.config` takes it.

    Args:
        options: of the command line.
        study: that is run.

    Raises:
        ValueError: an unknown device, or more processes than it can serve.
    """
    if options.processes < 1:
        raise ValueError(f"--processes {options.processes}: expected at least 1")
    if options.profile:  # a cluster's nodes may have other cores and devices than this machine
        wanted = max(study.gpus, int(options.device.startswith("cuda")))
        each = 0 if options.device == "cpu" else wanted
        found = {"cores": options.cores or study.threads, "gpus": each}
    else:
        found = _of_this_machine(options, study)
    return {"processes": options.processes, **found}


def cores(options: argparse.Namespace) -> int:
    """Cores that a study may use on this machine."""
    return options.cores or provenance.available_cores()


def _of_this_machine(options: argparse.Namespace, study: Study) -> dict[str, Any]:
    import torch  # after all that can be told without it

    from irlib import devices

    device, count = devices.pick(options.device), options.processes
    if device.type == "cpu":
        if count > cores(options):
            raise ValueError(f"--processes {count}: expected at most one a core, {cores(options)}")
        return {"cores": cores(options), "gpus": 0}
    if device.type != "cuda" or device.index is not None:  # one, and the runs know which
        if count > 1:
            raise ValueError(f"--processes {count}: expected 1 on the one device {device}")
        return {"cores": cores(options), "gpus": 1}
    names = gpus.visible(torch.cuda.device_count(), os.environ.get("CUDA_VISIBLE_DEVICES"))
    if count > len(names):
        raise ValueError(f"--processes {count}: this machine has {len(names)} GPUs to choose from")
    threads = max(1, min(study.threads, cores(options) // len(names)))
    return {"cores": cores(options), "threads": threads, "gpus": 1, "devices": names}
