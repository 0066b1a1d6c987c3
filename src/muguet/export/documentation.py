"""The documentation of a package: what the model does, what it was trained on, its noise law, and what is lost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from muguet.denoiser.denoiser import Denoiser
from muguet.denoiser.model_file import model_id
from muguet.noise.table import law_table, table_signals
from muguet.recipes.find import find_recipe
from muguet.version import __version__

CITATIONS = (
    (
        "Ollion et al. 2021, Joint self-supervised blind denoising and noise estimation",
        "10.48550/arXiv.2102.08023",
    ),
    (
        "Laine et al. 2019, High-quality self-supervised deep image denoising",
        "10.48550/arXiv.1901.10277",
    ),
)
"""The publications to cite, as in CITATION.cff, which an installed package does not hold: text and DOI."""

LOST = (
    "The noise law: the package denoises, and does not return the distribution of the noise or the error of a pixel. "
    "documentation.md has a table of the law at a few signals.",
    "Missing and defective pixels: every pixel must be a finite number. muguet leaves NaN, blank planes, padding and "
    "defective pixels out.",
    "Lines and patterns: the package keeps offsets of lines, of halves and of single pixels, which muguet finds and "
    "subtracts before it denoises.",
    "Tiles: the program that runs the package must cut images larger than memory into tiles, with the stated halo.",
    "Views: muguet averages small images over eight flips and rotations, which gains 0.01 to 0.06 dB.",
    "Neighbours: every frame of a movie is denoised by itself, and by a model of planes every plane of a stack. muguet "
    "also uses the frames or planes before and after it.",
    "Data types, axes, pixel sizes and metadata: the package takes and returns float32 arrays.",
)
"""What a package cannot do that muguet can."""

_ROWS = 7  # Signals in the table of the noise law.


def documentation(model: Denoiser, name: str, size_rule: str, difference: float) -> str:
    """Return the documentation as Markdown.

    Parameters
    ----------
    model
        The model.
    name
        Its name.
    size_rule
        The sizes of images that the network accepts, in words.
    difference
        Largest difference between the package and muguet on the test image, as a share of the noise.
    """
    parts, training = model.parts, model.training
    recipe = find_recipe(parts.recipe)
    images = [
        f"- {each['name']}: {each['axes']} {'×'.join(map(str, each['shape']))} {each['dtype']}"
        for each in training.get("data", [])
    ]
    lines = [
        f"# {name}",
        "",
        "This model removes noise from microscope images of the kind that it was trained on: the same camera, the same "
        "settings and a similar specimen. It was made with muguet, which learns from noisy images alone. Input and "
        "output are camera counts; the conversion to the units of the network is part of the model.",
        "",
        f"Images have the axes batch, channel, {', '.join('zyx'[-parts.dimensions :])}. {size_rule}",
        "",
        "## Model card",
        "",
        *_table(
            ["", ""],
            [
                ["method", f"{parts.recipe}: {recipe.about}"],
                ["steps of training", str(training.get("steps", "unknown"))],
                ["channels", str(parts.channels)],
                ["spatial dimensions", str(parts.dimensions)],
                ["made with", f"muguet {__version__}"],
                ["identifier of the model", model_id(model)],
            ],
        ),
        "",
        *(["Trained on:", "", *images, ""] if images else []),
        *_laws(model),
        "## What the package cannot do",
        "",
        *[f"- {sentence}" for sentence in LOST],
        "",
        "## Validation",
        "",
        "`test_input.npy` is a simulated recording with the noise law of the model; `test_output.npy` is the result. "
        f"It differs from that of muguet (one view, float32) by at most {difference:.1g} of the standard "
        "deviation of the noise.",
        "",
        "Before you trust the model on images of your own, compare the result with the mean of many recordings of the "
        "same field of view. Without such recordings, look at the residual (the recording minus the result): it must "
        "look like noise, without structures of the specimen. `muguet check` examines this.",
        "",
        "Do not use the model on images of another camera, gain or exposure, or on images that were filtered, "
        "compressed as JPEG, or averaged.",
        "",
        "## References",
        "",
        *[f"- {text}, doi:{doi}" for text, doi in CITATIONS],
        "",
    ]
    return "\n".join(lines)


def _laws(model: Denoiser) -> list[str]:
    """Return the noise law of each channel as a section with a table."""
    if not model.method.learns_law:
        return ["## Noise law", "", "The method of this model learns no noise law.", ""]
    lines = [
        "## Noise law",
        "",
        "Standard deviation, skewness and 95 % interval of the noise, in camera counts.",
        "",
    ]
    for channel, (law, origin, (low, high)) in enumerate(
        zip(model.laws, model.law_origins, model.training["signal_range"], strict=True)
    ):
        table = law_table(law, table_signals(low, high, _ROWS))
        columns = ["signal", "std", "skewness", "q0.025", "q0.975"]
        rows = np.stack([table[column] for column in columns], 1)
        lines += [
            *([f"Channel {channel}. "] if model.parts.channels > 1 else []),
            f"How it was obtained: {origin.words}. {origin.note}".strip(),
            "",
            *_table(
                ["signal", "standard deviation", "skewness", "2.5 % below", "2.5 % above"],
                [[f"{value:.4g}" for value in row] for row in rows],
            ),
            "",
        ]
    return lines


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    cells = [head, ["---"] * len(head), *[[cell.replace("|", "\\|") for cell in row] for row in rows]]
    return [f"| {' | '.join(row)} |" for row in cells]
