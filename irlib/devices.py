"""Which device to compute on, and how."""

import ctypes

import torch

NAMES = ("auto", "cuda", "mps", "cpu")
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # glibc's, from malloc.h; both in bytes


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
    choose_kernels(tf32=False, deterministic=True)


def choose_kernels(*, tf32: bool, deterministic: bool) -> None:
    """Say how a GPU computes; the CPU has one way.

    Args:
        tf32: products of fp32 matrices and convolutions round their factors to 10 bits.
        deterministic: the same kernels each time; else those that prove fastest.
    """
    torch.backends.cudnn.deterministic = deterministic
    torch.backends.cudnn.benchmark = not deterministic
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32


def keep_freed_memory() -> bool:
    """From now on this process keeps memory that it frees, for the next tensor; whether it does.

    By default glibc gives large pieces back to the system at once, and a step on the CPU then
    spends up to half its time on getting them again, page by page. The process grows to its peak
    and stays there. Other C libraries are left as they are.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(_MMAP_THRESHOLD, 2**30) and mallopt(_TRIM_THRESHOLD, 2**31 - 1))
