"""A correlated law has the distribution of single pixels, and draws noise with its correlation."""

from __future__ import annotations

import numpy as np
import pytest

from muguet.noise import Correlated, Gaussian, Kernel, PoissonGaussian, Shared, noise_correlation

KERNEL = Kernel((0.3,), (0.5, 0.1), 0.01)
MIXED = Kernel((0.48, 0.15), (0.4, 0.1), 0.01, independent=0.2)


def test_the_variance_is_that_of_the_image():
    law = Correlated(PoissonGaussian(2.0, 100.0, 1.5), KERNEL, 2.5)
    inner = PoissonGaussian(2.0, 100.0, 1.5)
    signal = np.array([101.0, 150.0, 900.0])
    np.testing.assert_allclose(law.mean(signal), signal, rtol=1e-5)
    np.testing.assert_allclose(law.std(signal), inner.std(signal) / np.sqrt(2.5), rtol=1e-5)
    assert law.correlation == KERNEL
    assert inner.correlation is None


def test_the_density_integrates_to_one():
    law = Correlated(PoissonGaussian(2.0, 100.0, 1.5), KERNEL, 2.5)
    y = np.linspace(80, 300, 4001)
    density = law.density(y[:, None], np.array([110.0, 180.0]))
    np.testing.assert_allclose(np.trapezoid(density, y, axis=0), 1, atol=1e-3)


def test_draws_have_the_law_and_the_correlation():
    law = Correlated(Gaussian(9.0), KERNEL, 2.5)
    drawn = law.sample(np.full((256, 256), 140.0), seed=0)
    assert drawn.mean() == pytest.approx(140, rel=0.01)
    assert drawn.std() == pytest.approx(law.std(140.0), rel=0.02)
    found = noise_correlation(np.asarray(drawn, np.float64)[None])
    assert found.y[0] == pytest.approx(0.3, abs=0.03)
    assert found.x[0] == pytest.approx(0.5, abs=0.03)
    np.testing.assert_array_equal(drawn, law.sample(np.full((256, 256), 140.0), seed=0))


def test_draws_have_the_independent_share():
    law = Correlated(Gaussian(9.0), MIXED, 1.0)
    drawn = law.sample(np.full((400, 400), 140.0), seed=0) - 140
    assert drawn.std() == pytest.approx(9, rel=0.02)
    diagonal = (drawn[1:, 1:] * drawn[:-1, :-1]).mean() / 81
    assert diagonal == pytest.approx(0.48 * 0.4 / 0.8, abs=0.02)
    assert (drawn[:, 1:] * drawn[:, :-1]).mean() / 81 == pytest.approx(0.4, abs=0.02)
    assert MIXED.power.mean() == pytest.approx(1)
    assert "A share of 0.20 of its variance is independent" in MIXED.note()


def test_single_values_are_independent():
    law = Correlated(Gaussian(9.0), KERNEL, 2.5)
    drawn = law.sample(np.full(20_000, 140.0), seed=0)
    assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 0.03


def test_stacks_are_drawn_with_the_noise_that_planes_share():
    law = Correlated(Gaussian(9.0), Kernel(x=(0.3,), planes=(Shared("Z", (0.5, 0.1)),)), 1.0)
    drawn = law.sample(np.full((12, 64, 64), 140.0), seed=0) - 140
    assert drawn.std() == pytest.approx(9, rel=0.03)
    for distance, true in ((1, 0.5), (2, 0.1), (3, 0.0), (11, 0.0)):
        assert (drawn[distance:] * drawn[:-distance]).mean() / 81 == pytest.approx(true, abs=0.04)
    assert (drawn[..., 1:] * drawn[..., :-1]).mean() / 81 == pytest.approx(0.3, abs=0.04)
    plane = law.sample(np.full((64, 64), 140.0), seed=0) - 140
    assert plane.std() == pytest.approx(9, rel=0.05)


def test_movies_of_stacks_share_noise_along_both_axes():
    both = Kernel(planes=(Shared("T", (0.4,)), Shared("Z", (0.2,))))
    drawn = Correlated(Gaussian(9.0), both, 1.0).sample(np.full((8, 8, 64, 64), 140.0), seed=0) - 140
    for axis, true in ((0, 0.4), (1, 0.2)):
        planes = np.moveaxis(drawn, axis, 0)
        assert (planes[1:] * planes[:-1]).mean() / 81 == pytest.approx(true, abs=0.03)
    assert both.along("TYX").axes == "T"


IN_Z, IN_TIME = Shared("Z", (0.4, 0.1), 0.02), Shared("T", (), 0.01)


@pytest.mark.parametrize("planes", [(), (IN_Z,), (IN_TIME,), (IN_TIME, IN_Z)])
@pytest.mark.parametrize("independent", [0.0, 0.3])
def test_the_values_of_a_header(planes, independent):
    kernel = Kernel((0.2,), (), 0.01, planes, independent)
    found = kernel.as_dict()
    assert ("independent" in found) == (independent > 0)
    assert Kernel.of(found) == kernel
    assert ("z" in found, "t_error" in found) == (kernel.z is not None, kernel.t is not None)


def test_what_is_said_of_planes_that_share_noise():
    assert "successive planes is correlated by +0.40" in Kernel(planes=(IN_Z,)).note()
    assert "successive frames is correlated by −0.30" in Kernel(planes=(Shared("T", (-0.3,)),)).note()
    assert "planes" not in KERNEL.note()
