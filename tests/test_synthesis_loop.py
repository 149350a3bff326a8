"""The step and the loop of face age synthesis, on nineteen images."""

import copy
from dataclasses import replace

import pytest
import torch
from synthesis_runs import MODEL, RECIPE, Run, made
from training_runs import equal, weights_of, without_clock

from irlib import checkpoints, devices
from irlib.images import augment
from irlib.training.config import LAST, RESUME
from irlib.training.synthesis.stepping import SynthesisStepping


@pytest.fixture(scope="module")
def undisturbed(crops, tmp_path_factory):
    run = Run(crops, tmp_path_factory.mktemp("undisturbed")).build()
    return run, run.train()


@pytest.fixture
def run(crops, tmp_path):
    return Run(crops, tmp_path)


def stepping_of(run, device="cpu"):
    modules = [module.to(device) for module in (run.encoder, run.generator, run.discriminator)]
    stepping = SynthesisStepping(*modules, run.recipe, seed=5)
    stepping.train()
    return stepping


def one_step(run, **changes):
    """The stepping after its first step, and what that left."""
    run.build(replace(RECIPE, **changes))
    stepping = SynthesisStepping(run.encoder, run.generator, run.discriminator, run.recipe, seed=5)
    stepping.train()
    return stepping, stepping.take(next(iter(run.batches)), 0)


# What a step does


def test_in_the_lead_the_discriminator_alone_learns(run):
    before = weights_of(run.build().generator), weights_of(run.discriminator)
    judged = one_step(run, lead=0.2)[1]
    assert set(judged.losses) == {"discriminator"}
    assert equal(weights_of(run.generator), before[0])
    assert not equal(weights_of(run.discriminator), before[1])


def test_the_lead_shows_the_discriminator_sources_as_they_are(run):
    judged = one_step(run, lead=0.2)[1]
    run.build().discriminator.train()
    couple, draws = next(iter(run.batches)), torch.Generator().manual_seed(5)
    images, real = (augment(batch, generator=draws) for batch in couple)
    wanted = torch.bucketize(couple.targets.ages, torch.tensor([30.0, 40.0, 50.0]))
    groups = torch.nn.functional.one_hot(wanted, 4).float()
    logits = run.discriminator(torch.cat([real, images]), torch.cat([groups, groups]))
    torch.testing.assert_close(judged.fake, logits[4:].detach())


def test_the_generator_learns_in_every_second_step_if_asked(run):
    run.build(replace(RECIPE, steps=4, generator_every=2)).train()
    learnt = ["adversarial_loss" in line for line in run.recorder.lines]
    assert learnt == [False, True, False, True]


def test_after_the_lead_both_learn(run):
    run.build(replace(RECIPE, steps=2, lead=0.5)).train()
    first, second = run.recorder.lines
    assert "adversarial_loss" not in first
    assert second["adversarial_loss"] > 0


def test_a_step_is_that_of_the_formulas(run):
    judged = one_step(run)[1]
    after = made(run)
    run.build()
    couple, draws = next(iter(run.batches)), torch.Generator().manual_seed(5)
    images, real = (augment(batch, generator=draws) for batch in couple)
    wanted = torch.bucketize(couple.targets.ages, torch.tensor([30.0, 40.0, 50.0]))
    groups = torch.nn.functional.one_hot(wanted, 4).float()
    generator, discriminator = run.generator.train(), run.discriminator.train()
    adams = [
        torch.optim.Adam(module.parameters(), lr=2e-3, betas=(0.5, 0.99))
        for module in (generator, discriminator)
    ]
    seen = run.encoder.see(images)
    fake = generator(images, seen.pyramid, seen.identity, groups)
    both = discriminator(torch.cat([real, fake.detach()]), torch.cat([groups, groups]))
    loss = ((both[:4] - 1) ** 2).mean() / 2 + (both[4:] ** 2).mean() / 2
    loss.backward()
    adams[1].step()
    adversarial = ((discriminator(fake, groups) - 1) ** 2).mean() / 2
    again = run.encoder.see(fake)
    identity = ((again.identity - seen.identity) ** 2).mean()
    logits = run.encoder.group_logits(again.age)
    age = -logits.log_softmax(1)[torch.arange(4), wanted].mean()
    (75 * adversarial + 0.002 * identity + 10 * age).backward()
    adams[0].step()
    told = {"discriminator": loss, "adversarial": adversarial, "identity": identity, "age": age}
    for name, value in told.items():
        torch.testing.assert_close(judged.losses[name], value.detach(), msg=name)
    for ours, expected in zip(after, made(run), strict=True):
        # Adam's first step is the rate times the gradient's sign: a gradient of next to nothing
        # may be rounded to the other side
        assert (ours - expected).abs().gt(1e-5).float().mean() < 0.01


def test_the_discriminators_gradient_does_not_reach_the_generator(run):
    weights = {"adversarial_weight": 0.0, "identity_weight": 0.0, "age_weight": 0.0}
    before = weights_of(run.build().generator)
    one_step(run, **weights)
    names = dict(run.generator.named_parameters())
    moved = [
        name
        for (name, now), then in zip(run.generator.state_dict().items(), before, strict=True)
        if name in names and not torch.equal(now, then)
    ]
    assert moved == []
    assert not equal(weights_of(run.discriminator), weights_of(run.build().discriminator))


def test_the_generators_gradient_does_not_reach_the_discriminator(run):
    found = []
    for weight in (0.0, 75.0):
        one_step(run, adversarial_weight=weight)
        found.append([parameter.grad.clone() for parameter in run.discriminator.parameters()])
    assert equal(*found)


def test_the_generator_learns_from_the_discriminator_of_this_step(run):
    # with another discriminator's rate the judged batch is the same, what deceives it is not
    losses = [one_step(run, lr_discriminator=lr)[1].losses for lr in (1e-3, 1e-2)]
    assert losses[0]["discriminator"] == losses[1]["discriminator"]
    assert losses[0]["adversarial"] != losses[1]["adversarial"]


def test_the_shares_judged_right_count_patches_beyond_one_half(run):
    stepping, judged = one_step(run)
    judged = judged._replace(
        real=torch.tensor([0.6, 0.4, 0.9, 0.7]), fake=torch.tensor([0.6, 0.4, 0.9, 0.7])
    )
    assert stepping.right(judged) == {"real_right": 0.75, "fake_right": 0.25}


def test_in_bf16_the_losses_are_those_of_fp32_but_for_rounding(run):
    expected, found = (one_step(run, precision=p)[1].losses for p in ("fp32", "bf16"))
    for name in ("discriminator", "adversarial", "age"):
        assert found[name].dtype == torch.float32
        assert found[name] != expected[name]
        assert found[name].item() == pytest.approx(expected[name].item(), rel=0.03)


@pytest.mark.parametrize(("name", "changes"), [
    ("adversarial", {"lr_generator": 0.03, "lr_discriminator": 1e-12, "age_weight": 0.0}),
    ("age", {"lr_generator": 0.03, "lr_discriminator": 1e-12, "adversarial_weight": 0.0}),
    ("discriminator", {"lr_generator": 1e-12, "lr_discriminator": 3e-3}),
])  # fmt: skip
def test_a_few_steps_lower_each_loss_while_the_other_side_stands_still(run, name, changes):
    stepping = stepping_of(run.build(replace(RECIPE, **changes)))
    couple = next(iter(run.batches))
    losses = [stepping.take(couple, step).losses[name].item() for step in range(16)]
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_step_does_not_wait_for_the_device(run, precision):
    stepping = stepping_of(run.build(replace(RECIPE, precision=precision)), "cuda")
    couples = iter(run.batches)
    stepping.take(next(couples), 0)
    couple = next(couples)
    torch.cuda.set_sync_debug_mode("error")
    try:
        stepping.take(couple, 1)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_steps_on_a_gpu_repeat_bit_for_bit(run):
    devices.choose_kernels(tf32=False, deterministic=True)
    found = []
    for _ in range(2):
        stepping, couples = stepping_of(run.build(), "cuda"), iter(run.batches)
        for step in range(3):
            stepping.take(next(couples), step)
        found.append(made(run))
    assert equal(*found)


# What a training does


def test_the_encoder_stays_as_it_was(run):
    before = weights_of(run.build().encoder)
    run.train()
    assert equal(weights_of(run.encoder), before)


def test_a_line_tells_losses_shares_rates_and_speed(undisturbed):
    line = undisturbed[1][-1]
    assert {
        "step", "images", "discriminator_loss", "adversarial_loss", "identity_loss", "age_loss",
        "real_right", "fake_right", "lr", "lr_discriminator", "images_per_second",
        "peak_memory_mib", "time",
    } == line.keys()  # fmt: skip
    assert (line["step"], line["images"]) == (6, 19 + 4)


def test_the_checkpoint_is_one_of_recognition_too(undisturbed):
    run, _ = undisturbed
    content = checkpoints.load(run.folder / LAST)
    sizes = {"num_groups": 4, "units": 10, "blocks": 1, "widths": [6, 6, 4, 4]}
    assert content["model"] == MODEL | {"synthesis": sizes | {"discriminator_width": 4}}
    assert equal(list(content["generator"].values()), weights_of(run.generator))
    assert equal(list(content["backbone"].values()), weights_of(run.encoder.network))
    assert {name.split(".")[0] for name in content["objective"]} == {"age_head"}
    assert (content["key"], content["step"]) == ("k", 6)


@pytest.mark.parametrize("kill_at", [1, 5])  # before the first state, and two steps after it
def test_a_killed_training_ends_as_an_undisturbed_one(run, undisturbed, kill_at):
    assert len(run.build().train(kill_at=kill_at)) == kill_at
    history = run.build().train()
    assert equal(made(run), made(undisturbed[0]))
    assert without_clock(history) == without_clock(undisturbed[1])
    assert not (run.folder / RESUME).exists()


def test_a_finished_training_gives_back_its_weights_and_history(crops, undisturbed):
    again = Run(crops, undisturbed[0].folder).build()
    assert again.train(kill_at=0) == undisturbed[1]
    assert equal(made(again), made(undisturbed[0]))


def test_another_key_starts_anew(run):
    run.build(replace(RECIPE, steps=1)).train()
    history = run.build(replace(RECIPE, steps=1), key="other").train()
    assert [line["step"] for line in history] == [1]
    assert (run.folder / "last.previous.pt").exists()


def test_the_result_is_the_average_where_there_is_one(run):
    start = weights_of(run.build().generator)
    names = [name for name, _ in run.generator.named_parameters()]
    run.build(replace(RECIPE, steps=1)).train()
    end = copy.deepcopy(run.generator)
    averaged = Run(run.crops, run.folder / "averaged").build(replace(RECIPE, steps=1, average=0.9))
    averaged.train()
    content = checkpoints.load(averaged.folder / LAST)
    for name, then in zip(end.state_dict(), start, strict=True):
        if name in names:
            # one step: the decay is not 0.9 yet but (1 + 0) / (10 + 0)
            expected = 0.1 * then + 0.9 * end.state_dict()[name]
            torch.testing.assert_close(content["generator"][name], expected)
    assert equal(list(content["generator"].values()), weights_of(averaged.generator))


def test_an_average_survives_a_kill(run):
    recipe = replace(RECIPE, steps=5, average=0.9, cooldown=0.5)
    run.build(recipe).train()
    killed = Run(run.crops, run.folder / "killed")
    killed.build(recipe).train(kill_at=4)
    killed.build(recipe).train()
    assert equal(made(killed), made(run))


@pytest.mark.parametrize("kill_at", [2, 5])  # in the lead; where losses of both kinds wait
def test_a_training_with_a_lead_survives_a_kill(run, kill_at):
    recipe = replace(RECIPE, steps=8, lead=0.4, generator_every=2, save_every=1, log_every=4)
    history = run.build(recipe).train()
    killed = Run(run.crops, run.folder / "killed")
    killed.build(recipe).train(kill_at=kill_at)
    assert without_clock(killed.build(recipe).train()) == without_clock(history)
    assert equal(made(killed), made(run))


def test_a_loss_that_is_not_finite_is_told_with_its_step(run):
    with pytest.raises(FloatingPointError, match=r"step 2: the \w+ loss is (nan|inf)"):
        run.build(replace(RECIPE, lr_generator=1e30)).train()


def test_a_generator_of_other_groups_is_refused(run):
    run.build()
    run.generator.num_groups = 7
    with pytest.raises(ValueError, match=r"generator: expected 4 age groups .* got 7"):
        run.train()
