from .regions import Cut, Region, map_regions, regions
from .symmetry import Symmetry, symmetries
from .tiles import Tile, tiles

__all__ = ["Cut", "Region", "Symmetry", "Tile", "map_regions", "regions", "symmetries", "tiles"]
