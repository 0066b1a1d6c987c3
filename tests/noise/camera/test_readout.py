"""The read-out of a camera: exact for known laws, with intervals that cover the truth for measured ones."""

import math

import numpy as np
import pytest
import tifffile

from muguet import MuguetError
from muguet.noise import (
    EMCCD,
    Gaussian,
    MeanVariance,
    MeasuredLaw,
    PoissonGaussian,
    interpret,
    mean_variance,
    read_out,
)

GAIN, OFFSET, READ = 2.1, 100.0, 3.0
CAMERA = PoissonGaussian(GAIN, OFFSET, READ)
SIGNALS = OFFSET + np.random.default_rng(0).exponential(60, 100_000)


def mentions(readout, *words: str) -> bool:
    """Return True if one sentence about the read-out has all these words."""
    return any(all(word in sentence for word in words) for sentence in interpret(readout))


def curve(seed: int, response=lambda signal: 1.0) -> MeanVariance:
    """A photon-transfer curve with the errors of 2000 pixels a point, drawn and not simulated."""
    signal = np.linspace(105, 6000, 60)
    variance = (GAIN * (signal - OFFSET) + (GAIN * READ) ** 2) * response(signal)
    count = np.full(60, 2000)
    error = variance * np.sqrt(2 / count)
    drawn = variance + error * np.random.default_rng(seed).standard_normal(60)
    return MeanVariance(signal, drawn, error, count)


def test_a_known_offset_separates_everything_exactly():
    readout = read_out(CAMERA, SIGNALS, offset=OFFSET)
    assert readout.gain.value == pytest.approx(GAIN, rel=1e-5)
    assert readout.read_noise.value == pytest.approx(READ, rel=1e-4)
    assert readout.zero.value == pytest.approx(OFFSET - GAIN * READ**2, abs=1e-3)
    assert readout.third_ratio.value == pytest.approx(1.0, abs=1e-3)
    assert readout.departures == ()
    assert mentions(readout, "Shot-noise limited")
    assert mentions(readout, "no sign of excess noise")
    assert not mentions(readout, "Offset and read noise cannot be separated")


def test_without_the_offset_the_intervals_hold_all_that_is_possible():
    readout = read_out(CAMERA, SIGNALS)
    assert readout.gain.value == pytest.approx(GAIN, rel=1e-5)
    assert readout.offset.value == pytest.approx(OFFSET - GAIN * READ**2, abs=1e-3)
    assert OFFSET in readout.offset
    assert READ in readout.read_noise
    assert readout.offset.high < OFFSET + 2
    assert mentions(readout, "Offset and read noise cannot be separated", "give the offset")
    assert mentions(readout, "Gain and excess noise cannot be separated")


def test_excess_noise_is_seen_in_the_third_moment_only():
    law = EMCCD(GAIN, OFFSET, 0.5)
    readout = read_out(law, SIGNALS, offset=OFFSET)
    assert readout.gain.value == pytest.approx(
        2 * GAIN, rel=1e-4
    )  # as long as no excess-noise factor is given
    assert readout.third_ratio.value == pytest.approx(1.5, abs=1e-3)
    assert mentions(readout, "excess noise", "multiplying register")
    assumed = read_out(law, SIGNALS, offset=OFFSET, excess=2.0)
    assert assumed.gain.value == pytest.approx(GAIN, rel=1e-4)
    assert assumed.read_noise.value == pytest.approx(0.5, rel=1e-3)
    points = readout.points
    assert read_out(points).third_ratio is None
    assert mentions(read_out(points), "for an EMCCD it is 2")


def test_noise_that_does_not_grow_says_nothing_of_light():
    assert mentions(read_out(Gaussian(4.0), SIGNALS), "Read-noise limited", "cannot be measured")


def test_loud_electronics_limit_dim_light():
    readout = read_out(PoissonGaussian(2.0, 100.0, 12.0), SIGNALS, offset=100.0)
    assert mentions(readout, "Read-noise limited", "exceeds it above a signal of 388")
    assert mentions(read_out(PoissonGaussian(2.0, 100.0, 12.0), SIGNALS), "Without the offset it is unknown")


def test_intervals_cover_the_truth():
    """Each covers it in 95 % of cases; of 50, fewer than 44 are then less likely than 1 in 1000."""
    covered = np.zeros(5)
    for seed in range(50):
        known, unknown = read_out(curve(seed), offset=OFFSET), read_out(curve(seed))
        covered += (
            GAIN in known.gain,
            READ in known.read_noise,
            OFFSET - GAIN * READ**2 in known.zero,
            OFFSET in unknown.offset,
            READ in unknown.read_noise,
        )
        assert known.departures == ()
    assert (covered >= 45).all(), covered


def test_intervals_are_not_wider_than_they_must_be():
    widths = [read_out(curve(seed)).gain for seed in range(20)]
    deviation = np.std([interval.value for interval in widths])
    mean = np.mean([interval.high - interval.low for interval in widths])
    assert mean < 2 * 1.96 * deviation * 2


def test_a_few_bad_points_do_not_move_the_line():
    points = curve(0)
    points.variance[[7, 30, 44]] *= 3
    assert read_out(points).gain.value == pytest.approx(GAIN, rel=0.03)


def test_compression_is_found_and_located():
    compressed = curve(1, lambda signal: np.where(signal < 3000, 1.0, 0.5))
    readout = read_out(compressed, offset=OFFSET)
    (departure,) = readout.departures
    assert departure.bright
    assert 2900 < departure.low < 3200
    assert departure.deviation == pytest.approx(-0.5, abs=0.15)
    assert readout.gain.value == pytest.approx(GAIN, rel=0.05)
    assert mentions(readout, "Not linear above a signal of 3")


def test_saturation_is_called_by_its_name():
    rng = np.random.default_rng(0)
    light = OFFSET + rng.uniform(0, 5000, 200_000)
    recorded = np.minimum(CAMERA.sample(light, seed=1), 4100)
    readout = read_out(mean_variance(recorded, np.minimum(light, 4300)), offset=OFFSET)
    assert mentions(readout, "Saturated above a signal of")
    assert 3900 < readout.departures[-1].low < 4150  # somewhat below 4100, as noise reaches beyond the signal
    assert readout.gain.value == pytest.approx(GAIN, rel=0.03)


def test_rounding_that_matters_is_named():
    quiet = PoissonGaussian(0.05, 0.0, 1.0)
    signals = np.random.default_rng(0).exponential(20, 10_000)
    assert mentions(read_out(quiet, signals), "Quantised")
    assert not mentions(read_out(CAMERA, SIGNALS), "Quantised")
    assert mentions(read_out(CAMERA, SIGNALS, step=20.0), "Quantised", "steps of 20")


def test_an_impossible_offset_is_contradicted():
    points = curve(2)
    assert mentions(read_out(points, offset=20.0), "contradicts")


def test_mean_variance_points_are_the_truth_within_their_errors():
    clean = SIGNALS
    noisy = EMCCD(2.0, 100.0, 0.5).sample(clean, seed=5)
    noisy[:: len(noisy) // 20] += 5e4  # cosmic rays
    points = mean_variance(noisy, clean)
    z = (points.variance - (4 * (points.signal - 100) + 1)) / points.error
    assert np.sqrt(np.mean(z**2)) < 1.6
    assert points.count.sum() >= len(clean) - 25


def test_a_law_whose_variance_was_not_measured_has_values_without_intervals():
    known, bare = read_out(CAMERA, SIGNALS), read_out(CAMERA, SIGNALS, measured=False)
    for name in ("gain", "offset", "read_noise", "zero", "third_ratio"):
        assert getattr(bare, name).value == getattr(known, name).value
        assert not getattr(bare, name).known
    assert mentions(bare, "Shot-noise limited")
    assert not any("[" in sentence or "nan" in sentence for sentence in interpret(bare))
    assert read_out(CAMERA, SIGNALS, offset=OFFSET, measured=False).offset.known


def test_too_little_is_refused():
    with pytest.raises(MuguetError, match="pass `signals`"):
        read_out(CAMERA)
    with pytest.raises(MuguetError, match="too few"):
        read_out(CAMERA, np.full(5000, 120.0))


@pytest.mark.parametrize("number", [3, 4, 5])
def test_few_points_are_enough_for_a_line(number):
    count = np.full(number, 2000)
    signal = np.linspace(150, 3000, number)
    variance = GAIN * (signal - OFFSET) + (GAIN * READ) ** 2
    points = MeanVariance(signal, variance, variance * np.sqrt(2 / count), count)
    assert read_out(points).gain.value == pytest.approx(GAIN, rel=1e-6)
    readout = read_out(CAMERA, points)
    assert readout.gain.value == pytest.approx(GAIN, rel=1e-6)
    assert readout.third_ratio.value == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(
    "channel", [pytest.param(0, marks=pytest.mark.slow), 1, pytest.param(2, marks=pytest.mark.slow)]
)
def test_w2s_reads_as_the_camera_it_is(data, channel):
    noisy, clean = (tifffile.imread(data / f"w2s_ch{channel}_{kind}.tif") for kind in ("noisy", "clean"))
    readout = read_out(MeasuredLaw.from_pairs(noisy, clean))
    assert 100 in readout.gain
    assert 200 in readout.offset
    assert readout.zero.value == pytest.approx(200, abs=2)
    assert 1.25 < readout.third_ratio.low < 1.5
    assert mentions(readout, "excess noise", "multiplying register")
    assert math.isclose(read_out(readout.points).gain.value, readout.gain.value)
