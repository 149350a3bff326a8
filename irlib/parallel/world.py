"""How many processes there are, and which one this is."""

import torch.distributed as dist


def size() -> int:
    """Processes of this training; 1 without a process group."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0
