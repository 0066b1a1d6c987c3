from .blend import Blend
from .error_scale import ErrorScale
from .regions import Cut, Region, map_plane, map_regions, regions
from .symmetry import Symmetry, symmetries
from .tiles import Tile, tiles

__all__ = [
    "Blend",
    "Cut",
    "ErrorScale",
    "Region",
    "Symmetry",
    "Tile",
    "map_plane",
    "map_regions",
    "regions",
    "symmetries",
    "tiles",
]
