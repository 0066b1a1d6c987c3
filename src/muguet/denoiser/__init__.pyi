from .denoiser import Denoiser
from .estimates import Estimate
from .model import Model
from .model_file import load

__all__ = ["Denoiser", "Estimate", "Model", "load"]
