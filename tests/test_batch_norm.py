"""Batch norms that share their statistics over processes, against one process with all images."""

import copy

import pytest
import ranks
import torch
from torch import nn

from irlib import parallel
from irlib.backbones import DECOMPOSITIONS, build
from irlib.parallel import share_batch_norm

COUNTS = {2: (4, 2), 4: (3, 0, 2, 1)}  # images of each process, six in all
FAMILIES = [
    "ir_18", "ir_se_50", "adaface_ir_18", "iresnet_18", "mobilefacenet", "mbf", "tiny"
]  # fmt: skip


def layers():
    """Layers of each kind, with maps for six images; weights and maps are alike everywhere."""
    generator = torch.Generator().manual_seed(0)
    draw = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64)  # noqa: E731
    maps = 3 * draw(6, 4, 5, 5) + 100
    made = {
        "2d": (nn.BatchNorm2d(4), maps),
        "channels last": (nn.BatchNorm2d(4), maps.to(memory_format=torch.channels_last)),
        "1d": (nn.BatchNorm1d(4, momentum=0.3), draw(6, 4)),
        "not affine": (nn.BatchNorm1d(4, affine=False), draw(6, 4)),
    }
    for layer, _ in made.values():
        for parameter in layer.parameters():
            parameter.data = draw(*parameter.shape)
    return {name: (layer.double(), maps) for name, (layer, maps) in made.items()}


def two_steps(layer, maps, images):
    """What two training steps do with some of the images, the loss divided as the loop does."""
    found = {}
    for step in range(2):
        mine = (maps[images] * (step + 1)).requires_grad_()
        out = layer(mine)
        weights = torch.linspace(-1, 1, maps.numel(), dtype=maps.dtype).view(maps.shape)[images]
        layer.zero_grad()
        (out * weights).pow(3).sum().backward()
        found[f"out {step}"], found[f"gradient {step}"] = out.detach(), mine.grad
    gradients = {f"of {name}": p.grad for name, p in layer.named_parameters()}
    return {**found, **gradients, **{name: b.clone() for name, b in layer.named_buffers()}}


def own_images():
    counts = COUNTS[parallel.size()]
    first = sum(counts[: parallel.rank()])
    return slice(first, first + counts[parallel.rank()])


def of_layers():
    """What one of several processes finds in each kind of layer."""
    return {
        name: two_steps(share_batch_norm(layer), maps, own_images())
        for name, (layer, maps) in layers().items()
    }


def faces(count, dtype):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(count, 3, 112, 112, generator=generator, dtype=dtype)


def trained_network(images):
    """A step of a small network: embeddings of all images, parts of the gradient, statistics."""
    torch.manual_seed(0)
    network = share_batch_norm(build("tiny", 8).double())
    counts = COUNTS.get(parallel.size())
    embeddings = parallel.gathered(network(faces(6, torch.float64)[images]), counts)
    (embeddings.pow(3).sum() / parallel.size()).backward()
    gradients = {name: p.grad for name, p in network.named_parameters()}
    return embeddings.detach(), gradients, dict(network.named_buffers())


def without_images(name, decomposition):
    """Gradients of a backbone whose second process has no image."""
    torch.manual_seed(0)
    network = share_batch_norm(build(name, 8, decomposition).train())
    features = network(faces(2, torch.float32)[: 2 - 2 * parallel.rank()])
    embeddings = getattr(features, "embeddings", features)
    embeddings.square().sum().backward()
    reached = [(n, p.grad) for n, p in network.named_parameters() if p.grad is not None]
    return tuple(embeddings.shape), {name: grad.abs().max().item() for name, grad in reached}


def in_two():
    return {
        "layers": of_layers(), "network": trained_network(own_images()),
        "families": {name: without_images(name, "") for name in FAMILIES},
        "splits": {name: without_images("tiny", name) for name in DECOMPOSITIONS},
        "bf16": of_bf16(), "evaluated": evaluated_by_one(), "names": of_names(),
    }  # fmt: skip


def in_four():
    return {"layers": of_layers(), "network": trained_network(own_images())}


def of_bf16():
    """Under autocast: what comes out, and the mean that is kept."""
    layer = share_batch_norm(nn.BatchNorm2d(2))
    maps = (torch.arange(16.0).view(2, 2, 2, 2) + 300).bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        out = layer(maps[: 2 - 2 * parallel.rank()])
    out.float().sum().backward()
    return out.dtype, maps.grad.dtype, layer.running_mean


def evaluated_by_one():
    """The first process alone asks; were anything sent, it would wait for the second."""
    layer = share_batch_norm(nn.BatchNorm1d(2)).eval()
    return layer(torch.ones(1, 2)).tolist() if parallel.rank() == 0 else None


def of_names():
    plain = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    shared = share_batch_norm(copy.deepcopy(plain))
    is_norm = isinstance(shared[1], nn.modules.batchnorm._BatchNorm)
    return list(plain.state_dict()) == list(shared.state_dict()), is_norm


def on_gpu(kind):
    """Both processes use the first GPU, and gloo carries what they exchange."""
    layer, maps = layers()[kind]
    found = two_steps(share_batch_norm(layer.cuda()), maps.cuda(), own_images())
    return {name: value.cpu() for name, value in found.items()}


@pytest.fixture(scope="module")
def two():
    return ranks.run(in_two, 2)


@pytest.fixture(scope="module")
def four():
    return ranks.run(in_four, 4)


@pytest.fixture(params=[2, 4])
def several(request, two, four):
    return {2: two, 4: four}[request.param]


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


KINDS = list(layers())


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_are_those_of_one_process(several, kind):
    expected = two_steps(*layers()[kind], slice(None))
    for step in ("out 0", "out 1"):
        close(torch.cat([found["layers"][kind][step] for found in several]), expected[step])


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_to_the_maps_are_those_of_one_process(several, kind):
    expected = two_steps(*layers()[kind], slice(None))
    for step in ("gradient 0", "gradient 1"):
        close(torch.cat([found["layers"][kind][step] for found in several]), expected[step])


@pytest.mark.parametrize("name", ["of weight", "of bias"])
@pytest.mark.parametrize("kind", ["2d", "channels last", "1d"])
def test_gradients_of_the_parameters_add_up(several, kind, name):
    expected = two_steps(*layers()[kind], slice(None))[name]
    close(sum(found["layers"][kind][name] for found in several), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_running_statistics_are_those_of_one_process_everywhere(several, kind):
    expected = two_steps(*layers()[kind], slice(None))
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        for found in several:
            close(found["layers"][kind][name], expected[name])


def test_a_network_embeds_as_in_one_process(several):
    expected, _, _ = trained_network(slice(None))
    for found in several:
        close(found["network"][0], expected)


def test_a_networks_gradients_add_up_to_those_of_one_process(several):
    _, expected, _ = trained_network(slice(None))
    for name, gradient in expected.items():
        total = sum(found["network"][1][name] for found in several)
        torch.testing.assert_close(total, gradient, rtol=1e-9, atol=1e-12)


def test_a_networks_running_statistics_are_those_of_one_process(several):
    _, _, expected = trained_network(slice(None))
    for found in several:
        close(found["network"][2], expected)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_backbone_takes_no_images(two, family):
    # no image has no gradient, which must be zeros, for the others wait for it
    (_, some), (shape, none) = (found["families"][family] for found in two)
    assert shape == (0, 8)
    assert none == dict.fromkeys(some, 0.0)


@pytest.mark.parametrize("split", DECOMPOSITIONS)
def test_a_network_that_splits_age_off_takes_no_images(two, split):
    (_, some), (shape, none) = (found["splits"][split] for found in two)
    assert shape == (0, 8)
    assert none == dict.fromkeys(some, 0.0)


def test_maps_in_bf16_have_statistics_in_fp32(two):
    # rounded to even: 300, 300, 302, 304, 308, 308, 310, 312, and 304, 304, 306, 308, 312, 312,
    # 314, 316; a tenth of the means 305.5 and 309.5, which bf16 has not
    for out, gradient, running_mean in (found["bf16"] for found in two):
        assert (out, gradient) == (torch.bfloat16, torch.bfloat16)
        assert running_mean.tolist() == pytest.approx([30.55, 30.95], rel=1e-6)


def test_evaluation_sends_nothing(two):
    # running mean 0 and variance 1, to which epsilon is added
    assert two[0]["evaluated"][0] == pytest.approx([(1 + 1e-5) ** -0.5] * 2)


def test_shared_batch_norms_keep_their_names_and_kind(two):
    assert [found["names"] for found in two] == [(True, True)] * 2


def test_one_process_keeps_its_layers():
    network = nn.Sequential(nn.BatchNorm1d(2))
    assert share_batch_norm(network) is network
    assert type(network[0]) is nn.BatchNorm1d


@pytest.mark.parametrize(("option", "told"), [
    ({"momentum": None}, "momentum=None"),
    ({"track_running_stats": False}, "track_running_stats=False"),
])  # fmt: skip
def test_a_batch_norm_without_running_means_is_refused_by_name(monkeypatch, option, told):
    monkeypatch.setattr("irlib.parallel.batch_norm.size", lambda: 2)
    with pytest.raises(ValueError, match=f"batch norm '1': .*{told}"):
        share_batch_norm(nn.Sequential(nn.ReLU(), nn.BatchNorm1d(2, **option)))


def test_other_batch_norms_are_left_alone(monkeypatch):
    class Own(nn.BatchNorm2d):
        """It sees to its statistics itself."""

    monkeypatch.setattr("irlib.parallel.batch_norm.size", lambda: 2)
    assert type(share_batch_norm(Own(2))) is Own


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("kind", KINDS)
def test_a_gpu_finds_what_a_cpu_finds(kind):
    found = ranks.run(on_gpu, 2, kind)
    expected = two_steps(*layers()[kind], slice(None))
    for name in ("out 1", "gradient 1"):
        together = torch.cat([each[name] for each in found])
        torch.testing.assert_close(together, expected[name], rtol=1e-9, atol=1e-9)
