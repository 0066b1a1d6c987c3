"""An image checks that its axes match its data."""

from __future__ import annotations

import numpy as np
import pytest

from muguet import MuguetError
from muguet.image import Image


def test_an_image_checks_its_axes():
    assert Image(np.zeros((2, 4, 5)), "tyx").axes == "TYX"
    with pytest.raises(MuguetError, match="has 2"):
        Image(np.zeros((4, 5)), "TYX")
