"""The page that plans for more classes, images and GPUs: its tables, and what they are made of."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import irlib
from benchmarks import road_tables, roads
from benchmarks.measuring import multiply_adds
from benchmarks.results import table
from irlib import backbones
from irlib.backbones.ir import Unit
from irlib.data.sampling import Uniform
from irlib.heads import CosFace

PAGE = (Path(irlib.__file__).parents[1] / "docs/scaling.md").read_text(encoding="utf-8")
NORMS = nn.modules.batchnorm._BatchNorm
both = pytest.mark.parametrize("network", roads.NETWORKS, ids=lambda network: network.name)


@pytest.mark.parametrize("rows", road_tables.TABLES, ids=lambda rows: rows.__name__)
def test_the_page_shows_a_table_as_it_is_computed(rows):
    assert table(rows()).strip() in PAGE


def on_meta(network):
    with torch.device("meta"):
        return backbones.build(network.name).eval()


@both
def test_parameters_and_batch_norms_are_those_of_the_backbone(network):
    built = on_meta(network)
    norms = [layer.num_features for layer in built.modules() if isinstance(layer, NORMS)]
    parameters = sum(parameter.numel() for parameter in built.parameters())
    assert (parameters, len(norms), sum(norms)) == (
        network.parameters, network.norms, network.channels
    )  # fmt: skip


@both
def test_multiply_adds_are_those_of_the_backbone(network):
    assert multiply_adds(network.name) == network.multiply_adds


@both
def test_bytes_that_other_kernels_move_are_those_of_the_layers(network):
    # Forward a batch norm reads its input twice and writes once, and back reads input and gradient
    # twice and writes once; PReLU moves two and four maps, an addition three each way.
    moved = 0

    def count(layer, inputs, out):
        nonlocal moved
        into, from_ = inputs[0].numel(), out.numel()
        if isinstance(layer, NORMS):
            moved += 8 * into
        elif isinstance(layer, nn.PReLU):
            moved += 6 * into
        elif isinstance(layer, nn.MaxPool2d):
            moved += 2 * (into + from_)
        elif isinstance(layer, Unit):
            moved += 6 * from_

    built = on_meta(network)
    for layer in built.modules():
        layer.register_forward_hook(count)
    built(torch.empty(1, 3, 112, 112, device="meta"))
    assert 2 * moved == network.moved  # bf16


def kept_bytes(built, images):
    own = {p.untyped_storage().data_ptr() for p in (*built.parameters(), *built.buffers())}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage
        return tensor

    pictures = torch.zeros(images, 3, 112, 112).to(memory_format=torch.channels_last)
    hooks = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
    with hooks, torch.autocast("cpu", torch.bfloat16):
        built(pictures)
    return sum(storage.nbytes() for storage in kept.values())


def test_bytes_that_ir_50_keeps_of_an_image_are_those_that_autograd_saves():
    built = backbones.build("ir_50").train().to(memory_format=torch.channels_last)
    assert kept_bytes(built, 3) - kept_bytes(built, 2) == roads.IR_50.kept


def test_a_sum_over_two_processes_sends_its_size_once():
    # each sends half, gets the sum of the other half, and sends that
    assert roads.summed(100.0, 2) == 100


def test_gathering_sends_all_parts_but_one():
    assert roads.gathered(800.0, 8) == 700


def test_rings_of_eight_links_move_400_gigabytes_a_second():
    assert roads.link(64) == 8 * 50e9


def test_100_million_classes_take_1_2_gigabytes_in_each_of_512_processes():
    # 100e6 x 512 x 4 bytes, as weights, gradient and momentum, over 512
    plan = roads.Plan(network=roads.IR_50, classes=100_000_000, gpus=512)
    parts = roads.head_memory(plan)
    found = parts["weights and momentum"] + parts["gradient"]
    assert found == pytest.approx(3 * 100e6 * 512 * 4 / 512, rel=1e-5)


def test_a_process_takes_as_many_classes_as_a_head_draws():
    # a tenth of 1,000 classes would be 100, but the batch can be of 256
    head = CosFace(8, 2000)
    head.divide(rank=0, size=2)
    head.settle(sampled_share=0.1)
    drawn = head.train().draw(torch.zeros(256, dtype=torch.int64)).rows
    plan = roads.Plan(network=roads.IR_50, classes=2000, gpus=2, images=128, share=0.1)
    assert len(drawn) == plan.drawn == 256


def test_an_order_takes_what_a_sampler_gives():
    order = Uniform(1000).order(np.random.default_rng(0))
    assert order.nbytes == roads.held(1000, 1)["order of an epoch"]


def test_a_head_costs_a_gpu_as_much_on_64_gpus_as_on_8():
    # eight times the batch against an eighth of the classes
    first, second = (
        roads.head_seconds(roads.Plan(network=roads.IR_50, classes=6400, gpus=gpus))["products"]
        for gpus in (8, 64)
    )
    assert first == pytest.approx(second)
