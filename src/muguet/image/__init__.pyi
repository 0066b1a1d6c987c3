from .axes import Layout
from .image import Image
from .planes import ArrayPlanes, Planes
from .scaling import Scaling
from .values import clipping_level, fill_missing, quantum, require_real, to_dtype, unsaturated

__all__ = [
    "ArrayPlanes",
    "Image",
    "Layout",
    "Planes",
    "Scaling",
    "clipping_level",
    "fill_missing",
    "quantum",
    "require_real",
    "to_dtype",
    "unsaturated",
]
