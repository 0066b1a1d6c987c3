from .calibrated import Calibrated, calibrate
from .camera.interpretation import interpret
from .camera.readout import Interval, Readout, read_out
from .correlated.first import measure_whitening
from .correlated.law import Correlated
from .correlated.measure import measure_kernel
from .correlated.whitening import Whitening
from .emccd import EMCCD
from .kernel import Kernel, Shared
from .known import Gaussian, Laplace, PoissonGaussian, Speckle
from .kullback_leibler import divergence, mean_divergence
from .law import Affine, Distribution, Law, corrupt
from .learned import LearnedLaw
from .measure import Measurement, measure_pair, measure_repeats, measure_single_image
from .measured import MeasuredLaw
from .mixture import Mixture
from .origin import Origin
from .pairing import Match, match, require_pairs
from .table import law_table, table_signals
from .transfer.correlation import Correlation, mean_correlation, noise_correlation
from .transfer.curve import MeanVariance, mean_variance
from .transfer.single_image import rough_std, transfer_alone
from .transfer.variance import Variance, fitted_variance

__all__ = [
    "EMCCD",
    "Affine",
    "Calibrated",
    "Correlated",
    "Correlation",
    "Distribution",
    "Gaussian",
    "Interval",
    "Kernel",
    "Laplace",
    "Law",
    "LearnedLaw",
    "Match",
    "MeanVariance",
    "MeasuredLaw",
    "Measurement",
    "Mixture",
    "Origin",
    "PoissonGaussian",
    "Readout",
    "Shared",
    "Speckle",
    "Variance",
    "Whitening",
    "calibrate",
    "corrupt",
    "divergence",
    "fitted_variance",
    "interpret",
    "law_table",
    "match",
    "mean_correlation",
    "mean_divergence",
    "mean_variance",
    "measure_kernel",
    "measure_pair",
    "measure_repeats",
    "measure_single_image",
    "measure_whitening",
    "noise_correlation",
    "read_out",
    "require_pairs",
    "rough_std",
    "table_signals",
    "transfer_alone",
]
