"""The prior: what it shares with any network in units of electrons, and what its weights do."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from muguet import MuguetError
from muguet.restoration import PRIORS, SHIFT, FilterBankNet, Grid, Stabilised, load_prior, prior_net


@pytest.fixture(scope="module")
def prior():
    return load_prior().eval()


def small() -> Stabilised:
    torch.manual_seed(0)
    net = Stabilised(FilterBankNet(2, (8, 8), brightest=10.0, predicts_error=True))
    net.open_gate(0.3)
    return net


def electrons(size: int = 64, level: float = 30.0) -> torch.Tensor:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size]
    return torch.from_numpy(rng.poisson(level * (1.2 + np.sin(x / 5) * np.cos(y / 7))).astype(np.float32))[
        None, None
    ]


def test_a_hidden_pixel_does_not_reach_its_own_estimate():
    net, image = small(), electrons()
    generator = torch.Generator().manual_seed(0)
    mask = Grid().draw(image.shape, generator)
    changed = image.clone()
    changed[mask] += 50
    estimates = [net(Grid().hide(each, mask, generator)).blind[mask] for each in (image, changed)]
    torch.testing.assert_close(*estimates)


def test_an_inner_network_that_changes_nothing_leaves_the_image():
    class Same(FilterBankNet):
        def forward(self, image):
            return super().forward(image)._replace(blind=image)

    image = electrons() + 0.5
    torch.testing.assert_close(Stabilised(Same(2, (8, 8)))(image).blind, image, rtol=1e-5, atol=1e-4)


def test_above_the_brightest_level_it_treats_a_constant_as_one():
    """Noise of many electrons is the same at every level, so the estimate must be too."""
    torch.manual_seed(0)
    net = FilterBankNet(2, (8, 8), brightest=10.0)
    image = 12 + torch.rand(1, 1, 32, 32, dtype=torch.float32)
    low, high = net(image), net(image + 500)
    torch.testing.assert_close(high.blind - 500, low.blind, rtol=0, atol=2e-3)
    torch.testing.assert_close(high.gate, low.gate, rtol=0, atol=1e-4)


def test_the_error_is_positive_and_only_where_it_was_asked_for():
    assert bool((small()(electrons()).error > 0).all())
    assert prior_net((8, 8), predicts_error=False)(electrons()).error is None


def test_loading_a_prior_does_not_move_the_random_generator():
    torch.manual_seed(5)
    load_prior()
    first = torch.rand(3)
    torch.manual_seed(5)
    torch.testing.assert_close(torch.rand(3), first)


def test_a_file_that_is_no_prior_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "other.safetensors").write_bytes(b"nothing")
    for name in ("nonsense", str(tmp_path / "other.safetensors")):
        with pytest.raises(MuguetError, match="prior"):
            load_prior(name)


def test_the_weights_are_small_and_complete():
    from importlib.resources import files

    sizes = [len(files("muguet.restoration").joinpath(name).read_bytes()) for name in PRIORS.values()]
    assert sum(sizes) < 4_000_000
    assert all(bool(torch.isfinite(value).all()) for value in load_prior().state_dict().values())


def final(net: Stabilised, image: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        found = net(image)
        return found.blind + found.gate * (image - found.blind)


@pytest.mark.parametrize("light", [20, 200])
def test_the_prior_removes_noise_and_predicts_what_it_leaves(prior, light):
    clean = scene(light)
    noisy = np.random.default_rng(1).poisson(clean).astype(np.float32)
    image = torch.from_numpy(noisy)[None, None]
    error = final(prior, image)[0, 0].numpy() - clean
    assert np.square(error).mean() < 0.15 * np.square(noisy - clean).mean()
    with torch.no_grad():
        found = prior(image)
    predicted = (found.error * (found.blind + SHIFT))[0, 0].numpy()
    assert 0.3 < np.square(error).mean() / predicted.mean() < 3


def scene(light: float) -> np.ndarray:
    """Smooth bright structures on a dark background, in electrons."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(2)
    points = gaussian_filter((rng.random((160, 160)) < 0.004).astype(float), 2.5)
    return (light * (0.1 + points / points.max())).astype(np.float64)


def spectrum(image: np.ndarray) -> np.ndarray:
    """Power in four rings of equal width in frequency."""
    power = np.abs(np.fft.fft2(image - image.mean())) ** 2 / image.size
    y, x = np.meshgrid(*(np.fft.fftfreq(n) for n in image.shape), indexing="ij")
    radius = np.hypot(y, x)
    return np.array(
        [power[(radius >= low) & (radius < low + 0.125)].mean() for low in (0.0, 0.125, 0.25, 0.375)]
    )


@pytest.mark.parametrize("level", [3.0, 30.0, 3000.0])
def test_in_pure_noise_it_finds_no_structure(prior, level):
    """What is left of a flat field has less power than its noise at every frequency, and little at fine ones."""
    noisy = np.random.default_rng(0).poisson(level, (192, 192)).astype(np.float32)
    left = final(prior, torch.from_numpy(noisy)[None, None])[0, 0].numpy()
    share = spectrum(left) / spectrum(noisy)
    assert share.max() < 0.5
    assert (share[1:] < 0.02).all()
    assert left.mean() == pytest.approx(noisy.mean(), abs=0.05 * np.sqrt(level))


def test_the_weights_are_among_the_data_of_the_package():
    import fnmatch
    import tomllib
    from pathlib import Path

    project = Path(__file__).parents[2] / "pyproject.toml"
    patterns = tomllib.loads(project.read_text())["tool"]["setuptools"]["package-data"]["muguet"]
    for name in PRIORS.values():
        assert any(fnmatch.fnmatch(f"restoration/{name}", pattern) for pattern in patterns)
