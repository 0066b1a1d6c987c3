"""The table that corrects predicted errors."""

from __future__ import annotations

import numpy as np
import pytest

from muguet.prediction import ErrorScale


def test_between_its_points_the_logarithm_of_the_factor_is_interpolated():
    scale = ErrorScale((1.0, 4.0), (1.0, 2.0))
    np.testing.assert_allclose(
        scale(np.array([0.1, 1.0, 2.0, 4.0, 100.0])), [0.1, 1, 2 * 2**0.5, 8, 200], rtol=1e-6
    )


def test_without_a_table_nothing_changes():
    std = np.array([0.3, 7.0], np.float32)
    np.testing.assert_array_equal(ErrorScale()(std), std)


@pytest.mark.parametrize("scale", [ErrorScale(), ErrorScale((0.5, 2.0), (1.5, 0.5))])
def test_reading_what_was_written_gives_the_same_table(scale):
    assert ErrorScale.of(scale.as_dict()) == scale
