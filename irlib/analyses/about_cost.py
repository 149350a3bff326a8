"""What a network costs where it is used, and what its training holds beside it."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

PROTOTYPES = "head.prototypes"


def deployed_cost(network: nn.Module, *, size: int = 112) -> dict[str, int]:
    """Parameters and multiply-adds of an embedding.

    Args:
        network: images (1, 3, size, size) to an embedding, in evaluation mode.
        size: pixels.

    Returns:
        parameters: those that the embedding depends on; training_only: the network's others;
        multiply_adds: of convolutions, linear layers and attention, for one image.
    """
    weights = {name: w.detach().requires_grad_() for name, w in network.named_parameters()}
    device = next(iter(weights.values())).device
    image = torch.zeros(1, 3, size, size, device=device)
    with FlopCounterMode(display=False) as counter:
        embedding = torch.func.functional_call(network, weights, (image,))
    slopes = torch.autograd.grad(embedding.sum(), list(weights.values()), allow_unused=True)
    sizes = [weight.numel() for weight in weights.values()]
    used = sum(n for n, slope in zip(sizes, slopes, strict=True) if slope is not None)
    return {
        "parameters": used,
        "training_only": sum(sizes) - used,
        "multiply_adds": counter.get_total_flops() // 2,  # a multiply-add counts as two there
    }


def objective_cost(objective: Mapping[str, Tensor]) -> dict[str, int]:
    """Numbers that training holds beside the network: prototypes, and further (parts, queues).

    Args:
        objective: the state of an objective, as a checkpoint has it.
    """
    numbers = {name: each.numel() for name, each in objective.items() if each.is_floating_point()}
    prototypes = numbers.pop(PROTOTYPES)
    return {"prototypes": prototypes, "further": sum(numbers.values())}
