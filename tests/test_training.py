"""The loop, its recorder and its recipe, on nineteen images and a net of a few thousand weights."""

import json
import math
import shutil
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn
from training_runs import Killed, equal, kill_before, weights_of, without_clock

from irlib import checkpoints
from irlib.data.faces import open_faces
from irlib.data.loading import TrainLoader
from irlib.heads import ArcFace
from irlib.objectives import InterPrototypeObjective, Objective
from irlib.training.config import BEST, HISTORY, LAST, RESUME, TrainConfig
from irlib.training.finetuning import take_weights
from irlib.training.history import read_history
from irlib.training.loop import train
from irlib.training.optimizers import RowSGD, build_optimizers, clip_gradients
from irlib.training.recorder import Recorder
from irlib.training.resuming import States
from irlib.training.run_log import mean_losses

# 19 images in batches of 4: five steps an epoch, fifteen in all
MODEL = {"backbone": "toy", "embedding_size": 8, "input": {}, "classes": ""}
RECIPE = TrainConfig(
    epochs=3, milestones=(2,), batch_size=4, lr=0.02, log_every=1, save_every=2, workers=0
)


class Net(nn.Module):
    """Mean colors of a 4x4 grid through two layers, with the parts that hold state."""

    def __init__(self, dropout=0.0):
        super().__init__()
        self.body = nn.Sequential(
            nn.AvgPool2d(28), nn.Conv2d(3, 16, 1), nn.BatchNorm2d(16), nn.PReLU(16),
            nn.Flatten(), nn.Dropout(dropout), nn.Linear(256, 8), nn.BatchNorm1d(8),
        )  # fmt: skip

    def forward(self, images):
        return self.body(images)


def plain():
    return Objective(ArcFace(8, 4, scale=8.0))


def with_child_loss():
    return InterPrototypeObjective(ArcFace(8, 4, scale=8.0), np.array([0, 1]), weight=1.0)


class Fixture:
    """One training run that can be built again and again over the same folder."""

    def __init__(self, crops, folder):
        self.crops, self.folder = crops, folder

    def __call__(
        self, recipe=RECIPE, *, make=with_child_loss, dropout=0.0, kill_at=None,
        key="k", validate=None, workers=0, start=None,
    ):  # fmt: skip
        """Build everything from seed 0 and train.

        kill_at is a step, from 0; start a checkpoint whose weights are taken first.
        """
        torch.manual_seed(0)
        self.backbone = Net(dropout)
        self.objective = make()
        faces = replace(open_faces(self.crops.root), ages=self.crops.ages)
        loader = TrainLoader(faces, batch_size=recipe.batch_size, seed=1, workers=workers)
        self.recorder = Recorder(self.folder, model=MODEL, key=key, validate=validate)
        if start is not None:
            take_weights(start, self.backbone, self.objective, model=MODEL)
        if kill_at is not None:
            kill_before(self.objective, kill_at)
        return train(self.backbone, self.objective, loader, recipe, self.recorder, seed=0)

    def weights(self):
        return weights_of(self.backbone, self.objective)


@pytest.fixture
def toy(crops, tmp_path):
    return Fixture(crops, tmp_path / "run")


@pytest.fixture
def other(crops, tmp_path):
    return Fixture(crops, tmp_path / "other")


# The loop


def test_the_loss_falls(toy):
    history = toy(TrainConfig(epochs=20, milestones=(), batch_size=4, lr=0.02, log_every=5))
    losses = [line["id_loss"] for line in history]
    # four identities of one color each: an easy set, and chance is where it starts
    assert losses[-1] < 0.5 * losses[0]


def test_a_training_repeats_bit_for_bit(toy, other):
    first, second = toy(dropout=0.3), other(dropout=0.3)
    assert without_clock(first) == without_clock(second)
    assert equal(toy.weights(), other.weights())


def test_a_training_does_not_depend_on_the_number_of_workers(toy, other):
    recipe = TrainConfig(epochs=1, milestones=(), batch_size=4, lr=0.02)
    toy(recipe, workers=0)
    other(recipe, workers=2)
    assert equal(toy.weights(), other.weights())


def test_every_step_is_taken(toy):
    assert [line["step"] for line in toy()] == list(range(1, 16))


def test_the_images_are_counted(toy):
    # per epoch 4, 8, 12, 16, 19
    assert [line["images"] for line in toy()][:6] == [4, 8, 12, 16, 19, 23]


@pytest.mark.parametrize("make", [plain, with_child_loss])
def test_the_history_names_every_loss_of_the_method(toy, make):
    names = {name for name in toy(make=make)[0] if name.endswith("_loss")}
    assert names == ({"id_loss"} if make is plain else {"id_loss", "child_loss"})


def test_a_line_holds_the_mean_losses_since_the_one_before(toy, other):
    single = toy()
    by_five = other(TrainConfig(**{**vars(RECIPE), "log_every": 5}))
    expected = sum(line["id_loss"] for line in single[5:10]) / 5
    assert by_five[1]["id_loss"] == pytest.approx(expected, rel=1e-12)


def test_the_rate_falls_tenfold_at_the_start_of_a_milestones_epoch(toy):
    rates = [line["lr"] for line in toy()]
    assert rates == pytest.approx([0.02] * 10 + [0.002] * 5)


def test_the_schedule_of_the_recipe_reaches_every_step(toy):
    recipe = replace(RECIPE, schedule="cosine", warmup_epochs=0.4)
    # five steps an epoch: a warm-up of two, then thirteen of half a cosine
    falling = [0.01 * (1 + math.cos(math.pi * step / 13)) for step in range(13)]
    assert [line["lr"] for line in toy(recipe)] == pytest.approx([0.01, 0.02, *falling])


def test_the_rate_that_is_told_is_the_one_of_the_step(toy):
    toy(replace(RECIPE, epochs=1, milestones=(), lr_floor=0.02, schedule="polynomial"))
    at_the_floor = toy.weights()
    toy(replace(RECIPE, epochs=1, milestones=()), key="other")
    # a floor as high as lr is no schedule at all
    assert equal(toy.weights(), at_the_floor)


def test_a_higher_rate_moves_the_weights_further(toy):
    moved = []
    for floor in (0.0, 0.02):
        toy(
            replace(RECIPE, epochs=1, milestones=(), schedule="polynomial", lr_floor=floor),
            key=str(floor),
        )
        torch.manual_seed(0)
        fresh = Net().body[6].weight
        moved.append((toy.backbone.body[6].weight - fresh).norm().item())
    assert moved[0] < 0.9 * moved[1]


def test_the_loss_falls_with_adamw(toy):
    recipe = TrainConfig(
        epochs=20, milestones=(), batch_size=4, lr=0.01, optimizer="adamw", log_every=5
    )
    losses = [line["id_loss"] for line in toy(recipe)]
    assert losses[-1] < 0.5 * losses[0]


def test_augmentations_of_the_recipe_reach_the_images(toy, other):
    toy(replace(RECIPE, epochs=1, milestones=(), photometric=1.0))
    other(replace(RECIPE, epochs=1, milestones=()))
    assert not equal(toy.weights(), other.weights())


def test_bf16_trains_with_losses_in_fp32(toy):
    kinds = set()

    class Watching(Objective):
        def forward(self, embeddings, batch):
            losses = super().forward(embeddings, batch)
            kinds.add((embeddings.dtype, losses["id"].dtype))
            return losses

    recipe = TrainConfig(epochs=1, milestones=(), batch_size=4, precision="bf16")
    toy(recipe, make=lambda: Watching(ArcFace(8, 4)))
    # batch norm, the last layer, gives fp32 or bf16, as torch's autocast decides
    assert {loss for _, loss in kinds} == {torch.float32}


def test_bf16_differs_from_fp32(toy, other):
    # else the option would be one that lies
    toy(TrainConfig(epochs=1, batch_size=4, milestones=(), precision="bf16"))
    other(TrainConfig(epochs=1, batch_size=4, milestones=(), precision="fp32"))
    assert not equal(toy.weights(), other.weights())


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_a_compiled_backbone_trains_alike(toy, other):
    expected = [line["id_loss"] for line in toy()]
    found = [line["id_loss"] for line in other(replace(RECIPE, compile="default"))]
    # the same sums in another order
    assert found == pytest.approx(expected, rel=1e-3)
    for ours, theirs in zip(other.weights(), toy.weights(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-2, atol=1e-3)


# The optimizer


def test_every_parameter_is_in_the_optimizer_once():
    backbone, objective = Net(), plain()
    (optimizer,) = build_optimizers(backbone, objective, RECIPE)
    groups = optimizer.param_groups
    held = [id(p) for group in groups for p in group["params"]]
    everything = [id(p) for p in (*backbone.parameters(), *objective.parameters())]
    assert sorted(held) == sorted(everything)


def test_batch_norms_alone_are_exempt_from_weight_decay():
    backbone, objective = Net(), plain()
    (optimizer,) = build_optimizers(backbone, objective, RECIPE)
    groups = optimizer.param_groups
    exempt = [id(p) for group in groups if group["weight_decay"] == 0 for p in group["params"]]
    norms = [backbone.body[2], backbone.body[7]]
    assert exempt == [id(p) for norm in norms for p in norm.parameters()]


def test_the_recipe_reaches_the_optimizer():
    recipe = TrainConfig(lr=0.3, momentum=0.8, weight_decay=0.01)
    others, norms = build_optimizers(Net(), plain(), recipe)[0].param_groups
    assert (others["lr"], others["momentum"], others["weight_decay"]) == (0.3, 0.8, 0.01)
    assert (norms["lr"], norms["momentum"]) == (0.3, 0.8)


def test_adamw_takes_the_recipe_with_momentum_as_its_first_beta():
    recipe = TrainConfig(optimizer="adamw", lr=0.001, momentum=0.8, weight_decay=0.05)
    (optimizer,) = build_optimizers(Net(), plain(), recipe)
    others, norms = optimizer.param_groups
    assert isinstance(optimizer, torch.optim.AdamW)
    assert (others["lr"], others["betas"], others["weight_decay"]) == (0.001, (0.8, 0.999), 0.05)
    assert norms["weight_decay"] == 0


def test_the_order_of_parameters_repeats():
    # a resumed optimizer finds its momenta by this order
    orders = []
    for _ in range(2):
        torch.manual_seed(0)
        groups = build_optimizers(Net(), plain(), RECIPE)[0].param_groups
        orders.append([tuple(p.shape) for group in groups for p in group["params"]])
    assert orders[0] == orders[1]


def test_prototypes_are_apart_where_only_some_are_drawn():
    objective = plain()
    first, second = build_optimizers(Net(), objective, replace(RECIPE, sampled_share=0.5))
    (group,) = second.param_groups
    assert isinstance(second, RowSGD)
    assert group["params"] == [objective.head.prototypes]
    assert group["weight_decay"] == RECIPE.weight_decay
    held = [id(p) for group in first.param_groups for p in group["params"]]
    assert id(objective.head.prototypes) not in held


def row_steps(optimizer_of, gradients):
    rows = nn.Parameter(torch.arange(12.0).reshape(4, 3))
    optimizer = optimizer_of(rows)
    for gradient in gradients:
        rows.grad = gradient
        optimizer.step()
    return rows.detach()


def test_row_sgd_is_sgd_on_rows_that_always_have_a_gradient():
    gradients = [torch.randn(4, 3) for _ in range(3)]
    settings = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}
    plain_sgd = row_steps(lambda rows: torch.optim.SGD([rows], **settings), gradients)
    by_rows = row_steps(
        lambda rows: RowSGD([{"params": [rows]}], **settings), [g.to_sparse(1) for g in gradients]
    )
    torch.testing.assert_close(by_rows, plain_sgd)


def test_row_sgd_leaves_other_rows_and_their_momentum_alone():
    first = torch.zeros(4, 3)
    first[1] = 1.0
    sparse = [
        first.to_sparse(1),
        torch.sparse_coo_tensor([[2]], torch.ones(1, 3), (4, 3), check_invariants=True),
    ]
    settings = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.0}
    rows = row_steps(lambda rows: RowSGD([{"params": [rows]}], **settings), sparse)
    expected = torch.arange(12.0).reshape(4, 3)
    expected[1:3] -= 0.1  # one step each: row 1 does not coast on
    torch.testing.assert_close(rows, expected)


def test_the_gradient_is_cut_over_all_parameters_together():
    backbone, objective = Net(), plain()
    everything = [*backbone.parameters(), *objective.parameters()]
    for parameter in everything:
        parameter.grad = torch.ones_like(parameter)
    count = sum(parameter.numel() for parameter in everything)
    assert clip_gradients(backbone, objective, 2.0).item() == pytest.approx(count**0.5)
    length = sum(parameter.grad.square().sum().item() for parameter in everything) ** 0.5
    assert length == pytest.approx(2.0, rel=1e-5)


def test_a_gradient_within_the_limit_stays():
    backbone, objective = Net(), plain()
    for parameter in (*backbone.parameters(), *objective.parameters()):
        parameter.grad = torch.full_like(parameter, 1e-3)
    clip_gradients(backbone, objective, 10.0)
    assert torch.equal(
        objective.head.prototypes.grad, torch.full_like(objective.head.prototypes, 1e-3)
    )


def test_the_limit_of_the_recipe_reaches_the_step(toy, other):
    # so small a limit leaves weights where they were but for weight decay
    recipe = replace(RECIPE, epochs=1, milestones=(), weight_decay=0.0)
    toy(replace(recipe, clip_norm=1e-9))
    other(replace(recipe, lr=1e-12))
    for ours, theirs in zip(toy.weights()[:2], other.weights()[:2], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-7)


class WithoutNorms(nn.Module):
    """A net whose images do not depend on each other, so that parts of a batch may be apart."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.AvgPool2d(28), nn.Flatten(), nn.Linear(48, 8))

    def forward(self, images):
        return self.body(images)


@pytest.mark.parametrize("parts", [2, 4])
def test_parts_of_a_batch_give_the_gradient_of_the_whole(crops, tmp_path, parts, monkeypatch):
    # 19 images in batches of 8: the last one, of three, has parts of unequal size
    monkeypatch.setattr("test_training.Net", lambda dropout: WithoutNorms())
    found = []
    for accumulate in (1, parts):
        fixture = Fixture(crops, tmp_path / str(accumulate))
        history = fixture(replace(RECIPE, batch_size=8, accumulate=accumulate))
        found.append(([line["id_loss"] for line in history], fixture.weights()))
    (losses, weights), (in_parts, weights_in_parts) = found
    assert in_parts == pytest.approx(losses, rel=1e-5)
    for ours, theirs in zip(weights_in_parts, weights, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


# Going on


# before the first checkpoint; in mid-epoch, just after a checkpoint and between two; at an epoch's
# start; at the milestone; in the last step
@pytest.mark.parametrize("kill_at", [1, 2, 3, 5, 9, 10, 14])
def test_a_killed_training_goes_on_as_if_nothing_had_happened(toy, other, kill_at):
    expected = other(dropout=0.3)
    with pytest.raises(Killed):
        toy(dropout=0.3, kill_at=kill_at)
    history = toy(dropout=0.3)
    assert without_clock(history) == without_clock(expected)
    assert equal(toy.weights(), other.weights())


@pytest.mark.parametrize("changes", [
    {"schedule": "cosine", "warmup_epochs": 1.5},
    {"accumulate": 2, "clip_norm": 0.5},
    {"class_chunk": 3},
    {"sampled_share": 0.9},
    {"sampled_share": 0.9, "accumulate": 2, "clip_norm": 0.5},
    {"optimizer": "adamw", "lr": 0.002},
    {"crop": 0.5, "low_resolution": 0.5, "photometric": 0.5},
])  # fmt: skip
@pytest.mark.parametrize("kill_at", [3, 5])
def test_a_killed_training_of_another_recipe_goes_on(toy, other, changes, kill_at):
    recipe = replace(RECIPE, **changes)
    expected = other(recipe)
    with pytest.raises(Killed):
        toy(recipe, kill_at=kill_at)
    assert without_clock(toy(recipe)) == without_clock(expected)
    assert equal(toy.weights(), other.weights())


def test_a_run_that_goes_on_does_not_start_from_the_first_weights_again(toy, other, crops):
    source = Fixture(crops, toy.folder.with_name("source"))
    source(key="source")
    first = source.folder / LAST
    expected = other(start=first)
    with pytest.raises(Killed):
        toy(start=first, kill_at=8)
    assert without_clock(toy(start=first)) == without_clock(expected)
    assert equal(toy.weights(), other.weights())


def test_a_training_from_a_trained_start_begins_with_a_lower_loss(toy, other):
    toy(replace(RECIPE, epochs=20))
    assert other(start=toy.folder / LAST)[0]["id_loss"] < 0.5 * toy.recorder.lines[0]["id_loss"]


def test_a_training_killed_again_and_again_goes_on(toy, other):
    expected = other(dropout=0.3)
    for kill_at in (3, 7, 8, 13):
        with pytest.raises(Killed):
            toy(dropout=0.3, kill_at=kill_at)
    assert without_clock(toy(dropout=0.3)) == without_clock(expected)
    assert equal(toy.weights(), other.weights())


def test_losses_that_were_not_logged_yet_survive_a_kill(toy, other):
    # a line every 5 steps, a checkpoint every 2: step 4 is saved with four losses pending
    recipe = TrainConfig(**{**vars(RECIPE), "log_every": 5})
    with pytest.raises(Killed):
        toy(recipe, kill_at=4)
    assert without_clock(toy(recipe)) == without_clock(other(recipe))


def test_the_history_on_disk_is_the_one_that_is_returned(toy):
    with pytest.raises(Killed):
        toy(kill_at=7)
    history = toy()
    assert read_history(toy.folder) == history


def test_a_kill_between_the_best_and_the_last_checkpoint_changes_nothing(toy, other):
    expected = other(validate=growing())
    with pytest.raises(Killed):
        killed_while_saving(toy, at_step=10)
    assert without_clock(toy(validate=growing())) == without_clock(expected)
    assert checkpoints.load(toy.folder / BEST)["score"] == expected[-1]["val_accuracy"]


def growing():
    """A score that depends on the weights alone, so that it repeats."""
    return lambda backbone: {"val_accuracy": backbone.body[6].weight.abs().sum().item()}


def killed_while_saving(toy, at_step):
    save = States.save

    def killer(self, running, values):
        if values["step"] == at_step:
            raise Killed
        save(self, running, values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(States, "save", killer)
        toy(validate=growing())


def test_a_finished_training_is_shown_and_not_repeated(toy):
    first = toy()
    weights = toy.weights()
    assert toy(kill_at=0) == first  # no step is begun
    assert equal(toy.weights(), weights)


def test_a_history_line_cut_short_is_made_again(toy, other):
    expected = other()
    with pytest.raises(Killed):
        toy(kill_at=7)
    path = toy.folder / HISTORY
    path.write_text(path.read_text()[:-20])
    history = toy()
    # step 7 lies after the checkpoint of step 6, so nothing is lost
    assert without_clock(history) == without_clock(expected)
    assert [json.loads(line) for line in path.read_text().splitlines()] == history


def test_a_checkpoint_under_another_key_is_set_aside_and_training_starts_anew(toy):
    toy(key="old")
    old = (toy.folder / LAST).read_bytes()
    history = toy(key="new")
    assert (toy.folder / "last.previous.pt").read_bytes() == old
    assert [line["step"] for line in history] == list(range(1, 16))
    assert checkpoints.load(toy.folder / LAST)["key"] == "new"


def test_a_state_under_another_key_is_set_aside_and_training_starts_anew(toy):
    with pytest.raises(Killed):
        toy(key="old", kill_at=7)
    history = toy(key="new")
    assert [path.name for path in (toy.folder / "resume.previous").iterdir()] == ["6"]
    assert [line["step"] for line in history] == list(range(1, 16))


def test_a_finished_training_leaves_nothing_to_go_on_from(toy):
    toy()
    assert not (toy.folder / RESUME).exists()


def test_half_a_state_does_not_count(toy, other):
    with pytest.raises(Killed):
        toy(kill_at=7)
    (toy.folder / RESUME / "7").mkdir()
    (toy.folder / RESUME / "7/state.json").write_text('{"step": 7, "key": "k"}')
    assert without_clock(toy()) == without_clock(other())
    assert equal(toy.weights(), other.weights())


@pytest.mark.parametrize("name", ["__0_0.distcp", ".metadata"])
@pytest.mark.parametrize("damage", [lambda data: data[:100], lambda data: data[::-1]])
def test_a_damaged_state_is_named(toy, name, damage):
    with pytest.raises(Killed):
        toy(kill_at=7)
    path = toy.folder / RESUME / "6" / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"resume/6: cannot be gone on from .*delete it to start"):
        toy()


def test_a_fresh_start_leaves_no_best_checkpoint_of_another_run(toy):
    toy(key="old", validate=growing())
    toy(key="new")  # without validation: nothing would take its place
    assert not (toy.folder / BEST).exists()
    assert (toy.folder / "best.previous.pt").exists()


# What goes wrong


class Exploding(Objective):
    """Its loss is infinite in the eighth step."""

    def begin_step(self, step, drops):
        self.step = step

    def forward(self, embeddings, batch):
        losses = super().forward(embeddings, batch)
        return {"id": losses["id"] * (math.inf if self.step == 7 else 1.0)}


@pytest.mark.parametrize("log_every", [1, 5, 100])
def test_a_loss_that_is_not_finite_stops_with_its_step(toy, log_every):
    recipe = TrainConfig(**{**vars(RECIPE), "log_every": log_every})
    with pytest.raises(FloatingPointError, match=r"^step 8: the id loss is (inf|nan); is lr too"):
        toy(recipe, make=lambda: Exploding(ArcFace(8, 4)))


@pytest.mark.parametrize("log_every", [1, 100])
def test_the_last_good_checkpoint_stays(toy, log_every):
    recipe = TrainConfig(**{**vars(RECIPE), "log_every": log_every})
    with pytest.raises(FloatingPointError):
        toy(recipe, make=lambda: Exploding(ArcFace(8, 4)))
    # a checkpoint every second step, and step 8 was bad
    assert [path.name for path in (toy.folder / RESUME).iterdir()] == ["6"]
    recipe = TrainConfig(**{**vars(recipe), "epochs": 2})
    history = toy(recipe, make=plain)
    assert [line["step"] for line in history][-1] == 10
    assert all(torch.isfinite(value).all() for value in toy.weights())


def test_the_first_bad_step_of_several_is_named():
    pending = [{"id": torch.tensor(value)} for value in (1.0, math.nan, math.inf)]
    with pytest.raises(FloatingPointError, match="step 9: the id loss is nan"):
        mean_losses(pending, step=10)


def test_a_loss_that_some_steps_do_not_have_is_a_mean_of_the_others():
    pending = [{"id": torch.tensor(1.0), "age": torch.tensor(2.0)}, {"age": torch.tensor(5.0)}]
    assert mean_losses(pending, step=2) == {"id_loss": 1.0, "age_loss": 3.5}


def test_the_means_of_no_losses_are_none():
    assert mean_losses([], step=10) == {}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_losses_loaded_to_the_cpu_join_those_on_the_device():
    pending = [{"id": torch.tensor(1.0)}, {"id": torch.tensor(3.0, device="cuda")}]
    assert mean_losses(pending, step=2) == {"id_loss": 2.0}


# The best epoch


def scores(*values):
    given = iter(values)
    return lambda backbone: {"val_accuracy": next(given), "other": 1.0}


def test_without_validation_there_is_no_best_checkpoint(toy):
    toy()
    assert (toy.folder / LAST).exists()
    assert not (toy.folder / BEST).exists()


def test_the_best_checkpoint_is_the_one_with_the_best_score(toy):
    history = toy(validate=scores(0.2, 0.9, 0.5))
    assert checkpoints.load(toy.folder / BEST)["score"] == 0.9
    last = checkpoints.load(toy.folder / LAST)
    assert last["step"] == 15  # and the last one stays the last
    assert [line["val_accuracy"] for line in history if "val_accuracy" in line] == [0.2, 0.9, 0.5]


def test_the_best_checkpoint_holds_that_epochs_weights(toy, other):
    toy(validate=scores(0.2, 0.9, 0.5))
    other(TrainConfig(**{**vars(RECIPE), "epochs": 2}))
    best = checkpoints.load(toy.folder / BEST)["backbone"]
    second = checkpoints.load(other.folder / LAST)["backbone"]
    assert equal(list(best.values()), list(second.values()))


def test_the_first_of_two_equal_scores_stays_the_best(toy, other):
    toy(validate=scores(0.9, 0.9, 0.5))
    other(TrainConfig(**{**vars(RECIPE), "epochs": 1}))
    best = checkpoints.load(toy.folder / BEST)["backbone"]
    first = checkpoints.load(other.folder / LAST)["backbone"]
    assert equal(list(best.values()), list(first.values()))


def test_the_best_score_survives_a_kill(toy):
    with pytest.raises(Killed):
        toy(validate=scores(0.9), kill_at=7)
    toy(validate=scores(0.2, 0.5))
    assert checkpoints.load(toy.folder / BEST)["score"] == 0.9


def test_validation_does_not_change_the_training(toy, other):
    toy(dropout=0.3, validate=lambda backbone: backbone.eval() and {"val_accuracy": 1.0})
    other(dropout=0.3)
    assert equal(toy.weights(), other.weights())


# A method that needs more: ages, state, alternating updates


class Stateful(Objective):
    """Even steps move the head, odd ones an age layer; a buffer counts the children seen."""

    def __init__(self):
        super().__init__(ArcFace(8, 4, scale=8.0))
        self.age = nn.Linear(8, 1)
        self.register_buffer("children_seen", torch.zeros(()))

    def begin_step(self, step, drops):
        self.head.requires_grad_(step % 2 == 0)
        self.age.requires_grad_(step % 2 == 1)

    def forward(self, embeddings, batch):
        known = batch.ages.isfinite()
        self.children_seen += (batch.ages < 13).sum()
        wrong = self.age(embeddings)[known, 0] - batch.ages[known] / 100
        return {**super().forward(embeddings, batch), "age": wrong.square().mean()}


def test_a_method_with_ages_state_and_alternating_updates_needs_no_other_loop(toy):
    history = toy(make=Stateful)
    assert {"id_loss", "age_loss"} <= history[-1].keys()
    # ten of the nineteen images show children; three epochs
    assert toy.objective.children_seen.item() == 30


def test_alternating_updates_move_one_part_at_a_time(toy):
    seen = []

    class Watching(Stateful):
        def begin_step(self, step, drops):
            seen.append((self.head.prototypes.clone(), self.age.weight.clone()))
            super().begin_step(step, drops)

    toy(TrainConfig(epochs=1, milestones=(), batch_size=4, lr=0.02), make=Watching)
    moved = [(not torch.equal(a[0], b[0]), not torch.equal(a[1], b[1])) for a, b in pairwise(seen)]
    assert moved == [(True, False), (False, True), (True, False), (False, True)]


@pytest.mark.parametrize("kill_at", [3, 6])
def test_the_state_of_a_method_survives_a_kill(toy, other, kill_at):
    expected = other(make=Stateful)
    with pytest.raises(Killed):
        toy(make=Stateful, kill_at=kill_at)
    assert without_clock(toy(make=Stateful)) == without_clock(expected)
    assert toy.objective.children_seen.item() == 30
    assert equal(toy.weights(), other.weights())


# The recipe


def test_the_defaults_are_the_papers_recipe():
    recipe = TrainConfig()
    assert (recipe.epochs, recipe.milestones, recipe.batch_size) == (50, (28, 38, 46), 64)
    assert (recipe.lr, recipe.momentum, recipe.weight_decay) == (0.1, 0.9, 5e-4)
    assert recipe.precision == "fp32"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("batch_size", 1),
        ("batch_size", -4),
        ("lr", 0.0),
        ("lr", math.nan),
        ("lr", math.inf),
        ("momentum", -0.1),
        ("weight_decay", math.nan),
        ("precision", "fp16"),
        ("log_every", 0),
        ("save_every", 0),
        ("workers", -2),
        ("accumulate", 0),
        ("clip_norm", -1.0),
        ("class_chunk", -1),
        ("sampled_share", 0.0),
        ("sampled_share", 1.1),
        ("compile", "fast"),
        ("milestones", (5, 3)),
        ("milestones", (3, 3)),
        ("milestones", (0,)),
        ("optimizer", "adam"),
        ("schedule", "step"),
        ("sampler", "balanced"),
        ("momentum", 1.0),
        ("power", 0.0),
        ("power", math.inf),
        ("warmup_epochs", -1.0),
        ("warmup_epochs", 51.0),  # of 50
        ("lr_floor", -0.1),
        ("lr_floor", 0.2),  # above lr
        ("child_share", 0.0),
        ("child_share", 1.0),
        ("crop", 1.1),
        ("low_resolution", -0.1),
        ("photometric", math.nan),
    ],
)
def test_a_value_out_of_range_is_refused_by_its_fields_name(field, value):
    with pytest.raises(ValueError, match=f"^{field} is "):
        TrainConfig(**{field: value})


def test_parts_of_a_batch_too_small_for_batch_norm_are_refused():
    with pytest.raises(
        ValueError, match=r"batch_size is 5: expected at least 6, .* each of 3 part"
    ):
        TrainConfig(batch_size=5, accumulate=3)


def test_classes_are_not_drawn_with_adamw():
    with pytest.raises(ValueError, match=r"sampled_share is 0\.5: expected optimizer sgd"):
        TrainConfig(sampled_share=0.5, optimizer="adamw", lr=0.001)


def test_the_default_recipe_draws_every_image_once_and_only_mirrors_it():
    recipe = TrainConfig()
    assert (recipe.optimizer, recipe.schedule, recipe.sampler) == ("sgd", "steps", "uniform")
    assert (recipe.crop, recipe.low_resolution, recipe.photometric) == (0, 0, 0)
    assert (recipe.warmup_epochs, recipe.lr_floor, recipe.start) == (0.0, 0.0, "")


def test_milestones_behind_are_counted_at_the_start_of_an_epoch():
    recipe = TrainConfig(epochs=6, milestones=(2, 4))
    assert [recipe.drops(epoch) for epoch in range(6)] == [0, 0, 1, 1, 2, 2]


def test_what_a_result_depends_on_leaves_the_path_of_the_first_weights_out():
    recipe = TrainConfig(start="a.pt")
    assert recipe.settings == TrainConfig(start="b.pt").settings
    assert recipe.settings != TrainConfig(start="a.pt", lr=0.05).settings


def test_overrides_are_read_as_the_fields_own_types():
    given = {"epochs": "3", "lr": "0.5", "milestones": "1,2", "precision": "bf16", "crop": "0.2"}
    found = TrainConfig().with_overrides(given)
    assert (found.epochs, found.lr, found.milestones, found.precision) == (3, 0.5, (1, 2), "bf16")
    assert found.crop == 0.2


def test_an_unknown_field_is_told_with_the_nearest():
    with pytest.raises(ValueError, match="unknown training option 'epoch': did you mean 'epochs'"):
        TrainConfig().with_overrides({"epoch": 3})
