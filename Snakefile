"""Which notebook makes what from what. ./run_all.sh writes the config and starts Snakemake.

The working directory is the outputs folder. A run counts as made when its metrics.json is there;
a digest of the code, the study and the method among the params makes it stale when those change.
"""

import sys

from irlib.runs import run_name

STUDY, METHODS, SEEDS = config["study"], config["methods"], config["seeds"]
DIGESTS = config["digests"]

# Where things are is no part of a result, so these are not among the params.
RUN = [sys.executable, "-m", "irlib.notebooks"]
FOLDER = f"{config['outputs']}/{STUDY}"
COMMON = [word for name in config["common"] for word in ("-p", f"{name}={config['common'][name]}")]


def result(stage, method="", seed=""):
    """The file that a finished run leaves, relative to the outputs folder."""
    return f"{STUDY}/{run_name(stage, method, seed or None)}/metrics.json"


wildcard_constraints:
    method="|".join(METHODS),
    seed="[0-9]+",


rule all:
    input:
        result("report"),


rule data:
    output:
        result("data"),
    params:
        digest=DIGESTS["data"],
    threads: workflow.cores or 1
    shell:
        "exec {RUN:q} 01_data_prep {FOLDER:q}/data {COMMON:q} -p workers={threads}"


rule train:
    input:
        rules.data.output,
    output:
        result("train", "{method}", "{seed}"),
    params:
        digest=lambda wildcards: DIGESTS["train"][wildcards.method],
    threads: config["threads"]
    resources:
        gpu=config["gpus"],
    shell:
        "exec {RUN:q} 02_train {FOLDER:q}/train-{wildcards.method}-s{wildcards.seed}"
        " {COMMON:q} -p method={wildcards.method} -p seed={wildcards.seed}"


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
        " {COMMON:q} -p method={wildcards.method} -p seed={wildcards.seed}"


rule prototypes:
    input:
        rules.train.output,
    output:
        result("prototypes", "{method}", "{seed}"),
    params:
        digest=DIGESTS["prototypes"],
    shell:
        "exec {RUN:q} 04_prototypes {FOLDER:q}/prototypes-{wildcards.method}-s{wildcards.seed}"
        " {COMMON:q} -p method={wildcards.method} -p seed={wildcards.seed}"


rule report:
    input:
        rules.data.output,
        expand(result("evaluate", "{method}", "{seed}"), method=METHODS, seed=SEEDS),
        expand(result("prototypes", "{method}", "{seed}"), method=METHODS, seed=SEEDS),
    output:
        result("report"),
    params:
        digest=DIGESTS["report"],
        methods=",".join(METHODS),
        seeds=",".join(map(str, SEEDS)),
    shell:
        "exec {RUN:q} 05_report {FOLDER:q}/report {COMMON:q}"
        " -p methods={params.methods:q} -p seeds={params.seeds:q}"
