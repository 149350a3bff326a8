"""One process of a training by several machines: a program that torchrun starts in the tests."""

import sys
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from test_training_ranks import trained

if __name__ == "__main__":
    name, root, ages, folder = sys.argv[1:]
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    trained(name, Path(root), np.load(ages), Path(folder))
    dist.destroy_process_group()
