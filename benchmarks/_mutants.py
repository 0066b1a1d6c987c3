"""One-line faults of the kernels, each with the tests that should notice it, see `benchmarks/mutants.py`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A fault: in `file`, below ``src/muguet``, the text `old`, which occurs once, is replaced by `new`."""

    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def key(self) -> str:
        """A name of the fault in the file of results."""
        return f"{self.file}: {self.old} -> {self.new}"


def _of(tests: str, *faults: tuple[str, str, str]) -> tuple[Mutant, ...]:
    return tuple(Mutant(*fault, tuple(tests.split())) for fault in faults)


MUTANTS = (
    # ---------------------------------------------------------- correlated noise by the residual
    *_of(
        "tests/training/test_second_look.py",
        ("training/second_look.py", "(certain and varies(found)[-1] <= MOST_VARIATION)", "certain"),
        (
            "training/residual.py",
            "covariances(own, mask) - covariances(of_drawn, mask) + true",
            "covariances(own, mask)",
        ),
        ("training/residual.py", "share = min(1 - shared,", "share = min(shared - 1,"),
    ),
    # ------------------------------------------------------------------ noise
    *_of(
        "tests/noise/test_mixture.py tests/noise/test_law.py",
        ("noise/mixture.py", "(self.stds.square() + away.square())", "(self.stds.square())"),
        (
            "noise/mixture.py",
            "(away.square() + 3 * self.stds.square())",
            "(away.square() + self.stds.square())",
        ),
        ("noise/mixture.py", "- self.stds.log() - _HALF", "- _HALF"),
    ),
    *_of(
        "tests/noise/test_known.py tests/noise/test_law.py",
        (
            "noise/known.py",
            "return self.gain.square() * (self.electrons + self.read_noise.square())",
            "return self.gain.square() * (self.electrons + self.read_noise)",
        ),
        ("noise/known.py", "(2 * self.scale.square())", "(self.scale.square())"),
    ),
    *_of(
        "tests/noise/test_emccd.py",
        (
            "noise/emccd.py",
            "self.gain.square() * (2 * self.electrons",
            "self.gain.square() * (self.electrons",
        ),
    ),
    *_of(
        "tests/noise/test_measured.py",
        ("noise/measured.py", "(recorded - signals) / math.sqrt(1 - 1 / len(stack))", "(recorded - signals)"),
        ("noise/measured.py", "law.blur = 1 / math.sqrt(len(stack))", "law.blur = 0.0"),
        (
            "noise/histogram.py",
            "(tables.counts[bins] + 1) * tables.scales",
            "tables.counts[bins] * tables.scales",
        ),
    ),
    *_of(
        "tests/noise/test_kullback_leibler.py",
        ("noise/kullback_leibler.py", "(occupied - 1) / (2 * tables", "(occupied - 1) / (20 * tables"),
    ),
    *_of("tests/noise/test_numerics.py", ("noise/numerics.py", "reach = 2 * reach", "reach = 1 * reach")),
    *_of(
        "tests/noise/test_calibrated.py",
        ("noise/calibrated.py", "/ blurred.variance).sqrt()", "/ blurred.variance)"),
    ),
    *_of(
        "tests/noise/test_learned.py",
        ("noise/learned.py", "means = rows + scale * (means - centre)", "means = rows + scale * means"),
        ("noise/learned.py", "(least - constant) / slope,", "(least + constant) / slope,"),
    ),
    *_of(
        "tests/noise/transfer tests/noise/camera",
        ("noise/transfer/variance.py", "_MIN_GAIN = 9.0", "_MIN_GAIN = 0.09"),
        ("noise/transfer/curve.py", "_MAX_RESIDUAL = 12.0", "_MAX_RESIDUAL = 12000.0"),
        ("noise/transfer/single_image.py", "variance=points.variance / passed", "variance=points.variance"),
        ("noise/transfer/robust.py", "MEDIAN_OF_ABSOLUTE_NORMAL = 0.6745", "MEDIAN_OF_ABSOLUTE_NORMAL = 0.8"),
        ("noise/camera/readout.py", "line.slope / excess, slopes / excess", "line.slope, slopes"),
        ("noise/camera/interpretation.py", "_SATURATED = -0.9", "_SATURATED = -0.2"),
    ),
    *_of(
        "tests/noise/correlated tests/training/test_correlated_noise.py",
        ("noise/kernel.py", 'convolve1d(out, _taps(each.values), axis=axis, mode="wrap")', "out"),
        ("noise/correlated/whitening.py", "noise = _SURE * self.clear *", "noise = 0 *"),
        ("noise/correlated/whitening.py", "ratio = np.clip(self.level * self.", "ratio = np.clip(self."),
        ("noise/kernel.py", "(1 - self.independent) * np.multiply.outer", "np.multiply.outer"),
        ("noise/correlated/filters.py", "least + (1 - least) * np", "(1 - least) * np"),
    ),
    *_of(
        "tests/pattern/test_stored.py",
        ("pattern/stored/removal.py", "far[0 if self.found.shift[1] else 1] += SHIFT_MARGIN", "pass"),
    ),
    *_of(
        "tests/interactive/test_remembered.py",
        (
            "neighbours/remembered.py",
            "key = kind, plane.shape, digest",
            "key = kind, plane.shape, digest[:0]",
        ),
    ),
    *_of(
        "tests/noise/test_pairing.py",
        ("noise/pairing.py", "both / math.sqrt(own * clean_own),", "both / math.sqrt(y.var() * x.var()),"),
        ("noise/pairing.py", "_MIN_CHI2 = 40.0", "_MIN_CHI2 = 4e9"),
    ),
    # ------------------------------------------------------------------ image
    *_of(
        "tests/image/test_axes.py",
        ("image/axes.py", 'for letter in "TZ" if letter in', 'for letter in "ZT" if letter in'),
        ("image/axes.py", 'for letter in "CS" if letter in', 'for letter in "SC" if letter in'),
    ),
    *_of(
        "tests/image/test_scaling.py",
        ("image/scaling.py", "percent in (1, 95, 99)", "percent in (1, 90, 99)"),
        ("image/scaling.py", "Scaling(self.offset + self.scale * inner", "Scaling(self.offset + inner"),
        ("training/common_scaling.py", "values if level is None else values[values < level]", "values"),
    ),
    *_of(
        "tests/image/test_values.py",
        ("image/values.py", "if spike > 3 * int(", "if spike > 1.5 * int("),
        ("image/values.py", "whole = np.rint(numbers) if", "whole = np.trunc(numbers) if"),
        ("image/values.py", "np.clip(whole, low, high)", "whole"),
        (
            "image/values.py",
            "np.diff(values.astype(np.float64)).min()",
            "np.diff(values.astype(np.float64)).mean()",
        ),
        (
            "image/values.py",
            "numbers + dither.random(numbers.shape)",
            "numbers + 0.5 * dither.random(numbers.shape)",
        ),
    ),
    *_of(
        "tests/image/test_precision.py tests/image/test_defects.py tests/image/test_valid.py "
        "tests/image/test_screen.py",
        ("image/defects.py", "_MAX_SHARED = 0.12", "_MAX_SHARED = 0.9"),
        ("image/defects.py", "_MIN_DEVIATION = 8.0", "_MIN_DEVIATION = 80.0"),
        ("image/valid.py", "and level - high > 0.5 * (high - low)", ""),
        ("image/precision.py", "/ 1.5 < 1.0)", "/ 1.5 < 400.0)"),
    ),
    # ---------------------------------------------------------------- formats
    *_of(
        "tests/formats/test_pixel_size.py",
        ("formats/pixel_size.py", 'meta.get("zunit", meta.get("unit"))', 'meta.get("unit")'),
        ("formats/pixel_size.py", '"millisecond"), 1e-3', '"millisecond"), 1e-6'),
        ("formats/pixel_size.py", "1 / rate if rate", "rate if rate"),
        (
            "formats/pixel_size.py",
            'positive(info.get("TimeIntervall"))',
            'positive(info.get("TimeInterval"))',
        ),
    ),
    # ------------------------------------------------------------- prediction
    *_of(
        "tests/prediction",
        ("prediction/tiles.py", "period = 2 * size - 2", "period = 2 * size"),
        ("prediction/tiles.py", "halo = math.ceil(halo / stride) * stride", "halo = halo // stride * stride"),
        ("prediction/regions.py", "function(values, region.c)", "function(values, 0)"),
        ("prediction/error_scale.py", "np.log(self.factor))", "np.log(self.factor) / 2)"),
        ("prediction/symmetry.py", "both in ((0, 0), (1, 1), (0, 1)", "both in ((0, 0), (0, 1), (1, 1)"),
    ),
    # ------------------------------------------------------------ restoration
    *_of(
        "tests/restoration/test_blind.py",
        ("restoration/blind.py", "spacing + 2 * reach + 1 if reach", "spacing + reach if reach"),
        ("restoration/blind.py", "(offsets != 0).any(1)", "(offsets != 0).all(1)"),
    ),
    *_of(
        "tests/restoration/test_filterbank.py tests/restoration/test_unet.py",
        ("restoration/filterbank.py", ".sub_(left_out).div_(kept)", ".sub_(left_out)"),
        ("restoration/filterbank.py", "reach += 4 * 2**level + 2**level", "reach += 2**level"),
        (
            "restoration/filterbank.py",
            "gaussian(sigma, radius)[radius - far",
            "gaussian(sigma, radius)[radius - 0",
        ),
    ),
    *_of(
        "tests/restoration/test_blur.py",
        ("restoration/blur.py", "radius = math.ceil(4 * sigma)", "radius = math.ceil(sigma)"),
    ),
    # --------------------------------------------------------------- training
    *_of(
        "tests/training/test_patches.py",
        ("training/patches.py", "np.where(trusted[place], np.uint8(HELD_OUT), role[place])", "HELD_OUT"),
        ("training/patches.py", "rng.integers(0, _CELL - 1,", "rng.integers(0, _CELL,"),
        ("training/patches.py", "device=self.device) - 0.5", "device=self.device)"),
        ("training/patches.py", "self.quanta / scales[self", "self.quanta * scales[self"),
    ),
    *_of(
        "tests/training/test_weighing.py",
        ("training/weighing.py", "+ 2 * weights @ self.slope", "+ weights @ self.slope"),
    ),
    *_of(
        "tests/training/test_data.py",
        ("training/planes.py", "Plane(values, known & ~saturated, c, step", "Plane(values, known, c, step"),
        ("training/planes.py", "step = quantum(recorded) / scaling.scale", "step = quantum(recorded)"),
    ),
    *_of(
        "tests/training/test_schedule.py",
        ("training/schedule.py", "* min(self.step / WARM_UP, 1.0)", ""),
        ("training/schedule.py", "0.5 * (1 + math.cos(", "0.5 * (1 - math.cos("),
        ("training/schedule.py", "math.ceil(self.step / PLATEAU_SHARE)", "self.step"),
        ("training/schedule.py", "> min(values[:split]) - min_gain", "> min(values[:split]) + min_gain"),
    ),
    *_of(
        "tests/training/test_calibration.py",
        (
            "training/calibration.py",
            "denoiser.method.estimate(image, own=False)",
            "denoiser.method.estimate(image, own=True)",
        ),
        ("training/calibration.py", "_MAX_VARIANCE_RATIO = 1.15", "_MAX_VARIANCE_RATIO = 5"),
        (
            "training/sampled.py",
            "np.isin(self.role, (MISSING, SATURATED), invert",
            "np.isin(self.role, (MISSING,), invert",
        ),
    ),
    *_of(
        "tests/test_gate.py",
        ("method.py", "weights if saturated is None else weights * ~saturated[mask])", "weights)"),
        ("method.py", "MAX_SQUARE = 25.0", "MAX_SQUARE = 2500.0"),
        ("method.py", "signal * (linear + quadratic * signal)", "signal * linear"),
        ("training/validation.py", "1 - 1 / max(mean, 1e-6)", "1 / max(mean, 1e-6)"),
    ),
    *_of(
        "tests/test_method.py",
        ("method.py", "- _mean(score, weights)", "- _mean(score, in_range)"),
        (
            "method.py",
            "* ~saturated[mask] if saturated is not None and self",
            "if saturated is not None and self",
        ),
    ),
    # ---------------------------------------------------------------- quality
    *_of(
        "tests/quality/test_scores.py tests/quality/test_held_out.py tests/quality/test_frc.py "
        "tests/quality/test_whiteness.py tests/quality/test_normalised.py",
        ("quality/frc.py", "(estimate * plane.conj()).real) - followed", "(estimate * plane.conj()).real)"),
        ("quality/frc.py", "_STRETCH = 0.8", "_STRETCH = 3.0"),
        ("quality/scores.py", "20 * np.log10(extent) - 10", "20 * np.log10(extent) - 20"),
        ("quality/held_out.py", "- 0.87 * chance**0.5", "+ 0.87 * chance**0.5"),
        ("quality/held_out.py", "low + (high - low) * rng.random(len(y))", "low"),
        ("quality/whiteness.py", "/ n_pairs / variance", "/ count / variance"),
        ("quality/residual.py", "max(xx - x * x, 0.0), rx - r * x", "max(xx - x * x, 0.0), rx"),
        ("quality/normalised.py", "np.maximum(signal[known], _darkest(y))", "signal[known]"),
    ),
)
