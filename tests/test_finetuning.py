import pytest
import torch
from torch import nn

from irlib import backbones, checkpoints, provenance
from irlib.heads import ArcFace, BroadFace
from irlib.objectives import Objective
from irlib.training.finetuning import take_weights

MODEL = {"backbone": "tiny", "embedding_size": 8, "input": {"color": "RGB"}, "classes": "abc"}


class WithAge(Objective):
    """An objective with a layer and a buffer of its own."""

    def __init__(self, head):
        super().__init__(head)
        self.age = nn.Linear(8, 1)
        self.register_buffer("seen", torch.zeros(()))


def model(*, decomposition="", classes=3, make=Objective, size=8):
    return backbones.build("tiny", size, decomposition), make(ArcFace(size, classes))


def saved(path, network, objective, model=MODEL):
    states = {"backbone": network.state_dict(), "objective": objective.state_dict()}
    checkpoints.save(path, {"model": model, **states})
    return path


@pytest.fixture
def source(tmp_path):
    """A checkpoint of a small network with a head of 3 classes, and both."""
    torch.manual_seed(0)
    network, objective = model()
    return saved(tmp_path / "a.pt", network, objective), network, objective


def equal(first, second):
    first, second = first.state_dict(), second.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[n], second[n]) for n in first)


def test_network_and_prototypes_are_those_of_the_checkpoint(source):
    path, network, objective = source
    ours, head = model()
    taken = take_weights(path, ours, head, model=MODEL)
    assert equal(ours, network)
    assert equal(head, objective)
    assert (taken.objective, taken.fresh) == (("head.prototypes",), ())
    assert taken.network == len(network.state_dict())


def test_the_files_content_is_told(source):
    assert take_weights(source[0], *model(), model=MODEL).digest == provenance.file_digest(
        source[0]
    )


def test_prototypes_of_another_number_of_classes_stay_random(source):
    ours, head = model(classes=4)
    before = head.head.prototypes.clone()
    taken = take_weights(source[0], ours, head, model=MODEL)
    assert equal(ours, source[1])
    assert torch.equal(head.head.prototypes, before)
    assert (taken.objective, taken.fresh) == ((), ("head.prototypes",))


def test_prototypes_of_other_people_stay_random(tmp_path):
    network, objective = model()
    path = saved(tmp_path / "a.pt", network, objective, MODEL | {"classes": "abd"})
    ours, head = model()
    taken = take_weights(path, ours, head, model=MODEL)
    assert equal(ours, network)
    assert taken.fresh == ("head.prototypes",)


def test_weights_for_another_input_are_refused(tmp_path):
    path = saved(tmp_path / "a.pt", *model(), MODEL | {"input": {"color": "BGR"}})
    with pytest.raises(ValueError, match=r"a\.pt: was trained on .*BGR.*, expected .*RGB"):
        take_weights(path, *model(), model=MODEL)


def test_another_methods_own_parameters_stay_random(source):
    ours, objective = model(make=WithAge)
    before = objective.age.weight.clone()
    taken = take_weights(source[0], ours, objective, model=MODEL)
    assert torch.equal(objective.head.prototypes, source[2].head.prototypes)
    assert torch.equal(objective.age.weight, before)
    assert taken.fresh == ("age.weight", "age.bias")


def test_running_state_starts_anew(tmp_path):
    network, objective = model(make=WithAge)
    objective.seen += 7
    path = saved(tmp_path / "a.pt", network, objective)
    ours, fresh = model(make=WithAge)
    take_weights(path, ours, fresh, model=MODEL)
    assert fresh.seen.item() == 0
    assert torch.equal(fresh.age.weight, objective.age.weight)


def test_a_head_with_a_queue_takes_the_prototypes_of_one_without(source):
    network = backbones.build("tiny", 8)
    objective = Objective(BroadFace(8, 3, queue_size=5))
    taken = take_weights(source[0], network, objective, model=MODEL)
    assert torch.equal(objective.head.prototypes, source[2].head.prototypes)
    assert taken.objective == ("head.prototypes",)


@pytest.mark.parametrize("decomposition", ["attention", "residual"])
def test_a_network_that_splits_age_off_takes_a_plain_backbone(source, decomposition):
    ours, head = model(decomposition=decomposition)
    taken = take_weights(source[0], ours, head, model=MODEL)
    assert equal(ours.backbone, source[1])
    added = [name for name, _ in ours.named_parameters() if not name.startswith("backbone.")]
    assert list(taken.fresh) == added
    assert added != []


def test_a_plain_backbone_is_taken_out_of_a_network_that_splits_age_off(tmp_path):
    network, objective = model(decomposition="attention")
    path = saved(tmp_path / "a.pt", network, objective)
    ours, head = model()
    take_weights(path, ours, head, model=MODEL)
    assert equal(ours, network.backbone)


def test_a_network_that_splits_age_off_takes_another_such_as_a_whole(tmp_path):
    network, objective = model(decomposition="residual")
    path = saved(tmp_path / "a.pt", network, objective)
    ours, head = model(decomposition="residual")
    taken = take_weights(path, ours, head, model=MODEL)
    assert equal(ours, network)
    assert taken.fresh == ()


def test_the_weights_can_be_trained_on(source):
    ours, head = model()
    take_weights(source[0], ours, head, model=MODEL)
    assert all(parameter.requires_grad for parameter in (*ours.parameters(), *head.parameters()))


# Files made elsewhere


def test_a_file_made_elsewhere_gives_its_network_and_nothing_else(tmp_path):
    theirs, objective = backbones.build("mobilefacenet", 8), Objective(ArcFace(8, 3))
    torch.save({"state_dict": theirs.state_dict()}, tmp_path / "a.pth")
    ours = backbones.build("mobilefacenet", 8)
    taken = take_weights(tmp_path / "a.pth", ours, objective, model=MODEL)
    assert equal(ours, theirs)
    assert (taken.objective, taken.fresh) == ((), ("head.prototypes",))


def test_a_network_trained_on_bgr_goes_on_with_rgb(tmp_path):
    theirs, objective = backbones.build("mobilefacenet", 8), Objective(ArcFace(8, 3))
    torch.save(theirs.state_dict(), tmp_path / "a.pth")
    ours = backbones.build("mobilefacenet", 8)
    take_weights(tmp_path / "a.pth", ours, objective, model=MODEL, color_order="BGR")
    images = torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        got, expected = ours.eval()(images), theirs.eval()(images.flip(1))
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-4)


def test_a_file_made_elsewhere_of_another_network_is_refused_by_the_names_of_both(tmp_path):
    torch.save(backbones.build("mobilefacenet", 16).state_dict(), tmp_path / "a.pth")
    told = "its backbone, mobilefacenet of embedding size 16, does not fit tiny of embedding size 8"
    with pytest.raises(ValueError, match=rf"a\.pth: {told}"):
        take_weights(tmp_path / "a.pth", *model(), model=MODEL)


# Bad input


@pytest.mark.parametrize("order", ["rgb", "junk"])
def test_an_unknown_color_order_is_refused(source, order):
    with pytest.raises(ValueError, match=f"color_order: expected RGB or BGR, got '{order}'"):
        take_weights(source[0], *model(), model=MODEL, color_order=order)


def test_a_color_order_against_what_a_checkpoint_records_is_refused(source):
    told = r"a\.pt: color_order is BGR, but the file tells that it was trained on RGB"
    with pytest.raises(ValueError, match=told):
        take_weights(source[0], *model(), model=MODEL, color_order="BGR")
    assert take_weights(source[0], *model(), model=MODEL, color_order="RGB").network > 0


@pytest.mark.parametrize("part", ["network", "prototypes"])
def test_weights_that_are_not_finite_are_refused_by_name(tmp_path, part):
    network, objective = model()
    with torch.no_grad():
        (network.stem[0].weight if part == "network" else objective.head.prototypes)[0] = torch.nan
    path = saved(tmp_path / "a.pt", network, objective)
    name = "stem.0.weight" if part == "network" else "head.prototypes"
    ours = model()
    before = [value.clone() for value in ours[0].state_dict().values()]
    with pytest.raises(ValueError, match=rf"a\.pt: 1 tensors with NaN or infinity: {name}"):
        take_weights(path, *ours, model=MODEL)
    assert all(map(torch.equal, ours[0].state_dict().values(), before))


def test_a_checkpoint_that_does_not_tell_its_network_is_refused(tmp_path):
    path = saved(tmp_path / "a.pt", *model(), {"backbone": "tiny", "classes": "abc"})
    with pytest.raises(ValueError, match=r"a\.pt: model: embedding_size is missing"):
        take_weights(path, *model(), model=MODEL)


def test_a_backbone_of_another_size_is_refused_with_its_first_weight_that_does_not_fit(source):
    ours, head = model(size=16)
    before = [value.clone() for value in ours.state_dict().values()]
    told = (
        r"a\.pt: its backbone, tiny of embedding size 8, does not fit tiny of embedding size 16: "
        r".+ of another shape: output\.1\.weight \(8, 6272\), expected \(16, 6272\)"
    )
    with pytest.raises(ValueError, match=told):
        take_weights(source[0], ours, head, model=MODEL | {"embedding_size": 16})
    assert all(map(torch.equal, ours.state_dict().values(), before))


def test_another_backbone_is_refused(source):
    network = backbones.build("mobilefacenet", 8)
    ours = MODEL | {"backbone": "mobilefacenet"}
    told = "its backbone, tiny of embedding size 8, does not fit mobilefacenet of embedding size 8"
    # of the 333 entries of MobileFaceNet 50 are counts of batches, which may be missing
    with pytest.raises(ValueError, match=rf"a\.pt: {told}: 283 missing: model\.0\.conv\.weight"):
        take_weights(source[0], network, Objective(ArcFace(8, 3)), model=ours)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.pt: no such checkpoint"):
        take_weights(tmp_path / "none.pt", *model(), model=MODEL)


def test_a_foreign_file_is_named(tmp_path):
    torch.save({"weights": 1}, tmp_path / "a.pt")
    with pytest.raises(ValueError, match=r"a\.pt: no named tensors in it"):
        take_weights(tmp_path / "a.pt", *model(), model=MODEL)
