"""What the tabs Noise and Did it work show of a model, without a window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from muguet.interactive import checks
from muguet.interactive.computation import computation
from muguet.interactive.law import noise_law
from muguet.interactive.neighbours import Shown
from muguet.interactive.source import Source
from muguet.napari import beside
from muguet.napari.sample_data import cells, movie, two_channels
from muguet.napari.words import as_html
from muguet.restoration import matching_sigma
from muguet.restoration.blur_width import blurred
from muguet.training import Sample, collect, prepare
from tests.conftest import blobs, recorded


@pytest.fixture
def model(tiny_prior, noisy):
    return prepare(collect([Sample(noisy, "YX")]), minutes=0).denoiser()


def test_the_noise_tab_has_a_figure_and_the_camera_with_intervals(model, noisy):
    law = noise_law(model, 0, noisy, model(noisy, "YX"))
    assert law.picture.startswith(b"\x89PNG")
    assert [row.name for row in law.rows] == ["Gain", "Offset", "Read noise"]
    assert all(" to " in row.interval for row in law.rows)
    assert law.sentences[0].startswith("Noise law: variance measured")


def test_the_checks_are_words_with_figures_and_the_blur_is_beside_them(model, noisy, monkeypatch):
    monkeypatch.setattr("muguet.quality.model_checks.second_opinion", lambda *given: None)
    judged = checks.judge(model, 0, Shown(noisy, model(noisy, "YX")))
    html = as_html({"<cells>": judged, "b": judged})
    for check in judged.quality.checks:
        assert check.name in html
    assert "removes as much noise in flat regions" in html
    assert "&lt;cells&gt;" in html


def test_the_report_is_one_page(model, noisy, tmp_path, monkeypatch, quick_charts):
    monkeypatch.setattr("muguet.quality.model_checks.second_opinion", lambda *given: None)
    source = Source((noisy,), ("a/b",))
    shown = [Shown(noisy, model(noisy, "YX"))]
    checks.write_report(model, source, 0, shown, tmp_path / "r.html", 0.1)
    assert "a b" in (tmp_path / "r.html").read_text()


@pytest.mark.parametrize("sigma", [0.6, 1.3, 2.5])
def test_the_matching_blur_of_a_blur_is_that_blur(sigma):
    plane = recorded(blobs(96)).astype(np.float32)
    assert matching_sigma(plane, blurred(plane, sigma)) == pytest.approx(sigma, abs=0.02)


def test_the_matching_blur_removes_as_much_noise_where_the_image_is_flat():
    rng = np.random.default_rng(0)
    signal = np.full((128, 128), 100.0)
    signal[40:60, 40:60] += 1000 * rng.random((20, 20))  # A blur removes more of this than any noise.
    plane = signal + rng.normal(0, 10, signal.shape)
    half = (plane + signal) / 2  # A quarter of the variance is removed.
    blur = blurred(plane, matching_sigma(plane, half))
    assert np.var((plane - blur)[80:, 80:]) == pytest.approx(25, rel=0.1)
    assert matching_sigma(plane, plane) == 0


def test_layers_beside_the_result(model, noisy):
    source = Source((noisy,), ("a",))
    whole = source.middle(max(noisy.shape))
    best = computation(model, source)
    _, estimate = best.part(source, 0, 0, whole)
    _, residual = replace(best, residual=True).part(source, 0, 0, whole)
    np.testing.assert_allclose(residual + estimate, noisy, rtol=1e-5)
    assert (computation(model, source, std=True).part(source, 0, 0, whole)[1] > 0).all()
    assert np.var(beside.blur_computation(2.0).function(noisy, 0)) < np.var(noisy)
    assert checks.channel_names(source) == ("a",)


def test_samples_are_noisy_integers_with_units():
    for data, given in (*cells(), *movie(), *two_channels()):
        assert data.dtype == np.uint16
        assert len(given["scale"]) == len(given["units"]) == data.ndim
        assert "micrometer" in given["units"]
