"""Other ways to denoise a movie: means and medians of successive frames, and CAREamics' N2V with frames as channels."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from _careamics_environment import environment
from scipy import ndimage

HERE = Path(__file__).resolve().parent
WINDOWS = (3, 5, 7, 9)
CHANNELS = 5  # A frame, and two before and after it.


def means(noisy: np.ndarray) -> dict[str, np.ndarray]:
    """Return the mean of a window of frames around each frame, by the name of the window."""
    movie = noisy.astype(np.float32)
    return {f"mean of {n}": ndimage.uniform_filter1d(movie, n, 0) for n in WINDOWS}


def medians(noisy: np.ndarray) -> dict[str, np.ndarray]:
    """Return the median of a window of frames around each frame, by the name of the window."""
    movie = noisy.astype(np.float32)
    return {f"median of {n}": ndimage.median_filter(movie, (n, 1, 1)) for n in WINDOWS}


def windows(noisy: np.ndarray) -> np.ndarray:
    """Return each frame with those around it as channels ``(t, c, y, x)``; the movie is mirrored at its ends."""
    reach = CHANNELS // 2
    around = np.pad(noisy.astype(np.float32), ((reach, reach), (0, 0), (0, 0)), mode="reflect")
    return np.stack([around[i : i + len(noisy)] for i in range(CHANNELS)], 1)


def careamics(noisy: np.ndarray, minutes: float, seed: int) -> np.ndarray:
    """Train CAREamics' N2V with frames as channels on a movie ``(t, y, x)``, and return its estimate.

    Raises
    ------
    MuguetError
        If CAREamics cannot be installed.
    """
    python, _ = environment()
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "noisy.npy", windows(noisy))
        job = {"method": "n2v", "seconds": 60 * minutes, "seed": seed, "moments": []}
        (Path(folder) / "job.json").write_text(json.dumps(job))
        subprocess.run([str(python), str(HERE / "_run_careamics_movie.py"), folder], check=True, stdout=2)
        found: np.ndarray = np.load(Path(folder) / "estimate.npy")
    return found
