"""A program of a user, checked by `mypy` with the sources and never run: what type checkers must accept and refuse."""

from typing import assert_type

import numpy as np
import numpy.typing as npt
from torch import Tensor, ones

import muguet
from muguet.denoiser import Estimate

law = muguet.noise.PoissonGaussian(2.0, 100.0, 1.0)
counts = np.arange(100, 200, dtype=np.uint16)
assert_type(law.std(150.0), npt.NDArray[np.floating])
assert_type(law.std([120, 150.5]), npt.NDArray[np.floating])
assert_type(law.std(counts), npt.NDArray[np.floating])
assert_type(law.std(ones(3)), Tensor)
assert_type(law.quantile([120.0], 0.5), npt.NDArray[np.floating])
assert_type(law.sample(counts, seed=1), npt.NDArray[np.floating])
assert_type(law.log_prob(101, [120.0]), npt.NDArray[np.floating])
assert_type(muguet.denoise(counts, "X", minutes=1), npt.NDArray[np.floating])
assert_type(muguet.denoise(counts, steps=3, return_std=True), Estimate)
muguet.denoise(counts, minute=1)  # type: ignore[call-overload]
muguet.fit(counts, minute=1)  # type: ignore[call-arg]
law.std("bright")
law.std({"signal": 3})  # type: ignore[call-overload]
