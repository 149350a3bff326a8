"""The recipe of face age synthesis."""

import pytest

from irlib.training.synthesis.config import SynthesisConfig


def test_the_defaults_are_the_authors_recipe():
    recipe = SynthesisConfig()
    assert (recipe.steps, recipe.batch_size) == (36_000, 8 * 64)
    assert (recipe.lr_generator, recipe.lr_discriminator) == (1e-4, 1e-4)
    assert (recipe.beta1, recipe.beta2) == (0.5, 0.99)
    weights = recipe.adversarial_weight, recipe.identity_weight, recipe.age_weight
    assert weights == (75.0, 0.002, 10.0)
    assert {recipe.rate_share(step) for step in (0, 20_000, 35_999)} == {1.0}


def test_the_rates_fall_to_nothing_over_the_last_share_of_the_steps():
    recipe = SynthesisConfig(steps=10, cooldown=0.5)
    shares = [recipe.rate_share(step) for step in (0, 5, 6, 9)]
    # 5 steps before the last five, then a fifth less a step: 5/5, 4/5 and 1/5 of them are left
    assert shares == pytest.approx([1.0, 1.0, 0.8, 0.2])


def test_text_is_read_as_the_fields_own_type():
    recipe = SynthesisConfig().with_overrides({"steps": "7", "widths": "8,6,4,2", "joint": "true"})
    assert (recipe.steps, recipe.widths, recipe.joint) == (7, (8, 6, 4, 2), True)


def test_an_unknown_field_is_refused_with_the_nearest_one():
    with pytest.raises(ValueError, match="did you mean 'age_weight'"):
        SynthesisConfig().with_overrides({"age_weigth": 1})


@pytest.mark.parametrize(("name", "value"), [
    ("steps", 0), ("batch_size", 1), ("lr_generator", 0.0), ("lr_discriminator", float("inf")),
    ("beta1", 1.0), ("beta2", -0.1), ("average", 1.0), ("cooldown", 1.5),
    ("adversarial_weight", -1.0), ("identity_weight", float("nan")), ("units", 9), ("blocks", 0),
    ("widths", (8, 8, 8)), ("widths", (8, 8, 8, 0)), ("discriminator_width", 0),
    ("precision", "fp16"), ("compile", "reduce-overhead"), ("workers", -2), ("save_every", 0),
    ("lead", 1.0), ("lead", -0.1), ("generator_every", 0),
])  # fmt: skip
def test_a_value_out_of_its_range_is_refused_by_its_field(name, value):
    with pytest.raises(ValueError, match=f"^{name}"):
        SynthesisConfig(**{name: value})


def test_what_decides_on_speed_alone_is_no_setting():
    assert SynthesisConfig.fields() - SynthesisConfig().settings.keys() == {"workers", "save_every"}


def test_a_recipe_in_which_the_generator_never_learns_is_refused():
    # four of the six steps are left after the lead
    SynthesisConfig(steps=6, lead=0.4, generator_every=4)
    with pytest.raises(ValueError, match=r"^generator_every is 5: expected at most the 4 steps"):
        SynthesisConfig(steps=6, lead=0.4, generator_every=5)
