"""Functions that run in several processes at once, joined by gloo on this machine."""

import io
import multiprocessing
import socket
import traceback
from datetime import timedelta

import torch
import torch.distributed as dist

_CONTEXT = multiprocessing.get_context("forkserver")  # clean, and torch is imported only once
_CONTEXT.set_forkserver_preload(["torch", "torch.distributed.tensor", "irlib.parallel"])
SECONDS = 120


def run(function, size, *arguments):
    """What `function(*arguments)` returns in each of `size` processes; it must be importable.

    Results are plain values or tensors; one process that fails fails the test.
    """
    queue = _CONTEXT.SimpleQueue()
    port = free_port()
    processes = [
        _CONTEXT.Process(target=_one, args=(function, rank, size, port, queue, arguments))
        for rank in range(size)
    ]
    for process in processes:
        process.start()
    results = dict(_loaded(queue.get()) for _ in processes)
    for process in processes:
        process.join(SECONDS)
        process.kill()
    wrong = [text for text in results.values() if isinstance(text, _Failure)]
    assert not wrong, "\n".join(failure.text for failure in wrong)
    return [results[rank] for rank in range(size)]


class _Failure:
    def __init__(self, text):
        self.text = text


def _one(function, rank, size, port, queue, arguments):
    try:
        torch.set_num_threads(1)
        dist.init_process_group(
            "gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=size,
            timeout=timedelta(seconds=SECONDS),
        )  # fmt: skip
        result = function(*arguments)
        dist.destroy_process_group()
    except BaseException:
        result = _Failure(f"rank {rank}:\n{traceback.format_exc()}")
    file = io.BytesIO()
    torch.save(
        (rank, result), file
    )  # by value: tensors in shared memory would end with the process
    queue.put(file.getvalue())


def _loaded(data):
    return torch.load(io.BytesIO(data), weights_only=False)


def free_port():
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
