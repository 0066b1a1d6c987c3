"""A denoising method: a network, blind spots and a noise law, joined in a module whose forward is the loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from muguet.noise.law import Law
from muguet.noise.transfer.variance import Variance
from muguet.restoration.blind import Blind, Mask, rows_of_mask
from muguet.restoration.net import GatedNet, Net, Prediction
from muguet.restoration.stabilised import SHIFT, Stabilised
from muguet.system import processes

# In the gate's loss, (y − b)²/σ² is at most this, since a single photon in the dark would otherwise outweigh thousands
# of other pixels.
MAX_SQUARE = 25.0
_MIN_REST = 1e-4  # In the gate's loss, 1 − g is at least this, as the logarithm of 0 is infinite.


class Loss(NamedTuple):
    """The loss of a step and its parts, all scalars.

    Attributes
    ----------
    total
        The sum of the parts, which training minimises.
    likelihood
        Mean of −log p(target | estimate) over the hidden pixels, in nats per pixel.
    gate
        Mean of −log p(target | gate), see `Method`; 0 until the variance of the noise is measured, None without a gate.
    penalty
        The penalty of the network, see `muguet.restoration.Prediction`.
    """

    total: Tensor
    likelihood: Tensor
    gate: Tensor | None = None
    penalty: Tensor | None = None


class Method(nn.Module):
    """Y = X + ε: a network estimates the signal X of hidden pixels, a law gives the distribution of the recorded Y.

    Each channel has its own law, since it may come from its own camera. One network serves all channels and processes
    them one at a time, so that structures of one channel cannot appear in another.

    A network with a gate has a second estimate, b + g (y − b), where b is the estimate from the neighbours and y the
    pixel's own value. The neighbours predict x ~ N(b, τ²), where τ² is the variance of the error of b, which varies
    over the image, and the pixel itself is y ~ N(x, σ²). The mean of the product of the two densities is the second
    estimate with g = τ² / (τ² + σ²). The values of hidden pixels have the mean b and the variance
    τ² + σ² = σ² / (1 − g), so the gate is learned by their likelihood,

        −log p = ½ (1 − g) (y − b)²/σ² − ½ log (1 − g) + constant,

    once the variance σ²(x) of the noise is measured (`learn_gate`), as the law alone could not separate τ² from σ². The
    second estimate is linear in y, so it is the best linear one for noise of any shape. Laine et al. 2019,
    *High-quality self-supervised deep image denoising*, arXiv:1901.10277, do this for noise of a known kind.

    Parameters
    ----------
    net
        The network (D-net).
    blind
        The pixels that are hidden in a training step, and their replacement.
    laws
        One noise law (N-net) for each channel.
    low_precision
        Whether the network runs in bfloat16. Estimates and likelihoods are always float32.
    prior
        The prior: a network that does not learn, whose estimate is averaged with that of `net`, see
        `muguet.Denoiser`. None: there is none.
    quasi
        Whether the network learns from the quasi-score (y − x)/σ²(x) of Wedderburn 1974
        (doi:10.1093/biomet/61.3.439), which uses only the variance of the law, instead of the gradient of the
        likelihood. The quasi-score is unbiased for a law of any shape, as its mean is 0 where x is the mean of y; the
        gradient of the likelihood is unbiased only if the law has the shape of the noise. In both cases the laws learn
        from the likelihood, and the value of the loss is the likelihood.
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
        prior: Stabilised | None = None,
    ) -> None:
        super().__init__()
        self.quasi = quasi
        self.net = net
        self.prior = None if prior is None else prior.requires_grad_(False)
        self.blind = blind
        self.laws = nn.ModuleList(laws)
        self.low_precision = low_precision
        self.register_buffer(
            "gate_open", torch.zeros(())
        )  # 1: estimates use the pixel itself; 0: they do not.
        # (4, channels): constant, linear and quadratic coefficient of σ²(x) and its minimum, in network units.
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
        """Return the loss, a mean over the hidden pixels of positive weight.

        Where several processes train together, each passes the whole batch and computes its part of the rows. The mean
        of their losses is then that of the batch, see `muguet.system.processes`.

        Parameters
        ----------
        noisy, target, weight
            ``(b, 1, *space)`` in network units. The target is the noisy image itself, or another image if there is
            one. Pixels of weight 0 are not targets.
        channel
            ``(b,)``, index of the channel, whose law applies.
        generator
            Random generator on the CPU, for the mask and the replacements of hidden pixels.
        saturated
            ``(b, 1, *space)``, mask of targets at the camera's maximum; None: no target is. The squared error and the
            quasi-score use these pixels, since the mean of the others would be too small. The likelihood of a learned
            law and the gate do not use them, since they all have the same value.
        mask
            Index of the hidden pixels; None: it is drawn.
        """
        if mask is None:
            mask = self.blind.draw(noisy.shape, generator)
        image = self.blind.hide(noisy, mask, generator)
        share = 1.0
        if processes.number() > 1:
            rows = processes.rows(len(noisy))
            share = processes.number() * (rows.stop - rows.start) / len(noisy)
            image, target, weight, channel = image[rows], target[rows], weight[rows], channel[rows]
            saturated = None if saturated is None else saturated[rows]
            mask = rows_of_mask(mask, rows)
        prediction = self.predict(image)
        estimate = prediction.blind if self.blind.hides else self._final_estimate(prediction, image)
        total = likelihood = self.likelihood(estimate, target, weight, channel, mask, saturated)
        gate = self.gate_likelihood(prediction, target, weight, channel, mask, saturated)
        # The penalty is a mean over the rows of this process.
        penalty = (
            prediction.penalty if prediction.penalty is None or share == 1 else share * prediction.penalty
        )
        for part in (gate, penalty):
            total = total if part is None else total + part
        return Loss(total, likelihood, gate, penalty)

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
        # This term is 0, so it does not change the loss; its gradient is the quasi-score.
        score = (signal - fixed) * ((recorded - fixed) / variance).detach()
        return -_mean(likelihood, in_range) - _mean(score, weights)

    def gate_likelihood(
        self,
        prediction: Prediction,
        target: Tensor,
        weight: Tensor,
        channel: Tensor,
        mask: Mask,
        saturated: Tensor | None,
    ) -> Tensor | None:
        """Return the mean of −log p(target | gate) over the masked pixels; None if no gate is to be learned."""
        if prediction.gate is None or not self.blind.hides:
            return None
        if self.noise_variance is None:
            # Every parameter has a gradient in every step, as data-parallel training requires; this one is 0.
            return 0.0 * prediction.gate.mean()
        signal = prediction.blind.detach()
        variance = self.measured_variance(signal, channel)
        square = ((target - signal).square() / variance).clamp(max=MAX_SQUARE)
        rest = (1 - prediction.gate[mask]).clamp(min=_MIN_REST)
        likelihood = 0.5 * (rest * square[mask] - rest.log())
        weights = weight[mask].to(likelihood.dtype)
        return _mean(likelihood, weights if saturated is None else weights * ~saturated[mask])

    # -------------------------------------------------------------------- law

    def log_prob(self, recorded: Tensor, signal: Tensor, channel: Tensor) -> Tensor:
        """Return the log-likelihood of recorded values under the law of their channel; all arguments have one shape."""
        return self._law_at(recorded, signal, channel)[0]

    def _law_at(self, recorded: Tensor, signal: Tensor, channel: Tensor) -> tuple[Tensor, Tensor]:
        """The log-likelihood and the variance under the law of each value's channel."""
        law = self.laws[0](signal)
        likelihood, variance = law.log_prob(recorded), law.variance
        for number, other in enumerate(list(self.laws)[1:], start=1):
            law = other(signal)
            likelihood = torch.where(channel == number, law.log_prob(recorded), likelihood)
            variance = torch.where(channel == number, law.variance, variance)
        return likelihood, variance

    def variance(self, signal: Tensor, channel: Tensor) -> Tensor:
        """Return the variance of the laws at signals ``(b, 1, *space)`` of channels ``(b,)``."""
        variances = torch.stack([law(signal).variance for law in self.laws])
        return variances[channel, torch.arange(len(channel), device=channel.device)]

    def measured_variance(self, signal: Tensor, channel: Tensor) -> Tensor:
        """Return the measured σ², set by `learn_gate`, at signals ``(b, 1, *space)`` of channels ``(b,)``."""
        assert self.noise_variance is not None
        each = self.noise_variance[:, channel].view(4, -1, *(1,) * (signal.ndim - 1))
        constant, linear, quadratic, floor = each
        return torch.maximum(constant + signal * (linear + quadratic * signal), floor)

    @property
    def learns_law(self) -> bool:
        """Whether the laws have parameters that are learned."""
        return any(True for _ in self.laws.parameters())

    # --------------------------------------------------------------- estimate

    def predict(self, image: Tensor) -> Prediction:
        """Return the output of the network for an image ``(b, 1, *space)``; the blind estimate is float32."""
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
        return prediction.blind if own is False else self._final_estimate(prediction, image, own)

    def _final_estimate(self, prediction: Prediction, image: Tensor, own: bool | None = None) -> Tensor:
        """The estimate b + g (y − b), or b if the network has no gate or its gate is not open."""
        blind, gate = prediction.blind, prediction.gate
        if gate is None:
            return blind
        return blind + (1.0 if own else self.gate_open) * gate * (image - blind)

    def prior_estimate(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return the estimate of the prior and the variance of its error, both ``(b, 1, *space)`` in network units."""
        assert self.prior is not None
        found = self.prior(image)
        assert found.gate is not None
        assert found.error is not None
        variance = (found.blind + SHIFT).clamp(min=SHIFT)
        return found.blind + found.gate * (image - found.blind), found.error * variance

    # ------------------------------------------------------------------- gate

    @property
    def has_gate(self) -> bool:
        """Whether the network can use the pixel itself."""
        return isinstance(self.net, GatedNet)

    def open_gate(self, share: float | None) -> None:
        """Let estimates use the pixel itself; no effect without a gate.

        Parameters
        ----------
        share
            The initial weight of the pixel itself; None: what the gate of the network is.
        """
        if isinstance(self.net, GatedNet):
            if share is not None:
                self.net.open_gate(share)
            self.gate_open.fill_(1)

    def learn_gate(self, variances: Sequence[Variance]) -> None:
        """Set the measured variance of the noise of each channel, in network units: from now on the gate is learned."""
        rows = [(v.constant, v.linear, v.quadratic, v.floor) for v in variances]
        device = self.gate_open.device
        self.noise_variance = torch.tensor(rows, dtype=torch.float32, device=device).T


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    """The weighted mean over the batch, see `processes.part_of_total`; 0 if all weights are 0."""
    return (values * weights).sum() / processes.part_of_total(weights.sum())
