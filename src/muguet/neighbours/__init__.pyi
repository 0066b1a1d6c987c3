from .blocks import map_series_blocks
from .choice import better
from .estimator import Alone, PlaneEstimator
from .loop import SeriesFunction, Stretch, map_series, planes_at_once
from .movie import Movie
from .movie_search import find_movies
from .record import from_record, to_record
from .remembered import Remembered
from .series import DEPTH, TIME, Axis, Neighbours, Series, Summary
from .stack import Stack
from .stack_search import find_stacks

__all__ = [
    "DEPTH",
    "TIME",
    "Alone",
    "Axis",
    "Movie",
    "Neighbours",
    "PlaneEstimator",
    "Remembered",
    "Series",
    "SeriesFunction",
    "Stack",
    "Stretch",
    "Summary",
    "better",
    "find_movies",
    "find_stacks",
    "from_record",
    "map_series",
    "map_series_blocks",
    "planes_at_once",
    "to_record",
]
