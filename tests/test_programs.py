"""Backbones that come as ONNX, TorchScript or exported programs: what is run, what is refused."""

import copy
import json
import pickle
import warnings
import zipfile

import pytest
import torch
from brought_files import images
from torch import nn

from irlib import backbones
from irlib.checkpoints import load_backbone

onnx = pytest.importorskip("onnx")

FLOAT = onnx.TensorProto.FLOAT


class Means(nn.Module):
    """Embeddings (B, 6): means and maxima of the three channels."""

    def forward(self, images):
        return torch.cat([images.mean(dim=(2, 3)), images.amax(dim=(2, 3))], dim=1)


def expected(count=3):
    return Means()(images(count))


def exported(path, module=None, *, batch=2, is_free=True):
    shapes = ({0: torch.export.Dim("batch")},) if is_free else None
    program = torch.export.export(module or Means(), (images(batch),), dynamic_shapes=shapes)
    torch.export.save(program, path)
    return path


def traced(path, module=None, *, batch=2):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that traces hold for their own input, and are old
        torch.jit.trace(module or Means(), images(batch), check_trace=False).save(path)
    return path


def scripted(path, module):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        torch.jit.script(module).save(path)
    return path


def graph(path, nodes, outputs, *, shape=("n", 3, 112, 112), kind=FLOAT, constants=()):
    """An ONNX file of nodes `(operator, inputs, outputs)` on `images`."""
    made = [onnx.helper.make_node(*node, **named) for *node, named in nodes]
    inputs = [onnx.helper.make_tensor_value_info("images", kind, shape)]
    results = [onnx.helper.make_tensor_value_info(name, FLOAT, None) for name in outputs]
    whole = onnx.helper.make_graph(made, "net", inputs, results, initializer=list(constants))
    model = onnx.helper.make_model(
        whole, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8
    )
    onnx.save(model, path)
    return path


def mean_node(name, axes):
    return ("ReduceMean", ["images"], [name], {"axes": axes, "keepdims": 0})


def means(path, **options):
    """Channel means (N, 3) as ONNX."""
    return graph(path, [mean_node("embeddings", [2, 3])], ["embeddings"], **options)


# What is run


@pytest.fixture(scope="module")
def tiny():
    torch.manual_seed(0)
    return backbones.build("tiny", embedding_size=8).eval()


@torch.no_grad()
@pytest.mark.parametrize(("write", "family"), [(exported, "torch_export"), (traced, "torchscript")])
def test_a_program_gives_the_embeddings_of_its_network(tmp_path, tiny, write, family):
    brought = load_backbone(write(tmp_path / "net.pt2", tiny))
    torch.testing.assert_close(brought(images(3)), tiny(images(3)), rtol=0, atol=1e-5)
    told = (brought.family, brought.color_order, brought.embedding_size)
    assert told == (family, "RGB", 8)


@torch.no_grad()
def test_an_onnx_file_gives_the_embeddings_of_its_graph(tmp_path):
    brought = load_backbone(means(tmp_path / "net.onnx"))
    torch.testing.assert_close(brought(images(3)), expected()[:, :3], rtol=0, atol=1e-6)
    assert (brought.family, brought.color_order, brought.embedding_size) == ("onnx", "RGB", 3)


@torch.no_grad()
@pytest.mark.parametrize("write", [exported, traced])
@pytest.mark.parametrize("count", [1, 3, 0])
def test_any_number_of_images_is_taken(tmp_path, write, count):
    assert torch.equal(load_backbone(write(tmp_path / "net.pt2"))(images(count)), expected(count))


@torch.no_grad()
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("count", [1, 3])
def test_a_program_for_a_fixed_number_of_images_is_run_in_such_numbers(tmp_path, batch, count):
    path = exported(tmp_path / "net.pt2", batch=batch, is_free=False)
    assert torch.equal(load_backbone(path)(images(count)), expected(count))
    fixed = load_backbone(means(tmp_path / "net.onnx", shape=(batch, 3, 112, 112)))
    torch.testing.assert_close(fixed(images(count)), expected(count)[:, :3], rtol=0, atol=1e-6)


class HeldBatch(nn.Module):
    def forward(self, images):
        return Means()(images).view(int(images.shape[0]), 6)  # a trace holds the number


@torch.no_grad()
def test_a_trace_that_holds_one_image_is_run_image_by_image(tmp_path):
    brought = load_backbone(traced(tmp_path / "net.pt", HeldBatch(), batch=1))
    assert torch.equal(brought(images(3)), expected())


@torch.no_grad()
def test_bgr_exchanges_red_and_blue(tmp_path):
    brought = load_backbone(exported(tmp_path / "net.pt2"), color_order="BGR")
    assert torch.equal(brought(images(3)), expected()[:, [2, 1, 0, 5, 4, 3]])


@torch.no_grad()
@pytest.mark.parametrize("write", [exported, traced])
def test_a_copy_of_a_program_is_one(tmp_path, write):
    brought = copy.deepcopy(load_backbone(write(tmp_path / "net.pt2")))
    assert torch.equal(brought(images(3)), expected())


@torch.no_grad()
def test_an_onnx_backbone_goes_to_other_processes(tmp_path):
    brought = load_backbone(means(tmp_path / "net.onnx"))
    again = pickle.loads(pickle.dumps(brought))
    assert torch.equal(again(images(3)), brought(images(3)))


def test_the_tensors_of_an_exported_program_move_with_it(tmp_path, tiny):
    brought = load_backbone(exported(tmp_path / "net.pt2", tiny)).to("meta")
    assert brought(torch.empty(2, 3, 112, 112, device="meta")).shape == (2, 8)


# Several outputs


class UnitAndNorm(nn.Module):
    def forward(self, images):
        means = Means()(images)
        norms = means.norm(dim=1, keepdim=True)
        return means / norms, norms


class Named(nn.Module):
    def forward(self, images):
        quality = images.mean(dim=(1, 2, 3))[:, None]
        return {"quality": quality, "embedding": Means()(images) * 3}


@torch.no_grad()
@pytest.mark.parametrize("write", [exported, traced])
def test_a_unit_embedding_is_multiplied_by_the_norm_beside_it(tmp_path, write):
    brought = load_backbone(write(tmp_path / "net.pt2", UnitAndNorm()))
    torch.testing.assert_close(brought(images(3)), expected(), rtol=0, atol=1e-6)


@torch.no_grad()
def test_a_column_beside_an_embedding_that_is_not_of_unit_length_is_left(tmp_path):
    assert torch.equal(
        load_backbone(exported(tmp_path / "a.pt2", Named()))(images(3)), 3 * expected()
    )


def test_two_tables_are_told_by_name_and_shape(tmp_path):
    nodes = [mean_node("first", [2, 3]), mean_node("rows", [1, 3])]
    told = r"net\.onnx: expected one output \(N, D\) .+ found first \(1, 3\), rows \(1, 112\)"
    with pytest.raises(ValueError, match=told):
        load_backbone(graph(tmp_path / "net.onnx", nodes, ["first", "rows"]))


def test_maps_are_no_embedding(tmp_path):
    with pytest.raises(
        ValueError, match=r"expected one output \(N, D\) .+ output 0 \(1, 3, 112, 112\)"
    ):
        load_backbone(traced(tmp_path / "net.pt", nn.Identity()))


# Other inputs


@pytest.mark.parametrize(("shape", "kind", "told"), [
    (("n", 3, 224, 224), FLOAT, r"images \['n', 3, 224, 224\] tensor\(float\)"),
    (("n", 112, 112, 3), FLOAT, r"images \['n', 112, 112, 3\] tensor\(float\)"),
    (("n", 3), FLOAT, r"images \['n', 3\] tensor\(float\)"),
    (("n", 3, 112, 112), onnx.TensorProto.DOUBLE, r"112, 112\] tensor\(double\)"),
])  # fmt: skip
def test_another_input_of_an_onnx_file_is_told(tmp_path, shape, kind, told):
    cast = ("Cast", ["images"], ["same"], {"to": FLOAT})
    path = graph(tmp_path / "net.onnx", [cast], ["same"], shape=shape, kind=kind)
    needed = r"net\.onnx: expected one input \(N, 3, 112, 112\) tensor\(float\), found "
    with pytest.raises(ValueError, match=needed + ".*" + told):
        load_backbone(path)


def test_another_input_of_an_exported_program_is_told(tmp_path):
    program = torch.export.export(Means(), (torch.zeros(1, 3, 64, 64),))
    torch.export.save(program, tmp_path / "net.pt2")
    told = r"net\.pt2: expected one float input \(N, 3, 112, 112\), found images \[1, 3, 64, 64\]"
    with pytest.raises(ValueError, match=told):
        load_backbone(tmp_path / "net.pt2")


def test_a_script_that_fails_on_such_images_is_told(tmp_path):
    linear = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    with pytest.raises(ValueError, match=r"net\.pt: fails on float images \(1, 3, 112, 112\): "):
        load_backbone(scripted(tmp_path / "net.pt", linear))


@pytest.mark.parametrize("write", [exported, traced])
def test_a_program_that_holds_training_mode_is_refused(tmp_path, write):
    module = nn.Sequential(nn.BatchNorm2d(3), Means()).train()
    with pytest.raises(ValueError, match="in another batch; was it saved in training mode"):
        load_backbone(write(tmp_path / "net.pt2", module))


@torch.no_grad()
def test_a_script_that_was_saved_in_training_mode_is_run_in_evaluation_mode(tmp_path):
    module = nn.Sequential(nn.BatchNorm2d(3, eps=0.0), nn.Dropout(), Means()).train()
    brought = load_backbone(scripted(tmp_path / "net.pt", module))
    # means of 0 and variances of 1 change nothing
    torch.testing.assert_close(brought(images(3)), expected(), rtol=0, atol=1e-6)


@torch.no_grad()
def test_a_frozen_script_is_run(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        torch.jit.freeze(torch.jit.script(Means().eval())).save(tmp_path / "net.pt")
    assert torch.equal(load_backbone(tmp_path / "net.pt")(images(3)), expected())


@pytest.mark.parametrize("name", ["net.onnx", "net.pt2", "net.pt"])
def test_a_damaged_file_is_told(tmp_path, tiny, name):
    path = tmp_path / name
    if name == "net.onnx":
        means(path)
    else:
        (exported if name == "net.pt2" else traced)(path, tiny)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=f"{name}: not a readable"):
        load_backbone(path)


# No code of a file is run


def rewritten(path, ending, change):
    """An archive with one of its files changed, in the place of the old one."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w") as new:
        for name, content in parts.items():
            new.writestr(name, change(content) if name.endswith(ending) else content)
    return path


def with_program(path, change):
    def edit(content):
        program = json.loads(content)
        change(program)
        return json.dumps(program)

    return rewritten(path, "models/model.json", edit)


class Touch:
    """Leaves a file behind where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@torch.no_grad()
def test_pickles_and_python_of_an_exported_program_are_not_looked_at(tmp_path):
    mark = tmp_path / "mark"
    code = f"__import__('pathlib').Path({str(mark)!r}).touch()"

    def poison(program):
        program["guards_code"] = [code]
        for meta in program["graph_module"]["graph"]["tensor_values"].values():
            for size in meta["sizes"]:
                if "as_expr" in size:
                    size["as_expr"]["expr_str"] = code

    path = with_program(exported(tmp_path / "net.pt2"), poison)
    rewritten(path, "sample_inputs/model.pt", lambda _: pickle.dumps(Touch(mark)))
    assert torch.equal(load_backbone(path)(images(3)), expected())
    assert not mark.exists()


@pytest.mark.parametrize("target", [
    "torch.hub.load", "torch.ops.aten.from_file.default", "torch.ops.aten.nothing.default",
    "_operator.methodcaller", "torch.ops.higher_order.cond",
])  # fmt: skip
def test_an_operator_that_is_not_one_on_tensors_is_refused(tmp_path, target):
    def change(program):
        program["graph_module"]["graph"]["nodes"][0]["target"] = target

    path = with_program(exported(tmp_path / "net.pt2"), change)
    with pytest.raises(ValueError, match=f"operator {target} is not one of torch's on tensors"):
        load_backbone(path)


def test_a_pickled_tensor_of_an_exported_program_is_refused(tmp_path):
    mark = tmp_path / "mark"
    path = exported(tmp_path / "net.pt2", nn.Sequential(nn.BatchNorm2d(3), Means()).eval())

    def pickled(content):
        config = json.loads(content)
        config["config"]["0.weight"]["use_pickle"] = True
        return json.dumps(config)

    rewritten(path, "weights_config.json", pickled)
    rewritten(path, "weights/weight_0", lambda _: pickle.dumps(Touch(mark)))
    with pytest.raises(ValueError, match=r"net\.pt2: 0\.weight is pickled, which could run code"):
        load_backbone(path)
    assert not mark.exists()


def test_another_version_of_the_schema_is_told(tmp_path):
    path = with_program(
        exported(tmp_path / "net.pt2"), lambda program: program["schema_version"].update(major=9)
    )
    with pytest.raises(ValueError, match=r"net\.pt2: schema_version: expected 8, found 9"):
        load_backbone(path)


def test_a_script_that_writes_files_is_refused(tmp_path):
    mark = tmp_path / "mark"

    class Saves(nn.Module):
        def __init__(self, path: str) -> None:
            super().__init__()
            self.path = path

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            torch.save(images, self.path)
            return images.mean(dim=(2, 3))

    path = scripted(tmp_path / "net.pt", Saves(str(mark)))
    with pytest.raises(ValueError, match=r"net\.pt: .+ calls save, which uses the disk"):
        load_backbone(path)
    assert not mark.exists()


# Digests


def test_the_digest_of_an_onnx_file_covers_its_tensors_in_other_files(tmp_path):
    scale = onnx.numpy_helper.from_array(torch.ones(3).numpy(), "scale")
    nodes = [mean_node("means", [2, 3]), ("Mul", ["means", "scale"], ["embeddings"], {})]
    path = graph(tmp_path / "net.onnx", nodes, ["embeddings"], constants=[scale])
    onnx.save(
        onnx.load(path), path, save_as_external_data=True, location="tensors", size_threshold=0
    )
    first = load_backbone(path).digest
    (tmp_path / "tensors").write_bytes(torch.full((3,), 2.0).numpy().tobytes())
    second = load_backbone(path)
    assert second.digest != first
    torch.testing.assert_close(second(images(2)), 2 * expected(2)[:, :3], rtol=0, atol=1e-6)
