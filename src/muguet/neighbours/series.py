"""The planes of a movie or a stack, which of them help to estimate one, and what was found of an image."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from torch import Tensor

from muguet.errors import MuguetError
from muguet.neighbours.estimator import PlaneEstimator


@dataclass(frozen=True)
class Axis:
    """An axis along which planes help each other: its letter, what its planes are called, and its option."""

    letter: str
    members: str
    option: str

    def usable(
        self, window: int | None, sequences: Sequence[object], axes: str, recipe: str, possible: bool
    ) -> bool:
        """Return whether planes along this axis may help each other.

        Parameters
        ----------
        window
            Number of planes on each side that the user asks for; None: no wish.
        sequences
            The series of planes along this axis; empty: there are none.
        axes, recipe
            The axes of the image and the recipe of the model, for the message.
        possible
            Whether the model can estimate a plane from several.

        Raises
        ------
        MuguetError
            If a window is asked for that the model or the image cannot use.
        """
        if window is not None and window < 0:
            raise MuguetError(
                f"{self.option} {window} is negative: give the number of {self.members} on each side, or 0"
            )
        if window and not possible:
            raise MuguetError(
                f"{self.option} needs a model of planes with a prior, and that of the recipe {recipe} has none: "
                "train with --recipe=joint and --dimensions 2, or leave it out"
            )
        if window and not sequences:
            raise MuguetError(
                f"{self.option} needs an axis {self.letter}, and the axes are {axes}: leave it out"
            )
        return window != 0 and possible and bool(sequences)


TIME = Axis("T", "frames", "--time-window")
DEPTH = Axis("Z", "planes", "--z-window")


@dataclass(frozen=True, eq=False)
class Series(ABC):
    """Planes of one channel along one axis, of which each may be estimated from itself and those around it.

    Attributes
    ----------
    planes
        Numbers of the planes, in their order along the axis.
    before, after
        Number of planes before and after one that may help to estimate it.
    """

    planes: npt.NDArray[np.intp]
    before: int
    after: int

    halo: ClassVar[int]
    """Number of pixels around a region that the estimate needs, in addition to those of the network."""

    axis: ClassVar[Axis]
    """The axis along which the planes lie."""

    @property
    @abstractmethod
    def helps(self) -> bool:
        """Whether any plane is estimated from others too."""

    @abstractmethod
    def prepare(self, wanted: slice) -> None:
        """Read what the estimates of some planes need of whole planes, so that `estimate` reads nothing."""

    @abstractmethod
    def estimate(
        self,
        units: Tensor,
        usable: Tensor,
        held: slice,
        wanted: slice,
        estimator: PlaneEstimator,
        errors: bool,
    ) -> tuple[Tensor, Tensor | None]:
        """Return the estimates of planes ``(wanted, 1, *space)`` in network units, and the variances of their errors.

        The network is run once for each plane that is held and each view.

        Parameters
        ----------
        units, usable
            The planes `held` in network units, ``(held, 1, *space)``, and where they were measured.
        held, wanted
            Which planes of the series are given, and which of them are to be estimated.
        estimator
            How planes are estimated one by one.
        errors
            Whether the variances are needed. If not, they may be None.
        """


@dataclass(frozen=True)
class Summary:
    """What was found of the planes of one channel along one axis.

    Attributes
    ----------
    channel, axis
        The channel, and the axis along which planes were compared.
    before, after
        Largest number of planes before and after one that help to estimate it; 0: each is estimated by itself.
    asked
        Whether the user chose the number of planes; else it was decided by measurements on the image.
    noise_correlation
        Correlation of the noise of successive planes, 0 if it is independent; None: it was not measured.
    noise_correlation_error
        Its standard error; None: it was not measured.
    independent
        Whether it is so small that planes may help each other; None: it was not measured.
    scene_correlation
        Correlation of the scenes of successive frames of a movie; None: it was not measured.
    error_ratio
        The standard deviation of the error with neighbours, relative to that without, at pixels of a stack that were
        held out; None: it was not measured.
    """

    channel: int
    axis: Axis
    before: int = 0
    after: int = 0
    asked: bool = False
    noise_correlation: float | None = None
    noise_correlation_error: float | None = None
    independent: bool | None = None
    scene_correlation: float | None = None
    error_ratio: float | None = None

    def as_dict(self) -> dict[str, str | int | float | None]:
        """Return the values, as JSON can hold them."""
        return {
            "channel": self.channel,
            "axis": self.axis.letter,
            "before": self.before,
            "after": self.after,
            "chosen_by": "option" if self.asked else "measurement",
            "noise_correlation": self.noise_correlation,
            "noise_correlation_error": self.noise_correlation_error,
            "noise_independent": self.independent,
            "scene_correlation": self.scene_correlation,
            "error_ratio": self.error_ratio,
        }

    @property
    def sentence(self) -> str:
        """How many planes help to estimate one, how this was decided, and whether their noise is independent."""
        members = self.axis.members
        how = f"{self.axis.option} was given" if self.asked else "decided by measurements on the image"
        which = f"up to {self.before} before" + (f" and {self.after} after" if self.after else "")
        helped = f"from {which} it, too" if self.before or self.after else "by itself"
        text = f"Each of the {members} along {self.axis.letter} is estimated {helped} ({how})"
        if self.noise_correlation is None:
            return f"{text}."
        shared = "independent" if self.independent else "not independent"
        error = "" if self.noise_correlation_error is None else f" ± {self.noise_correlation_error:.2g}"
        number = f"{self.noise_correlation:.2f}{error}"
        text = f"{text}; the noise of successive {members} is {shared} (correlation {number})"
        if self.scene_correlation is None:
            return f"{text}."
        return f"{text}, and the correlation of their scenes is {self.scene_correlation:.2f}."


@dataclass(frozen=True)
class Neighbours:
    """Which planes of an image help to estimate each other.

    Attributes
    ----------
    of_channels
        The movies or stacks of each channel, which together have all planes; empty: the image has none.
    sentence
        A sentence for the user on what was found; empty if there is nothing to say.
    found
        A summary for each channel and axis along which planes were compared; empty: nothing was searched.
    """

    of_channels: tuple[tuple[Series, ...], ...] = ()
    sentence: str = ""
    found: tuple[Summary, ...] = ()

    @property
    def helps(self) -> bool:
        """Whether any plane is estimated from others too."""
        return any(series.helps for each in self.of_channels for series in each)

    @property
    def letter(self) -> str:
        """The axis along which planes help each other; empty: there is none."""
        return next((series.axis.letter for each in self.of_channels for series in each), "")

    @property
    def reach(self) -> tuple[int, int]:
        """Largest number of planes before and after one that help to estimate it."""
        every = [series for each in self.of_channels for series in each]
        return max((each.before for each in every), default=0), max((each.after for each in every), default=0)

    @property
    def made(self) -> dict[str, str]:
        """What the file of the result says of the planes that helped, see `muguet.image.Image.provenance`."""
        return {"neighbours": " ".join(self.summaries())} if self.found else {}

    def summaries(self) -> list[str]:
        """Return a sentence for each channel, or one for all if they are alike."""
        sentences = [each.sentence for each in self.found]
        if len(set(sentences)) < 2:
            return sentences[:1]
        return [f"Channel {each.channel}: {text}" for each, text in zip(self.found, sentences, strict=True)]

    @property
    def halo(self) -> int:
        """Number of pixels around a region that the estimates need, in addition to those of the network."""
        return max((series.halo for each in self.of_channels for series in each), default=0)
