from . import classical
from .blind import Grid, Mask, Nothing, Stratified, neighbours_mean
from .blur import gaussian_blur
from .blur_width import best_blur, best_sigma, blind_sigma, matching_sigma
from .care import CareUNet
from .filterbank import FilterBankNet
from .net import GatedNet, Net, Prediction
from .optics import PSF, BehindOptics
from .prior import PRIORS, SCENES, load_prior, prior_net
from .stabilised import SHIFT, Stabilised
from .temporal import frame_weights, fused
from .unet import UNet

__all__ = [
    "PRIORS",
    "PSF",
    "SCENES",
    "SHIFT",
    "BehindOptics",
    "CareUNet",
    "FilterBankNet",
    "GatedNet",
    "Grid",
    "Mask",
    "Net",
    "Nothing",
    "Prediction",
    "Stabilised",
    "Stratified",
    "UNet",
    "best_blur",
    "best_sigma",
    "blind_sigma",
    "classical",
    "frame_weights",
    "fused",
    "gaussian_blur",
    "load_prior",
    "matching_sigma",
    "neighbours_mean",
    "prior_net",
]
