"""The optimiser Adam, with PyTorch's fused kernel but without importing PyTorch's compiler."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim.adam import adam

BETAS = 0.9, 0.95
EPSILON = 1e-8


class Adam:
    """Adam: gradient descent with steps scaled by the size of recent gradients (Kingma & Ba 2015, arXiv:1412.6980).

        m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²,  θ ← θ − η · m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε)

    The result has the same bits as that of `torch.optim.Adam`, whose constructor imports the compiler (torch._dynamo),
    which is not needed here and costs a second and 70 MB.

    Parameters
    ----------
    parameters
        Tensors to be learned. A step leaves those without a gradient, and their step count t, unchanged.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self.parameters = list(parameters)
        self.fused = all(each.device.type != "mps" for each in self.parameters)
        # Moments have the memory layout of their parameter, since the kernel visits all in one order.
        self.state: list[dict[str, Tensor]] = [
            {
                "exp_avg": torch.zeros_like(each),
                "exp_avg_sq": torch.zeros_like(each),
                "step": torch.zeros((), device=each.device if self.fused else "cpu"),
            }
            for each in self.parameters
        ]

    def zero_grad(self) -> None:
        """Remove the gradients of all parameters."""
        for each in self.parameters:
            each.grad = None

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Take one step of gradient descent with learning rate η = `rate`."""
        moved = [
            (each, each.grad, kept)
            for each, kept in zip(self.parameters, self.state, strict=True)
            if each.grad is not None
        ]
        adam(
            [each for each, _, _ in moved],
            [gradient for _, gradient, _ in moved],
            [kept["exp_avg"] for *_, kept in moved],
            [kept["exp_avg_sq"] for *_, kept in moved],
            [],
            [kept["step"] for *_, kept in moved],
            fused=self.fused,
            foreach=not self.fused,
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=rate,
            weight_decay=0.0,
            eps=EPSILON,
            maximize=False,
        )
