"""The central idea of the package: a noise law maps a signal to the distribution of the recorded value."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TypeAlias, overload

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from muguet.noise import numerics
from muguet.noise.kernel import Kernel

Array: TypeAlias = npt.NDArray[np.floating]
Values: TypeAlias = npt.ArrayLike | Tensor
"""What a law takes: a tensor, or an array, a list or a number of any real type."""


class Distribution(ABC):
    """The distribution p(y | x) of a recorded value y at each of many signals x (any shape)."""

    @property
    @abstractmethod
    def mean(self) -> Tensor:
        """E[y | x], in the signal's units."""

    @property
    @abstractmethod
    def variance(self) -> Tensor:
        """E[(y − E y)² | x]."""

    @property
    @abstractmethod
    def skewness(self) -> Tensor:
        """Pearson's moment coefficient E[(y − E y)³] / Var(y)^{3/2}."""

    @property
    def std(self) -> Tensor:
        """Standard deviation, the square root of the variance."""
        return self.variance.sqrt()

    @abstractmethod
    def log_prob(self, value: Tensor) -> Tensor:
        """Log p(value | x), natural logarithm of a density per unit of the signal."""

    @abstractmethod
    def cdf(self, value: Tensor) -> Tensor:
        """P(y ≤ value | x)."""

    @abstractmethod
    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Draw one value for every signal."""

    def quantile(self, p: Tensor | float) -> Tensor:
        """Return the value with P(y ≤ value | x) = p, for p of a shape that broadcasts with the signal's.

        It is found by bisection of the `cdf`, whose rounding limits how far into a tail it is exact; −∞ at 0, ∞ at 1.
        """
        levels = torch.as_tensor(p, dtype=torch.float64, device=self.mean.device)
        return numerics.quantile(self.cdf, self.mean, self.std, levels).to(self.mean.dtype)


class Law(nn.Module, ABC):
    """A noise law: ``law(signal)`` is the distribution of the value that the camera records at each signal.

    All methods but `forward` accept arrays, lists and numbers of any real type, and return arrays; for a tensor they
    return a tensor.
    """

    @abstractmethod
    def forward(self, signal: Tensor) -> Distribution:
        """Return the distribution of the recorded value at each signal (any shape)."""

    def distribution(self, signal: npt.ArrayLike | Tensor) -> Distribution:
        """Return ``law(signal)`` for an array or a number, without gradients."""
        with torch.no_grad():
            return self.forward(self._tensor(signal))

    @overload
    def mean(self, signal: Tensor) -> Tensor: ...
    @overload
    def mean(self, signal: npt.ArrayLike) -> Array: ...
    def mean(self, signal: Values) -> Array | Tensor:
        """Return the mean recorded value at each signal: the signal itself, unless the law was measured."""
        return self._like(signal, self.distribution(signal).mean)

    @overload
    def std(self, signal: Tensor) -> Tensor: ...
    @overload
    def std(self, signal: npt.ArrayLike) -> Array: ...
    def std(self, signal: Values) -> Array | Tensor:
        """Return the standard deviation of the noise at each signal."""
        return self._like(signal, self.distribution(signal).std)

    @overload
    def skewness(self, signal: Tensor) -> Tensor: ...
    @overload
    def skewness(self, signal: npt.ArrayLike) -> Array: ...
    def skewness(self, signal: Values) -> Array | Tensor:
        """Return Pearson's moment skewness of the noise at each signal."""
        return self._like(signal, self.distribution(signal).skewness)

    @overload
    def log_prob(self, recorded: Values, signal: Tensor) -> Tensor: ...
    @overload
    def log_prob(self, recorded: Values, signal: npt.ArrayLike) -> Array: ...
    def log_prob(self, recorded: Values, signal: Values) -> Array | Tensor:
        """Return the log-density of recorded values given their signals (shapes broadcast)."""
        with torch.no_grad():
            return self._like(signal, self.distribution(signal).log_prob(self._tensor(recorded)))

    @overload
    def density(self, recorded: Values, signal: Tensor) -> Tensor: ...
    @overload
    def density(self, recorded: Values, signal: npt.ArrayLike) -> Array: ...
    def density(self, recorded: Values, signal: Values) -> Array | Tensor:
        """Return the probability density of recorded values given their signals, per unit of the signal."""
        with torch.no_grad():
            return self._like(signal, self.distribution(signal).log_prob(self._tensor(recorded)).exp())

    @overload
    def cdf(self, recorded: Values, signal: Tensor) -> Tensor: ...
    @overload
    def cdf(self, recorded: Values, signal: npt.ArrayLike) -> Array: ...
    def cdf(self, recorded: Values, signal: Values) -> Array | Tensor:
        """Return P(y ≤ recorded) given the signals (shapes broadcast)."""
        with torch.no_grad():
            return self._like(signal, self.distribution(signal).cdf(self._tensor(recorded)))

    @overload
    def quantile(self, signal: Tensor, p: Values) -> Tensor: ...
    @overload
    def quantile(self, signal: npt.ArrayLike, p: Values) -> Array: ...
    def quantile(self, signal: Values, p: Values) -> Array | Tensor:
        """Return the value with P(y ≤ value) = p at each signal (shapes broadcast)."""
        # Probabilities are in float64: in float32 the nearest number below one is 6e-8 away.
        levels = p if isinstance(p, Tensor) else torch.from_numpy(np.array(p, dtype=np.float64))
        distribution = self.distribution(signal)
        with torch.no_grad():
            return self._like(signal, distribution.quantile(levels.to(distribution.mean.device)))

    @overload
    def sample(self, signal: Tensor, seed: int | torch.Generator = 0) -> Tensor: ...
    @overload
    def sample(self, signal: npt.ArrayLike, seed: int | torch.Generator = 0) -> Array: ...
    def sample(self, signal: Values, seed: int | torch.Generator = 0) -> Array | Tensor:
        """Draw one recorded value for each signal; the same seed gives the same draw."""
        tensor = self._tensor(signal)
        generator = torch.Generator(tensor.device).manual_seed(seed) if isinstance(seed, int) else seed
        with torch.no_grad():
            return self._like(signal, self._sampled(tensor, generator))

    def _sampled(self, signal: Tensor, generator: torch.Generator) -> Tensor:
        """Draw one recorded value for each signal; the noise of different pixels is independent."""
        return self.forward(signal).sample(generator)

    @property
    def correlation(self) -> Kernel | None:
        """The correlation of the noise of neighbouring pixels; None: it is independent from pixel to pixel."""
        return None

    def _tensor(self, values: npt.ArrayLike | Tensor) -> Tensor:
        if isinstance(values, Tensor):
            return values
        reference = next(self.buffers(), next(self.parameters(), torch.empty(0)))
        # A copy, because PyTorch accepts neither other byte orders, nor negative strides, nor read-only arrays.
        plain = np.array(values, dtype=np.float64, order="C")
        # A network computes in the dtype of its weights, all other laws in that of the signal.
        dtype = next((p.dtype for p in self.parameters()), torch.get_default_dtype())
        return torch.from_numpy(plain).to(reference.device, dtype)

    @staticmethod
    def _like(signal: Values, values: Tensor) -> Array | Tensor:
        if isinstance(signal, Tensor):
            return values
        return values.cpu().numpy()


class Affine(Law):
    """A law in other units: if (x − offset)/scale is in the units of ``law``, this one is in the units of x.

    It converts a law that was learned in network units to camera counts.
    """

    offset: Tensor
    scale: Tensor

    def __init__(self, law: Law, offset: float, scale: float) -> None:
        super().__init__()
        if not 0 < scale < math.inf:
            raise ValueError(f"scale is {scale:g}: give a finite number above 0")
        self.law = law
        # With a very large offset, float32 would round the noise away before the offset is subtracted.
        self.in_double = abs(offset) > 1000 * scale or not 1e-30 < scale < 1e30
        dtype = torch.float64 if self.in_double else torch.get_default_dtype()
        self.register_buffer("offset", torch.tensor(float(offset), dtype=dtype))
        self.register_buffer("scale", torch.tensor(float(scale), dtype=dtype))

    def forward(self, signal: Tensor) -> Distribution:
        """Return the distribution in the outer units."""
        if not self.in_double:
            inner = self.law.forward((signal - self.offset) / self.scale)
            return AffineDistribution(inner, self.offset, self.scale)
        exact = signal.double()
        inner = self.law.forward(((exact - self.offset) / self.scale).to(torch.get_default_dtype()))
        return AffineDistribution(inner, self.offset.expand(exact.shape), self.scale.expand(exact.shape))

    def _tensor(self, values: npt.ArrayLike | Tensor) -> Tensor:
        tensor = super()._tensor(values)
        if not self.in_double or isinstance(values, Tensor):
            return tensor
        return torch.from_numpy(np.array(values, dtype=np.float64, order="C")).to(tensor.device)


class AffineDistribution(Distribution):
    """The distribution of offset + scale · y, with offset and scale numbers or tensors of the signal's shape."""

    def __init__(self, inner: Distribution, offset: Tensor, scale: Tensor) -> None:
        self.inner, self.offset, self.scale = inner, offset, scale

    @property
    def mean(self) -> Tensor:
        """See `Distribution`."""
        return self.offset + self.scale * self.inner.mean

    @property
    def variance(self) -> Tensor:
        """See `Distribution`."""
        return self.scale.square() * self.inner.variance

    @property
    def skewness(self) -> Tensor:
        """See `Distribution`; a positive scale does not change the skewness."""
        return self.inner.skewness

    def log_prob(self, value: Tensor) -> Tensor:
        """See `Distribution`; the change of variable subtracts log(scale)."""
        return self.inner.log_prob((value - self.offset) / self.scale) - self.scale.log()

    def cdf(self, value: Tensor) -> Tensor:
        """See `Distribution`."""
        return self.inner.cdf((value - self.offset) / self.scale)

    def quantile(self, p: Tensor | float) -> Tensor:
        """See `Distribution`."""
        return self.offset + self.scale * self.inner.quantile(p)

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """See `Distribution`."""
        return self.offset + self.scale * self.inner.sample(generator)


def corrupt(law: Law, clean: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Return what a camera with this noise law would record of a clean signal: one draw of p(y | clean)."""
    with torch.no_grad():
        return law.sample(clean, torch.default_generator if generator is None else generator)
