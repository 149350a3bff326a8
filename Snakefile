"""Which notebook makes what from what. ./run_all.sh writes the config and starts Snakemake.

The working directory is the outputs folder. A run counts as made when its metrics.json is there;
a digest of the code, the study and the method among the params makes it stale when those change.
"""

import sys

from irlib.runs import run_name
from irlib.undone import first_line

STUDY, METHODS, SEEDS = config["study"], config["methods"], config["seeds"]
DIGESTS, STARTS, ABSENT = config["digests"], config["starts"], config["absent"]
MODELS = config["models"]  # made elsewhere; by name, each with its file
SYNTHESIS = config["synthesis"]  # by run name, what each is made of; empty if it was not asked for

# Where things are is no part of a result, so these are not among the params.
RUN = [sys.executable, "-m", "irlib.notebooks"]
FOLDER = f"{config['outputs']}/{STUDY}"
COMMON = [word for name in config["common"] for word in ("-p", f"{name}={config['common'][name]}")]
# Where nobody else does it, each run takes GPUs of this machine for itself.
DEVICES, LOCKS = ",".join(config["devices"]), f"{config['outputs']}/.gpus"
GPU = ["--gpus", DEVICES, "--gpu-locks", LOCKS] if DEVICES else []
PROBE_GPU = GPU if config["probe_gpus"] else []
PROCESSES = config["processes"]
TRAIN_GPUS = [*GPU, "--gpu-count", str(PROCESSES)] if GPU else []


def result(stage, method="", seed=""):
    """The file that a finished run leaves, relative to the outputs folder."""
    return f"{STUDY}/{run_name(stage, method, seed or None)}/metrics.json"


def first_weights(wildcards):
    """What a training starts from: a user's checkpoint, another method's run, or nothing."""
    if wildcards.method in STARTS:
        return result("train", STARTS[wildcards.method], wildcards.seed)
    return config["start"] or []


def synthesized(wildcards):
    """What is told of a run of face age synthesis: method, judge, estimator, what it rests on."""
    return SYNTHESIS[run_name("synthesis", wildcards.method, int(wildcards.seed))]


def reported():
    """What a report rests on: the runs that failed, and those that rest on them, are left out."""
    names = [(stage, m, s) for stage in ("evaluate", "prototypes") for m in METHODS for s in SEEDS]
    names += [("evaluate", name) for name in MODELS]
    names += [("synthesis", told["method"], told["seed"]) for told in SYNTHESIS.values()]
    return [result(*name) for name in names if run_name(*name) not in ABSENT]


wildcard_constraints:
    # in joint training the network of a synthesis has no training of its own
    method="|".join([*config["trained"], *(t["method"] for t in SYNTHESIS.values())]) or "none",
    model="|".join(MODELS) or "none",
    seed="[0-9]+",


rule all:
    input:
        result("report"),


rule data:
    output:
        result("data"),
    params:
        digest=DIGESTS["data"],
    threads: config["cores"]
    resources:
        gpu=config["probe_gpus"],
    shell:
        "exec {RUN:q} 01_data_prep {FOLDER:q}/data {PROBE_GPU:q} {COMMON:q} -p workers={threads}"


rule train:
    input:
        rules.data.output,
        first_weights,
    output:
        result("train", "{method}", "{seed}"),
    params:
        digest=lambda wildcards: DIGESTS["train"][wildcards.method],
    threads: config["train_threads"]
    resources:
        gpu=config["train_gpus"],
    shell:
        "exec {RUN:q} 02_train {FOLDER:q}/train-{wildcards.method}-s{wildcards.seed}"
        " {TRAIN_GPUS:q} {COMMON:q} -p processes={PROCESSES}"
        " -p method={wildcards.method} -p seed={wildcards.seed}"


rule evaluate:
    input:
        rules.data.output,
        rules.train.output,
    output:
        result("evaluate", "{method}", "{seed}"),
    params:
        digest=DIGESTS["evaluate"],
    threads: config["threads"]
    resources:
        gpu=config["gpus"],
    shell:
        "exec {RUN:q} 03_evaluate {FOLDER:q}/evaluate-{wildcards.method}-s{wildcards.seed}"
        " {GPU:q} {COMMON:q} -p method={wildcards.method} -p seed={wildcards.seed}"


rule evaluate_model:
    input:
        rules.data.output,
    output:
        result("evaluate", "{model}"),
    params:
        digest=lambda wildcards: [DIGESTS["evaluate"], MODELS[wildcards.model]["digest"]],
        # a file that was moved is evaluated again: the command has to name it
        file=lambda wildcards: MODELS[wildcards.model]["path"],
        order=lambda wildcards: MODELS[wildcards.model]["color_order"],
    threads: config["threads"]
    resources:
        gpu=config["gpus"],
    shell:
        "exec {RUN:q} 03_evaluate {FOLDER:q}/evaluate-{wildcards.model} {GPU:q} {COMMON:q}"
        " -p model={params.file:q} -p name={wildcards.model} -p color_order={params.order:q}"


rule prototypes:
    input:
        rules.data.output,
        rules.train.output,
    output:
        result("prototypes", "{method}", "{seed}"),
    params:
        digest=DIGESTS["prototypes"],
    threads: config["threads"]
    resources:
        gpu=config["gpus"],
    shell:
        "exec {RUN:q} 04_prototypes {FOLDER:q}/prototypes-{wildcards.method}-s{wildcards.seed}"
        " {GPU:q} {COMMON:q} -p method={wildcards.method} -p seed={wildcards.seed}"


rule synthesis:
    input:
        lambda wildcards: [f"{STUDY}/{n}/metrics.json" for n in synthesized(wildcards)["rests_on"]],
    output:
        result("synthesis", "{method}", "{seed}"),
    params:
        digest=DIGESTS.get("synthesis", ""),
        judge=lambda wildcards: synthesized(wildcards)["judge"],
        estimator=lambda wildcards: synthesized(wildcards)["estimator"],
    threads: config["synthesis_threads"]
    resources:
        gpu=config["train_gpus"],
    shell:
        "exec {RUN:q} 06_synthesis {FOLDER:q}/synthesis-{wildcards.method}-s{wildcards.seed}"
        " {TRAIN_GPUS:q} {COMMON:q} -p processes={PROCESSES}"
        " -p method={wildcards.method} -p seed={wildcards.seed}"
        " -p judge={params.judge} -p estimator={params.estimator}"


rule report:
    input:
        rules.data.output,
        reported(),
    output:
        result("report"),
    params:
        digest=DIGESTS["report"],
        methods=",".join(METHODS) or "none",
        seeds=",".join(map(str, SEEDS)),
        models=",".join(MODELS),
        synthesis=",".join(SYNTHESIS),
        absent=[f"{name}: {first_line(ABSENT[name])}" for name in ABSENT],  # the page tells them
    shell:
        "exec {RUN:q} 05_report {FOLDER:q}/report {COMMON:q}"
        " -p methods={params.methods:q} -p seeds={params.seeds:q} -p models={params.models:q}"
        " -p synthesis={params.synthesis:q}"
