from .blend import Blend
from .blocks import Block, Kind, block_step, map_blocks
from .error_scale import ErrorScale
from .regions import Cut, Region, map_plane, map_regions, regions
from .symmetry import Symmetry, symmetries
from .tiles import Tile, tiles

__all__ = [
    "Blend",
    "Block",
    "Cut",
    "ErrorScale",
    "Kind",
    "Region",
    "Symmetry",
    "Tile",
    "block_step",
    "map_blocks",
    "map_plane",
    "map_regions",
    "regions",
    "symmetries",
    "tiles",
]
