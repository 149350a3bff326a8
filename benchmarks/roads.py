"""Memory, traffic and time of a training on more classes, images and GPUs: computed, not measured.

The formulas of `docs/scaling.md`, whose tables are made of them by `benchmarks.road_tables`.

Shapes: B images a step in all, b in a process, C classes, c = C / W in a shard, D numbers in an
embedding, W processes.
Units: bytes, seconds, operations (an addition or a multiplication each).
"""

from dataclasses import dataclass

SIZE = 512  # D
MACHINE = 8  # GPUs
FLOAT, WHOLE = 4, 8  # bytes of a number in fp32, of an int64

# data sheets: of NVIDIA's HGX H100 and H200, and of a machine with eight 400 Gb/s links
NVLINK = 450e9  # bytes/s each way
LINK = 50e9  # bytes/s of a GPU to other machines

# assumptions
MATRIX = 700e12  # operations/s of an 8192-cubed product in bf16; the data sheet says 989e12
PRODUCTS = 0.6  # of the data sheet's rate, in the products of a head
REACHED = 0.8  # of the memory's rate
LATENCY = {1: 0.0, 8: 20e-6, 64: 40e-6, 512: 60e-6}  # seconds of a small sum, by processes

# Counted on ArcFace in chunks, with its optimizer: how often a step reads or writes the numbers of
# the rows that it takes, where they are all and where they are drawn, and the logits, outside of
# products; and how many copies of them, of the embeddings too, there are at a time.
ROW_PASSES, DRAWN_PASSES, LOGIT_PASSES = 25, 48, 36
ROW_COPIES, DRAWN_COPIES, LOGIT_COPIES, EMBEDDING_COPIES = 1, 6, 5, 6
NAME = 65  # bytes of a class's name as a text in a tuple

OF_BACKBONE = (
    "gradient of the backbone, summed", "batch norm, forward", "batch norm, back"
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Chip:
    """A GPU by its data sheet."""

    products: dict[str, float]  # operations/s by precision
    memory: float  # bytes/s


H200 = Chip(products={"tf32": 495e12, "fp32": 67e12}, memory=4.8e12)
V100 = Chip(products={"fp32": 15.7e12}, memory=0.9e12)


@dataclass(frozen=True, kw_only=True)
class Network:
    """What a step of a backbone takes; counted on the network itself, but for `share`."""

    name: str
    parameters: int
    multiply_adds: int  # forward, an image
    norms: int  # batch norms
    channels: int  # of all of them
    kept: int  # bytes an image from the forward to the backward pass, bf16
    moved: int  # bytes an image that kernels other than convolutions read and write, bf16
    share: float  # of the rate of a large matrix product; assumed

    @property
    def operations(self) -> float:
        """An image's, forward and backward."""
        return 3 * 2 * self.multiply_adds

    @property
    def rate(self) -> float:
        """Images a second of one GPU."""
        return MATRIX * self.share / self.operations

    @property
    def state(self) -> int:
        """Bytes of weights, gradient and momentum in fp32, and of the weights in bf16."""
        return (3 * FLOAT + 2) * self.parameters

    @property
    def highest_share(self) -> float:
        """Of the rate of a product, were every kernel at its own limit, one after the other."""
        products = self.operations / MATRIX
        return products / (products + self.moved / H200.memory)


IR_50 = Network(
    name="ir_50", parameters=43_574_976, multiply_adds=6_296_485_888, norms=54, channels=13_184,
    kept=30_834_176, moved=155_453_440, share=0.45,
)  # fmt: skip
IR_100 = Network(
    name="ir_100", parameters=65_129_792, multiply_adds=12_076_761_088, norms=104, channels=23_680,
    kept=47_894_016, moved=250_988_544, share=0.50,
)  # fmt: skip
NETWORKS = (IR_50, IR_100)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A training: what is trained, on how many GPUs, and how."""

    network: Network
    classes: int
    gpus: int
    images: int = 128  # b
    share: float = 1.0  # `sampled_share`
    chunk: int = 8192  # `class_chunk`
    precision: str = "tf32"  # of the head's products
    chip: Chip = H200
    shared_batch_norm: bool = True

    @property
    def batch(self) -> int:
        """B."""
        return self.images * self.gpus

    @property
    def shard(self) -> int:
        """Classes of a process, c."""
        return -(-self.classes // self.gpus)

    @property
    def drawn(self) -> int:
        """Classes of a process that a step takes: no fewer than a batch can be of."""
        return min(self.shard, max(round(self.share * self.shard), self.batch))


@dataclass(frozen=True)
class Sent:
    """Bytes that a process sends in a step, and how many operations wait for all others."""

    size: float
    waits: int

    def seconds(self, gpus: int) -> float:
        """At the rate of the links, with the latency of each operation."""
        return self.size / link(gpus) + self.waits * LATENCY[gpus]


def link(gpus: int) -> float:
    """Bytes/s at which each process passes data on in a ring.

    A ring leaves a machine once, and the machine's links carry a ring each. So eight of them move
    what comes from NVLink at eight times their own rate.
    """
    return NVLINK if gpus <= MACHINE else min(NVLINK, MACHINE * LINK)


def summed(size: float, gpus: int) -> float:
    """Bytes that a process sends for a sum over all of them."""
    return 2 * (gpus - 1) / gpus * size


def gathered(size: float, gpus: int) -> float:
    """Bytes that a process sends until all have `size` bytes, of which each had a part."""
    return (gpus - 1) / gpus * size


def step_traffic(plan: Plan) -> dict[str, Sent]:
    """What a process sends in a step; only the first one runs beside the computation."""
    network, gpus, batch = plan.network, plan.gpus, plan.batch
    norms = network.norms if plan.shared_batch_norm else 0
    channels = network.channels if plan.shared_batch_norm else 0
    statistics = gpus * FLOAT * (2 * channels + norms)  # mean, squares and count of each process
    return {
        "gradient of the backbone, summed": Sent(summed(FLOAT * network.parameters, gpus), 0),
        "embeddings, gathered": Sent(gathered(FLOAT * SIZE * batch, gpus), 1),
        "their gradient, summed": Sent(summed(FLOAT * SIZE * batch, gpus), 1),
        "labels, gathered": Sent(gathered(WHOLE * batch, gpus), 1),
        "softmax: a number an image, five times": Sent(5 * summed(FLOAT * batch, gpus), 5),
        "Inter-Prototype: D x D, there and back": Sent(2 * summed(FLOAT * SIZE**2, gpus), 2),
        "batch norm, forward": Sent(gathered(statistics, gpus), norms),
        "batch norm, back": Sent(summed(FLOAT * 2 * channels, gpus), norms),
    }


def head_memory(plan: Plan) -> dict[str, float]:
    """Bytes of a GPU that grow with the classes or with the batch of all."""
    rows, drawn = (FLOAT * SIZE * count for count in (plan.shard, plan.drawn))
    chunk = min(plan.chunk, plan.drawn)
    return {
        "weights and momentum": 2 * rows,
        "gradient": drawn * (ROW_COPIES if plan.share == 1 else DRAWN_COPIES),
        "logits": LOGIT_COPIES * FLOAT * plan.batch * chunk,
        "embeddings": EMBEDDING_COPIES * FLOAT * SIZE * plan.batch,
    }


def head_seconds(plan: Plan) -> dict[str, float]:
    """Seconds of the head's products, and of what else it does to rows and logits in memory."""
    operations = 4 * 2 * plan.batch * plan.drawn * SIZE  # forward, again, and two ways back
    passes = ROW_PASSES if plan.share == 1 else DRAWN_PASSES
    moved = FLOAT * plan.drawn * (passes * SIZE + LOGIT_PASSES * plan.batch)
    return {
        "products": operations / (PRODUCTS * plan.chip.products[plan.precision]),
        "rest": moved / (REACHED * plan.chip.memory),
    }


def backward_seconds(network: Network, images: int) -> float:
    """Of a backbone: two thirds of its time."""
    return 2 / 3 * images / network.rate


def step_seconds(plan: Plan) -> dict[str, float]:
    """Seconds of the parts of a step, and of all of it."""
    network = plan.images / plan.network.rate
    first, *others = step_traffic(plan).values()
    sent = max(0.0, first.seconds(plan.gpus) - backward_seconds(plan.network, plan.images))
    sent += sum(other.seconds(plan.gpus) for other in others)
    parts = {"backbone": network, **head_seconds(plan), "sent": sent}
    return {**parts, "all": sum(parts.values())}


def images_per_second(plan: Plan) -> float:
    """Of all GPUs together."""
    return plan.batch / step_seconds(plan)["all"]


def held(images: int, classes: int) -> dict[str, float]:
    """Bytes that every process holds in the machine's memory, whatever the number of processes."""
    return {
        "order of an epoch": WHOLE * images,
        "labels": WHOLE * images,
        "ages": WHOLE * images,
        "keys and offsets of records": 2 * WHOLE * images,
        "names of classes": NAME * classes,
        "first prototypes, whole": FLOAT * SIZE * classes,
    }


def weights(plan: Plan) -> float:
    """Bytes of all weights in fp32."""
    return FLOAT * (plan.network.parameters + SIZE * plan.classes)


def state(plan: Plan) -> float:
    """Bytes of what a training goes on from: weights and momentum."""
    return 2 * weights(plan)
