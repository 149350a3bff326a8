"""The tables of `docs/scaling.md`, from the formulas of `benchmarks.roads`.

Run as `python -m benchmarks.road_tables`.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

from benchmarks import roads
from benchmarks.results import table, told
from benchmarks.roads import IR_50, IR_100, NETWORKS, Plan, Sent

GPUS = (8, 64, 512)
CLASSES = {"2 M": 2_000_000, "100 M": 100_000_000}
IMAGES = {"42 M": 42_000_000, "1 G": 1_000_000_000}
SHARES = (1.0, 0.1)
BATCHES = (16_384, 65_536)
ROADS = (("2 M", "42 M"), ("2 M", "1 G"), ("100 M", "1 G"))  # classes, images
JPEGS = {95: (6200, 8500), 100: (19_000, 4000)}  # quality to bytes, and images/s of a core
LINKS = {  # bytes/s that it moves of a ring
    "NVLink, one machine": roads.NVLINK,
    "eight of 400 Gb/s": 400e9,
    "one of 400 Gb/s": 50e9,
    "one of 100 Gb/s": 12.5e9,
}
# what grows, (classes, sampled share) before and after, and images/s of arcface_torch's benchmark
ANCHORS = (
    ("125 k to 1.4 M classes, all taken", (125_000, 1.0), (1_400_000, 1.0), (4824, 3043)),
    ("1.4 M to 8 M classes, a tenth", (1_400_000, 0.1), (8_000_000, 0.1), (4738, 3565)),
    ("8 M to 29 M classes, a tenth", (8_000_000, 0.1), (29_000_000, 0.1), (3565, 1855)),
    ("3 M classes, a tenth to all", (3_000_000, 0.1), (3_000_000, 1.0), (5300, 2270)),
)
DISKS = 20e9  # bytes/s of a cluster's storage; assumed

Rows = list[dict[str, Any]]


def networks() -> Rows:
    """What a backbone takes."""
    return [
        {
            "backbone": network.name,
            "parameters, M": network.parameters / 1e6,
            "multiply-adds, G": network.multiply_adds / 1e9,
            "batch norms, channels": f"{network.norms}, {network.channels:,}",
            "weights, gradient, momentum, GB": network.state / 1e9,
            "kept for the backward pass, MB/image": network.kept / 1e6,
            "with 128 images, GB": (network.state + 128 * network.kept) / 1e9,
            "share of a product's rate, at most": network.highest_share,
            "supposed": network.share,
            "images/s of a GPU": network.rate,
        }
        for network in NETWORKS
    ]


def memory() -> Rows:
    """Memory of a GPU, by classes, processes and the share of classes that a step takes."""
    rows = []
    for (name, classes), gpus, share in product(CLASSES.items(), GPUS, SHARES):
        plan = Plan(network=IR_100, classes=classes, gpus=gpus, share=share)
        parts = roads.head_memory(plan)
        whole = sum(parts.values()) + plan.network.state + plan.images * plan.network.kept
        told_parts = {f"{part}, GB": size / 1e9 for part, size in parts.items()}
        row = {"classes": name, "GPUs": gpus, "sampled_share": share, **told_parts}
        rows.append({**row, "all, with ir_100, GB": whole / 1e9})
    return rows


def traffic() -> Rows:
    """MB that a process sends in a step, and ms, by processes."""
    rows = []
    for network in NETWORKS:
        plans = {gpus: Plan(network=network, classes=2_000_000, gpus=gpus) for gpus in GPUS}
        parts = {gpus: roads.step_traffic(plan) for gpus, plan in plans.items()}
        for part in parts[8]:
            if part in roads.OF_BACKBONE or network is IR_100:
                of = f" ({network.name})" if part in roads.OF_BACKBONE else ""
                sent = {f"{gpus} GPUs": _sent(parts[gpus][part], gpus) for gpus in GPUS}
                rows.append({"MB, ms": part + of, **sent})
    return rows


def links() -> Rows:
    """Time of the backbone's gradient over some links, and of the backward pass beside it."""
    times = {
        name: [roads.summed(roads.FLOAT * n.parameters, 64) / rate for n in NETWORKS]
        for name, rate in LINKS.items()
    }
    times["backward pass of 128 images"] = [roads.backward_seconds(n, 128) for n in NETWORKS]
    return [
        {"link of a machine": name, "ir_50, ms": 1e3 * first, "ir_100, ms": 1e3 * last}
        for name, (first, last) in times.items()
    ]


def steps() -> Rows:
    """Milliseconds of the parts of a step on 64 GPUs."""
    rows = []
    for network, (name, classes), share in product(NETWORKS, CLASSES.items(), SHARES):
        plan = Plan(network=network, classes=classes, gpus=64, share=share)
        parts = roads.step_seconds(plan)
        exact = roads.head_seconds(replace(plan, precision="fp32"))["products"]
        rows.append({
            "backbone": network.name,
            "classes": name,
            "sampled_share": share,
            "taken": plan.drawn / plan.shard,
            **{f"{part}, ms": 1e3 * seconds for part, seconds in parts.items()},
            "images/s of a GPU": plan.images / parts["all"],
            "products in fp32, ms": 1e3 * exact,
        })  # fmt: skip
    return rows


def one_gpu() -> Rows:
    """Rate of one GPU at a million classes, as a share of that at ten thousand."""
    rows = []
    for network, images in product(NETWORKS, (128, 512)):
        plan = Plan(network=network, classes=10_000, gpus=1, images=images)
        row = {"backbone": network.name, "images": images}
        for precision in ("tf32", "fp32"):
            few = replace(plan, precision=precision)
            rates = [roads.images_per_second(replace(few, classes=c)) for c in (10_000, 1_000_000)]
            row[f"{precision}, images/s"] = rates[1]
            row[f"{precision}, share"] = rates[1] / rates[0]
        rows.append(row)
    return rows


def batches() -> Rows:
    """Steps of 512 GPUs by the batch of all and by whose statistics batch norm takes."""
    rows = []
    for network, batch, shared in product(NETWORKS, BATCHES, (True, False)):
        images = batch // 512
        plan = Plan(
            network=network, classes=2_000_000, gpus=512, images=images, shared_batch_norm=shared
        )
        parts = roads.step_seconds(plan)
        rows.append({
            "backbone": network.name,
            "batch of all": f"{batch:,}",
            "images of a GPU": images,
            "shared_batch_norm": shared,
            "backbone, ms": 1e3 * parts["backbone"],
            "sent, ms": 1e3 * parts["sent"],
            "all, ms": 1e3 * parts["all"],
            "images/s of all": batch / parts["all"],
        })  # fmt: skip
    return rows


def epochs() -> Rows:
    """Time of an epoch."""
    rows = []
    for network, (name, images), share in product(NETWORKS, ROADS, SHARES):
        plan = Plan(network=network, classes=CLASSES[name], gpus=8, share=share)
        rates = {g: roads.images_per_second(replace(plan, gpus=g)) for g in GPUS}
        row = {"backbone": network.name, "classes": name, "images": images}
        times = {f"{g} GPUs": duration(IMAGES[images] / rate) for g, rate in rates.items()}
        rows.append({**row, "sampled_share": share, **times})
    return rows


def anchors() -> Rows:
    """What a head costs an image of a GPU: as published for eight V100, and by the formulas."""
    rows = []
    for what, first, last, (before, after) in ANCHORS:
        head = [_head_of_v100(*first), _head_of_v100(*last)]
        rows.append({
            "from, to": what,
            "published images/s": f"{before:,}, {after:,}",
            "so much more an image, ms": 1e3 * (8 / after - 8 / before),
            "by the formulas, ms": 1e3 * (head[1] - head[0]),
        })  # fmt: skip
    return rows


def storage() -> Rows:
    """What the images take."""
    rows = []
    for (name, images), (quality, (size, rate)) in product(IMAGES.items(), JPEGS.items()):
        needed = roads.MACHINE * IR_50.rate
        rows.append({
            "images": name,
            "JPEG quality": quality,
            "bytes an image": f"{size:,}",
            "in all, TB": images * size / 1e12,
            "read by a machine, GB/s": needed * size / 1e9,
            "read by 64 machines, GB/s": 64 * needed * size / 1e9,
            "cores of a machine": needed / rate,
        })  # fmt: skip
    return rows


def held() -> Rows:
    """GB that each process holds, and that a machine's eight do."""
    found = {f"{c} classes, {i} images": roads.held(IMAGES[i], CLASSES[c]) for c, i in ROADS[::2]}
    every = "held by every process, GB"
    rows = [
        {every: part, **{title: parts[part] / 1e9 for title, parts in found.items()}}
        for part in next(iter(found.values()))
    ]
    sums = {title: 8 * sum(parts.values()) / 1e9 for title, parts in found.items()}
    return [*rows, {every: "all of it, eight processes", **sums}]


def states() -> Rows:
    """Size of what a training goes on from, and time to write it."""
    rows = []
    for name, classes in CLASSES.items():
        plan = Plan(network=IR_100, classes=classes, gpus=8)
        whole, weights = roads.state(plan), roads.weights(plan)
        parts = {f"a process's of {gpus}, GB": whole / gpus / 1e9 for gpus in GPUS}
        row = {"classes": name, "state, GB": whole / 1e9, **parts}
        rows.append({**row, "written, s": whole / DISKS, "last.pt, GB": weights / 1e9})
    return rows


def duration(seconds: float) -> str:
    """A time in seconds, minutes or hours."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{told(seconds / length)} {unit}"
    return f"{told(seconds)} s"


def _sent(sent: Sent, gpus: int) -> str:
    return f"{told(sent.size / 1e6)}, {told(1e3 * sent.seconds(gpus))}"


def _head_of_v100(classes: int, share: float) -> float:
    plan = Plan(
        network=IR_50, classes=classes, gpus=8, share=share, precision="fp32", chip=roads.V100
    )
    return sum(roads.head_seconds(plan).values()) / plan.images


TABLES: tuple[Callable[[], Rows], ...] = (
    networks, one_gpu, memory, traffic, links, steps, batches, epochs, anchors, storage, held,
    states,
)  # fmt: skip


if __name__ == "__main__":
    for rows in TABLES:
        print(f"{rows.__doc__}\n\n{table(rows())}")
