"""What the page asks for: everything that it shows of an image, as values that JSON can hold, and downloads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from muguet.app.job import Job


def state_of(job: Job) -> dict[str, Any]:
    """Return everything that the page shows, as values that JSON can hold."""
    source, shown = job.source, job.shown
    pixel = None if job.image is None else job.image.pixel_size.get("X")
    return {
        "number": job.number,
        "name": job.name,
        "about": job.about,
        "stage": job.stage,
        "error": job.error,
        "words": job.words,
        "share": job.share,
        "trains": job.stage == "working" and job.done is None and not job.stop.is_set(),
        "held_out": job.held_out,
        "notes": job.notes,
        "channels": job.names,
        "planes": 0 if source is None else source.samples,
        "shown": None if shown is None or source is None else shown.facts(source, pixel),
        "model": job.model_words,
        "law": job.law,
        "checks": job.judged,
        "result": job.result_words if job.result is not None else None,
        "report": job.report,
        "version": job.version,
    }


def download_of(job: Job, kind: str) -> tuple[Path, str] | None:
    """Return a file of an image and its name for download; None if there is none yet.

    Parameters
    ----------
    job
        The image.
    kind
        "result", "model" or "report".
    """
    if job.result is None:
        return None
    stem, ending = _stem(job.name), "".join(job.result.suffixes)
    found = {
        "result": (job.result, f"{stem}_denoised{ending}"),
        "model": (job.model_path, f"{stem}.muguet"),
    }
    if job.report == "ready":
        found["report"] = (job.report_path, f"{stem}_report.html")
    return found.get(kind)


def _stem(name: str) -> str:
    """Return the name of a file without its ending."""
    for ending in (".ome.tiff", ".ome.tif", ".ome.zarr"):
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return Path(name).stem
