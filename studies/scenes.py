"""Procedural microscope scenes without noise: what the priors are trained on, drawn without end from a seed."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import scipy.ndimage
from canvas import Canvas, Floats, Rng, log_uniform, piece, rise, shape
from scipy.spatial import cKDTree

from muguet.samples import GAIN, OFFSET, acquisition

BAND_LIMITS = 0.6, 2.5  # pixels: standard deviations of the Gaussian point spread functions
COARSE = 0.3, 0.6  # the same of cameras whose pixels are too large for their optics
COARSE_SHARE = 0.15  # of the scenes
GRAIN = 0.02, 0.3  # relative standard deviation of texture finer than the optics, as a sharpened image has it
GRAIN_SHARE = 0.2  # of the scenes
# Photographs in scikit-image's wheel whose documentation says CC0 or public domain.
PHOTOGRAPHS = ("astronaut", "brick", "camera", "chelsea", "coffee", "grass", "gravel", "hubble_deep_field")
CELL_IMAGES, CELL_SIZE = 12, 512  # of `muguet.samples.acquisition`, from which scenes are cut


def scene(seed: int, number: int, size: int = 192) -> Floats:
    """Draw one clean scene ``(size, size)``, from 0 at its dark end to about 1 at its brightest.

    One to three layers of structures, haze, uneven light, and a Gaussian point spread function of 0.6 to 2.5 pixels, in
    some scenes less, or with a fine texture beyond it. The scene is drawn on a torus, so structures that leave it on
    one side come back on the other.

    Parameters
    ----------
    seed, number
        The same two numbers give the same scene, whatever was drawn before.
    size
        Pixels along Y and X.
    """
    rng = np.random.default_rng([seed, number])
    canvas = Canvas(size, seed)
    light = _layer(canvas, rng)
    for _ in range(int(rng.choice(3, p=[0.5, 0.35, 0.15]))):
        light = light + rng.lognormal(-0.7, 0.6) * _layer(canvas, rng)
    if rng.random() < 0.35:  # only inside cells or patches of tissue
        leak = rng.uniform(0, 0.2)
        mask = rise((canvas.field(rng, power=2.0) + rng.uniform(-0.6, 0.8)) / rng.uniform(0.03, 0.3))
        light = light * (leak + (1 - leak) * mask)
    return _through_optics(canvas, light, rng)


def _through_optics(canvas: Canvas, light: Floats, rng: Rng) -> Floats:
    width = log_uniform(rng, *(COARSE if rng.random() < COARSE_SHARE else BAND_LIMITS))
    image = canvas.blur(light, width)
    if rng.random() < 0.3:  # a point spread function with a wider foot
        image = image + rng.uniform(0.05, 0.4) * canvas.blur(light, width * rng.uniform(2, 4))
    if rng.random() < 0.6:
        image = image + rng.uniform(0, 0.8) * canvas.blur(light, log_uniform(rng, 6, 30))
    if rng.random() < 0.3:
        image = image * np.exp(rng.uniform(0, 0.5) * canvas.field(rng, power=3.0))
    if rng.random() < GRAIN_SHARE:
        image = image * np.maximum(1 + log_uniform(rng, *GRAIN) * canvas.field(rng, rng.uniform(0, 1)), 0)
    low, high = np.percentile(image, [0.5, 99.95])
    image = (image - rng.uniform(0.6, 1.0) * low) / max(float(high - low), 1e-6)
    return np.maximum(image, 0).astype(np.float32)


def _layer(canvas: Canvas, rng: Rng) -> Floats:
    """One kind of structure, scaled so that its bright parts are 1."""
    drawn = rng.choice(np.array(_KINDS, dtype=object), p=_SHARES)(canvas, rng)
    drawn = np.maximum(drawn - np.percentile(drawn, 0.5), 0)
    return (drawn / max(float(np.percentile(drawn, 99.5)), 0.1 * float(drawn.max()), 1e-6)).astype(np.float32)


# --------------------------------------------------------------- structures


def _leaves(canvas: Canvas, rng: Rng) -> Floats:
    """Dead leaves: opaque shapes with textures that cover one another, radii by a power law.

    Lee, Mumford & Huang 2001 (doi:10.1023/A:1011109015675); as a prior for denoisers: Achddou et al. 2021
    (doi:10.1007/978-3-030-75549-2_27).
    """
    textures = [canvas.field(rng) for _ in range(2)]
    plane = (rng.uniform(0, 1) * np.ones_like(textures[0])).astype(np.float32)
    smallest, largest = rng.uniform(1.5, 5), rng.uniform(12, 60)
    number = int(log_uniform(rng, 60, 400))
    uniform = rng.uniform(0, 1, number)
    radii = (smallest**-2 + uniform * (largest**-2 - smallest**-2)) ** -0.5  # of density r⁻³
    contrast, skew = rng.uniform(0, 0.5), rng.uniform(1, 3)
    for radius in np.sort(radii)[::-1] if rng.random() < 0.5 else radii:
        index, depth, _ = shape(canvas, rng, float(radius))
        texture = textures[int(rng.integers(2))][index]
        shade = rng.uniform(0, 1) ** skew * np.maximum(1 + contrast * rng.uniform(0, 1) * texture, 0)
        cover = np.clip(depth + 0.5, 0, 1)
        plane[index] += cover * (shade - plane[index])
    return plane


def _rings(canvas: Canvas, rng: Rng) -> Floats:
    """Vesicles, nuclei and cells: outlines, hollow or filled, that add up."""
    plane = np.zeros((canvas.size, canvas.size), np.float32)
    radius, spread = log_uniform(rng, 3, 40), rng.uniform(0.05, 0.5)
    number = int(np.clip(rng.uniform(0.1, 0.8) * canvas.size**2 / (np.pi * radius**2), 2, 150))
    filled, width = rng.uniform(0, 1) ** 2, rng.uniform(0.5, 2.5)
    texture = canvas.field(rng)
    for _ in range(number):
        index, depth, _ = shape(canvas, rng, radius * rng.lognormal(0, spread), round_only=True)
        inside = filled * np.clip(depth + 0.5, 0, 1) * np.maximum(1 + 0.3 * texture[index], 0)
        plane[index] += rng.lognormal(0, 0.4) * (np.exp(-0.5 * (depth / width) ** 2) + inside)
    return plane


def _filaments(canvas: Canvas, rng: Rng) -> Floats:
    """Smooth curves, straight or bent, alone, aligned, or from a centre; even or beaded; thin or thick."""
    number = int(log_uniform(rng, 3, 150))
    length = log_uniform(rng, 15, 250)
    steps = int(length / 0.6)
    at = np.linspace(0, np.pi, steps)
    heading = rng.uniform(0, 2 * np.pi, (number, 1))
    start = rng.uniform(0, canvas.size, (number, 2))
    layout = rng.integers(3)
    if layout == 1:
        heading = rng.uniform(0, 2 * np.pi) + rng.normal(0, rng.uniform(0.02, 0.4), (number, 1))
    elif layout == 2:
        start = rng.uniform(0, canvas.size, 2) + rng.normal(0, rng.uniform(1, 12), (number, 2))
    bend = length / log_uniform(rng, 10, 400)
    for k in range(1, 5):
        size, phase = rng.normal(0, bend / k, (number, 1)), rng.uniform(0, 2 * np.pi, (number, 1))
        heading = heading + size * np.sin(k * at + phase)
    path = np.cumsum(np.stack([np.sin(heading), np.cos(heading)], -1), 1) * 0.6 + start[:, None]
    light = rng.lognormal(0, rng.uniform(0.1, 0.9), (number, 1)) * np.ones(steps)
    if rng.random() < 0.5:  # lumps along the curve, or one that comes in and out of focus
        knots = rng.normal(0, rng.uniform(0.2, 1.2), (number, int(length / log_uniform(rng, 3, 40)) + 2))
        light = light * np.exp(scipy.ndimage.zoom(knots, (1, steps / knots.shape[1]), order=1)[:, :steps])
    plane = canvas.splat(path.reshape(-1, 2), light.ravel())
    return canvas.blur(plane, rng.uniform(0.5, 3)) if rng.random() < 0.4 else plane


def _puncta(canvas: Canvas, rng: Rng) -> Floats:
    """Points of unequal brightness, scattered or clustered, in one or two sizes."""
    plane = np.zeros((canvas.size, canvas.size), np.float32)
    density = np.exp(rng.uniform(0, 2.5) * canvas.field(rng, power=rng.uniform(1, 2.5))).ravel()
    chances = np.cumsum(density, dtype=np.float64)
    for _ in range(int(rng.integers(1, 3))):
        number = int(log_uniform(rng, 5, 2000))
        at = np.searchsorted(chances, rng.uniform(0, chances[-1], number)).clip(0, density.size - 1)
        points = np.stack(np.divmod(at, canvas.size), 1) + rng.uniform(0, 1, (number, 2))
        dots = canvas.splat(points, rng.lognormal(0, rng.uniform(0.1, 1.2), number))
        size = rng.choice([0.0, log_uniform(rng, 0.5, 6)])
        plane += canvas.blur(dots, size) * (1 + 12 * size**2) if size else dots
    return plane


def _tissue(canvas: Canvas, rng: Rng) -> Floats:
    """Cells that touch: membranes between the cells of a warped Voronoi diagram, their bodies and their nuclei."""
    points = rng.uniform(0, canvas.size, (int(log_uniform(rng, 6, 150)), 2))
    grid = np.stack(np.meshgrid(*[np.arange(canvas.size, dtype=float)] * 2, indexing="ij"), -1)
    warp = np.stack([canvas.field(rng, power=2.5) for _ in range(2)], -1)
    warped = (grid + rng.uniform(0, 6) * warp) % canvas.size
    distance, owner = cKDTree(points, boxsize=canvas.size).query(warped.reshape(-1, 2), k=2)
    near, far = distance.T.reshape(2, canvas.size, canvas.size)
    shade = rng.lognormal(0, 0.5, len(points))[owner[:, 0]].reshape(near.shape)
    membrane = np.exp(-0.5 * ((far - near) / rng.uniform(0.8, 4)) ** 2)
    size = 0.25 * canvas.size / np.sqrt(len(points)) * rng.uniform(0.7, 1.5)
    nucleus = rise((size - near) / rng.uniform(0.3, 2))
    weights = rng.uniform(0, 1, 3) * (rng.uniform(0, 1, 3) < 0.7) + np.array([0.05, 0, 0])
    texture = np.maximum(1 + rng.uniform(0, 0.5) * canvas.field(rng), 0)
    return weights[0] * membrane + (weights[1] * shade + weights[2] * nucleus * shade) * texture


def _random_field(canvas: Canvas, rng: Rng) -> Floats:
    """A random field as it is, thresholded, ridged, exponentiated, or the contours of one."""
    field, kind = canvas.field(rng), rng.integers(5)
    if kind == 0:
        return field - field.min()
    if kind == 1:  # patches with a texture
        texture = np.maximum(1 + rng.uniform(0, 0.6) * canvas.field(rng), 0)
        return rise((field - rng.uniform(-0.5, 1.8)) / log_uniform(rng, 0.02, 0.5)) * texture
    if kind == 2:  # a network of ridges
        return np.maximum(1 - np.abs(field), 0) ** log_uniform(rng, 1, 12)
    if kind == 3:
        return np.exp(rng.uniform(0.3, 1.5) * field)
    width = log_uniform(rng, 0.03, 0.3)
    levels = rng.uniform(-1.5, 1.5, int(rng.integers(1, 5)))
    return np.asarray(sum(np.exp(-0.5 * ((field - level) / width) ** 2) for level in levels))


def _grating(canvas: Canvas, rng: Rng) -> Floats:
    """Stripes with bent wave fronts, in places."""
    period, angle = log_uniform(rng, 3, 30), rng.uniform(0, np.pi)
    y, x = np.mgrid[: canvas.size, : canvas.size]
    phase = 2 * np.pi / period * (np.cos(angle) * y + np.sin(angle) * x)
    phase = phase + rng.uniform(0, 4) * canvas.field(rng, power=2.5)
    stripes = (0.5 + 0.5 * np.cos(phase)) ** log_uniform(rng, 0.5, 8)
    return stripes * rise((canvas.field(rng, power=2.0) + rng.uniform(-0.5, 1.5)) / 0.2)


def _simulated_cells(canvas: Canvas, rng: Rng) -> Floats:
    """A piece of a simulated image of cells, at most as fine as it was drawn."""
    return piece(canvas, rng, _cell_image(canvas.seed, int(rng.integers(CELL_IMAGES))))


def _photograph(canvas: Canvas, rng: Rng) -> Floats:
    """A piece of a photograph, perhaps a negative, with more dark than bright parts."""
    photograph = piece(canvas, rng, _photographs()[int(rng.integers(len(PHOTOGRAPHS)))])
    photograph = photograph / max(float(photograph.max()), 1e-6)
    return (1 - photograph if rng.random() < 0.5 else photograph) ** rng.uniform(1, 3)


@functools.lru_cache(maxsize=2 * CELL_IMAGES)
def _cell_image(seed: int, number: int) -> Floats:
    return (acquisition((CELL_SIZE, CELL_SIZE), seed=1000 * (seed + 1) + number) - OFFSET) / GAIN


@functools.cache
def _photographs() -> tuple[Floats, ...]:
    """The photographs in shades of grey, 0 to 1."""
    import skimage.data

    found = []
    for name in PHOTOGRAPHS:
        image = np.asarray(getattr(skimage.data, name)(), np.float32) / 255
        found.append(image if image.ndim == 2 else image[..., :3] @ np.float32([0.30, 0.59, 0.11]))
    return tuple(found)


_KINDS: tuple[Callable[[Canvas, Rng], Floats], ...] = (
    _leaves,
    _filaments,
    _puncta,
    _rings,
    _tissue,
    _random_field,
    _grating,
    _simulated_cells,
    _photograph,
)
_SHARES = (0.15, 0.21, 0.12, 0.08, 0.07, 0.17, 0.04, 0.08, 0.08)
