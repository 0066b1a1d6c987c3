"""A denoising method: a network, blind spots and a noise law, joined in a module whose forward is the loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from muguet.noise.law import Law
from muguet.noise.transfer.variance import Variance
from muguet.restoration.blind import Mask
from muguet.restoration.net import GatedNet, Net, Prediction

_MAX_SQUARE = (
    25.0  # (y − b)²/σ² is cut here: one photon in the dark would outweigh thousands of other pixels.
)
_MIN_REST = 1e-4  # 1 − g is at least this, as the logarithm of 0 is infinite.


class Blind(Protocol):
    """Blind spots: which pixels are hidden in a step, and how."""

    @property
    def hides(self) -> bool:
        """Whether pixels are hidden at all."""

    def share(self, dims: int) -> float:
        """Return the mean share of the pixels that are targets in one step."""

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Mask:
        """Draw the index of the hidden pixels of a batch ``(b, 1, *space)``."""

    def hide(self, noisy: Tensor, mask: Mask, generator: torch.Generator) -> Tensor:
        """Return the batch with the hidden pixels replaced."""


class Loss(NamedTuple):
    """The loss of a step and its parts, scalars.

    Attributes
    ----------
    total
        What training minimises, the sum of the parts.
    likelihood
        Mean of −log p(target | estimate) over the hidden pixels, in nats a pixel.
    gate
        Mean of −log p(target | gate), see `Method`; 0 until the variance of the noise is known.
    penalty
        What the network adds, see `muguet.restoration.Prediction`.
    """

    total: Tensor
    likelihood: Tensor
    gate: Tensor | None = None
    penalty: Tensor | None = None


class Method(nn.Module):
    """Y = X + ε: a network estimates the signal X of hidden pixels, a law gives the distribution of the recorded Y.

    Every channel has a law of its own, since it may have a camera of its own; the network sees one channel at
    a time and serves them all, so that no structure can leak from one into another.

    A network with a gate has a second answer, b + g (y − b), with b the estimate from the neighbours and y the pixel's
    own value. The neighbours predict x ~ N(b, τ²), where τ² is the variance of b's error, which differs from place to
    place; the pixel itself shows y ~ N(x, σ²). The mean of their product is that answer with g = τ² / (τ² + σ²). As
    hidden pixels lie about b with the variance τ² + σ² = σ² / (1 − g), the gate is learned by their likelihood,

        −log p = ½ (1 − g) (y − b)²/σ² − ½ log (1 − g) + constant,

    once the variance σ²(x) of the noise is known (`learn_gate`); the law alone could not separate τ² from σ². The
    answer is linear in y, so it is the best linear one whatever the shape of the noise. Laine et al. 2019,
    *High-quality self-supervised deep image denoising*, arXiv:1901.10277, for noise of a known kind.

    Parameters
    ----------
    net
        The network (D-net).
    blind
        Which pixels are hidden in a training step.
    laws
        One noise law (N-net) for each channel.
    low_precision
        Run the network in bfloat16. Estimates and likelihoods are always float32.
    quasi
        The network follows the quasi-score (y − x)/σ²(x) of Wedderburn 1974 (doi:10.1093/biomet/61.3.439) rather than
        the slope of the likelihood: it uses the variance of the law alone. Whatever the law's shape, this has no bias,
        as the mean of (y − x)/σ²(x) is 0 where x is the mean of y; the slope of the likelihood is unbiased only when
        the law has the shape of the noise. The laws learn by the likelihood in both cases, and so is the loss.
    """

    gate_open: Tensor
    noise_variance: Tensor | None

    def __init__(
        self,
        net: Net,
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
        self.register_buffer("gate_open", torch.zeros(()))  # 1: estimates use the pixel itself
        # (4, channels): constant, linear and quadratic term of σ²(x) and its floor, in network units.
        self.register_buffer("noise_variance", None, persistent=False)

    # ------------------------------------------------------------------- loss

    def forward(
        self,
        noisy: Tensor,
        target: Tensor,
        weight: Tensor,
        channel: Tensor,
        generator: torch.Generator,
        saturated: Tensor | None = None,
        mask: Mask | None = None,
    ) -> Loss:
        """Return the loss at hidden pixels, the mean over those of positive weight.

        Parameters
        ----------
        noisy, target, weight
            ``(b, 1, *space)`` in network units; the target is the noisy image itself unless a clean one is
            at hand; pixels of weight 0 are not targets.
        channel
            ``(b,)``, which law applies.
        generator
            Source of randomness for the mask and the replacements of hidden pixels, on the CPU.
        saturated
            ``(b, 1, *space)``, where a target is at the camera's maximum; None: nowhere. The squared error and the
            quasi-score use these pixels as they are, since without them the mean of the others would be too small;
            the likelihood of a learned law and the gate leave them out, since they pile up at one value.
        mask
            Index of the hidden pixels; None: drawn.
        """
        if mask is None:
            mask = self.blind.draw(noisy.shape, generator)
        seen = self.blind.hide(noisy, mask, generator)
        prediction = self.predict(seen)
        estimate = prediction.blind if self.blind.hides else self._answer(prediction, seen)
        total = likelihood = self.likelihood(estimate, target, weight, channel, mask, saturated)
        gate = self._gate_loss(prediction, target, weight, channel, mask, saturated)
        for part in (gate, prediction.penalty):
            total = total if part is None else total + part
        return Loss(total, likelihood, gate, prediction.penalty)

    def likelihood(
        self,
        estimate: Tensor,
        target: Tensor,
        weight: Tensor,
        channel: Tensor,
        mask: Mask,
        saturated: Tensor | None = None,
    ) -> Tensor:
        """Return the mean of −log p(target | estimate) over the masked pixels of positive weight, see `forward`."""
        weights = weight[mask].to(estimate.dtype)
        in_range = weights * ~saturated[mask] if saturated is not None and self.learns_law else weights
        which = channel.view(-1, *(1,) * (target.ndim - 1)).expand(target.shape)[mask]
        recorded, signal = target[mask], estimate[mask]
        if not self.quasi:
            return -_mean(self.log_prob(recorded, signal, which), in_range)
        fixed = signal.detach()
        likelihood, variance = self._law_at(recorded, fixed, which)
        # This term adds nothing to the value of the loss, and the quasi-score to its slope.
        score = (signal - fixed) * ((recorded - fixed) / variance).detach()
        return -_mean(likelihood, in_range) - _mean(score, weights)

    def _gate_loss(
        self,
        prediction: Prediction,
        target: Tensor,
        weight: Tensor,
        channel: Tensor,
        mask: Mask,
        saturated: Tensor | None,
    ) -> Tensor | None:
        """Mean of −log p(target | gate) over the masked pixels, see `Method`; None for networks without a gate."""
        if prediction.gate is None or not self.blind.hides:
            return None
        if self.noise_variance is None:
            # A slope of 0: every parameter has a gradient in every step, which data-parallel training needs.
            return 0.0 * prediction.gate.mean()
        signal = prediction.blind.detach()
        variance = self.measured_variance(signal, channel)
        square = ((target - signal).square() / variance).clamp(max=_MAX_SQUARE)
        rest = (1 - prediction.gate[mask]).clamp(min=_MIN_REST)
        likelihood = 0.5 * (rest * square[mask] - rest.log())
        weights = weight[mask].to(likelihood.dtype)
        return _mean(likelihood, weights if saturated is None else weights * ~saturated[mask])

    # -------------------------------------------------------------------- law

    def log_prob(self, recorded: Tensor, signal: Tensor, channel: Tensor) -> Tensor:
        """Return the log-likelihood of recorded values under the law of each one's channel (all of one shape)."""
        return self._law_at(recorded, signal, channel)[0]

    def _law_at(self, recorded: Tensor, signal: Tensor, channel: Tensor) -> tuple[Tensor, Tensor]:
        """Log-likelihood and variance under the law of each value's channel."""
        law = self.laws[0](signal)
        likelihood, variance = law.log_prob(recorded), law.variance
        for number, other in enumerate(list(self.laws)[1:], start=1):
            law = other(signal)
            likelihood = torch.where(channel == number, law.log_prob(recorded), likelihood)
            variance = torch.where(channel == number, law.variance, variance)
        return likelihood, variance

    def variance(self, signal: Tensor, channel: Tensor) -> Tensor:
        """Return the laws' variance at signals ``(b, 1, *space)`` of channels ``(b,)``."""
        variances = torch.stack([law(signal).variance for law in self.laws])
        return variances[channel, torch.arange(len(channel), device=channel.device)]

    def measured_variance(self, signal: Tensor, channel: Tensor) -> Tensor:
        """Return the σ² that `learn_gate` was given at signals ``(b, 1, *space)`` of channels ``(b,)``."""
        assert self.noise_variance is not None
        each = self.noise_variance[:, channel].view(4, -1, *(1,) * (signal.ndim - 1))
        constant, linear, quadratic, floor = each
        return torch.maximum(constant + signal * (linear + quadratic * signal), floor)

    @property
    def learns_law(self) -> bool:
        """Whether the laws are learned."""
        return any(True for _ in self.laws.parameters())

    # --------------------------------------------------------------- estimate

    def predict(self, image: Tensor) -> Prediction:
        """Return what the network makes of an image ``(b, 1, *space)``, in float32."""
        with torch.autocast(image.device.type, torch.bfloat16, enabled=self.low_precision):
            prediction = self.net(image)
        return prediction._replace(blind=prediction.blind.float())

    def estimate(self, image: Tensor, own: bool | None = None) -> Tensor:
        """Return the estimate of the signal, ``(b, 1, *space)``, float32.

        Parameters
        ----------
        image
            ``(b, 1, *space)`` in network units.
        own
            False: ignore the pixel itself; True: use it, if the network has a gate; None: use it once the gate has
            been learned.
        """
        prediction = self.predict(image)
        return prediction.blind if own is False else self._answer(prediction, image, own)

    def _answer(self, prediction: Prediction, image: Tensor, own: bool | None = None) -> Tensor:
        """B + g (y − b), or b of a network without a gate or whose gate is shut."""
        blind, gate, _ = prediction
        if gate is None:
            return blind
        return blind + (1.0 if own else self.gate_open) * gate * (image - blind)

    # ------------------------------------------------------------------- gate

    @property
    def has_gate(self) -> bool:
        """Whether the network can use the pixel itself."""
        return isinstance(self.net, GatedNet)

    def open_gate(self, share: float) -> None:
        """Let estimates use the pixel itself, with the weight `share` at first."""
        if isinstance(self.net, GatedNet):
            self.net.open_gate(share)
            self.gate_open.fill_(1)

    def learn_gate(self, variances: Sequence[Variance]) -> None:
        """Learn the gate from now on, given the variance of the noise of each channel, in network units."""
        rows = [(v.constant, v.linear, v.quadratic, v.floor) for v in variances]
        device = self.gate_open.device
        self.noise_variance = torch.tensor(rows, dtype=torch.float32, device=device).T


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1)
