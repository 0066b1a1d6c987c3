from . import style
from .noise import Curve, noise_figure
from .result import overview
from .style import save
from .views import contrast, liveliest

__all__ = ["Curve", "contrast", "liveliest", "noise_figure", "overview", "save", "style"]
