"""From pandas to flat arrays: the first layer that knows a frame or an index."""

from tsrnn.windowing.arrays import make_windows
from tsrnn.windowing.axes import TimeAxis
from tsrnn.windowing.covariates import Covariates, covariates_from
from tsrnn.windowing.frames import Collection, collection_from
from tsrnn.windowing.panel import Panel
from tsrnn.windowing.series import panel_from_series

__all__ = [
    "Collection",
    "Covariates",
    "Panel",
    "TimeAxis",
    "collection_from",
    "covariates_from",
    "make_windows",
    "panel_from_series",
]
