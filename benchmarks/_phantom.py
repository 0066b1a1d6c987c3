"""A simulated stack of planes with known truth: filaments, puncta, and cells with a shell and a nucleus."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Floats = npt.NDArray[np.float64]

GAIN, OFFSET, READ_NOISE = 2.0, 100.0, 1.0  # counts per photo-electron, counts, photo-electrons


def stack(planes: int, side: int, lateral: float, axial: float, seed: int = 0) -> Floats:
    """Return a stack ``(planes, side, side)`` without noise, of which the brightest 0.1 % of pixels are 1 or more.

    Parameters
    ----------
    planes, side
        Number of planes, and of pixels along Y and X.
    lateral, axial
        Standard deviations of the Gaussian point spread function: in pixels, and in planes.
    seed
        Seed of the random numbers.
    """
    rng = np.random.default_rng(seed)
    margin = int(np.ceil(4 * axial))
    shape = (planes + 2 * margin, side, side)
    depth = (
        2.0 * axial / lateral
    )  # A plane is so many pixels thick that the point spread function is twice as long.
    pixels = 1 / depth * 2 * 2  # planes per pixel of length along z
    fibres = _fibres(shape, pixels, rng)
    puncta = _splat(rng.uniform(0, 1, (shape[0] * side * side // 6000, 3)) * shape, shape)
    puncta *= ndimage.gaussian_filter(rng.lognormal(0, 0.7, shape), 1) * 14
    light = fibres + puncta + _cells(shape, pixels, rng)
    seen = ndimage.gaussian_filter(light, (axial, lateral, lateral), mode=("nearest", "wrap", "wrap"))
    seen = seen + 0.15 * ndimage.gaussian_filter(light, (4 * axial, 6 * lateral, 6 * lateral))
    seen = seen[margin:-margin]
    return seen / np.quantile(seen, 0.999) + 0.02


def recorded(signal: Floats, seed: int = 0) -> npt.NDArray[np.uint16]:
    """Return a recording, in counts, of a signal in photo-electrons."""
    rng = np.random.default_rng(seed)
    electrons = rng.poisson(signal) + rng.normal(0, READ_NOISE, signal.shape)
    return (OFFSET + GAIN * electrons).round().clip(0).astype(np.uint16)


def _splat(points: Floats, shape: tuple[int, int, int], light: Floats | float = 1.0) -> Floats:
    """Share the light of points ``(n, 3)`` among the eight voxels around each."""
    cell = np.floor(points).astype(int)
    part = points - cell
    out = np.zeros(shape)
    for dz in (0, 1):
        for dy in (0, 1):
            for dx in (0, 1):
                at = cell + np.array([dz, dy, dx])
                inside = (at[:, 0] >= 0) & (at[:, 0] < shape[0])
                share = np.abs(1 - np.array([dz, dy, dx]) - part).prod(1) * light
                index = (at[:, 0], at[:, 1] % shape[1], at[:, 2] % shape[2])
                np.add.at(out, tuple(each[inside] for each in index), share[inside])
    return out


def _fibres(shape: tuple[int, int, int], pixels: float, rng: np.random.Generator) -> Floats:
    """Curves through the stack, most of them nearly in a plane."""
    number, steps = shape[0] * 3, 600
    tilt, turn = rng.normal(0, 0.35, (number, 1)), rng.uniform(0, 2 * np.pi, (number, 1))
    turn = turn + np.cumsum(rng.normal(0, 0.03, (number, steps)), 1)
    tilt = tilt + np.cumsum(rng.normal(0, 0.02, (number, steps)), 1)
    step = np.stack([np.sin(tilt) * pixels, np.cos(tilt) * np.sin(turn), np.cos(tilt) * np.cos(turn)], -1)
    path = rng.uniform(0, 1, (number, 1, 3)) * shape + np.cumsum(0.5 * step, 1)
    light = 0.25 * rng.lognormal(0, 0.4, (number, 1)) * np.ones(steps)
    return _splat(path.reshape(-1, 3), shape, light.ravel())


def _cells(shape: tuple[int, int, int], pixels: float, rng: np.random.Generator) -> Floats:
    """Balls with a texture, a bright shell, and a nucleus."""
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    texture = ndimage.gaussian_filter(rng.normal(size=shape), (2 * pixels, 2, 2), mode="wrap")
    texture = np.maximum(1 + 0.5 * texture / texture.std(), 0)
    out = np.zeros(shape)
    for _ in range(max(shape[1] // 32, 2)):
        centre, radius = rng.uniform(0, 1, 3) * shape, rng.uniform(10, 28)
        squeeze = rng.uniform(0.7, 1.4)
        far = np.sqrt(
            ((z - centre[0]) / pixels) ** 2 + ((y - centre[1]) * squeeze) ** 2 + (x - centre[2]) ** 2
        )
        out += 0.02 * texture / (1 + np.exp((far - radius).clip(-50, 50))) * rng.lognormal(0, 0.4)
        out += 0.06 * np.exp(-(((far - radius) / 0.8) ** 2))
        out += 0.05 / (1 + np.exp(((far - 0.45 * radius) / 0.7).clip(-50, 50)))
    return out
