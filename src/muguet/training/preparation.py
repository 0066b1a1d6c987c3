"""What is decided before a training run: how correlated noise is treated, and the parts of the method."""

from __future__ import annotations

from dataclasses import dataclass, replace

from muguet.errors import MuguetError
from muguet.image.mosaic import pattern
from muguet.noise.correlated.whitening import Whitening
from muguet.noise.transfer.correlation import Correlation
from muguet.recipes.find import find_recipe
from muguet.recipes.parts import NO_PRIOR, Parts
from muguet.recipes.recipe import NOISY, Recipe
from muguet.training.correlated_noise import correlation, mask_reach
from muguet.training.data import Dataset
from muguet.training.patches import Plane
from muguet.training.prior_start import chosen_prior, obstacle
from muguet.training.whiten import measure_whitenings, whitened


@dataclass(frozen=True)
class Preparation:
    """The training set and the parts of a run, after the correlation of the noise was measured.

    Attributes
    ----------
    dataset
        The training set, whose noise is white if there are whitenings.
    recipe, parts
        The recipe, and the parts of the method, completed from the recipe and the data.
    correlation
        Correlation of the noise between neighbours; None where it cannot be measured.
    whitenings
        The whitening of each channel in the units of the data, see `muguet.noise.Whitening`; empty: there is none.
    white
        Whether the noise of the training set is taken for independent from pixel to pixel.
    """

    dataset: Dataset
    recipe: Recipe
    parts: Parts
    correlation: Correlation | None
    whitenings: tuple[Whitening | None, ...]
    white: bool

    @classmethod
    def of(cls, dataset: Dataset, wanted: Parts) -> Preparation:
        """Measure the correlation of the noise, and complete the parts that the user asked for.

        Raises
        ------
        MuguetError
            If the recipe needs other targets than the training set has, or a prior is asked for that does not suit.
        """
        recipe = find_recipe(wanted.recipe)
        recipe.check(dataset.planes[0].target is not None if dataset.planes else False)
        # The grid of a mosaic would be taken for correlated noise.
        mosaic = any(_is_mosaic(plane) for plane in dataset.planes[:: max(len(dataset.planes) // 4, 1)])
        found = None if mosaic else correlation(dataset.planes)
        whitenings: tuple[Whitening | None, ...] = ()
        reach = wanted.reach
        whitens = reach is None and recipe.gated and recipe.target == NOISY
        if reach is None:
            if whitens and not mosaic:
                whitenings = measure_whitenings(dataset)
                dataset = whitened(dataset, whitenings)
            reach = mask_reach(found if recipe.widens and not whitens else None, dataset.dimensions)
        white = whitens or found is None or not any(found.reach)
        return cls(dataset, recipe, _completed(wanted, recipe, dataset, reach), found, whitenings, white)

    def require_result(self, steps: int | None) -> None:
        """Raise an error if a run of this number of steps, or of minutes (None), has no result."""
        if steps == 0 and self.parts.prior == NO_PRIOR:
            parts = self.parts
            why = obstacle(parts.net, self.recipe, parts.dimensions, parts.reach or ())
            raise MuguetError(
                f"without training (--minutes 0) there is no result here, since the recipe {parts.recipe} does not "
                f"start from a prior{why and ': '}{why}. Give more minutes or steps"
            )

    @property
    def whitenings_of_counts(self) -> tuple[Whitening | None, ...]:
        """The whitening of each channel of images in counts."""
        return tuple(
            each and each.in_units(-data.offset / data.scale, 1 / data.scale)
            for each, data in zip(self.whitenings, self.dataset.scalings, strict=False)
        )


def _is_mosaic(plane: Plane) -> bool:
    values = plane.values if plane.values.ndim == 2 else plane.values[len(plane.values) // 2]
    return pattern(values) == "grid"


def _completed(wanted: Parts, recipe: Recipe, dataset: Dataset, reach: tuple[int, ...]) -> Parts:
    """The parts that the user asked for, completed from the recipe and the data."""
    return replace(
        wanted,
        net=wanted.net or (recipe.net if isinstance(recipe.net, str) else None),
        dimensions=dataset.dimensions,
        channels=dataset.channels,
        # A quarter turn would move the correlation of the noise to the other axis.
        quarter_turns=dataset.quarter_turns and reach[-1] == reach[-2],
        reach=reach,
        prior=chosen_prior(wanted, recipe, dataset.dimensions, reach),
    )
