"""The state of a training run as arrays by name: random generators, weights and their averages, and the optimiser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor

from muguet.method import Method
from muguet.training.optimiser import Adam


@dataclass(frozen=True, eq=False)
class RunState:
    """All tensors that change during a run.

    Attributes
    ----------
    generators
        The random generators by name.
    methods
        The method and the average of its weights, by name.
    optimiser
        The optimiser with its moments.
    loss_sum
        Sum of the losses since the last validation.
    """

    generators: Mapping[str, torch.Generator]
    methods: Mapping[str, Method]
    optimiser: Adam
    loss_sum: Tensor

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return copies of the tensors as arrays."""
        tensors = {f"generator.{name}": each.get_state() for name, each in self.generators.items()}
        tensors["loss_sum"] = self.loss_sum
        for name, method in self.methods.items():
            tensors |= {f"{name}.{key}": value for key, value in method.state_dict().items()}
            if method.noise_variance is not None:
                tensors["noise_variance"] = method.noise_variance  # The same in all methods.
        for index, moments in enumerate(self.optimiser.state):
            tensors |= {f"optimiser.{index}.{key}": value for key, value in moments.items()}
        return {name: value.detach().cpu().numpy() for name, value in tensors.items()}

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Set the tensors to those of `arrays`.

        Raises
        ------
        RuntimeError
            If the state of a random generator is not valid. Nothing else has changed then.
        """
        tensors = {name: torch.from_numpy(value) for name, value in arrays.items()}
        for name, generator in self.generators.items():
            generator.set_state(tensors[f"generator.{name}"])
        for name, method in self.methods.items():
            start = f"{name}."
            method.load_state_dict(
                {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}
            )
            if "noise_variance" in tensors:
                method.noise_variance = tensors["noise_variance"].to(self.loss_sum.device)
        for index, moments in enumerate(self.optimiser.state):
            for key, value in moments.items():
                value.copy_(tensors[f"optimiser.{index}.{key}"])
        self.loss_sum.copy_(tensors["loss_sum"])
