from . import style
from .noise import Curve, noise_figure
from .result import overview
from .style import save
from .views import contrast, most_varied_part

__all__ = ["Curve", "contrast", "most_varied_part", "noise_figure", "overview", "save", "style"]
