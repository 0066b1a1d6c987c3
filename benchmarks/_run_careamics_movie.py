"""Train CAREamics' N2V on a movie with successive frames as channels, and store its estimate of the middle channel.

_movie_peers.py calls `python _run_careamics_movie.py FOLDER` in CAREamics' own environment. The settings are those of
_run_careamics.py, but that the channels are not independent: each frame is estimated from all of them.
"""

from __future__ import annotations

import numpy as np
from _run import Watch, read_job
from _run_careamics import BATCH, EPOCHS, PATCH, Clock
from careamics import CAREamist
from careamics.config.factories import create_advanced_n2v_config


def main() -> None:
    job, folder = read_job()
    movie = np.load(folder / "noisy.npy")
    watch = Watch([], job["seconds"], lambda _: None)
    clock = Clock(watch)
    config = create_advanced_n2v_config(
        experiment_name="movie",
        data_type="array",
        axes="SCYX",
        n_channels=movie.shape[1],
        independent_channels=False,
        patch_size=[PATCH, PATCH],
        batch_size=BATCH,
        num_epochs=100 * EPOCHS,
        seed=job["seed"] + 1,  # the library does not accept 0
    )
    careamist = CAREamist(config, work_dir=folder, callbacks=[clock], enable_progress_bar=False)
    clock.careamist = careamist
    careamist.train(train_data=movie)
    epochs, steps = careamist.trainer.current_epoch, careamist.trainer.global_step
    print(f"CAREamics: {steps} steps, {epochs} epochs", flush=True)
    found = [
        np.asarray(careamist.predict(movie[t : t + 1])[0]).reshape(movie.shape[1:]) for t in range(len(movie))
    ]
    np.save(folder / "estimate.npy", np.stack(found)[:, movie.shape[1] // 2])


if __name__ == "__main__":
    main()
