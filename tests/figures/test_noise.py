"""The figure of noise laws has a panel for each quantity that is known."""

import matplotlib
import numpy as np
import pytest

from muguet import MuguetError
from muguet.figures import Curve, noise_figure, save
from muguet.noise import Gaussian, MeasuredLaw, PoissonGaussian, divergence, mean_variance

LAW = PoissonGaussian(2.0, 100.0, 1.5)
CLEAN = np.linspace(110, 400, 40_000).reshape(200, 200)
NOISY = LAW.sample(CLEAN)
MEASURED = MeasuredLaw.from_pairs(NOISY, CLEAN)


def curve(law=LAW, name="learned", ends=(110.0, 400.0), compared=False):
    at = MEASURED.points().signal
    return Curve(name, law, ends, divergence(MEASURED, law, at) if compared else None)


def labels(figure):
    return [axes.get_ylabel() for axes in figure.axes]


def test_each_known_quantity_has_a_panel():
    both = [curve(compared=True), curve(Gaussian(20.0), "flat", compared=True)]
    assert labels(noise_figure(both, MEASURED, CLEAN)) == ["σ (counts)", "Skewness", "KL (nats)", "Pixels"]
    assert labels(noise_figure([curve()])) == ["σ (counts)", "Skewness"]
    assert labels(noise_figure([], mean_variance(NOISY, CLEAN))) == ["σ (counts)"]
    assert labels(noise_figure([], MEASURED, CLEAN)) == ["σ (counts)", "Skewness", "Pixels"]


def test_points_lie_on_the_curve_of_their_own_law():
    axes = noise_figure([curve()], MEASURED).axes[0]
    points, line = (axes.lines[0].get_xydata(), axes.lines[-1].get_xydata())
    np.testing.assert_allclose(np.interp(points[:, 0], *line.T), points[:, 1], rtol=0.15)


def test_panels_share_their_signals_and_the_legend_names_the_laws():
    figure = noise_figure([curve(), curve(Gaussian(20.0), "flat", (50.0, 300.0))], MEASURED)
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    low, high = figure.axes[0].get_xlim()
    assert low < 50
    assert high > 400
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert set(texts) == {"learned", "flat", "measured"}


def test_a_wide_positive_range_has_a_logarithmic_axis():
    assert noise_figure([curve(ends=(101.0, 9000.0))]).axes[0].get_xscale() == "log"
    assert noise_figure([curve(ends=(-5.0, 9000.0))]).axes[0].get_xscale() == "linear"
    assert noise_figure([curve(ends=(7.0, 7.0))]).axes[0].get_xscale() == "linear"


def test_divergences_below_zero_by_chance_are_drawn():
    values = np.full(len(MEASURED.points().signal), -1e-4)
    figure = noise_figure([Curve("same", LAW, (110.0, 400.0), values)], MEASURED)
    assert np.isfinite(figure.axes[2].lines[0].get_ydata()).all()


def test_the_global_style_is_unchanged_and_the_file_is_reproducible(tmp_path):
    before = dict(matplotlib.rcParams)
    for name in ("one.svg", "two.svg"):
        save(noise_figure([curve(compared=True)], MEASURED, CLEAN, "cells"), tmp_path / name)
    assert dict(matplotlib.rcParams) == before
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_nothing_to_draw_gives_a_sentence():
    with pytest.raises(MuguetError, match="nothing to draw"):
        noise_figure()
