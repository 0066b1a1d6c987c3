"""The torus on which procedural scenes are drawn: random fields, blurs, points, outlines, and pieces of images."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.fft
import scipy.ndimage

Floats = npt.NDArray[np.float32]
Rng = np.random.Generator


@dataclass(frozen=True)
class Canvas:
    """A square torus of `size` pixels, with what is drawn on it by Fourier transforms."""

    size: int
    seed: int

    def blur(self, plane: Floats, sigma: float) -> Floats:
        """Convolve with a Gaussian of `sigma` pixels, by its exact transfer function."""
        squared = _frequencies(self.size)[2]
        filtered = scipy.fft.rfft2(plane) * np.exp(-2 * np.pi**2 * sigma**2 * squared)
        return scipy.fft.irfft2(filtered, plane.shape).astype(np.float32)

    def field(self, rng: Rng, power: float | None = None) -> Floats:
        """A Gaussian random field of mean zero and variance one.

        Its amplitudes fall as a power of the frequency if `power` is given; else as a power drawn at random, within a
        band, or stretched along a direction.
        """
        down, across, squared = _frequencies(self.size)
        kind = rng.integers(3) if power is None else 0
        power = rng.uniform(0.6, 2.4) if power is None else power
        if kind == 2:  # stretched
            angle, stretch = rng.uniform(0, np.pi), rng.uniform(2, 8)
            along = np.cos(angle) * down + np.sin(angle) * across
            squared = squared + (stretch**2 - 1) * along**2
        if kind == 1:  # a band
            centre = log_uniform(rng, 1 / 40, 1 / 4)
            amplitude = np.exp(-0.5 * ((np.sqrt(squared) / centre - 1) / rng.uniform(0.1, 0.5)) ** 2)
        else:
            amplitude = (squared + 1e-4) ** (-power / 2)
        shape = squared.shape
        white = rng.standard_normal(shape, np.float32) + 1j * rng.standard_normal(shape, np.float32)
        amplitude = amplitude * (squared > 0)
        values = scipy.fft.irfft2(white * amplitude.astype(np.float32), (self.size, self.size))
        return (values / max(float(values.std()), 1e-12)).astype(np.float32)

    def splat(self, points: npt.NDArray[np.float64], light: npt.NDArray[np.float64]) -> Floats:
        """Light of points ``(n, 2)`` shared bilinearly among the four pixels around each."""
        cell = np.floor(points).astype(np.int64)
        fraction = points - cell
        plane = np.zeros(self.size**2)
        for dy in (0, 1):
            for dx in (0, 1):
                share = np.abs(1 - dy - fraction[:, 0]) * np.abs(1 - dx - fraction[:, 1])
                index = (cell[:, 0] + dy) % self.size * self.size + (cell[:, 1] + dx) % self.size
                plane += np.bincount(index, share * light, plane.size)
        return plane.reshape(self.size, self.size).astype(np.float32)


@functools.lru_cache(maxsize=4)
def _frequencies(size: int) -> tuple[Floats, Floats, Floats]:
    """Frequencies along Y and X in cycles a pixel, and the sum of their squares, as `rfft2` orders them."""
    down = scipy.fft.fftfreq(size).astype(np.float32)[:, None]
    across = scipy.fft.rfftfreq(size).astype(np.float32)[None]
    return down, across, down**2 + across**2


def shape(
    canvas: Canvas, rng: Rng, radius: float, round_only: bool = False
) -> tuple[tuple[npt.NDArray[np.intp], ...], Floats, Floats]:
    """Index of a window about a random shape, how far inside it each pixel lies, and the angle about its centre."""
    reach = int(min(1.6 * radius + 4, canvas.size // 2 - 1))
    centre = rng.uniform(0, canvas.size, 2)
    corner = np.floor(centre).astype(int) - reach
    steps = np.arange(2 * reach + 1)
    y, x = (steps + c - m for c, m in zip(corner, centre, strict=True))
    angle, squeeze = rng.uniform(0, np.pi), rng.uniform(1, 1.5)
    cosine, sine = np.cos(angle), np.sin(angle)
    along = (cosine * x[None] + sine * y[:, None]) / squeeze
    across = (cosine * y[:, None] - sine * x[None]) * squeeze
    kind = 0 if round_only else int(rng.integers(4))
    turn = np.arctan2(across, along) if kind != 1 else across
    if kind == 1:
        depth = radius * 0.85 - np.maximum(np.abs(along), np.abs(across))
    elif kind == 2:  # a polygon
        corners = int(rng.integers(3, 8))
        wedge = np.pi / corners
        depth = radius * np.cos(wedge) - np.hypot(along, across) * np.cos((turn % (2 * wedge)) - wedge)
    else:
        outline = sum(rng.normal(0, 0.12 / k) * np.cos(k * turn + rng.uniform(0, 6.3)) for k in (2, 3, 4))
        depth = radius * (1 + outline) - np.hypot(along, across)
    index = np.ix_(*((steps + c) % canvas.size for c in corner))
    return index, depth.astype(np.float32), turn.astype(np.float32)


def piece(canvas: Canvas, rng: Rng, image: Floats) -> Floats:
    """A random square of an image, shrunk onto the canvas by a random factor."""
    side = int(rng.uniform(canvas.size, max(min(*image.shape, 3 * canvas.size), canvas.size + 1)))
    side = min(side, *image.shape)
    corner = [int(rng.integers(n - side + 1)) for n in image.shape]
    piece = image[corner[0] : corner[0] + side, corner[1] : corner[1] + side]
    factor = side / canvas.size
    if factor > 1:
        piece = scipy.ndimage.gaussian_filter(piece, 0.4 * factor)
    at = (np.arange(canvas.size) + 0.5) * factor - 0.5
    grid = np.meshgrid(at, at, indexing="ij")
    return scipy.ndimage.map_coordinates(piece, grid, order=1, mode="nearest").astype(np.float32)


def rise(depth: Floats) -> Floats:
    """The logistic step, from 0 to 1."""
    return 1 / (1 + np.exp(-np.clip(depth, -30, 30)))


def log_uniform(rng: Rng, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
