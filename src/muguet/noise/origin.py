"""How a noise law was obtained, in the words that every table, figure, report and file of the package uses."""

from __future__ import annotations

from enum import StrEnum


class Origin(StrEnum):
    """How a noise law was obtained; the value is the word in JSON, `words` are those for people.

    Attributes
    ----------
    CALIBRATED
        The law of a trained model, whose variance was measured on the training images with the model's estimates.
    EARLIER
        The law of a trained model whose variance could not be measured with its own estimates: it was measured before
        training.
    LEARNED
        The law of a trained model, whose variance could not be measured: that of N-net, with the error of the estimate.
    FIRST
        The law of a model before training: a measured variance, as a Gaussian.
    ASSUMED
        The law of a model before training, where nothing could be measured: a Gaussian of one size.
    PAIR, REPEATS, ALONE
        A law that was measured on images: with a clean image, on repeats, or on the image alone.
    """

    CALIBRATED = "calibrated"
    EARLIER = "earlier"
    LEARNED = "learned"
    FIRST = "first"
    ASSUMED = "assumed"
    PAIR = "pair"
    REPEATS = "repeats"
    ALONE = "alone"

    @property
    def words(self) -> str:
        """The origin of the law in a few words."""
        return _WORDS[self][0]

    @property
    def note(self) -> str:
        """A sentence on what the law does not show; empty if there is nothing to add."""
        return _WORDS[self][1]

    @property
    def measured(self) -> bool:
        """Whether the variance was measured on images, so that the read-out of the camera has intervals."""
        return self not in (Origin.LEARNED, Origin.ASSUMED)

    @property
    def trained(self) -> bool:
        """Whether the shape of the law was learned."""
        return self in (Origin.CALIBRATED, Origin.EARLIER, Origin.LEARNED)


_WORDS = {
    Origin.CALIBRATED: ("learned, with a variance measured on the training images", ""),
    Origin.EARLIER: (
        "learned, with a variance measured before training",
        "The variance was measured before training, because the estimates of the trained model do not show it.",
    ),
    Origin.LEARNED: (
        "learned only, not calibrated",
        "This law includes the error of the estimate: the training images do not separate the two. Its σ may be wrong, "
        "and gain, offset and read noise have no intervals.",
    ),
    Origin.FIRST: (
        "variance measured before training, shown as a Gaussian",
        "Only the variance of the noise was measured; the shape of the law is not known before training.",
    ),
    Origin.ASSUMED: (
        "assumed: a Gaussian of one size at every signal",
        "The noise could not be measured on these images, so gain, offset and read noise are unknown. Larger images "
        "with dark and bright parts would show them.",
    ),
    Origin.PAIR: ("measured against the clean image", ""),
    Origin.REPEATS: ("measured on repeats", ""),
    Origin.ALONE: ("photon-transfer curve of the image alone", ""),
}
