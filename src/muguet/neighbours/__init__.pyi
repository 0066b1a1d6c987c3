from .choice import better
from .estimator import Alone, PlaneEstimator
from .loop import SeriesFunction, map_series
from .movie import Movie
from .movie_search import find_movies
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
    "Series",
    "SeriesFunction",
    "Stack",
    "Summary",
    "better",
    "find_movies",
    "find_stacks",
    "map_series",
]
