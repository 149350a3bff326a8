"""Files of IR, MobileFaceNet and AdaFace: the embeddings are those of their layers, one by one."""

import subprocess
import sys
from functools import partial
from itertools import accumulate

import pytest
import torch
import torch.nn.functional as F
from brought_files import images, weights

from irlib import backbones, provenance, runs
from irlib.backbones.adaface_ir import AdaFaceUnit
from irlib.checkpoints import families, load_backbone
from irlib.checkpoints.family import without_memory
from irlib.checkpoints.nearest import nearest

SMALL = {"embedding_size": 16}


def saved(path, content):
    torch.save(content, path)
    return path


# Layers by their names alone, from the descriptions of the networks


def batch_norm(x, w, name):
    mean, variance = w[f"{name}.running_mean"], w[f"{name}.running_var"]
    return F.batch_norm(x, mean, variance, w.get(f"{name}.weight"), w.get(f"{name}.bias"))


def squeeze(x, w, name):
    means = x.mean(dim=(2, 3), keepdim=True)
    hidden = F.conv2d(means, w[f"{name}.fc1.weight"]).relu()
    return x * F.conv2d(hidden, w[f"{name}.fc2.weight"]).sigmoid()


def shortcut(x, w, unit, stride):
    if f"{unit}.shortcut_layer.0.weight" not in w:
        return x[:, :, ::stride, ::stride]
    x = F.conv2d(x, w[f"{unit}.shortcut_layer.0.weight"], stride=stride)
    return batch_norm(x, w, f"{unit}.shortcut_layer.1")


def ir_unit(x, w, unit, stride):
    name = f"{unit}.res_layer"
    y = batch_norm(x, w, f"{name}.0")
    y = F.conv2d(y, w[f"{name}.1.weight"], padding=1)
    y = F.prelu(y, w[f"{name}.2.weight"])
    y = F.conv2d(y, w[f"{name}.3.weight"], padding=1, stride=stride)
    y = batch_norm(y, w, f"{name}.4")
    if f"{name}.5.fc1.weight" in w:
        y = squeeze(y, w, f"{name}.5")
    return y + shortcut(x, w, unit, stride)


def adaface_unit(x, w, unit, stride):
    name = f"{unit}.res_layer"
    y = batch_norm(x, w, f"{name}.0")
    y = F.conv2d(y, w[f"{name}.1.weight"], padding=1)
    y = F.prelu(batch_norm(y, w, f"{name}.2"), w[f"{name}.3.weight"])
    y = F.conv2d(y, w[f"{name}.4.weight"], padding=1, stride=stride)
    y = batch_norm(y, w, f"{name}.5")
    if f"{name}.se_block.fc1.weight" in w:
        y = squeeze(y, w, f"{name}.se_block")
    return y + shortcut(x, w, unit, stride)


def residual_network(x, w, unit, counts):
    """Embeddings of a network of residual units, with counts of them in its four stages."""
    x = F.conv2d(x, w["input_layer.0.weight"], padding=1)
    x = F.prelu(batch_norm(x, w, "input_layer.1"), w["input_layer.2.weight"])
    firsts = {0, *accumulate(counts[:-1])}  # the first unit of each stage has stride 2
    for index in range(sum(counts)):
        x = unit(x, w, f"body.{index}", 2 if index in firsts else 1)
    x = batch_norm(x, w, "output_layer.0").flatten(1)
    x = F.linear(x, w["output_layer.3.weight"], w["output_layer.3.bias"])
    return batch_norm(x, w, "output_layer.4")


def block(x, w, name, *, stride=1, padding=0):
    kernel = w[f"{name}.conv.weight"]
    groups = x.shape[1] // kernel.shape[1]
    x = F.conv2d(x, kernel, stride=stride, padding=padding, groups=groups)
    x = batch_norm(x, w, f"{name}.bn")
    return F.prelu(x, w[f"{name}.prelu.weight"]) if f"{name}.prelu.weight" in w else x


def depthwise(x, w, name, *, stride):
    x = block(x, w, f"{name}.conv")
    x = block(x, w, f"{name}.conv_dw", stride=stride, padding=1)
    return block(x, w, f"{name}.project")


def mobilefacenet(x, w, parts, linear, norm):
    """Embeddings of MobileFaceNet, whose ten parts and last two layers have these names."""
    x = block(x, w, parts[0], stride=2, padding=1)
    x = block(x, w, parts[1], padding=1)
    for narrowing, count in ((2, 4), (4, 6), (6, 2)):
        x = depthwise(x, w, parts[narrowing], stride=2)
        for index in range(count):
            x = x + depthwise(x, w, f"{parts[narrowing + 1]}.model.{index}", stride=1)
    x = block(x, w, parts[8])
    x = block(x, w, parts[9]).flatten(1)
    return batch_norm(F.linear(x, w[f"{linear}.weight"]), w, norm)


THEIR_PARTS = [
    "conv1", "conv2_dw", "conv_23", "conv_3", "conv_34", "conv_4", "conv_45", "conv_5",
    "conv_6_sep", "conv_6_dw",
]  # fmt: skip


def of_parts(x, w):
    return mobilefacenet(x, w, THEIR_PARTS, "linear", "bn")


def of_numbers(x, w):
    return mobilefacenet(x, w, [f"model.{i}" for i in range(10)], "linear.0", "linear.1")


def ir_50(x, w):
    return residual_network(x, w, ir_unit, (3, 4, 14, 3))


def adaface_18(x, w):
    return residual_network(x, w, adaface_unit, (2, 2, 2, 2))


def adaface_50(x, w):
    return residual_network(x, w, adaface_unit, (3, 4, 14, 3))


@pytest.mark.parametrize(("layout", "layers", "family", "order"), [
    ("inter_prototype_ir50", ir_50, "ir", "RGB"),
    ("inter_prototype_ir_se50", ir_50, "ir", "RGB"),
    ("insightface_pytorch_ir_se_50", ir_50, "ir", "RGB"),
    ("inter_prototype_mobilefacenet512", of_numbers, "mobilefacenet", "RGB"),
    ("insightface_pytorch_mobilefacenet", of_parts, "mobilefacenet", "RGB"),
    ("adaface_ir_18", adaface_18, "adaface", "BGR"),
    ("adaface_ir_se_50", adaface_50, "adaface", "BGR"),
])  # fmt: skip
@torch.no_grad()
def test_embeddings_are_those_of_the_layers(tmp_path, layout, layers, family, order):
    theirs = weights(layout)
    brought = load_backbone(saved(tmp_path / "a.pth", theirs))
    seen = images().flip(1) if order == "BGR" else images()
    expected = layers(seen, theirs)
    torch.testing.assert_close(
        brought(images()), expected, rtol=0, atol=1e-3 * expected.std().item()
    )
    assert (brought.family, brought.color_order, brought.embedding_size) == (family, order, 512)


@torch.no_grad()
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("is_squeezed", [False, True])
def test_a_bottleneck_of_adaface_is_its_layers(stride, is_squeezed):
    torch.manual_seed(0)
    unit = AdaFaceUnit(32, 64, stride=stride, squeeze=is_squeezed, bottleneck=True).eval()
    w = {f"a.{name}": value for name, value in unit.state_dict().items()}
    maps = torch.randn(2, 32, 8, 8)
    y = F.conv2d(batch_norm(maps, w, "a.res_layer.0"), w["a.res_layer.1.weight"])
    y = F.prelu(batch_norm(y, w, "a.res_layer.2"), w["a.res_layer.3.weight"])
    y = F.conv2d(y, w["a.res_layer.4.weight"], padding=1)
    y = F.prelu(batch_norm(y, w, "a.res_layer.5"), w["a.res_layer.6.weight"])
    y = F.conv2d(y, w["a.res_layer.7.weight"], stride=stride)
    y = batch_norm(y, w, "a.res_layer.8")
    y = squeeze(y, w, "a.res_layer.se_block") if is_squeezed else y
    expected = y + shortcut(maps, w, "a", stride)
    torch.testing.assert_close(unit(maps), expected, rtol=0, atol=1e-5)


def test_depth_and_embedding_size_are_told_by_the_tensors(tmp_path):
    brought = load_backbone(saved(tmp_path / "a.pth", weights("adaface_ir_34", **SMALL)))
    assert backbones.name_of(brought.network) == "adaface_ir_34"
    assert brought.embedding_size == 16
    assert brought(images()).shape == (1, 16)


# What trainers put round the tensors


@pytest.fixture
def plain(tmp_path):
    """Tensors of a small network, and its embedding."""
    theirs = weights("insightface_pytorch_mobilefacenet", **SMALL)
    with torch.no_grad():
        return theirs, load_backbone(saved(tmp_path / "plain.pth", theirs))(images())


def prefixed(prefix, theirs):
    return {f"{prefix}{name}": value for name, value in theirs.items()}


HEAD = {"head.kernel": torch.zeros(16, 5), "head.t": torch.zeros(1)}


@pytest.mark.parametrize("wrap", [
    lambda w: {"state_dict": prefixed("model.", w) | HEAD, "epoch": 3},
    lambda w: prefixed("module.", w),
    lambda w: {"model": prefixed("module.backbone.", w) | HEAD},
    lambda w: {"epoch": torch.tensor(3), "net": {"state_dict": w}},
    lambda w: {"state_dict_backbone": w, "state_dict_softmax_fc": {"weight": torch.zeros(5, 16)}},
    lambda w: prefixed("_orig_mod.", w),
])  # fmt: skip
@torch.no_grad()
def test_what_is_wrapped_is_found(tmp_path, plain, wrap):
    theirs, expected = plain
    brought = load_backbone(saved(tmp_path / "a.ckpt", wrap(theirs)))
    assert torch.equal(brought(images()), expected)


@pytest.mark.parametrize("wrap", [
    lambda w: {"state_dict": prefixed("model.", w) | {"margin_loss.kernel": torch.zeros(16, 5)}},
    lambda w: prefixed("backbone.", w) | {"fc.weight": torch.zeros(5, 16)},
    lambda w: prefixed("module.backbone.", w) | {"module.age_classifier.0.bias": torch.zeros(7)},
    lambda w: prefixed("model.module.backbone.", w) | {"model.fc.bias": torch.zeros(5)} | HEAD,
])  # fmt: skip
@torch.no_grad()
def test_a_head_of_any_name_beside_a_wrapped_network_is_left(tmp_path, plain, wrap):
    theirs, expected = plain
    brought = load_backbone(saved(tmp_path / "a.ckpt", wrap(theirs)))
    assert torch.equal(brought(images()), expected)


@torch.no_grad()
def test_a_network_whose_own_names_begin_like_a_wrapper_is_found_in_one(tmp_path):
    theirs = weights("inter_prototype_mobilefacenet512", **SMALL)
    bare = load_backbone(saved(tmp_path / "a.pth", theirs))
    wrapped = load_backbone(saved(tmp_path / "b.pth", {"state_dict": prefixed("model.", theirs)}))
    assert torch.equal(bare(images()), wrapped(images()))


@torch.no_grad()
def test_a_file_without_counts_of_batches_is_read(tmp_path, plain):
    theirs, expected = plain
    older = {n: value for n, value in theirs.items() if not n.endswith("num_batches_tracked")}
    assert torch.equal(load_backbone(saved(tmp_path / "a.pth", older))(images()), expected)


@torch.no_grad()
def test_half_precision_is_read_as_float(tmp_path, plain):
    theirs, expected = plain
    half = {n: value.half() if value.ndim else value for n, value in theirs.items()}
    got = load_backbone(saved(tmp_path / "a.pth", half))(images())
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, expected, rtol=0, atol=0.02 * expected.std().item())


@torch.no_grad()
def test_weights_may_be_trained_on_and_gradients_flow(tmp_path, plain):
    brought = load_backbone(saved(tmp_path / "a.pth", plain[0]))
    assert all(parameter.requires_grad for parameter in brought.parameters())


# Color order


@torch.no_grad()
def test_the_color_order_that_is_given_wins(tmp_path, plain):
    theirs, rgb = plain
    path = saved(tmp_path / "a.pth", theirs)
    assert torch.equal(load_backbone(path, color_order="BGR")(images().flip(1)), rgb)
    adaface = saved(tmp_path / "b.pth", weights("adaface_ir_18", **SMALL))
    as_rgb, as_told = load_backbone(adaface, color_order="RGB"), load_backbone(adaface)
    assert torch.equal(as_rgb(images().flip(1)), as_told(images()))
    assert (as_rgb.color_order, as_told.color_order) == ("RGB", "BGR")


def test_the_digest_tells_files_and_color_orders_apart(tmp_path, plain):
    theirs, _ = plain
    path = saved(tmp_path / "a.pth", theirs)
    rgb, bgr = load_backbone(path), load_backbone(path, color_order="BGR")
    assert rgb.digest == load_backbone(path, color_order="RGB").digest
    other = load_backbone(saved(path, theirs | {"bn.bias": theirs["bn.bias"] + 1}))
    assert len({rgb.digest, bgr.digest, other.digest}) == 3


@pytest.mark.parametrize("order", ["rgb", "", "GBR"])
def test_an_unknown_color_order_is_refused(tmp_path, order):
    with pytest.raises(ValueError, match=f"color_order: expected RGB or BGR, got '{order}'"):
        load_backbone(tmp_path / "a.pth", color_order=order)


# Files that do not fit


def test_a_missing_tensor_is_named(tmp_path, plain):
    theirs, _ = plain
    del theirs["conv_3.model.2.project.conv.weight"]
    told = r"a\.pth: is of MobileFaceNet .+: 1 missing: model\.3\.model\.2\.project\.conv\.weight$"
    with pytest.raises(ValueError, match=told):
        load_backbone(saved(tmp_path / "a.pth", theirs))


def test_a_tensor_of_another_shape_is_named_with_both(tmp_path, plain):
    theirs = plain[0] | {"conv1.bn.bias": torch.zeros(63)}
    told = r"1 of another shape: model\.0\.bn\.bias \(63,\), expected \(64,\)$"
    with pytest.raises(ValueError, match=told):
        load_backbone(saved(tmp_path / "a.pth", theirs))


def test_a_network_for_larger_images_is_refused_by_its_linear_layer(tmp_path):
    theirs = weights("adaface_ir_18", **SMALL)
    theirs["output_layer.3.weight"] = torch.zeros(16, 512 * 14 * 14)
    with pytest.raises(ValueError, match=r"\(16, 100352\), expected \(16, 25088\)"):
        load_backbone(saved(tmp_path / "a.pth", theirs))


@pytest.mark.filterwarnings("ignore::UserWarning")  # that such tensors are slow to read, or old
@pytest.mark.parametrize(("change", "told"), [
    (lambda t: t.to_sparse(), "1 sparse, quantized or otherwise not plain tensors: linear.0.w"),
    (lambda t: torch.quantize_per_tensor(t, 0.1, 0, torch.qint8), "1 sparse, quantized or other"),
    (lambda t: t.to(torch.complex64), "1 sparse, quantized or otherwise not plain tensors"),
    (lambda t: t.to("meta"), "1 sparse, quantized or otherwise not plain tensors"),
    (lambda t: t * float("nan"), "1 tensors with NaN or infinity: linear.0.weight"),
    (lambda t: t[0, 0], r"1 of another shape: linear.0.weight \(\), whose rows tell the emb"),
    (lambda t: t[:0], r"1 of another shape: linear.0.weight \(0, 512\), whose rows tell"),
])  # fmt: skip
def test_a_tensor_without_numbers_to_use_is_named(tmp_path, plain, change, told):
    theirs = plain[0] | {"linear.weight": change(plain[0]["linear.weight"])}
    with pytest.raises(ValueError, match=rf"a\.pth: is of MobileFaceNet .+: {told}"):
        load_backbone(saved(tmp_path / "a.pth", theirs))


def test_an_unknown_number_of_units_is_told(tmp_path):
    theirs = weights("adaface_ir_18", **SMALL)
    theirs = {name: value for name, value in theirs.items() if not name.startswith("body.7.")}
    told = (
        "is of AdaFace, but does not fit: body has 7 units, expected one of 8, 16, 24, 49, 50, 66"
    )
    with pytest.raises(ValueError, match=told):
        load_backbone(saved(tmp_path / "a.pth", theirs))


def test_an_unknown_network_is_told_with_the_nearest(tmp_path):
    theirs = weights("inter_prototype_mobilefacenet512", **SMALL)
    del theirs["model.0.conv.weight"]
    found = r"a\.pth: of no known network; found 332 tensors, model\.0\.bn\.weight \(64,\)"
    nearest = r"Nearest is mobilefacenet, with 1 missing: model\.0\.conv\.weight"
    with pytest.raises(ValueError, match=rf"{found}.+ {nearest}"):
        load_backbone(saved(tmp_path / "a.pth", theirs))


def test_the_nearest_of_a_network_with_other_names_is_found(tmp_path, plain):
    theirs = {name: value for name, value in plain[0].items() if name != "conv1.conv.weight"}
    nearest = r"Nearest is mobilefacenet, with 1 missing: model\.0\.conv\.weight; 5 of another sha"
    with pytest.raises(ValueError, match=nearest):
        load_backbone(saved(tmp_path / "a.pth", theirs))


@pytest.mark.parametrize("name", ["ir_18", "ir_se_100", "adaface_ir_101", "iresnet_200", "mbf"])
def test_the_nearest_is_of_the_same_depth(name):
    own = without_memory(partial(backbones.build, name)).state_dict()
    first, *rest = own
    told = nearest([{entry: own[entry] for entry in rest}])
    assert told == f"Nearest is {name}, with 1 missing: {first}."


def test_no_numbers_are_drawn_for_a_network_that_a_file_fills():
    # torch would first load its compiler, which takes seconds
    code = (
        "import sys; from irlib import backbones; from irlib.checkpoints import family;"
        "family.without_memory(lambda: backbones.build('adaface_ir_18'));"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd="/", check=False).returncode == 0


def test_a_backbone_beside_layers_of_another_kind_is_not_taken_for_the_whole(tmp_path, plain):
    # where age is split off an embedding, the backbone's own holds the age too
    theirs = prefixed("backbone.", plain[0]) | {"age.0.weight": torch.zeros(16, 16)}
    told = r"a\.pth: holds a network of MobileFaceNet .+ beside it, .+: age\.0\.weight\. If that"
    with pytest.raises(ValueError, match=told):
        load_backbone(saved(tmp_path / "a.pth", theirs))


def test_a_backbone_beside_residuals_of_another_kind_is_told_to_hold_the_age(tmp_path, plain):
    rest = {"rfm.seq.0.weight": torch.zeros(16, 16), "rfm.seq.0.bias": torch.zeros(16)}
    told = (
        r"age off is not irlib's \(rfm\.seq\.0\.weight, rfm\.seq\.0\.bias\), and the backbone "
        r"alone still holds the age"
    )
    with pytest.raises(ValueError, match=told):
        load_backbone(saved(tmp_path / "a.pth", prefixed("backbone.", plain[0]) | rest))
    with pytest.raises(ValueError, match=told):  # beside a head too
        wrapped = {"head.kernel": torch.zeros(16, 5)} | prefixed("module.backbone.", plain[0])
        load_backbone(saved(tmp_path / "a.pth", wrapped | prefixed("module.", rest)))


def test_a_head_alone_is_of_no_known_network(tmp_path):
    told = r"found 1 tensors, kernel \(512, 10\)\. No name is that of a known network\. Known are"
    with pytest.raises(ValueError, match=told):
        load_backbone(saved(tmp_path / "a.pth", {"kernel": torch.zeros(512, 10)}))


# What a result rests on


def test_a_training_does_not_rest_on_the_networks_that_files_may_have():
    code = provenance.import_closure(runs.ROOT, ["irlib.training.finetuning"])
    assert {"irlib.checkpoints.own", "irlib.checkpoints.reading"} <= set(code)
    assert [name for name in code if name in families.sources("adaface")] == []


def test_an_evaluation_of_a_family_rests_on_its_network():
    code = provenance.import_closure(runs.ROOT, families.sources("adaface"))
    assert "irlib.backbones.adaface_ir" in code
    assert "irlib.checkpoints.programs" not in code


def test_a_program_rests_on_the_code_that_runs_it():
    assert families.sources("onnx") == ("irlib.checkpoints.programs",)
