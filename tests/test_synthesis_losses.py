"""The losses of synthesis: by hand, and over several processes against one with all images."""

import math

import pytest
import ranks
import torch

from irlib import parallel
from irlib.age_invariant.synthesis import discriminator_loss, generator_losses

COUNTS = {2: (3, 1), 4: (2, 0, 1, 1)}  # images of each process, four in all
GROUPS = torch.eye(7, dtype=torch.float64)[[0, 6, 3, 3]]


def maps(value, *shape):
    return torch.full(shape, value)


def losses(*, fake=0.0, source=0.0, identity=0.0, group_logits=None):
    logits = torch.zeros(2, 7) if group_logits is None else group_logits
    groups = torch.eye(7)[[0, 6]]
    return generator_losses(
        maps(fake, 2, 1, 5, 5), maps(source, 2, 4, 7, 7), maps(identity, 2, 4, 7, 7), logits, groups
    )


def test_the_discriminators_loss_is_half_of_each_squared_distance():
    # (3 - 1)^2 / 2 + 0.5^2 / 2
    found = discriminator_loss(maps(3.0, 2, 1, 5, 5), maps(0.5, 2, 1, 5, 5))
    assert found.item() == pytest.approx(2.125)


def test_a_discriminator_that_is_right_has_no_loss():
    assert discriminator_loss(maps(1.0, 2, 1, 5, 5), maps(0.0, 2, 1, 5, 5)).item() == 0


def test_real_and_synthesized_faces_weigh_alike_whatever_their_numbers():
    # each side is a mean of its own: (0 - 1)^2 / 2 + 2^2 / 2
    found = discriminator_loss(maps(0.0, 3, 1, 5, 5), maps(2.0, 1, 1, 5, 5))
    assert found.item() == pytest.approx(2.5)


def test_the_adversarial_loss_is_half_the_squared_distance_to_one():
    assert losses(fake=-1.0)["adversarial"].item() == pytest.approx(2.0)  # (-1 - 1)^2 / 2


def test_the_identity_loss_is_the_mean_squared_difference():
    assert losses(source=1.0, identity=4.0)["identity"].item() == pytest.approx(9.0)


def test_the_age_loss_of_even_logits_is_the_logarithm_of_the_number_of_groups():
    assert losses()["age"].item() == pytest.approx(math.log(7))


def test_the_age_loss_is_the_cross_entropy_of_the_group_that_was_asked_for():
    # the first is right with odds of 3 to 1 for each other group, the second wrong with the same
    logits = torch.zeros(2, 7)
    logits[:, 0] = math.log(3)
    expected = -(math.log(3 / 9) + math.log(1 / 9)) / 2
    assert losses(group_logits=logits)["age"].item() == pytest.approx(expected)


def test_losses_of_bf16_networks_are_fp32():
    # 2 + 2^-6 is a bf16 number, the square of 1 + 2^-6 is none
    logits = maps(0.0, 2, 1, 5, 5).bfloat16()
    real = maps(2 + 2**-6, 2, 1, 5, 5).bfloat16()
    found = discriminator_loss(real, logits)
    assert found.dtype == torch.float32
    assert found.item() == 0.5 * (1 + 2**-6) ** 2


def inputs():
    """Logits and maps of the four images, the same in every process."""
    draws = torch.Generator().manual_seed(0)
    shapes = [(1, 5, 5), (1, 5, 5), (4, 7, 7), (4, 7, 7), (7,)]
    return [torch.randn(4, *s, generator=draws, dtype=torch.float64) for s in shapes]


def one_step():
    """Losses of this process's images, and their gradients."""
    counts = COUNTS.get(parallel.size(), (4,))
    rows = slice(sum(counts[: parallel.rank()]), sum(counts[: parallel.rank() + 1]))
    real, fake, source, identity, logits = (
        values[rows].clone().requires_grad_() for values in inputs()
    )
    values = {
        "discriminator": discriminator_loss(real, fake),
        **generator_losses(fake, source, identity, logits, GROUPS[rows]),
    }
    (sum(values.values()) / parallel.size()).backward()
    gradients = [each.grad for each in (real, fake, source, identity, logits)]
    return {name: value.detach() for name, value in values.items()}, gradients


@pytest.fixture(scope="module", params=[2, 4])
def several(request):
    return ranks.run(one_step, request.param)


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_every_process_has_the_losses_of_one(several):
    for found, _ in several:
        close(found, one_step()[0])


def test_gradients_are_those_of_one(several):
    parts = zip(*(gradients for _, gradients in several), strict=True)
    close([torch.cat(each) for each in parts], one_step()[1])
