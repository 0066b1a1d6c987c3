"""A denoising method: a network, blind spots and a noise law, joined in a module whose forward is the loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from muguet.noise.law import Law
from muguet.restoration.blind import Mask


class Blind(Protocol):
    """Blind spots: which pixels are hidden in a step, and how."""

    @property
    def hides(self) -> bool:
        """Whether any pixel is."""

    def share(self, dims: int) -> float:
        """Of all pixels, how many are targets in a step, on average."""

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Mask:
        """Index of the hidden pixels of a batch ``(b, 1, *space)``."""

    def hide(self, noisy: Tensor, mask: Mask, generator: torch.Generator) -> Tensor:
        """The batch with the hidden pixels replaced."""


class Method(nn.Module):
    """Y = X + ε: `net` estimates the signal X of what is not hidden, a law tells how the recorded Y spread.

    Every channel has a law of its own, since it may have a camera of its own; the network sees one channel at
    a time and serves them all, so that no structure can leak from one into another.

    Parameters
    ----------
    net
        From ``(b, 1, *space)`` to an estimate of that shape (D-net).
    blind
        Which pixels are hidden in a training step.
    laws
        One noise law a channel (N-net).
    low_precision
        Run the network in bfloat16; estimates and likelihoods are float32 always.
    quasi
        The network follows the quasi-score (y − x)/σ²(x) of Wedderburn 1974 (doi:10.1093/biomet/61.3.439) rather than
        the slope of the likelihood: of the law it takes the variance alone. Whatever the law is like, this has no bias,
        as the mean of (y − x)/σ²(x) is 0 where x is the mean of y; the likelihood's slope is without bias only once
        the law has the shape of the noise. The laws learn by the likelihood, and the loss has its value, either way.
    """

    def __init__(
        self,
        net: nn.Module,
        blind: Blind,
        laws: Sequence[Law],
        low_precision: bool = False,
        quasi: bool = False,
    ) -> None:
        super().__init__()
        self.quasi = quasi
        self.net = net
        self.blind = blind
        self.laws = nn.ModuleList(laws)
        self.low_precision = low_precision

    def forward(
        self,
        noisy: Tensor,
        target: Tensor,
        weight: Tensor,
        channel: Tensor,
        generator: torch.Generator,
        full: Tensor | None = None,
    ) -> Tensor:
        """Negative log-likelihood of the hidden pixels, the mean over those of positive weight.

        Parameters
        ----------
        noisy, target, weight
            ``(b, 1, *space)`` in network units; the target is the noisy image itself unless a clean one is
            at hand; pixels of weight 0 are not targets.
        channel
            ``(b,)``, which law applies.
        generator
            Where the mask, and what replaces the hidden pixels, is drawn from, on the CPU.
        full
            ``(b, 1, *space)``, whether a target is as large as the camera can say; None: none is. The squared
            error and the quasi-score learn from it as from any other, since without these the mean of the others would
            be too small; a likelihood that is learned does not, since they pile up at one value.
        """
        mask = self.blind.draw(noisy.shape, generator)
        loss = self.loss(noisy, target, weight, channel, mask, generator, full)
        penalty: Tensor | None = getattr(self.net, "penalty", None)
        return loss if penalty is None else loss + penalty

    def loss(
        self,
        noisy: Tensor,
        target: Tensor,
        weight: Tensor,
        channel: Tensor,
        mask: Mask,
        generator: torch.Generator,
        full: Tensor | None = None,
    ) -> Tensor:
        """The likelihood alone, for a given mask."""
        sighted = 0.0 if self.blind.hides else None
        estimate = self.estimate(self.blind.hide(noisy, mask, generator), sighted)
        return self.surprise(estimate, target, weight, channel, mask, full)

    def surprise(
        self,
        estimate: Tensor,
        target: Tensor,
        weight: Tensor,
        channel: Tensor,
        mask: Mask,
        full: Tensor | None = None,
    ) -> Tensor:
        """Mean of −log p(target | estimate) over the masked pixels of positive weight."""
        weights = weight[mask].to(estimate.dtype)
        told = weights * ~full[mask] if full is not None and self.learns_law else weights
        which = channel.view(-1, *(1,) * (target.ndim - 1)).expand(target.shape)[mask]
        recorded, signal = target[mask], estimate[mask]
        if not self.quasi:
            return -_mean(self.log_prob(recorded, signal, which), told)
        known = signal.detach()
        likelihood, variance = self._told(recorded, known, which)
        # Adds nothing to the value of the loss, and the quasi-score to its slope.
        following = (signal - known) * ((recorded - known) / variance).detach()
        return -_mean(likelihood, told) - _mean(following, weights)

    def log_prob(self, recorded: Tensor, signal: Tensor, channel: Tensor) -> Tensor:
        """Log-likelihood of recorded values under the law of each one's channel (all of one shape)."""
        return self._told(recorded, signal, channel)[0]

    def _told(self, recorded: Tensor, signal: Tensor, channel: Tensor) -> tuple[Tensor, Tensor]:
        """Log-likelihood and variance under the law of each one's channel."""
        law = self.laws[0](signal)
        likelihood, variance = law.log_prob(recorded), law.variance
        for number, other in enumerate(list(self.laws)[1:], start=1):
            law = other(signal)
            likelihood = torch.where(channel == number, law.log_prob(recorded), likelihood)
            variance = torch.where(channel == number, law.variance, variance)
        return likelihood, variance

    def variance(self, signal: Tensor, channel: Tensor) -> Tensor:
        """The laws' variance at signals ``(b, 1, *space)`` of these channels ``(b,)``."""
        variances = torch.stack([law(signal).variance for law in self.laws])
        return variances[channel, torch.arange(len(channel), device=channel.device)]

    def estimate(self, image: Tensor, sighted: Tensor | float | None = None) -> Tensor:
        """The network's estimate of the signal, ``(b, 1, *space)``, float32.

        `sighted` is 0 for the blind estimate of a network that has two, 1 for the one that uses the pixel itself, of a
        shape that broadcasts; None: the better one it has learned.
        """
        told = {} if sighted is None or not self.can_see else {"sighted": sighted}
        with torch.autocast(image.device.type, torch.bfloat16, enabled=self.low_precision):
            estimate: Tensor = self.net(image, **told)
        return estimate.float()

    def both(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """The blind estimate and the gate of a network that `can_see`, ``(b, 1, *space)`` each, float32."""
        net: Any = self.net
        with torch.autocast(image.device.type, torch.bfloat16, enabled=self.low_precision):
            blind, gate = net.both(image)
        return blind, gate

    def open_gate(self, share: float) -> None:
        """Let `estimate` use the pixel itself, `share` of the answer at first."""
        net: Any = self.net
        net.open_gate(share)

    @property
    def learns_law(self) -> bool:
        """Whether the laws are learned."""
        return any(True for _ in self.laws.parameters())

    @property
    def can_see(self) -> bool:
        """Whether the network has a second estimate, which uses the pixel itself."""
        return hasattr(self.net, "open_gate")


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1)
