"""From pandas to flat arrays: the first layer that knows a frame or an index."""

from tsrnn.data.arrays import make_windows
from tsrnn.data.axes import TimeAxis
from tsrnn.data.covariates import Covariates, covariates_from
from tsrnn.data.errors import DataError, Location, UnknownCategoryError
from tsrnn.data.frames import Collection, collection_from
from tsrnn.data.panel import Panel
from tsrnn.data.series import panel_from_series

__all__ = [
    "Collection",
    "Covariates",
    "DataError",
    "Location",
    "Panel",
    "TimeAxis",
    "UnknownCategoryError",
    "collection_from",
    "covariates_from",
    "make_windows",
    "panel_from_series",
]
