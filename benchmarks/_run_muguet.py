"""Train muguet's default for a given time and store its estimates of the images at some moments.

versus_careamics.py calls `python _run_muguet.py FOLDER` and writes the job to that folder.
"""

from __future__ import annotations

import numpy as np
from _run import Watch, peak_memory, predictions, read_job, write_report

import muguet
from muguet.training import Plan, Sample, Session, collect, steps


def main() -> None:
    job, folder = read_job()
    noisy = np.load(folder / "noisy.npy")
    kept: list[muguet.Denoiser] = []
    watch = Watch(job["moments"], job["seconds"], lambda _: kept.append(session.denoiser()))
    session = Session(
        collect([Sample(noisy, "TYX", "the images")]),
        plan=Plan(minutes=job["seconds"] / 60, seed=job["seed"]),
    )
    for progress in steps(session):
        if watch.look(progress.step):
            break
    session.denoiser()  # what `muguet.fit` does at the end: the noise law is measured in this time too
    watch.mark(session.step, last=True)
    cores, peak = watch.cores, peak_memory()
    prediction = predictions(watch.points, lambda number: kept[number](noisy, "TYX"), folder)
    write_report(
        folder,
        "muguet",
        muguet.__version__,
        points=watch.points,
        cores=round(cores, 2),
        prediction_s=prediction,
        peak_training_mb=peak,
        peak_mb=peak_memory(),
        setting=f"its defaults: {session.parts.recipe}, {session.parts.net}, batches of {session.plan.batch} × 64×64",
    )


if __name__ == "__main__":
    main()
