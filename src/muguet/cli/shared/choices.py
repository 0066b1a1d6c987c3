"""The options that all commands which train have in common, as one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from muguet.cli.shared import options
from muguet.cli.shared.values import MemoryLimit, value_range
from muguet.errors import MuguetError
from muguet.system.budget import memory_size
from muguet.system.limits import check_run

if TYPE_CHECKING:
    from muguet.image.image import Image
    from muguet.pattern.correction import Correction


@dataclass(frozen=True)
class Choices:
    """The options of training, inputs and outputs; each field is an option of every command that trains."""

    minutes: options.Minutes = 5.0
    steps: options.Steps = None
    components: options.Components = 3
    recipe: options.Recipe = "joint"
    net: options.Net = None
    clean: options.Clean = None
    psf: options.Psf = "1"
    mask: options.Mask = "auto"
    prior: options.Prior = "auto"
    seed: options.Seed = 0
    device: options.Device = "auto"
    resume: options.Resume = None
    axes: options.Axes = None
    scene: options.Scene = None
    valid_range: options.ValidRange = None
    mask_value: options.MaskValue = None
    lines: options.LinesOption = "auto"
    gain_map: options.GainMap = None
    offset_map: options.OffsetMap = None
    variance_map: options.VarianceMap = None
    dimensions: options.Dimensions = 2
    overwrite: options.Overwrite = False
    recursive: options.Recursive = False
    strict: options.Strict = False
    skip_existing: options.SkipExisting = False
    memory: MemoryLimit = None

    def __post_init__(self) -> None:
        if self.overwrite and self.skip_existing:
            raise MuguetError("--overwrite and --skip-existing contradict each other: leave one of them out")
        check_run(self.minutes, self.steps, self.seed)
        if self.valid_range is not None:
            value_range(self.valid_range)
        if self.memory is not None:
            memory_size(self.memory)
        if self.lines not in ("auto", "keep"):
            raise MuguetError(f"--lines {self.lines} is not known: choose auto or keep")

    @property
    def maps(self) -> tuple[Path, ...]:
        """The files of the maps of the camera."""
        return tuple(each for each in (self.gain_map, self.offset_map, self.variance_map) if each is not None)

    def correction(self) -> Correction:
        """Return how counts are corrected; the maps of the camera are read.

        Raises
        ------
        MuguetError
            If a map cannot be read, or is not possible.
        """
        from muguet.pattern.correction import Correction
        from muguet.training.fitting import maps_of

        return Correction(self.lines, maps_of(self.gain_map, self.offset_map, self.variance_map))

    @property
    def excludes(self) -> bool:
        """Whether the options exclude pixels by their values."""
        return self.valid_range is not None or self.mask_value is not None

    def valid(self, image: Image) -> Image:
        """Return an image whose pixels are masked as the options ask."""
        from muguet.image.valid import masked_outside

        if not self.excludes:
            return image
        limits = None if self.valid_range is None else value_range(self.valid_range)
        return replace(image, data=masked_outside(image.data, limits, self.mask_value))


WITHOUT_TRAINING = (
    *("device", "axes", "scene", "valid_range", "mask_value"),
    *("lines", "gain_map", "offset_map", "variance_map"),
    *("overwrite", "recursive", "strict", "skip_existing", "memory"),
)
"""The options among `Choices` that also have a meaning if a trained model is used."""


def with_choices(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with its parameter `choices: Choices` replaced by one option for each field of `Choices`."""
    types = get_type_hints(command, include_extras=True)
    fields = get_type_hints(Choices, include_extras=True)
    parameters: list[Parameter] = []
    for name, parameter in signature(command).parameters.items():
        if name == "choices":
            parameters += [
                Parameter(each, Parameter.KEYWORD_ONLY, default=getattr(Choices, each), annotation=kind)
                for each, kind in fields.items()
            ]
        else:
            parameters.append(parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=types[name]))

    @wraps(command)
    def expanded(**values: Any) -> None:
        command(choices=Choices(**{name: values.pop(name) for name in fields}), **values)

    # Typer reads the defaults and the order from the signature, and the help from the annotations.
    expanded.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    expanded.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return expanded
