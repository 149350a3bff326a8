"""Which device to compute on, and with how many threads."""

import torch

NAMES = ("auto", "cuda", "mps", "cpu")


def pick(name: str = "auto") -> torch.device:
    """The named device; ``auto`` takes CUDA, else Apple's MPS, else the CPU.

    Raises:
        ValueError: the name is unknown, or this machine or torch build has no such device.
    """
    kind = name.split(":")[0]
    if kind not in NAMES:
        raise ValueError(
            f"device {name!r}: expected one of {', '.join(NAMES)} (or cuda:1 and so on)"
        )
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next((kind for kind, there in present.items() if there), "cpu"))
    if not present.get(kind, True):
        raise ValueError(f"device {name!r}: torch {torch.__version__} finds no such device here")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device {name!r}: {error}") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"device {name!r}: this machine has {torch.cuda.device_count()} GPUs")
    return device


def seed_everything(seed: int) -> None:
    """Seed torch's generators on every device and ask for repeatable kernels in full fp32.

    Numpy's global generator is left alone: irlib uses its own, seeded where they are made.
    """
    torch.manual_seed(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    # fp32 means fp32: on recent GPUs convolutions would else run in TF32, with 10 bits.
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
