"""Series in, results out: pandas and other frames as flat arrays with time axes, and back."""

from tsrnn.data.arrays import make_windows
from tsrnn.data.changes import joined, overwritten, split_known
from tsrnn.data.channels import ChannelPanel, ChannelSeries, channels_from
from tsrnn.data.collection import Collection, extended, slice_series, take_series, with_gap_marked
from tsrnn.data.covariates import Covariates, covariates_from
from tsrnn.data.errors import (
    DataError,
    EmptySeriesError,
    IrregularTimesError,
    Location,
    MissingDataError,
    MissingRowsError,
    RepeatedTimesError,
    UnknownCategoryError,
    affected,
    listed,
)
from tsrnn.data.headers import difference_of_types, near_name, near_names
from tsrnn.data.interop import to_pandas
from tsrnn.data.matching import matched
from tsrnn.data.panel import Panel
from tsrnn.data.reading import collection_from, panel_from_series
from tsrnn.data.skipping import Skipped, without_bad_series
from tsrnn.data.time_axis import TimeAxis, format_step, format_time
from tsrnn.data.values import LARGEST, no_numbers

__all__ = [
    "LARGEST",
    "ChannelPanel",
    "ChannelSeries",
    "Collection",
    "Covariates",
    "DataError",
    "EmptySeriesError",
    "IrregularTimesError",
    "Location",
    "MissingDataError",
    "MissingRowsError",
    "Panel",
    "RepeatedTimesError",
    "Skipped",
    "TimeAxis",
    "UnknownCategoryError",
    "affected",
    "channels_from",
    "collection_from",
    "covariates_from",
    "difference_of_types",
    "extended",
    "format_step",
    "format_time",
    "joined",
    "listed",
    "make_windows",
    "matched",
    "near_name",
    "near_names",
    "no_numbers",
    "overwritten",
    "panel_from_series",
    "slice_series",
    "split_known",
    "take_series",
    "to_pandas",
    "with_gap_marked",
    "without_bad_series",
]
