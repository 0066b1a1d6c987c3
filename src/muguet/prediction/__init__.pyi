from .blend import Blend
from .blocks import Block, block_step, map_blocks
from .error_scale import ErrorScale
from .movies import Movie, Series, SeriesFunction, map_series
from .regions import Cut, Region, map_plane, map_regions, regions
from .symmetry import Symmetry, symmetries
from .tiles import Tile, tiles

__all__ = [
    "Blend",
    "Block",
    "Cut",
    "ErrorScale",
    "Movie",
    "Region",
    "Series",
    "SeriesFunction",
    "Symmetry",
    "Tile",
    "block_step",
    "map_blocks",
    "map_plane",
    "map_regions",
    "map_series",
    "regions",
    "symmetries",
    "tiles",
]
