"""The noise of an image that is clipped at zero is measured at its unclipped signals, or not at all."""

from __future__ import annotations

import numpy as np
import pytest

from muguet import MuguetError
from muguet.image import unsaturated
from muguet.noise import measure_single_image
from tests.image.camera import recorded, scene


def bright(seed):
    return scene(256, seed=seed) + 6 * (1 + np.sin(np.arange(256) / 20))


@pytest.mark.parametrize("seed", range(3))
def test_a_partly_clipped_image_shows_the_gain(seed):
    image = recorded(bright(seed), seed, offset=-4.0)
    assert 0.02 < (image == 0).mean() < 0.5
    gain = measure_single_image(unsaturated(image)).readout.gain
    assert 2 in gain


def test_a_mostly_clipped_image_shows_none():
    image = recorded(scene(256), offset=-8.0)
    with pytest.raises(MuguetError, match=r"clipped|too few"):
        measure_single_image(unsaturated(image))
