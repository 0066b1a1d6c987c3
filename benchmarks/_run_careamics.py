"""Train CAREamics' N2V or N2V2 for a given time and store its estimates of the images at some moments.

versus_careamics.py calls `python _run_careamics.py FOLDER` in CAREamics' own environment.

All settings are the library's defaults (`create_advanced_n2v_config`, which is used only for its seed), with patches of
64×64 pixels in batches of 16 as in its examples, because these have no default. Its learning rate falls when the
validation loss stops falling (ReduceLROnPlateau) and does not depend on the length of the training, so one long run
that is stopped by the clock passes through the states in which shorter runs would have ended. The model after the
default number of epochs is stored too.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import careamics
import numpy as np
from _run import Watch, peak_memory, predictions, read_job, write_report
from careamics import CAREamist
from careamics.config.factories import create_advanced_n2v_config
from lightning.pytorch import Callback, Trainer

EPOCHS = inspect.signature(create_advanced_n2v_config).parameters["num_epochs"].default
PATCH, BATCH = 64, 16


class Clock(Callback):
    """Check the clock after every step, and stop the training by the library's own function when the time is over."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.careamist: CAREamist | None = None

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        over = self.watch.look(trainer.global_step)
        if (
            over and trainer.current_epoch > 0 and self.careamist is not None
        ):  # it fails before the first validation
            self.careamist.stop_training()

    def on_train_epoch_end(self, trainer: Trainer, *_: Any) -> None:
        if trainer.current_epoch + 1 == EPOCHS:
            self.watch.mark(trainer.global_step, default=True)


def configuration(method: str, seed: int, epochs: int) -> Any:
    """Return the library's defaults for N2V or N2V2."""
    return create_advanced_n2v_config(
        experiment_name=method,
        data_type="array",
        axes="SYX",
        patch_size=[PATCH, PATCH],
        batch_size=BATCH,
        num_epochs=epochs,
        use_n2v2=method == "n2v2",
        seed=seed + 1,  # the library does not accept 0
    )


def train(job: dict[str, Any], noisy: np.ndarray, folder: Path) -> tuple[CAREamist, Watch]:
    """Train; return CAREamics' trained object, and the clock with the stored moments."""
    watch = Watch(
        job["moments"],
        job["seconds"],
        lambda number: careamist.trainer.save_checkpoint(folder / f"{number}.ckpt"),
    )
    clock = Clock(watch)
    config = configuration(job["method"], job["seed"], 1_000_000)
    careamist = CAREamist(config, work_dir=folder, callbacks=[clock], enable_progress_bar=False)
    clock.careamist = careamist
    careamist.train(train_data=noisy)
    watch.mark(careamist.trainer.global_step, last=True)
    return careamist, watch


def main() -> None:
    job, folder = read_job()
    noisy = np.load(folder / "noisy.npy")
    careamist, watch = train(job, noisy, folder)
    cores, peak = watch.cores, peak_memory()

    def predict(number: int) -> np.ndarray:
        found, _ = careamist.predict(noisy, checkpoint=folder / f"{number}.ckpt")
        return np.asarray(found).reshape(noisy.shape)

    prediction = predictions(watch.points, predict, folder)
    write_report(
        folder,
        "careamics",
        careamics.__version__,
        points=watch.points,
        cores=round(cores, 2),
        prediction_s=prediction,
        peak_training_mb=peak,
        peak_mb=peak_memory(),
        setting=f"its defaults, batches of {BATCH} × {PATCH}×{PATCH} as in its examples",
    )


if __name__ == "__main__":
    main()
