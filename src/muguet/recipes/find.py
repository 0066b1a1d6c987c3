"""The search for a recipe by its name, among the published ones and in other packages."""

from __future__ import annotations

import importlib
import re

from muguet.errors import MuguetError
from muguet.recipes.published import RECIPES
from muguet.recipes.recipe import Recipe

ENTRY_POINTS = "muguet.recipes"
"""Group of entry points in which other packages declare their recipes."""


def find_recipe(name: str) -> Recipe:
    """Return the recipe of this name.

    Parameters
    ----------
    name
        A name of `RECIPES`; the name of an entry point of the group ``muguet.recipes`` of an installed package; or
        ``package.module:variable``, which is imported.

    Raises
    ------
    MuguetError
        If there is no such recipe, or its package is not installed.
    """
    if name in RECIPES:
        return RECIPES[name]
    from importlib.metadata import entry_points  # here, since it takes a while to import

    for entry in entry_points(group=ENTRY_POINTS):
        if entry.name == name:
            return _loaded(entry.value, name)
    if re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", name):
        return _loaded(name, name)
    raise MuguetError(
        f"the recipe {name} is not known: choose one of {', '.join(RECIPES)}, "
        "or name a variable of a module, as in package.module:variable"
    )


def _loaded(value: str, name: str) -> Recipe:
    module, _, variable = value.partition(":")
    try:
        found = getattr(importlib.import_module(module), variable)
    except (ImportError, AttributeError) as error:
        raise MuguetError(
            f"the recipe {name} is not installed here ({error}): install its package, or add its folder to PYTHONPATH"
        ) from error
    if not isinstance(found, Recipe):
        raise MuguetError(
            f"{name} is not a recipe but a {type(found).__name__}: name a muguet.recipes.Recipe"
        )
    return found
