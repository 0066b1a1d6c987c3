"""The studies on tiny images: what they write, and the laws that their figures rest on."""

from __future__ import annotations

import argparse
import csv
import json

import common
import noise_density
import noise_shape
import noise_std
import numpy as np
import pairs
import pytest
import tifffile

import muguet
from muguet import MuguetError
from muguet.noise import PoissonGaussian
from muguet.quality import psnr
from muguet.samples import acquisition
from tests.studies.conftest import CLIPPED, grey


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def nuclei(tmp_path_factory):
    """A folder with a larger clean image."""
    folder = tmp_path_factory.mktemp("larger")
    tifffile.imwrite(folder / "clean_nuclei.tif", grey(acquisition((512, 512), seed=2)))
    return folder


def table(path) -> tuple[dict, list[dict]]:
    """The header of a CSV file and its rows."""
    first, *rest = path.read_text(encoding="utf-8").splitlines()
    assert first.startswith("# ")
    return json.loads(first[2:]), list(csv.DictReader(rest))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("study", "options", "columns"),
    [
        (
            noise_std,
            ["--levels", "25"],
            {
                "noise_std": {
                    "signal",
                    "pixels",
                    "sigma_measured",
                    "sigma_known",
                    "sigma_muguet",
                    "sigma_nnet",
                },
                "noise_std_table": {"level_db", "muguet_median", "muguet_rare_worst", "nnet_worst"},
            },
        ),
        (
            noise_density,
            [],
            {"noise_density": {"signal", "noise", "density_measured", "density_predicted"}},
        ),
        (
            noise_shape,
            [],
            {
                "noise_shape": {
                    "signal",
                    "skewness_measured",
                    "skewness_g1",
                    "skewness_g3",
                    "kl_g1",
                    "kl_nnet_g2",
                },
                "noise_shape_table": {"components", "kl", "kl_nnet", "skewness_off_worst", "within_0.15"},
            },
        ),
    ],
    ids=["std", "density", "shape"],
)
def test_a_study_leaves_figures_and_tables(study, options, columns, images, cache, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    sets = ["w2s_ch1"] if study is noise_shape else ["nuclei", "w2s_ch1"]
    places = ["--data", str(images), "--out", str(tmp_path / "out"), "--cache", str(cache)]
    study.main(["--steps", "3", "--seed", "4", "--sets", *sets, *options, *places])
    name = study.__name__
    assert (tmp_path / "out" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (tmp_path / "out" / f"{name}.svg").read_bytes()
    for file, wanted in columns.items():
        header, rows = table(tmp_path / "out" / f"{file}.csv")
        assert {"command", "seed", "steps", "commit", "machine", "date"} <= set(header)
        assert (header["seed"], header["steps"]) == (4, 3)
        assert f"studies/{name}.py --steps 3" in header["command"]
        assert wanted | {"set"} <= set(rows[0])
        assert {row["set"] for row in rows} == set(sets)
    assert f"`python studies/{name}.py" in capsys.readouterr().out


@pytest.mark.parametrize("level", [15.0, 20.0, 25.0])
@pytest.mark.parametrize("kind", list(pairs.LAWS))
def test_noise_has_the_level_that_was_asked_for(kind, level, nuclei):
    pair = pairs.simulated(nuclei, "nuclei", kind, level)
    assert psnr(pair.noisy, pair.clean) == pytest.approx(level, abs=0.05)


def test_no_noise_reaches_a_level_beyond_all():
    with pytest.raises(MuguetError, match="500 dB"):
        pairs.at_level(pairs.LAWS["Gaussian"], np.arange(256.0).reshape(1, 16, 16), 500.0)


def test_what_was_trained_is_not_trained_again(images, tmp_path, monkeypatch):
    pair = pairs.simulated(images, "nuclei", "Gaussian", 20.0)
    choices = argparse.Namespace(steps=2, seed=0, cache=tmp_path)
    first = common.trained(pair, choices, components=1)

    def refuse(*arguments, **keywords):
        raise AssertionError("trained again")

    monkeypatch.setattr(muguet, "fit", refuse)
    signal = np.linspace(200, 2000, 5)
    np.testing.assert_array_equal(common.trained(pair, choices, 1).noise.std(signal), first.noise.std(signal))
    for other in ({"steps": 3}, {"seed": 1}):
        with pytest.raises(AssertionError, match="trained again"):
            common.trained(pair, argparse.Namespace(**{**vars(choices), **other}), 1)
    with pytest.raises(AssertionError, match="trained again"):
        common.trained(pairs.simulated(images, "nuclei", "Gaussian", 21.0), choices, 1)


@pytest.mark.parametrize("kind", list(pairs.LAWS))
def test_the_measured_law_has_the_known_deviation(kind, nuclei):
    pair = pairs.simulated(nuclei, "nuclei", kind, 20.0)
    points = pair.measured().points
    np.testing.assert_allclose(np.sqrt(points.variance), pair.known(points.signal), rtol=0.12)


def test_clipped_pixels_are_left_out_and_their_bins_are_marked(images):
    pair = pairs.real(images, "w2s_ch1")
    np.testing.assert_array_equal(np.isnan(pair.unsaturated()), pair.noisy == CLIPPED)
    assert (pair.noisy == CLIPPED).any()
    measured = pair.measured()
    assert measured.cut[-1]
    assert not measured.cut[0]


def test_the_true_law_overlaps_with_what_is_counted_and_a_wrong_one_less(nuclei):
    pair = pairs.simulated(nuclei, "nuclei", "Poisson-Gaussian", 20.0)
    right = noise_density.maps(pair, PoissonGaussian(pair.parameter, pairs.OFFSET, pairs.READ_NOISE))
    wrong = noise_density.maps(pair, PoissonGaussian(2 * pair.parameter, pairs.OFFSET, pairs.READ_NOISE))
    area = (right.predicted * np.diff(right.noise)[:, None]).sum(0)
    assert np.nanmax(np.abs(area - 1)) < 0.02
    assert noise_density.overlap(right) > 0.95
    assert noise_density.overlap(wrong) < 0.9


def test_a_missing_image_is_one_sentence(tmp_path):
    with pytest.raises(MuguetError, match="--data"):
        noise_std.main(["--data", str(tmp_path)])
