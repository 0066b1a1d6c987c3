from .find import find_recipe
from .parts import Parts, choose
from .published import NETS, RECIPES
from .recipe import CLEAN, NOISY, SECOND, SPACINGS, NetFactory, Reach, Recipe, fixed

__all__ = [
    "CLEAN",
    "NETS",
    "NOISY",
    "RECIPES",
    "SECOND",
    "SPACINGS",
    "NetFactory",
    "Parts",
    "Reach",
    "Recipe",
    "choose",
    "find_recipe",
    "fixed",
]
