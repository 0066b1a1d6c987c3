"""The raw mosaic of a colour camera is recognised, and other images are not taken for one."""

from __future__ import annotations

import numpy as np
import pytest

from muguet.image.mosaic import describe, pattern
from tests.image.camera import recorded, scene


def coloured(top_left, bottom_right, left=1.0, right=1.0):
    factor = np.ones((128, 128))
    factor[::2, ::2], factor[1::2, 1::2] = top_left, bottom_right
    factor[::2, 1::2], factor[1::2, ::2] = right, left
    return factor


@pytest.mark.parametrize("mosaic", [(0.35, 0.2), (0.2, 0.4), (1, 1, 0.3, 0.5), (1.4, 1.6)])
def test_a_colour_camera_is_recognised(mosaic):
    found = pattern(recorded(scene() * coloured(*mosaic)))
    assert found == "grid"
    assert "demosaic" in describe(found)


def test_alternating_rows_and_columns_are_named():
    image = recorded(scene())
    image[::2] += 5
    assert pattern(image) == "rows"
    assert pattern(image.T) == "columns"


@pytest.mark.parametrize("seed", range(4))
def test_no_false_alarm(seed):
    assert pattern(recorded(scene(seed=seed), seed)) == ""
    assert describe("") == ""
