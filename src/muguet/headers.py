"""The schemas of the headers of model files and checkpoints: every field with its type and its bounds."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, convert

MAX = 1.7e308
"""Numbers in headers lie between −MAX and MAX, so that none is infinite."""

MAX_CHANNELS = 10_000
MAX_REACH = 16  # Neighbours on each side of a pixel; a measured reach is at most 4.
MAX_KERNEL = 1023  # Pixels along each side of a point spread function.
MAX_BLUR = 100.0  # Pixels.
_FAR = 1e12

Number = Annotated[float, Meta(ge=-MAX, le=MAX)]
Positive = Annotated[float, Meta(gt=0, le=MAX)]
Magnitude = Annotated[float, Meta(ge=0, le=MAX)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Seconds = Annotated[float, Meta(ge=0, le=_FAR)]
Share = Annotated[float, Meta(ge=0, le=1)]
Name = Annotated[str, Meta(min_length=1, max_length=300)]
Text = str  # Bounds on texts would refuse the names of files that are no UTF-8.
Row = Annotated[list[Number], Meta(min_length=1, max_length=MAX_KERNEL)]
Kernel = Annotated[list[Row], Meta(min_length=1, max_length=MAX_KERNEL)]
Width = Annotated[float, Meta(gt=0, lt=50)]


class Scale(Struct):
    """The map from counts to network units of one channel, see `muguet.image.scaling.Scaling`."""

    offset: Number
    scale: Positive


class Curve(Struct):
    """A photon-transfer curve, see `muguet.noise.transfer.curve.MeanVariance`."""

    signal: Annotated[list[Number], Meta(min_length=1)]
    variance: list[Number]
    error: list[Magnitude]
    count: list[Count]
    blur: Share = 0.0
    square: list[Magnitude] | None = None

    def __post_init__(self) -> None:
        _require_equal_lengths(self.signal, self.variance, self.error, self.count, self.square or self.signal)


class Weights(Struct):
    """The weights of the estimates of one channel, see `muguet.prediction.blend.Blend`."""

    trained: Share = 1.0
    prior: Share = 0.0
    blur: Share = 0.0
    sigma: Annotated[float, Meta(ge=0, le=MAX_BLUR)] = 0.0
    brightness: Annotated[float, Meta(ge=0.5, le=2)] = 1.0

    def __post_init__(self) -> None:
        if not math.isclose(self.trained + self.prior + self.blur, 1, abs_tol=1e-6):
            raise ValueError("the weights of the estimates do not sum to one")
        if self.blur and not self.sigma:
            raise ValueError("the blur has a weight and no width")


class Errors(Struct):
    """The correction of predicted errors of one channel, see `muguet.prediction.error_scale.ErrorScale`."""

    predicted: Annotated[list[Positive], Meta(min_length=1)]
    factor: list[Positive]
    measured: list[Number] = []
    uncertainty: list[Magnitude] = []

    def __post_init__(self) -> None:
        _require_equal_lengths(self.predicted, self.factor)
        _require_equal_lengths(self.measured, self.uncertainty, self.predicted if self.measured else [])
        if sorted(set(self.predicted)) != self.predicted:
            raise ValueError("the predicted errors do not increase")


Correlations = Annotated[list[Annotated[float, Meta(ge=-1, le=1)]], Meta(max_length=64)]


class KernelRecord(Struct):
    """The correlation of the noise of neighbouring pixels, see `muguet.noise.Kernel`."""

    y: Correlations
    x: Correlations
    error: Magnitude = 0.0
    t: Correlations | None = None
    t_error: Magnitude = 0.0
    z: Correlations | None = None
    z_error: Magnitude = 0.0
    independent: Annotated[float, Meta(ge=0, le=0.9)] = 0.0


class WhiteningRecord(Struct):
    """The filters that make the noise of one channel white, see `muguet.noise.Whitening`."""

    kernel: KernelRecord
    slope: Magnitude
    constant: Number
    least: Positive
    clear: Magnitude | None = None


class Record(Struct):
    """One evaluation during a training."""

    step: Count
    loss: Number
    held_out: Number


class TrainingImage(Struct):
    """An image that a model was trained on."""

    name: Text
    axes: Annotated[str, Meta(min_length=2, max_length=6, pattern="^[TCZYXS]+$")]
    shape: Annotated[list[Count], Meta(min_length=2, max_length=6)]
    dtype: Annotated[str, Meta(pattern="^[a-z]+[0-9]+$", max_length=20)]


class RisksRecord(Struct):
    """The squared errors of a result and of others, see `muguet.training.weighing.Risks`."""

    result: Number | None = None
    blur: Number | None = None
    sigma: Number | None = None
    trained: Number | None = None
    prior: Number | None = None
    error: Number | None = None
    planes: Number | None = None


class PlanRecord(Struct):
    """How long and with which random numbers a model was to be trained, see `muguet.training.plan.Plan`."""

    minutes: Number | None = None
    steps: Count | None = None
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None
    batch: Count | None = None
    learning_rate: Number | None = None
    device: Text | None = None


class OutcomeRecord(Struct):
    """What a run learned, see `muguet.training.outcome.Outcome`."""

    sentence: Text
    verdict: Text
    steps: Count
    visits: Number | None = None
    slope: Number | None = None
    risks: RisksRecord | None = None
    trained: Number | None = None
    prior: Number | None = None


class Training(Struct):
    """The record of a training, see `muguet.training.Session`; every field may be missing."""

    steps: Count | None = None
    planned_steps: Count | None = None
    seconds: Seconds | None = None
    plan: PlanRecord | UnsetType = UNSET
    data: list[TrainingImage] = []
    signal_range: list[tuple[Number, Number]] = []
    held_out: Number | None = None
    history: list[Record] = []
    versions: dict[str, Text] = {}
    device: Text | None = None
    patterns: list[dict[str, Any]] = []  # See `muguet.pattern.Found`.
    noise_correlation: dict[str, Number | list[Number] | Text | bool | None] | None = None
    outcome: OutcomeRecord | UnsetType = UNSET
    law_origins: list[Text] | UnsetType = UNSET

    def __post_init__(self) -> None:
        if any(low > high for low, high in self.signal_range):
            raise ValueError("the lower end of a range of signals is above the upper one")


class ModelHeader(Struct, kw_only=True):
    """The header of a model file, see `muguet.recipes.Parts` and `muguet.Denoiser` for its fields."""

    format: int
    recipe: Name
    net: Name | None
    components: Annotated[int, Meta(ge=1, le=64)]
    dimensions: Literal[2, 3]
    channels: Annotated[int, Meta(ge=1, le=MAX_CHANNELS)]
    quarter_turns: bool
    reach: list[Annotated[int, Meta(ge=0, le=MAX_REACH)]] | None = None
    psf: Width | Kernel = 1.0
    prior: Text = "none"  # Models of earlier versions have none.
    scalings: list[Scale]
    transfers: list[Curve | None] = []
    blends: list[Weights] = []
    error_scales: list[Errors] = []
    whitenings: list[WhiteningRecord | None] = []
    correlations: list[KernelRecord | None] = []
    lines: Literal["auto", "keep"] = "auto"
    maps: dict[Literal["gain", "offset", "variance"], Text] = {}  # Digests of the maps of the camera.
    training: dict[str, Any]  # The fields of `Training`, and others that nothing reads.

    def __post_init__(self) -> None:
        record = convert(self.training, Training)
        if len(self.scalings) != self.channels:
            raise ValueError(f"there are {len(self.scalings)} scalings for {self.channels} channels")
        for name in ("transfers", "blends", "error_scales", "whitenings", "correlations"):
            _require_one_each(name, len(getattr(self, name)), self.channels)
        _require_one_each("training.signal_range", len(record.signal_range), self.channels)
        if self.reach and len(self.reach) != self.dimensions:
            raise ValueError(f"reach has {len(self.reach)} numbers for {self.dimensions} dimensions")
        if isinstance(self.psf, list):
            _require_equal_lengths(*self.psf)


class ScheduleState(Struct):
    """The progress of a run, see `muguet.training.schedule.Schedule`."""

    step: Count
    seconds: Seconds
    aside: Seconds
    measuring: Seconds | None
    total: Count | None
    decay_from: Count | None


class ExchangeState(Struct):
    """Which blocks of images larger than memory were in the training set, see `muguet.training.exchange.Exchange`."""

    residents: list[list[Count]]
    positions: list[Count]


class CheckpointHeader(Struct, kw_only=True):
    """The header of a checkpoint."""

    format: int
    identity: dict[str, Any]  # It is only compared with that of another run.
    schedule: ScheduleState
    history: list[Record]
    exchange: ExchangeState | None = None

    def __post_init__(self) -> None:
        steps = [record.step for record in self.history]
        if sorted(set(steps)) != steps or (steps and steps[-1] > self.schedule.step):
            raise ValueError("the steps of the history do not increase")


def _require_equal_lengths(*columns: list[Any]) -> None:
    if len({len(column) for column in columns}) > 1:
        raise ValueError("lists that belong together differ in length")


def _require_one_each(name: str, number: int, channels: int) -> None:
    if number not in (0, channels):
        raise ValueError(f"{name} has {number} entries for {channels} channels")
