"""`muguet simulate`: the noise of a camera, added to a clean image."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from muguet.cli.simulate import _record
from muguet.formats import read
from muguet.noise import Correlated, Gaussian, Kernel, Shared


@pytest.fixture
def clean(tmp_path):
    path = tmp_path / "clean.tif"
    signal = np.repeat(np.array([[110.0, 200.0], [500.0, 1000.0]], np.float32), 64, 0).repeat(64, 1)
    tifffile.imwrite(path, signal, imagej=True, resolution=(10, 10), metadata={"axes": "YX", "unit": "um"})
    return path


def test_frames_of_a_camera_have_its_mean_and_variance(muguet, clean, tmp_path):
    out = tmp_path / "noisy.tif"
    camera = ("--gain", 2.1, "--offset", 100, "--read-noise", 3, "--frames", 20, "--dtype", "uint16")
    answer = muguet("simulate", clean, "-o", out, *camera)
    assert answer.code == 0, answer.err
    noisy, signal = read(out), read(clean).data
    assert (noisy.axes, noisy.data.dtype, noisy.pixel_size["X"]) == ("TYX", np.uint16, pytest.approx(0.1))
    for level in np.unique(signal).tolist():
        drawn = noisy.data[:, signal == level].astype(float)
        variance = 2.1 * (level - 100) + (2.1 * 3) ** 2 + 1 / 12  # 1/12 is the variance of rounding
        assert drawn.mean() == pytest.approx(level, abs=float(5 * np.sqrt(variance / drawn.size)))
        assert drawn.var() == pytest.approx(variance, rel=0.03)


@pytest.mark.parametrize("law", ["gaussian", "speckle", "emccd"])
def test_the_same_seed_draws_the_same(muguet, clean, tmp_path, law):
    results = []
    for name, seed in (("a.tif", 1), ("b.tif", 1), ("c.tif", 2)):
        answer = muguet("simulate", clean, "-o", tmp_path / name, "--law", law, "--std", 0.2, "--seed", seed)
        assert answer.code == 0, answer.err
        results.append(tifffile.imread(tmp_path / name))
    np.testing.assert_array_equal(results[0], results[1])
    assert (results[0] != results[2]).any()


def test_counts_are_clipped_as_a_camera_clips_them(muguet, clean, tmp_path):
    assert muguet("simulate", clean, "-o", tmp_path / "o.tif", "--dtype", "uint8").code == 0
    assert tifffile.imread(tmp_path / "o.tif").max() == 255


def test_a_learned_law_makes_noise_again(muguet, clean, image, tmp_path):
    model = tmp_path / "m.muguet"
    muguet("fit", image, "-o", model, "--steps", 2)
    assert muguet("simulate", clean, "-o", tmp_path / "o.tif", "--law", model).code == 0
    assert (tifffile.imread(tmp_path / "o.tif") != tifffile.imread(clean)).any()


@pytest.mark.parametrize(
    ("option", "words"),
    [(("--law", "magic"), "magic"), (("--gain", -1), "gain"), (("--dtype", "bool"), "bool")],
)
def test_impossible_cameras(muguet, clean, tmp_path, option, words):
    answer = muguet("simulate", clean, "-o", tmp_path / "o.tif", *option)
    assert answer.code == 2
    assert words in answer.err.strip().splitlines()[-1]
    assert not (tmp_path / "o.tif").exists()


def test_frames_need_an_image_of_one_time(muguet, tmp_path):
    path = tmp_path / "t.tif"
    tifffile.imwrite(path, np.ones((2, 20, 20), np.float32), imagej=True, metadata={"axes": "TYX"})
    answer = muguet("simulate", path, "-o", tmp_path / "o.tif", "--frames", 3)
    assert answer.code == 2
    assert "T axis" in answer.err


@pytest.mark.parametrize(
    ("axes", "frames", "shared"),
    [("ZCYX", 2, (0.3, 0.5, 0)), ("CTYX", 1, (0, 0.3)), ("TZYX", 1, (0.3, 0.5)), ("CYX", 4, (0.3, 0))],
)
def test_frames_and_planes_share_the_noise_of_the_law(axes, frames, shared):
    law = Correlated(
        Gaussian(5.0), Kernel(planes=(Shared("T", (0.3,), 0.01), Shared("Z", (0.5,), 0.01))), 1.0
    )
    clean = np.full((*[4] * (len(axes) - 2), 32, 32), 100.0)
    drawn = _record(law, clean, axes, frames, np.dtype(np.float32), 0) - 100
    assert drawn.shape == (frames, *clean.shape) if frames > 1 else clean.shape
    for axis, true in enumerate(shared):
        one, other = np.moveaxis(drawn, axis, 0)[1:], np.moveaxis(drawn, axis, 0)[:-1]
        assert (one * other).mean() / drawn.var() == pytest.approx(true, abs=0.06)
