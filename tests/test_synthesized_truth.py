"""Facts about results beside the true faces."""

import numpy as np
import pytest

from irlib.evaluation.synthesized.truth import Shown, against_truth, pixel_errors

PEOPLE = np.array(["a", "b", "c", "d"])
SOURCES = np.full((4, 6, 6, 3), 100, dtype=np.uint8)
TRUTHS = np.stack([SOURCES + 10, SOURCES + 40])  # of two groups
AXES = np.eye(4)
TURNED = np.roll(AXES, 1, axis=1)  # at right angles to the sources
YEARS = np.array([[5.0, 5, 5, 5], [-30, 30, 30, 90]])


def found(results, embedded):
    pictures = Shown(results, SOURCES, TRUTHS)
    return against_truth(pictures, Shown(embedded, AXES, np.stack([TURNED] * 2)), PEOPLE, YEARS)


def test_a_generator_that_returns_the_source_is_as_far_off_as_the_copy():
    told = found(np.stack([SOURCES] * 2), np.stack([AXES] * 2)).every
    assert told.pixels.made.value == told.pixels.copy.value == (10 + 40) / 2
    assert told.cosine.made.value == told.cosine.copy.value == 0
    assert told.pixels.difference.value == 0


def test_the_truth_has_no_error():
    told = found(TRUTHS, np.stack([TURNED] * 2)).every
    assert (told.pixels.made.value, told.cosine.made.value) == (0, 1)
    assert told.pixels.difference.value == -25
    assert told.cosine.difference.value == 1


def test_each_group_has_its_own_error():
    told = found(np.stack([SOURCES] * 2), np.stack([AXES] * 2)).groups
    assert [each.pixels.made.value for each in told] == [10, 40]


def test_bands_hold_the_results_moved_so_far_up_or_down():
    told = found(np.stack([SOURCES] * 2), np.stack([AXES] * 2)).years
    sizes = {band: each.faces for band, each in told.items()}
    assert sizes == {(0, 10): 4, (20, 40): 3, (40, np.inf): 1}
    assert told[20, 40].pixels.copy.value == 40


def test_pixels_that_are_darker_count_as_much_as_lighter_ones():
    bright = np.full((1, 1, 2, 2, 3), 200, dtype=np.uint8)
    bright[..., 0, :, :] = 0
    # half are 100 lighter, half 100 darker; unsigned numbers would wrap around
    assert pixel_errors(np.full((1, 2, 2, 3), 100, dtype=np.uint8), bright).tolist() == [[100]]


def test_metrics_are_plain_numbers():
    told = found(TRUTHS, np.stack([TURNED] * 2)).metrics
    assert told["faces"] == 8 and told["people"] == 4
    assert list(told["years"]) == ["0 to 10", "20 to 40", "40 to inf"]
    assert told["groups"][1]["pixels"]["copy"] == 40


def test_truths_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"pictures of truths \(1, 4, 6, 6, 3\): expected \(2, "):
        against_truth(
            Shown(TRUTHS, SOURCES, TRUTHS[:1]), Shown(TRUTHS, SOURCES, TRUTHS), PEOPLE, YEARS
        )
