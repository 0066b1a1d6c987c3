"""The test image of a package: a simulated recording with the noise of the model, and its picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from muguet.denoiser.denoiser import Denoiser
from muguet.samples import acquisition

Image = npt.NDArray[np.float32]

_SIDE = (
    256  # Pixels along Y and X of a test image that is a plane, if the network allows it; a stack is small.
)
_NOISE = (
    0.1  # Standard deviation of the noise where the model has no law, as a share of the range of signals.
)


def test_image(model: Denoiser, smallest: tuple[int, ...], stride: tuple[int, ...]) -> Image:
    """Return a simulated recording ``(1, c, *space)`` in counts: cells over the signals of the training images.

    Parameters
    ----------
    model
        The model, whose noise laws are drawn from.
    smallest, stride
        The smallest size along each axis of space, and its steps.
    """
    plane = list(smallest[-2:])
    if len(smallest) == 2:
        plane = [max(low, -(-_SIDE // step) * step) for low, step in zip(smallest, stride, strict=True)]
    laws = model.laws if model.method.learns_law else []
    channels = []
    for channel in range(model.parts.channels):
        scene = acquisition(plane, seed=channel).astype(np.float64)
        low, high = np.percentile(scene, [1, 99.5])
        scene = np.clip((scene - low) / (high - low), 0, 1.2)
        if len(smallest) == 3:  # A stack whose middle plane is in focus.
            depth = np.linspace(-1.5, 1.5, smallest[0])
            scene = np.exp(-(depth**2))[:, None, None] * scene
        dark, bright = _signals(model, channel)
        signal = dark + (bright - dark) * scene
        if laws:
            channels.append(laws[channel].sample(signal, seed=channel))
        else:
            drawn = np.random.default_rng(channel).normal(0, _NOISE * (bright - dark), signal.shape)
            channels.append(signal + drawn)
    return np.stack(channels)[None].astype(np.float32)


def _signals(model: Denoiser, channel: int) -> tuple[float, float]:
    """Return the range of signals of a channel: that of the training images, or that of the scaling."""
    ranges = model.training.get("signal_range")
    if ranges:
        low, high = ranges[channel]
        return float(low), float(high)
    scaling = model.scalings[channel]
    return scaling.offset, scaling.offset + scaling.scale


def cover(noisy: Image, denoised: Image) -> bytes:
    """Return a PNG of the first channel of the test image (its middle plane) and, to the right of it, of the result."""
    from imagecodecs import png_encode

    before, after = (
        each[0, 0] if each.ndim == 4 else each[0, 0, each.shape[2] // 2] for each in (noisy, denoised)
    )
    black, white = np.percentile(after, [0.5, 99.8])
    grey = (np.concatenate([before, after], 1) - black) / max(white - black, 1e-30)
    return bytes(png_encode((255 * np.clip(grey, 0, 1)).astype(np.uint8)))
