from .axes import Layout
from .image import Image
from .scaling import Scaling
from .values import clipping_level, fill_missing, quantum, require_real, to_dtype

__all__ = [
    "Image",
    "Layout",
    "Scaling",
    "clipping_level",
    "fill_missing",
    "quantum",
    "require_real",
    "to_dtype",
]
