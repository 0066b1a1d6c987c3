"""The object that `--json` prints for `muguet denoise` and `muguet fit`: numbers, no prose (docs/reference/json.md)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from muguet.cli.shared.display import print_json
from muguet.cli.shared.failures import Failures
from muguet.cli.shared.options import OUTPUT
from muguet.results.denoising import Denoised
from muguet.results.provenance import date
from muguet.version import __version__

if TYPE_CHECKING:
    from muguet.cli.shared.streamed import Streamed
    from muguet.denoiser.denoiser import Denoiser
    from muguet.formats.lazy import LazyImage
    from muguet.pattern.found import Found

_N_SIGNALS = 9
_MAX_CHECKED = (
    12  # The checks of a plane take some ten seconds, so that those of a large folder would take hours.
)

AsJson = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print the results as one JSON object on standard output, for programs.",
        rich_help_panel=OUTPUT,
    ),
]


class Results:
    """What a command made, collected for `--json`.

    Parameters
    ----------
    command
        "denoise" or "fit".
    wanted
        Whether the object is printed; otherwise nothing is computed.
    """

    def __init__(self, command: str, wanted: bool) -> None:
        self.command, self.wanted = command, wanted
        self.started, self.date = time.monotonic(), date()
        self.inputs: list[dict[str, Any]] = []
        self.outputs: list[dict[str, Any]] = []
        self.kept: list[str] = []
        self.checked = 0
        self.model: dict[str, Any] | None = None
        self.report: str | None = None
        self.run: Mapping[str, Any] | None = None
        """The verdict on the training itself, as JSON can hold it; None if there is none."""

    def add_inputs(self, digests: Mapping[Path, str]) -> None:
        """Note the files that were read, with their SHA-256."""
        known = {each["path"] for each in self.inputs}
        new = {str(path): digest for path, digest in digests.items() if str(path) not in known}
        self.inputs += [{"path": path, "sha256": digest} for path, digest in new.items()]

    def add_kept(self, paths: Iterable[Path]) -> None:
        """Note the results that existed and were kept."""
        self.kept += [str(path) for path in paths]

    def add_model(self, denoiser: Denoiser, path: Path | None) -> None:
        """Note the model, the file that holds it, and the verdict on its training."""
        if self.wanted:
            self.run = denoiser.training.get("outcome")
            self.model = {"path": None if path is None else str(path), **model_facts(denoiser)}

    def add_output(
        self,
        source: Path,
        digest: str,
        path: Path,
        found: Sequence[Denoised],
        *,
        uncertainty: Path | None = None,
        denoiser: Denoiser | None = None,
        recipe: str,
    ) -> None:
        """Note the denoised images of a file, and check one plane of each channel of the first images."""
        if not self.wanted:
            return
        from muguet.denoiser.model_file import model_id

        for each in found:
            checks = checks_of(each, denoiser) if self.checked < _MAX_CHECKED else []
            self.checked += len(checks)
            self.outputs.append(
                {
                    "path": str(path),
                    "source": str(source),
                    "sha256": digest,
                    "scene": each.image.name or None,
                    "axes": each.image.axes,
                    "shape": list(each.image.data.shape),
                    "dtype": str(each.image.data.dtype),
                    "recipe": recipe,
                    "model": None if denoiser is None else model_id(denoiser),
                    "residual": {"std": each.residual.std, "correlation": each.residual.correlation},
                    "uncertainty": None if uncertainty is None else str(uncertainty),
                    "checks": checks,
                    "patterns": patterns_of(each.patterns),
                    "neighbours": [one.as_dict() for one in each.neighbours.found] if each.neighbours else [],
                    "complete": True,
                }
            )

    def add_streamed(
        self,
        source: Path,
        path: Path,
        images: Sequence[LazyImage],
        denoiser: Denoiser,
        uncertainty: Path | None,
        streamed: Streamed,
        middle: Sequence[Denoised] = (),
    ) -> None:
        """Note the images of a file that was processed block by block, which is not hashed.

        `middle` is the part of the first image that is checked.
        """
        if not self.wanted:
            return
        from muguet.denoiser.model_file import model_id

        for number, each in enumerate(images):
            self.outputs.append(
                {
                    "path": str(path),
                    "source": str(source),
                    "sha256": None,
                    "scene": each.about.name or None,
                    "axes": each.about.axes,
                    "shape": list(each.about.data.shape),
                    "dtype": str(each.about.data.dtype),
                    "recipe": denoiser.parts.recipe,
                    "model": model_id(denoiser),
                    "residual": None,
                    "uncertainty": None if uncertainty is None else str(uncertainty),
                    "checks": checks_of(middle[0], denoiser) if middle and number == 0 else [],
                    "patterns": patterns_of(streamed.plans[number].correction.patterns),
                    "neighbours": [one.as_dict() for one in streamed.plans[number].neighbours.found],
                    "complete": streamed.complete,
                }
            )

    def print(self, failures: Failures) -> None:
        """Print the object on standard output, if it is wanted."""
        if not self.wanted:
            return
        left_out = [{"path": str(path), "reason": why} for path, why in failures.reasons.items()]
        print_json(
            {
                "muguet": __version__,
                "command": self.command,
                "date": self.date,
                "seconds": time.monotonic() - self.started,
                "model": self.model,
                "inputs": self.inputs,
                "outputs": self.outputs,
                "kept": self.kept,
                "left_out": left_out,
                "report": self.report,
                "run": self.run,
            }
        )


def patterns_of(patterns: Sequence[Found]) -> list[dict[str, Any]]:
    """Return what was found in each channel that has something."""
    return [{"channel": c, **each.as_dict()} for c, each in enumerate(patterns) if each]


def model_facts(denoiser: Denoiser) -> dict[str, Any]:
    """Return the parts, the training and the noise laws of a model."""
    from muguet.denoiser.model_file import model_id

    parts, training = denoiser.parts, denoiser.training
    laws = range(parts.channels) if denoiser.method.learns_law else ()
    return {
        "id": model_id(denoiser),
        "recipe": parts.recipe,
        "net": parts.net,
        "prior": parts.prior,
        "components": parts.components,
        "dimensions": parts.dimensions,
        "channels": parts.channels,
        "steps": training.get("steps"),
        "seconds": training.get("seconds"),
        "seed": training.get("plan", {}).get("seed"),
        "held_out": training.get("held_out"),
        "device": training.get("device"),
        "laws": [_law(denoiser, channel) for channel in laws],
    }


def _law(denoiser: Denoiser, channel: int) -> dict[str, Any]:
    """Return the noise law of a channel as a table, and the camera's values if the law is calibrated."""
    from muguet.noise.table import law_table, table_signals

    low, high = denoiser.training["signal_range"][channel]
    law = denoiser.laws[channel]
    table = law_table(law, table_signals(low, high, _N_SIGNALS), levels=())
    return {
        "channel": channel,
        "calibrated": denoiser.transfer(channel) is not None,
        "table": table,
        "readout": _readout(denoiser, channel),
        "correlation": law.correlation and law.correlation.as_dict(),
    }


def _readout(denoiser: Denoiser, channel: int) -> dict[str, Any] | None:
    """Return gain, offset and read noise with their 95 % intervals; None if the law is not calibrated."""
    from muguet.errors import MuguetError
    from muguet.noise.camera.readout import read_out

    points = denoiser.transfer(channel)
    if points is None:
        return None
    whole = all(each["dtype"][0] in "ui" for each in denoiser.training.get("data", ()))
    step = 1.0 if whole else 0.0
    try:
        if denoiser.untrained:  # Only the variance is known.
            found = read_out(points, step=step)
        else:
            found = read_out(denoiser.laws[channel], points, step=step)
    except MuguetError:
        return None
    return {name: asdict(getattr(found, name)) for name in ("gain", "offset", "read_noise")}


def checks_of(found: Denoised, denoiser: Denoiser | None) -> list[dict[str, Any]]:
    """Return the quality checks of the middle plane of each channel, as `muguet check --json` gives them."""
    from muguet.image.axes import Layout
    from muguet.quality.card import quality
    from muguet.quality.frames import frames_around
    from muguet.quality.model_checks import examine
    from muguet.quality.second_opinion import second_opinion

    layout = Layout(found.noisy.axes, found.noisy.data.shape)
    counts = found.noisy.data if found.counts is None else found.counts
    noisy, estimate = layout.split(counts), layout.split(found.image.data)
    plane = layout.planes // 2
    result = []
    for channel in range(layout.channels):
        pair = noisy[plane, channel], estimate[plane, channel]
        if denoiser is None:
            card = quality(*pair, opinion=second_opinion(pair[0]))
        else:
            denoises = denoiser if found.counts is None else denoiser.of_corrected
            frames = found.frames[channel] if found.frames else frames_around(noisy, layout, plane, channel)
            card = examine(denoises, *pair, channel, frames)
        facts = {name: value for name, value in card.to_dict().items() if name != "curves"}
        result.append({"channel": channel, "plane": plane, **facts})
    return result
