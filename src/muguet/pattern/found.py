"""What was found in an image: lines, shifts, halves, patterns and noisy pixels, as numbers and as sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from muguet.pattern.halves import Halves
from muguet.pattern.noisy_pixels import NoisyPixels
from muguet.pattern.shift import Shift


@dataclass(frozen=True)
class LineNoise:
    """Line noise of a channel along one axis.

    Attributes
    ----------
    std
        Standard deviation of the offsets in counts, the median over the planes that have them.
    relative
        The same relative to the noise of single pixels.
    planes, of
        Number of planes with offsets, and of all planes.
    period
        Number of lines after which the offsets repeat; 0 if they do not.
    removed
        Whether they are subtracted; not where they must be measured in every plane and planes are too large for that.
    """

    std: float
    relative: float
    planes: int
    of: int
    period: int = 0
    removed: bool = True

    def sentence(self, lines: str) -> str:
        """Return a sentence; `lines` is "row" or "column"."""
        size = f"a standard deviation of {self.std:.3g} counts, {self.relative:.2g} times the noise of single pixels"
        some = f" in {self.planes} of {self.of} planes" if self.planes < self.of else ""
        if self.period == 2:
            start = f"Odd and even {lines}s have different offsets{some}"
        elif self.period:
            start = f"The {lines}s have offsets that repeat every {self.period} {lines}s{some}"
        else:
            start = f"Line noise: every {lines} has an offset of its own{some}"
        if not self.removed:
            return (
                f"{start}, with {size}. They are left in, because they differ from plane to plane and a plane is too "
                "large to be measured within the memory for images: allow more by --memory."
            )
        return f"{start}, with {size}. The offsets are subtracted before denoising (--lines keep leaves them in)."


@dataclass(frozen=True)
class Found:
    """What was found in one channel; None: nothing of this kind.

    Attributes
    ----------
    rows, columns
        Line noise.
    upper_lower, left_right
        A step at the middle of the image.
    standing
        Standard deviation in counts of a pattern that stands still in a movie.
    standing_removed
        Whether it could be separated from the scene.
    noisy_pixels
        Pixels of a movie that are noisier than the others.
    row_shift, column_shift
        The shift of odd rows or columns along themselves.
    """

    rows: LineNoise | None = None
    columns: LineNoise | None = None
    upper_lower: Halves | None = None
    left_right: Halves | None = None
    standing: float | None = None
    standing_removed: bool = False
    noisy_pixels: NoisyPixels | None = None
    row_shift: Shift | None = None
    column_shift: Shift | None = None

    def __bool__(self) -> bool:
        """Whether anything was found."""
        kinds = (self.rows, self.columns, self.upper_lower, self.left_right, self.standing, self.noisy_pixels)
        return any(each is not None for each in (*kinds, self.shift))

    @property
    def shift(self) -> tuple[Shift, bool] | None:
        """The shift of odd lines, and whether these are columns."""
        if self.row_shift is not None:
            return self.row_shift, False
        return None if self.column_shift is None else (self.column_shift, True)

    def sentences(self) -> list[str]:
        """Return a sentence for each kind that was found."""
        found = []
        if self.standing is not None and self.standing_removed:
            found.append(
                "A pattern stands still while the scene moves: the offsets of single pixels differ by "
                f"{self.standing:.3g} counts (standard deviation). It is subtracted before denoising (--lines keep "
                "leaves it in)."
            )
        elif self.standing is not None:
            found.append(
                f"Single pixels have offsets that differ by {self.standing:.3g} counts (standard deviation), and the "
                "scene stands still, so that the two cannot be separated: they are left in. A map of the offsets, "
                "measured in the dark, removes them (--offset-map)."
            )
        if self.shift is not None:
            found.append(_shift_sentence(*self.shift))
        for halves, words in (
            (self.upper_lower, ("lower", "upper")),
            (self.left_right, ("right", "left")),
        ):
            if halves is not None:
                found.append(_halves_sentence(halves, *words))
        for lines, word in ((self.rows, "row"), (self.columns, "column")):
            if lines is not None:
                found.append(lines.sentence(word))
        if self.noisy_pixels is not None:
            found.append(_noisy_sentence(self.noisy_pixels))
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers in values that JSON can hold."""

        def lines(each: LineNoise | None) -> dict[str, Any] | None:
            if each is None:
                return None
            found = {"std": each.std, "relative": each.relative, "planes": each.planes, "period": each.period}
            return found | {"removed": each.removed}

        def halves(each: Halves | None) -> dict[str, float] | None:
            return None if each is None else {"offset": each.offset, "gain": each.gain, "level": each.level}

        def shift(each: Shift | None) -> dict[str, float] | None:
            return None if each is None else {"pixels": each.pixels, "error": each.error}

        standing = None if self.standing is None else {"std": self.standing, "removed": self.standing_removed}
        pixels = self.noisy_pixels
        noisy = pixels and {"count": pixels.count, "ratio": pixels.ratio, "error": pixels.error}
        return {
            "rows": lines(self.rows),
            "columns": lines(self.columns),
            "upper_lower": halves(self.upper_lower),
            "left_right": halves(self.left_right),
            "standing": standing,
            "noisy_pixels": noisy,
            "row_shift": shift(self.row_shift),
            "column_shift": shift(self.column_shift),
        }


def _halves_sentence(halves: Halves, second: str, first: str) -> str:
    offset = f"{halves.offset:+.3g}".replace("-", "−")
    gain = f" and a gain that differs by {100 * halves.gain:+.1f} %".replace("-", "−") if halves.gain else ""
    return (
        f"The {second} half of the image has {offset} counts{gain} compared with the {first} half, as with a detector "
        "that is read out in two halves. Both are brought to their mean before denoising (--lines keep leaves them as "
        "they are)."
    )


def _shift_sentence(shift: Shift, columns: bool) -> str:
    lines, axis, way = ("columns", "Y", "down") if columns else ("rows", "X", "to the right")
    pixels = f"{shift.pixels:+.2f}".replace("-", "−")
    return (
        f"Odd {lines} (1, 3, …) are shifted by {pixels} ± {shift.error:.2f} pixels along {axis} against even {lines} "
        f"({way} is +), as in a scan in two directions. They are moved back before denoising (--lines keep leaves them "
        "where they are)."
    )


def _noisy_sentence(noisy: NoisyPixels) -> str:
    share = 100 * noisy.count / noisy.variance.size
    return (
        f"{noisy.count} pixels ({share:.2g} %) are noisier in all frames than the others: their noise has "
        f"{noisy.ratio:.2g} times the standard deviation that is usual at their signal (median). They are averaged "
        "with their neighbours before denoising (--lines keep leaves them as they are)."
    )
