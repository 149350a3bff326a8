"""Files of arcface_torch and MTLFace: the embeddings are those of their layers, one by one."""

import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from brought_files import LAYOUTS, images, tensor, weights
from torch import nn

from irlib import backbones
from irlib.backbones.mobilefacenet_torch import MobileFaceNetTorch
from irlib.backbones.mtlface import MTLFaceEncoder, ReleasedGates
from irlib.checkpoints import load_backbone

RELEASED = "mtlface_release_checkpoint"


def saved(path, content):
    torch.save(content, path)
    return path


def released():
    """The released package's tensors: random where recognition needs them, elsewhere zeros."""
    recognition = ("input_layer", "block", "output_layer", "fsm")
    generator = torch.Generator().manual_seed(0)
    return {
        name: tensor(name, shape, generator)
        if name.startswith(tuple(f"encoder.{part}" for part in recognition))
        else torch.zeros(()).expand(shape)  # one number on disk
        for name, shape in LAYOUTS[RELEASED]
    }


@pytest.fixture
def mtlface():
    """Tensors of the smallest network of MTLFace, all zero; one number of each on disk."""
    with torch.device("meta"):
        entries = MTLFaceEncoder(34).state_dict().items()
    return {name: torch.zeros(()).expand(value.shape) for name, value in entries}


# Layers by their names alone, from the descriptions of the networks


def batch_norm(x, w, name):
    mean, variance = w[f"{name}.running_mean"], w[f"{name}.running_var"]
    return F.batch_norm(x, mean, variance, w[f"{name}.weight"], w[f"{name}.bias"])


def iresnet(x, w, counts):
    x = F.conv2d(x, w["conv1.weight"], padding=1)
    x = F.prelu(batch_norm(x, w, "bn1"), w["prelu.weight"])
    for stage, count in enumerate(counts, start=1):
        for index in range(count):
            unit, stride = f"layer{stage}.{index}", 1 if index else 2
            y = F.conv2d(batch_norm(x, w, f"{unit}.bn1"), w[f"{unit}.conv1.weight"], padding=1)
            y = F.prelu(batch_norm(y, w, f"{unit}.bn2"), w[f"{unit}.prelu.weight"])
            y = F.conv2d(y, w[f"{unit}.conv2.weight"], padding=1, stride=stride)
            if stride == 2:
                x = F.conv2d(x, w[f"{unit}.downsample.0.weight"], stride=2)
                x = batch_norm(x, w, f"{unit}.downsample.1")
            x = x + batch_norm(y, w, f"{unit}.bn3")
    x = F.linear(batch_norm(x, w, "bn2").flatten(1), w["fc.weight"], w["fc.bias"])
    return batch_norm(x, w, "features")


def block(x, w, name, *, stride=1, padding=0, groups=1):
    x = F.conv2d(x, w[f"{name}.layers.0.weight"], None, stride, padding, groups=groups)
    x = batch_norm(x, w, f"{name}.layers.1")
    slopes = f"{name}.layers.2.weight"
    return F.prelu(x, w[slopes]) if slopes in w else x


def depthwise(x, w, name, *, stride, groups):
    x = block(x, w, f"{name}.layers.0")
    x = block(x, w, f"{name}.layers.1", stride=stride, padding=1, groups=groups)
    return block(x, w, f"{name}.layers.2")


def residuals(x, w, name, *, count, groups):
    for index in range(count):
        x = x + depthwise(x, w, f"{name}.layers.{index}", stride=1, groups=groups)
    return x


def mobilefacenet(x, w, counts):
    x = block(x, w, "layers.0", stride=2, padding=1)
    if counts[0] == 1:
        x = block(x, w, "layers.1", padding=1, groups=64)
    else:
        x = residuals(x, w, "layers.1", count=counts[0], groups=128)
    x = depthwise(x, w, "layers.2", stride=2, groups=128)
    x = residuals(x, w, "layers.3", count=counts[1], groups=128)
    x = depthwise(x, w, "layers.4", stride=2, groups=256)
    x = residuals(x, w, "layers.5", count=counts[2], groups=256)
    x = depthwise(x, w, "layers.6", stride=2, groups=512)
    x = residuals(x, w, "layers.7", count=counts[3], groups=256)
    x = block(block(x, w, "conv_sep"), w, "features.layers.0", groups=512).flatten(1)
    return batch_norm(F.linear(x, w["features.layers.2.weight"]), w, "features.layers.3")


def mtlface_maps(x, w, prefix=""):
    """The last maps of MTLFace's encoder of depth 50."""
    x = F.conv2d(x, w[f"{prefix}input_layer.0.weight"], padding=1)
    x = batch_norm(x, w, f"{prefix}input_layer.1")
    x = F.prelu(x, w[f"{prefix}input_layer.2.weight"])
    for stage, count in enumerate((3, 4, 14, 3), start=1):
        for index in range(count):
            unit = f"{prefix}block{stage}.{index}"
            x = mtlface_unit(x, w, unit, 1 if index else 2)
    return x


def mtlface_unit(x, w, unit, stride):
    name = f"{unit}.res_layer"
    y = F.conv2d(batch_norm(x, w, f"{name}.0"), w[f"{name}.1.weight"], padding=1)
    y = F.prelu(batch_norm(y, w, f"{name}.2"), w[f"{name}.3.weight"])
    y = F.conv2d(y, w[f"{name}.4.weight"], padding=1, stride=stride)
    shortcut = x[:, :, ::stride, ::stride]
    if f"{unit}.shortcut_layer.0.weight" in w:
        shortcut = F.conv2d(x, w[f"{unit}.shortcut_layer.0.weight"], stride=stride)
        shortcut = batch_norm(shortcut, w, f"{unit}.shortcut_layer.1")
    return batch_norm(y, w, f"{name}.5") + shortcut


def pools(x, pool):
    """Pools over 1, 4 and 9 cells, each by channel, row and column, one after the other."""
    return torch.cat([pool(x, side).flatten(1) for side in (1, 2, 3)], dim=1)


def gate(x, w, name, pooled):
    """The mean of the channel gate and the spatial gate."""
    y = F.linear(pooled, w[f"{name}.channel.0.weight"].flatten(1)).relu()
    y = F.linear(y, w[f"{name}.channel.2.weight"].flatten(1))
    channel = batch_norm(y, w, f"{name}.channel.3").sigmoid()[:, :, None, None]
    extremes = torch.stack([x.amax(1), x.mean(1)], dim=1)
    y = F.conv2d(extremes, w[f"{name}.spatial.0.weight"], padding=3)
    return (channel + batch_norm(y, w, f"{name}.spatial.1").sigmoid()) / 2


def embedded(x, w, prefix=""):
    x = batch_norm(x, w, f"{prefix}output_layer.0").flatten(1)
    x = F.linear(x, w[f"{prefix}output_layer.3.weight"], w[f"{prefix}output_layer.3.bias"])
    return batch_norm(x, w, f"{prefix}output_layer.4")


def paper(x, w):
    x = mtlface_maps(x, w)
    pooled = pools(x, F.adaptive_avg_pool2d) + pools(x, F.adaptive_max_pool2d)
    return embedded(x - x * gate(x, w, "fsm", pooled), w)


def package(x, w):
    x = mtlface_maps(x, w, "encoder.")
    pooled = torch.cat([pools(x, F.adaptive_avg_pool2d), pools(x, F.adaptive_max_pool2d)], dim=1)
    return embedded(x * gate(x, w, "encoder.fsm", pooled), w, "encoder.")


def agrees(got, expected):
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-3 * expected.std().item())


@torch.no_grad()
@pytest.mark.parametrize(("layout", "counts"), [
    ("arcface_torch_r18", (2, 2, 2, 2)),
    ("arcface_torch_r50", (3, 4, 14, 3)),
])  # fmt: skip
def test_embeddings_of_iresnet_are_those_of_its_layers(tmp_path, layout, counts):
    theirs = weights(layout)
    brought = load_backbone(saved(tmp_path / "model.pt", theirs))
    agrees(brought(images()), iresnet(images(), theirs, counts))
    told = (brought.family, brought.color_order, brought.embedding_size)
    assert told == ("arcface_torch", "RGB", 512)


@torch.no_grad()
@pytest.mark.parametrize(("size", "counts"), [("mbf", (1, 4, 6, 2)), ("mbf_large", (2, 8, 12, 4))])
def test_embeddings_of_mbf_are_those_of_its_layers(tmp_path, size, counts):
    # there is no list of its entries: the description's names have to be all there are
    generator = torch.Generator().manual_seed(0)
    entries = MobileFaceNetTorch(size, embedding_size=16).state_dict().items()
    theirs = {name: tensor(name, value.shape, generator) for name, value in entries}
    asked = Asked(theirs)
    expected = mobilefacenet(images(), asked, counts)
    assert {name for name in theirs if "num_batches" not in name} == asked.names
    brought = load_backbone(saved(tmp_path / "model.pt", theirs))
    agrees(brought(images()), expected)
    assert (brought.family, backbones.name_of(brought.network)) == ("arcface_torch", size)


class Asked(dict):
    """A dict that remembers what was taken from it."""

    def __init__(self, *args):
        super().__init__(*args)
        self.names = set()

    def __getitem__(self, name):
        self.names.add(name)
        return super().__getitem__(name)


def test_the_widths_of_mbf_scale_and_the_groups_do_not():
    # 64 and 128 channels times the scale 2; groups 64, 128, 256 and 512 as described
    network = MobileFaceNetTorch("mbf")
    convolutions = [layer for layer in network.layers.modules() if isinstance(layer, nn.Conv2d)]
    assert {layer.groups for layer in convolutions} == {1, 64, 128, 256, 512}
    assert network.layers[0].layers[0].out_channels == 128
    assert network.conv_sep.layers[0].in_channels == 256


@torch.no_grad()
def test_embeddings_of_the_papers_mtlface_are_those_of_its_layers(tmp_path):
    theirs = weights("mtlface_aifr_ir50")
    brought = load_backbone(saved(tmp_path / "a.pth", theirs))
    agrees(brought(images()), paper(images(), theirs))
    told = (brought.family, brought.color_order, brought.embedding_size)
    assert told == ("mtlface", "RGB", 512)


@torch.no_grad()
def test_embeddings_of_the_released_mtlface_are_those_of_its_layers(tmp_path):
    theirs = released()
    assert len(theirs) == 843
    brought = load_backbone(saved(tmp_path / "a.pth", theirs))
    agrees(brought(images()), package(images(), theirs))
    assert (brought.family, brought.color_order) == ("mtlface", "RGB")


@pytest.mark.parametrize(("name", "layout"), [
    ("iresnet_18", "arcface_torch_r18"),
    ("iresnet_34", "arcface_torch_r34"),
    ("iresnet_50", "arcface_torch_r50"),
    ("iresnet_100", "arcface_torch_r100"),
])  # fmt: skip
def test_iresnet_has_the_authors_names_order_and_shapes(name, layout):
    with torch.device("meta"):
        entries = backbones.build(name).state_dict()
    assert [[key, list(value.shape)] for key, value in entries.items()] == LAYOUTS[layout]


@pytest.mark.parametrize(
    ("depth", "layout"), [(50, "mtlface_aifr_ir50"), (101, "mtlface_aifr_ir101")]
)
def test_mtlface_has_the_authors_names_order_and_shapes(depth, layout):
    with torch.device("meta"):
        entries = MTLFaceEncoder(depth).state_dict()
    assert [[key, list(value.shape)] for key, value in entries.items()] == LAYOUTS[layout]


def test_the_released_encoder_has_the_authors_names_order_and_shapes():
    with torch.device("meta"):
        entries = MTLFaceEncoder(50, gates=ReleasedGates).state_dict()
    ours = [[f"encoder.{key}", list(value.shape)] for key, value in entries.items()]
    assert ours == [entry for entry in LAYOUTS[RELEASED] if entry[0] in dict(ours)]
    assert len(ours) == 482


@pytest.mark.parametrize(("depth", "squeeze", "millions"), [
    (34, False, 37.58), (50, False, 47.03), (64, False, 42.30), (101, False, 68.59),
    (101, True, 68.97),
])  # fmt: skip
def test_parameters_of_mtlface_are_the_documented_ones(depth, squeeze, millions):
    with torch.device("meta"):
        network = MTLFaceEncoder(depth, squeeze=squeeze)
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count / 1e6 == pytest.approx(millions, abs=0.005)


@torch.no_grad()
@pytest.mark.parametrize("squeeze", [False, True])
def test_the_depth_of_mtlface_is_told_by_its_units(tmp_path, squeeze):
    with torch.device("meta"):
        entries = MTLFaceEncoder(101, squeeze=squeeze, embedding_size=8).state_dict()
    theirs = {name: torch.zeros(value.shape) for name, value in entries.items()}
    brought = load_backbone(saved(tmp_path / "a.pth", theirs))
    assert len(brought.network.block3) == 30
    assert brought.embedding_size == 8


@torch.no_grad()
def test_identity_and_age_maps_of_mtlface_add_up_to_the_last_maps():
    torch.manual_seed(0)
    network = MTLFaceEncoder(34, gates=ReleasedGates, embedding_size=8).eval()
    identity, age = network.split(images())
    torch.testing.assert_close(identity + age, network.pyramid(images())[-1], rtol=0, atol=1e-5)
    assert torch.equal(network.embed_maps(identity), network(images()))


def test_the_scale_of_iresnets_last_norm_is_not_trained():
    with torch.device("meta"):
        network = backbones.build("iresnet_18")
    frozen = [name for name, value in network.named_parameters() if not value.requires_grad]
    assert frozen == ["features.weight"]


def test_a_depth_that_is_not_known_is_told_with_those_that_are(tmp_path):
    theirs = weights("arcface_torch_r18")
    theirs = {name: value for name, value in theirs.items() if not name.startswith("layer2.1.")}
    told = r"layer1 to layer4 have \(2, 1, 2, 2\) units, expected one of \(2, 2, 2, 2\), "
    with pytest.raises(ValueError, match=told):
        load_backbone(saved(tmp_path / "model.pt", theirs))


@torch.no_grad()
def test_mtlface_beside_its_estimator_of_ages_is_found(tmp_path, mtlface):
    bias = torch.arange(512.0)  # the embedding, where all else is zero
    theirs = {f"backbone.{name}": value for name, value in mtlface.items()}
    theirs["backbone.output_layer.4.bias"] = bias
    rest = {"estimation_network.fc1.weight": torch.zeros(512, 25088)}
    brought = load_backbone(saved(tmp_path / "a.pth", theirs | rest))
    assert brought.family == "mtlface"
    assert torch.equal(brought(images()), bias[None])


def test_the_nearest_of_an_incomplete_mtlface_is_mtlface(tmp_path, mtlface):
    del mtlface["fsm.channel.0.weight"]
    nearest = r"Nearest is MTLFace of depth 34, with 1 missing: fsm\.channel\.0\.weight\. Known"
    with pytest.raises(ValueError, match=nearest):
        load_backbone(saved(tmp_path / "a.pth", mtlface))


def test_the_nearest_of_an_incomplete_released_mtlface_is_that(tmp_path):
    theirs = released()
    del theirs["encoder.fsm.channel.0.weight"]
    nearest = r"MTLFace of depth 50 as in the released package, with 1 missing: fsm\.channel\.0\.w"
    with pytest.raises(ValueError, match=nearest):
        load_backbone(saved(tmp_path / "a.pth", theirs))


def test_a_gate_that_is_one_number_is_named_with_both_shapes(tmp_path, mtlface):
    theirs = mtlface | {"fsm.channel.0.weight": torch.zeros(())}
    told = r"is of MTLFace, .+: fsm\.channel\.0\.weight \(\), expected \(448, 7168, 1, 1\)$"
    with pytest.raises(ValueError, match=told):
        load_backbone(saved(tmp_path / "a.pth", theirs))


def test_a_first_layer_of_mbf_that_is_one_number_is_named(tmp_path):
    names = ("layers.0.layers.0.weight", "conv_sep.layers.0.weight", "features.layers.2.weight")
    theirs = {name: torch.tensor(1.0) for name in names}
    told = r"arcface_torch .+: layers\.0\.layers\.0\.weight has 0 channels, expected 128 or"
    with pytest.raises(ValueError, match=told):
        load_backbone(saved(tmp_path / "a.pth", theirs))


def test_an_entry_of_no_part_of_the_released_package_is_named(tmp_path):
    theirs = released() | {"encoder.surplus.weight": torch.zeros(1)}
    with pytest.raises(ValueError, match=r"is of MTLFace, .+1 unexpected: surplus\.weight$"):
        load_backbone(saved(tmp_path / "a.pth", theirs))


def test_nothing_that_compiles_is_imported():
    code = (
        "import sys, irlib.checkpoints, irlib.age_invariant.synthesis\n"
        "compilers = ('torch.utils.cpp_extension', 'ninja')\n"
        "sys.exit(', '.join(name for name in compilers if name in sys.modules) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd="/", capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
