"""Measure CAREamics' N2V in this process: training, prediction, and loading a model.

performance.py calls `python _measure_careamics.py FOLDER` in CAREamics' own environment. The settings are those of
_run_careamics.py: the library's defaults.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import careamics
import numpy as np
from _run import device_memory, large_image, peak_memory, read_job, settle, timed_predictions, write_report
from _run_careamics import BATCH, PATCH, configuration
from _run_careamics import train as run
from careamics import CAREamist

WARM = 3.0  # Seconds of training before the measurement, in which CAREamics starts its data loader.


def train(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return steps, pixels and targets per second between two moments of a training, including its validation."""
    moments = [WARM, WARM + job["seconds"]]
    how = {"method": "n2v", "seed": 0, "moments": moments, "seconds": moments[-1]}
    careamist, watch = run(how, np.load(folder / "noisy.npy"), folder)
    first, last = watch.points[0], watch.points[1]
    steps = (last["step"] - first["step"]) / (last["seconds"] - first["seconds"])
    config: Any = careamist.config.algorithm_config
    masked = config.n2v_config.masked_pixel_percentage / 100
    return {
        "steps_per_s": steps,
        "pixels_per_s": steps * BATCH * PATCH**2,
        "targets_per_s": steps * BATCH * PATCH**2 * masked,
        "cores": watch.cores,
        "training_mb": peak_memory(),
        "device_mb": device_memory(),
        "parameters": sum(each.numel() for each in careamist.model.parameters()),
    }


def model(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Train a model for the predictions; its quality does not matter here."""
    careamist = CAREamist(configuration("n2v", 0, 1), work_dir=folder, enable_progress_bar=False)
    careamist.train(train_data=np.load(folder / "noisy.npy"))
    careamist.trainer.save_checkpoint(job["model"])
    return {}


def load(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the seconds to load the model after all imports."""
    started = time.perf_counter()
    _load(job, folder)
    settle()
    return {"load_s": time.perf_counter() - started}


def _load(job: dict[str, Any], folder: Path) -> CAREamist:
    return CAREamist(checkpoint_path=job["model"], work_dir=folder, enable_progress_bar=False)


def predict(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the seconds and the memory for an image of the given megapixels and one way to call the model."""
    careamist = _load(job, folder)
    image = large_image(job["mpix"])

    def call(part: np.ndarray) -> np.ndarray:
        found, _ = careamist.predict(part, axes="YX", **job["way"])
        return np.asarray(found).reshape(part.shape)

    call(image[:256, :256])
    return timed_predictions(image, lambda: call(image), job["repeats"])


def main() -> None:
    job, folder = read_job()
    found = {each.__name__: each for each in (train, model, load, predict)}[job["task"]](job, folder)
    write_report(folder, "careamics", careamics.__version__, **found)


if __name__ == "__main__":
    main()
