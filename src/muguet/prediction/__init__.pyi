from .symmetry import Symmetry, symmetries
from .tiles import Tile, map_tiles, tiles

__all__ = ["Symmetry", "Tile", "map_tiles", "symmetries", "tiles"]
