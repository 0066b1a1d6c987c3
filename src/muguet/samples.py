"""A simulated fluorescence image of cells, as a camera would record it without noise: a known ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

GAIN = 2.0
"""Counts per photo-electron."""

OFFSET = 100.0
"""Counts of a dark pixel."""

PSF = 1.2
"""Standard deviation of the point-spread function in pixels: an objective of NA 1.3 with 0.108 µm per pixel, slightly
out of focus."""

_MARGIN = 48
"""The scene is drawn this many pixels beyond the borders of the image, so that the borders cut through structures as in
a real field of view."""

_SPACING = 200.0
"""Distance between neighbouring cells in pixels."""

_STEP = 0.35
"""Distance between neighbouring points of a curve in pixels."""


def acquisition(shape: Sequence[int] = (512, 512), seed: int = 0) -> npt.NDArray[np.float32]:
    """Draw a clean widefield image of cells, in camera counts.

    counts = 100 + 2 · (PSF ∗ structures + haze), with the term in brackets in photo-electrons. The structures are
    nuclei with chromatin and darker nucleoli, filaments from an organising centre, mitochondria and vesicles; the
    haze is their light from far out of focus. Every structure is drawn on a continuous plane and then convolved with
    a Gaussian PSF of 1.2 pixels, so nothing is sharper than the optics. The brightest spots have about 100
    photo-electrons, and half of the pixels have about 10 or fewer.

    Parameters
    ----------
    shape
        Number of pixels along Y and X. Larger images contain more cells, not larger cells.
    seed
        Seed of the random numbers: the same seed gives the same image.

    Returns
    -------
    array ``(Y, X)``
        float32, in counts, at least 100 everywhere.
    """
    rng = np.random.default_rng(seed)
    padded = (int(shape[0]) + 2 * _MARGIN, int(shape[1]) + 2 * _MARGIN)
    stain = _Stain.draw(padded, rng)
    structures = np.zeros(padded)
    for cell in _cells(padded, rng):
        cell.draw(structures, stain, rng)
    # Light from above and below the focal plane has the same structures, blurred over about ten pixels and over a cell.
    focused, near, far = blur(structures, PSF, 9.0, 34.0)
    (uneven,) = blur(rng.normal(size=padded), 70.0)
    background = 1.6 + 0.35 * uneven / uneven.std()
    electrons = 0.62 * focused + 0.16 * near + 0.14 * far + background
    inside = electrons[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    counts: npt.NDArray[np.float32] = (OFFSET + GAIN * np.maximum(inside, 0.0)).astype(np.float32)
    return counts


def blur(plane: Floats, *sigmas: float) -> list[Floats]:
    """Convolve a plane periodically with Gaussians of `sigmas` pixels, by their exact transfer functions."""
    spectrum = np.fft.rfft2(plane)
    blurred: list[Floats] = []
    for sigma in sigmas:
        rows = np.exp(-2 * (np.pi * sigma * np.fft.fftfreq(plane.shape[0])) ** 2)
        columns = np.exp(-2 * (np.pi * sigma * np.fft.rfftfreq(plane.shape[1])) ** 2)
        blurred.append(np.fft.irfft2(spectrum * rows[:, None] * columns, plane.shape))
    return blurred


@dataclass(frozen=True, eq=False)
class _Stain:
    """Granularity of the fluorescent label in the cytoplasm and in the nuclei: two fields ``(Y, X)`` of mean one."""

    cytoplasm: Floats
    chromatin: Floats

    @classmethod
    def draw(cls, shape: tuple[int, int], rng: np.random.Generator) -> _Stain:
        """Draw both fields at random."""
        fine, clumped, coarse, patchy = (
            field / field.std()
            for sigmas in ((1.7, 4.5), (2.2, 8.0))
            for field in blur(rng.normal(size=shape), *sigmas)
        )
        return cls(
            cytoplasm=np.maximum(1 + 0.30 * coarse + 0.25 * patchy, 0),
            chromatin=np.maximum(1 + 0.20 * fine + 0.20 * clumped, 0.1),
        )


@dataclass(frozen=True, eq=False)
class _Blob:
    """A closed outline r(θ) = radius · (1 + Σₖ aₖ cos kθ + bₖ sin kθ), k ≥ 2, elongated by `squeeze`."""

    centre: Floats
    radius: float
    squeeze: float
    angle: float
    waves: Floats

    def depth(self, points: Floats) -> Floats:
        """Return how far inside the outline points ``(..., 2)`` lie, roughly in pixels; negative outside."""
        y, x = np.moveaxis(points - self.centre, -1, 0)
        along = (np.cos(self.angle) * x + np.sin(self.angle) * y) / self.squeeze
        across = (np.cos(self.angle) * y - np.sin(self.angle) * x) * self.squeeze
        distance = np.hypot(along, across)
        turn = (along + 1j * across) / np.maximum(distance, 1e-9)  # e^{iθ}
        outline = np.zeros_like(turn)
        for a, b in self.waves[::-1]:
            outline = (outline + a - 1j * b) * turn  # Horner's scheme, from the highest k
        inside: Floats = self.radius * (1 + (outline * turn).real) - distance
        return inside

    def cover(self, points: Floats, softness: float) -> Floats:
        """Return 1 inside and 0 outside, with a transition about `softness` pixels wide."""
        return _rise(self.depth(points) / softness)


@dataclass(frozen=True, eq=False)
class _Cell:
    """A cell body with its nucleus; `brightness` is the expression level, which differs from cell to cell."""

    body: _Blob
    nucleus: _Blob
    brightness: float

    def draw(self, structures: Floats, stain: _Stain, rng: np.random.Generator) -> None:
        """Add the photo-electrons of this cell to the plane `structures`, before the blur of the optics."""
        window = self._window(structures.shape)
        if window is None:
            return
        light = np.zeros([part.stop - part.start for part in window])
        corner = np.array([part.start for part in window], dtype=float)
        plane = corner + np.stack(np.meshgrid(*(np.arange(n) for n in light.shape), indexing="ij"), axis=-1)
        nucleus = self.nucleus.cover(plane, 1.0)
        light += self._cytoplasm(plane, stain.cytoplasm[window]) * (1 - 0.8 * nucleus)
        light += nucleus * self._chromatin(plane, stain.chromatin[window], rng)
        light += _splat(*self._filaments(rng), corner, light.shape) * (1 - 0.8 * nucleus)
        # A mitochondrion is about three pixels wide, a vesicle is little more than a point.
        light += blur(_splat(*self._mitochondria(rng), corner, light.shape), 1.4)[0] * (1 - 0.95 * nucleus)
        light += blur(_splat(*self._vesicles(rng), corner, light.shape), 0.5)[0]
        structures[window] += self.brightness * light

    def _window(self, shape: tuple[int, ...]) -> tuple[slice, ...] | None:
        """Return the part of the plane that the cell can reach; None if it is narrower than 8 pixels."""
        reach = 1.75 * self.body.radius
        starts = [max(int(c - reach), 0) for c in self.body.centre]
        stops = [min(int(c + reach), n) for c, n in zip(self.body.centre, shape, strict=True)]
        if any(stop - start < 8 for start, stop in zip(starts, stops, strict=True)):
            return None
        return tuple(map(slice, starts, stops))

    def _cytoplasm(self, plane: Floats, texture: Floats) -> Floats:
        """Return diffuse label, proportional to the thickness of the cell, which is largest at its centre."""
        depth = self.body.depth(plane)
        thickness = np.sqrt(np.clip(depth / self.body.radius, 0, 1))
        body: Floats = (3.0 + 6.5 * thickness) * texture * _rise(depth / 2.5)
        return body

    def _chromatin(self, plane: Floats, texture: Floats, rng: np.random.Generator) -> Floats:
        """Return clumped chromatin, denser at the nuclear envelope, with dark nucleoli."""
        depth = self.nucleus.depth(plane)
        envelope = 0.35 * np.exp(-0.5 * ((depth - 2.5) / 1.8) ** 2)
        dark = np.zeros(depth.shape)
        first, number = rng.uniform(0, 2 * np.pi), int(rng.integers(2, 5))
        for angle in first + 2 * np.pi * np.arange(number) / number:
            away = self.nucleus.radius * rng.uniform(0.15, 0.58) * _direction(angle)
            nucleolus = _blob(self.nucleus.centre + away, rng.uniform(4.5, 7.5), rng)
            dark = np.maximum(dark, nucleolus.cover(plane, 0.8))
        dome = 0.75 + 0.25 * np.sqrt(np.clip(depth / self.nucleus.radius, 0, 1))
        chromatin: Floats = 34.0 * dome * (texture + envelope) * (1 - 0.7 * dark)
        return chromatin

    def _filaments(self, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return points and light of microtubules: curves from a centre beside the nucleus to the rim of the cell."""
        number = int(self.body.radius * 0.5)
        beside = self.nucleus.centre + 0.9 * self.nucleus.radius * _direction(rng.uniform(0, 2 * np.pi))
        start = beside + rng.normal(0, 0.20 * self.body.radius, (number, 2))
        outwards = np.arctan2(*(start - beside).T)
        heading = outwards + rng.normal(0, 0.5, number)
        curves = _walk(start, heading, int(2.0 * self.body.radius / _STEP), 0.0055, rng)
        # A filament fades out once it has left the cell, even if it bends back.
        ends = np.cumprod(np.where(self.body.depth(curves) > 1.0, 1.0, 0.97), axis=1)
        out_of_focus = np.exp(0.45 * _wander(number, curves.shape[1], 260, rng))
        return curves, 30.0 * _STEP * rng.lognormal(0.0, 0.35, (number, 1)) * ends * out_of_focus

    def _mitochondria(self, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return points and light of mitochondria: short curves around the nucleus."""
        number = int(self.body.radius * 0.40)
        away = self.nucleus.radius + 4 + np.abs(rng.normal(0, 0.32 * self.body.radius, number))
        angle = rng.uniform(0, 2 * np.pi, number)
        start = self.nucleus.centre + away[:, None] * _direction(angle)
        worms = _walk(start, angle + rng.normal(0.8, 0.8, number), int(30 / _STEP), 0.025, rng)
        exists = np.arange(worms.shape[1]) < rng.uniform(0.25, 1.0, (number, 1)) * worms.shape[1]
        beads = np.exp(0.25 * _wander(number, worms.shape[1], 14, rng))
        strength = rng.lognormal(0.0, 0.35, (number, 1)) * exists * beads
        return worms, 120.0 * _STEP * strength * self.body.cover(worms, 2.0)

    def _vesicles(self, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return points and light of vesicles: points of very unequal brightness, denser near the nucleus."""
        number = int(self.body.radius * 0.8)
        points = self.nucleus.centre + rng.normal(0, 0.52 * self.body.radius, (number, 2))
        strength = np.minimum(rng.lognormal(0.0, 0.75, number), 4.0)
        return points, 200.0 * strength * self.body.cover(points, 2.0) * (self.nucleus.depth(points) < 0)


def _cells(shape: tuple[int, int], rng: np.random.Generator) -> list[_Cell]:
    """Draw cells on a jittered hexagonal lattice with some empty places."""
    cells = []
    row = _SPACING * 0.87
    for i in range(-1, int(shape[0] / row) + 2):
        for j in range(-1, int(shape[1] / _SPACING) + 2):
            centre = np.array([(i + 0.35) * row, (j + 0.45 + 0.5 * (i % 2)) * _SPACING])
            centre += rng.uniform(-0.14, 0.14, 2) * _SPACING
            body = _blob(centre, rng.uniform(84, 112), rng, rough=0.075, squeeze=1.4)
            beside = centre + rng.normal(0, 0.10 * body.radius, 2)
            nucleus = _blob(beside, rng.uniform(29, 36), rng, rough=0.022)
            brightness = float(np.clip(rng.lognormal(0.0, 0.35), 0.45, 1.5))
            if rng.random() < 0.95:
                cells.append(_Cell(body, nucleus, brightness))
    return cells


def _blob(
    centre: Floats, radius: float, rng: np.random.Generator, rough: float = 0.05, squeeze: float = 1.25
) -> _Blob:
    """Draw a random shape: `rough` is the amplitude of its waves, `squeeze` its largest elongation."""
    waves = rng.normal(0, rough, (5, 2)) / np.arange(1, 6)[:, None] ** 0.7
    return _Blob(centre, float(radius), float(rng.uniform(1.0, squeeze)), float(rng.uniform(0, np.pi)), waves)


def _rise(depth: Floats) -> Floats:
    """Return the logistic function, which rises from 0 to 1."""
    return 1 / (1 + np.exp(-np.clip(depth, -30, 30)))


def _direction(angle: Floats | float) -> Floats:
    """Return unit vectors ``(..., 2)`` in the order (y, x)."""
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1)


def _walk(start: Floats, heading: Floats, steps: int, bend: float, rng: np.random.Generator) -> Floats:
    """Draw smooth random curves ``(curves, steps, 2)`` whose curvature has the standard deviation `bend` per step."""
    curvature = bend * _wander(len(start), steps, 90, rng)
    angle = heading[:, None] + np.cumsum(curvature, axis=1)
    return start[:, None] + _STEP * np.cumsum(_direction(angle), axis=1)


def _wander(number: int, steps: int, correlation: int, rng: np.random.Generator) -> Floats:
    """Draw smooth random functions ``(number, steps)`` of unit variance that change over `correlation` steps."""
    knots = rng.normal(size=(number, steps // correlation + 4))
    at = np.arange(steps) / correlation
    first, t = at.astype(int), at % 1.0
    # The functions are cubic B-splines with random coefficients, rescaled to unit variance.
    basis = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]) / 6
    sums: Floats = sum(basis[i] * knots[:, first + i] for i in range(4)) / np.sqrt((basis**2).sum(0))
    return sums


def _splat(points: Floats, light: Floats, corner: Floats, shape: Sequence[int]) -> Floats:
    """Distribute the light of points ``(..., 2)`` bilinearly among the four pixels around each, without jagged lines.

    The plane of `shape` begins at `corner`; light outside of the plane is dropped.
    """
    flat, light = (points - corner).reshape(-1, 2), light.ravel()
    keep = (light > 0) & (flat >= 0).all(1) & (flat < np.array(shape) - 1).all(1)
    flat, light = flat[keep], light[keep]
    cell = flat.astype(int)
    fraction = flat - cell
    plane = np.zeros(shape[0] * shape[1])
    for dy in (0, 1):
        for dx in (0, 1):
            share = np.abs(1 - dy - fraction[:, 0]) * np.abs(1 - dx - fraction[:, 1])
            plane += np.bincount((cell[:, 0] + dy) * shape[1] + cell[:, 1] + dx, share * light, plane.size)
    return plane.reshape(shape)
