"""The blur beside the result: its edge is where a step is, and its profile less steep than the sharper estimate's."""

from __future__ import annotations

import numpy as np
import pytest

from muguet.figures.edges import profile, steepest, strongest_edge
from muguet.report.blur import blurred_part, blurred_plane, matching_blur
from tests.report.conftest import bare, facts_of, written


def step(angle, shape=(96, 96)):
    """Return a plane with a straight edge of 100 counts through its centre, bright towards `angle`."""
    y, x = (np.arange(size) - size / 2 for size in shape)
    along = y[:, None] * np.sin(angle) + x * np.cos(angle)
    return 50 + 100 / (1 + np.exp(-along / 0.7))


@pytest.mark.parametrize("angle", [0.0, 0.7, 2.2, -1.57, 3.1])
def test_the_line_crosses_the_step_from_dark_to_bright(angle):
    plane = step(angle)
    plane[70:73, 20:23] += 1000  # A spot is no edge.
    edge = strongest_edge(plane)
    assert edge.direction == pytest.approx((np.sin(angle), np.cos(angle)), abs=0.05)
    position, values = profile(plane, edge)
    assert values[0] == pytest.approx(50, abs=1)
    assert values[-1] == pytest.approx(150, abs=1)
    assert steepest(position, values) == pytest.approx(100 * np.tanh(1 / 1.4) / 2, rel=0.1)
    assert abs(np.interp(100, values, position)) < 1


def test_a_plane_without_an_edge_has_none():
    assert strongest_edge(np.full((64, 64), 117.0)) is None
    assert strongest_edge(step(0.3, (16, 200))) is None
    hidden = step(0.0)
    hidden[:, 40:56] = np.nan
    edge = strongest_edge(hidden)
    assert edge is None or abs(edge.centre[1] - 48) > 8


def test_the_blur_flattens_an_edge_that_the_estimate_keeps():
    rng = np.random.default_rng(0)
    clean = step(0.5)
    noisy = clean + rng.normal(0, 20, clean.shape)
    estimate = clean + rng.normal(0, 4, clean.shape)
    blur = matching_blur(noisy, estimate)
    flat = np.s_[5:25, 5:25]
    assert np.var((noisy - blurred_plane(noisy, blur.sigma))[flat]) == pytest.approx(400, rel=0.3)
    assert blur.slopes["blurred"] < 0.7 * blur.slopes["denoised"]
    assert f"{blur.sigma:.2f} pixels" in blur.sentence
    assert matching_blur(noisy, noisy) is None


def test_a_part_is_blurred_as_the_whole_plane_is():
    plane = step(1.0) + np.random.default_rng(0).normal(0, 9, (96, 96))
    part = (slice(10, 40), slice(60, 96))
    np.testing.assert_allclose(blurred_part(plane, 1.7, part), blurred_plane(plane, 1.7)[part], rtol=1e-4)


def test_the_report_shows_the_blur_where_there_is_one(tmp_path):
    plain = bare()
    facts = facts_of(written(tmp_path, plain).read_text("utf-8"))
    blur = facts["channels"][0]["images"]["blur"]
    assert blur["sigma"] > 0.3
    assert len(blur["profiles"]["position"]) == len(blur["profiles"]["noisy"]) > 20
    without = written(tmp_path, bare(estimate=np.full((96, 120), 300.0))).read_text("utf-8")
    assert "What a blur would have done" not in without
