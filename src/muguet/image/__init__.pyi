from .axes import Layout
from .image import Image
from .planes import ArrayPlanes, Planes, Readable, Several
from .scaling import Scaling
from .screen import Screened, screen
from .stored_planes import StoredPlanes
from .valid import masked_outside
from .values import (
    clipping_level,
    fill_missing,
    floor_level,
    quantum,
    require_real,
    to_dtype,
    unsaturated,
)

__all__ = [
    "ArrayPlanes",
    "Image",
    "Layout",
    "Planes",
    "Readable",
    "Scaling",
    "Screened",
    "Several",
    "StoredPlanes",
    "clipping_level",
    "fill_missing",
    "floor_level",
    "masked_outside",
    "quantum",
    "require_real",
    "screen",
    "to_dtype",
    "unsaturated",
]
