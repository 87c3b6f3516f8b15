"""The kinds of tsrnn's own objects, which estimators are made of."""

from __future__ import annotations

import itertools
from collections.abc import Hashable

import numpy as np
import pandas as pd
from pandas.tseries.offsets import BaseOffset

from tsrnn.anomaly.forecast_errors import DETECTOR_LOSSES, ForecastErrors
from tsrnn.anomaly.reconstruction import Reconstruction
from tsrnn.data import Collection, Panel, TimeAxis
from tsrnn.data.covariates import Covariates
from tsrnn.data.forms import Levels, Long, OneSeries, Wide
from tsrnn.data.interop import Foreign
from tsrnn.data.time_axis import regular_index
from tsrnn.forecasting.calendar import CALENDAR
from tsrnn.forecasting.encoders import ColumnEncoder, FeatureEncoder
from tsrnn.forecasting.scaling import Scaling
from tsrnn.forecasting.uncertainty import ConformalWidths, HeldOutErrors
from tsrnn.kernels import cells
from tsrnn.kernels.shapes import head_places
from tsrnn.network import RecurrentNetwork, Transformer
from tsrnn.network.transformer import CELL
from tsrnn.saving.checks import check, is_a
from tsrnn.saving.values import Dtype, kind
from tsrnn.training import Moments

MOST_STEPS = 2**24  # that a network looks ahead or a season back: streams hold as many
_NARWHALS = {
    "Boolean", "Categorical", "Date", "Datetime", "Int8", "Int16", "Int32", "Int64", "String",
    "UInt8", "UInt16", "UInt32", "UInt64",
}  # fmt: skip


@kind(RecurrentNetwork)
def _network(
    cell: str, n_in: int, n_hidden: int, n_out: int, n_layers: int, bidirectional: bool,
    residual: bool, head: str, n_horizons: int, n_head: int, parameters: np.ndarray,
):  # fmt: skip
    check(cell in cells.NAMES, "a network's cell")
    network = RecurrentNetwork.__new__(RecurrentNetwork)
    network.cell = cell
    network.bidirectional, network.residual = bool(bidirectional), bool(residual)
    return _of_shape(network, n_in, n_hidden, n_out, n_layers, head, n_horizons, n_head, parameters)


@kind(Transformer)
def _transformer(
    n_in: int, n_hidden: int, n_out: int, n_layers: int, n_heads: int, head: str, n_horizons: int,
    n_head: int, parameters: np.ndarray,
):  # fmt: skip
    check(n_heads >= 1 and n_hidden % n_heads == 0 and head != "horizons", "a network's heads")
    network = Transformer.__new__(Transformer)
    network.cell, network.n_heads = CELL, int(n_heads)
    network.bidirectional = network.residual = False
    return _of_shape(network, n_in, n_hidden, n_out, n_layers, head, n_horizons, n_head, parameters)


def _of_shape(network, n_in, n_hidden, n_out, n_layers, head, n_horizons, n_head, parameters):
    check(head in ("last", "every", "ahead", "horizons"), "a network's head")
    check(parameters.dtype in (np.float32, np.float64), "a network's dtype")
    # Python's whole numbers, as NumPy's overflow; and nothing is allocated by their word.
    counts = [int(n) for n in (n_in, n_hidden, n_out, n_layers, n_horizons)]
    n_head = int(n_head)
    check(all(1 <= n <= parameters.size for n in counts) and n_head >= 0, "a network's shape")
    network.n_in, network.n_hidden, network.n_out, network.n_layers, network.n_horizons = counts
    network.head, network.n_head, network.parameters = head, n_head, parameters
    check(parameters.shape == (head_places(network.sizes(1))[-1],), "a network's size")
    return network


def axes_apart(axes):
    """Axes of one step in one index, end to end: thousands of series may have one each."""
    indexes = [axis.index for axis in axes]
    if isinstance(indexes[0], pd.RangeIndex):
        numbers = np.concatenate([index.to_numpy(np.int64) for index in indexes])
        index = pd.Index(numbers, name=indexes[0].name)
    else:
        index = indexes[0].append(indexes[1:])
    if isinstance(index, pd.DatetimeIndex):
        index = pd.DatetimeIndex(index, freq=None)
    return {
        "index": index, "ends": np.cumsum([len(index) for index in indexes]),
        "have_freq": np.array([getattr(index, "freq", None) is not None for index in indexes]),
    }  # fmt: skip


def _collection_apart(collection):
    axes = list({id(axis): axis for axis in collection.axes}.values())
    places = {id(axis): place for place, axis in enumerate(axes)}
    return axes_apart(axes) | {
        "values": collection.panel.values, "indptr": collection.panel.indptr,
        "ids": collection.ids, "form": collection.form, "step": axes[0].step,
        "places": np.array([places[id(axis)] for axis in collection.axes]),
    } | {
        name: getattr(collection, name) for name in ("observed", "beside")
        if getattr(collection, name) is not None
    }  # fmt: skip


@kind(Collection, apart=_collection_apart)
def _collection(
    values: np.ndarray, indptr: np.ndarray, ids: list, index: pd.Index, step: BaseOffset | int,
    ends: np.ndarray, have_freq: np.ndarray, places: np.ndarray,
    form: OneSeries | Wide | Long | Levels | Foreign, observed: np.ndarray | None = None,
    beside: np.ndarray | None = None,
):  # fmt: skip
    check(values.dtype == np.float64 and values.ndim == 1, "a panel")
    check(indptr.dtype == places.dtype == np.int64, "a panel")
    panel, axes = Panel(values, indptr), axes_joined(index, step, ends, have_freq)
    check(panel.n_series >= 1 and len(ids) == panel.n_series == places.size, "ids")
    check(places.min() >= 0 and places.max() < len(axes), "axes")
    axes = [axes[place] for place in places]
    check(panel.lengths.tolist() == [len(axis.index) for axis in axes], "axes")
    check(not isinstance(form, Wide) or len(form.columns) == len(ids), "a form")
    check(not isinstance(form, OneSeries) or len(ids) == 1, "a form")
    if observed is not None:
        check(observed.dtype == bool and observed.shape == values.shape, "observed")
    if beside is not None:
        check(beside.dtype == np.float64 and beside.ndim == 2, "beside")
        check(len(beside) == values.size, "beside")
    return Collection(panel, ids, axes, form, observed, beside)


def axes_joined(index, step, ends, have_freq):
    """The axes of these parts, of one step."""
    is_time = isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex))
    check(is_time == isinstance(step, BaseOffset), "the step of an axis")
    check(is_time or (index.dtype == np.int64 and step != 0), "an index of numbers")
    check(not isinstance(index, pd.PeriodIndex) or index.freq == step, "the step of an axis")
    check(not index.hasnans, "an index")
    check(ends.dtype == np.int64 and have_freq.dtype == bool, "ends of axes")
    bounds = [0, *ends.tolist()]
    check((np.diff(bounds) > 0).all() and bounds[-1] == len(index), "ends of axes")
    axes = []
    for first, end, has_freq in zip(bounds[:-1], bounds[1:], have_freq, strict=True):
        own = regular_index(index[first:end], step)
        if has_freq and isinstance(own, pd.DatetimeIndex):
            own = pd.DatetimeIndex(own, freq=step)
        axes.append(TimeAxis(own, step))
    return axes


@kind(OneSeries)
def _one_series(name: Hashable):
    return OneSeries(name)


@kind(Wide)
def _wide(columns: pd.Index):
    return Wide(columns)


@kind(Long)
def _long(
    id_column: str, time_column: str, target_column: str, id_dtype: Dtype, time_dtype: Dtype,
):  # fmt: skip
    return Long(id_column, time_column, target_column, id_dtype, time_dtype)


@kind(Levels)
def _levels(names: tuple, target: Hashable, is_frame: bool, id_dtype: Dtype, time_dtype: Dtype):
    check(len(names) == 2, "a form")
    return Levels(names, target, bool(is_frame), id_dtype, time_dtype)


def _foreign_apart(form):
    return {
        "columns": [form.id_column, form.time_column, form.target_column],
        "dtypes": [_narwhals_dtype_apart(form.id_dtype), _narwhals_dtype_apart(form.time_dtype)],
        "library": form.library.name,
    }


@kind(Foreign, apart=_foreign_apart)
def _foreign(columns: list, dtypes: list, library: str):
    import narwhals as nw

    check(library in ("CUDF", "MODIN", "POLARS", "PYARROW"), "a library")
    check(len(columns) == 3 and all(isinstance(each, str) for each in columns), "a form")
    id_dtype, time_dtype = (_narwhals_dtype(*parts) for parts in dtypes)
    return Foreign(*columns, id_dtype, time_dtype, nw.Implementation[library])


def _narwhals_dtype_apart(dtype):
    parts = [type(dtype).__name__]
    if parts == ["Datetime"]:
        parts += [dtype.time_unit, dtype.time_zone]
    if _narwhals_dtype(*parts) != dtype:
        raise ValueError(f"the dtype {dtype} cannot be told. Convert it.")
    return parts


def _narwhals_dtype(name, *parts):
    import narwhals as nw

    if name not in _NARWHALS:
        raise ValueError(f"the dtype {name!r:.40} is unknown. Convert it.")
    return getattr(nw, name)(*parts)


@kind(Scaling)
def _scaling(log: bool, slope: np.ndarray, mean: np.ndarray, deviation: np.ndarray):
    parts = slope, mean, deviation
    check(all(part.dtype == np.float64 and part.ndim == 1 for part in parts), "a scaling")
    check(len({part.size for part in parts}) == 1, "a scaling")
    return Scaling(bool(log), *parts)


@kind(ConformalWidths)
def _widths(n_windows: int, spread: np.ndarray, pool: np.ndarray):
    check(n_windows >= 1 and pool.size and pool.ndim == 1, "widths")
    check(pool.dtype == spread.dtype == np.float64, "widths")
    widths = ConformalWidths.__new__(ConformalWidths)
    widths.n_windows, widths.spread, widths.pool, widths.power = n_windows, spread, pool, 1.0
    widths.cumulative_weights = np.arange(1, pool.size + 1) / pool.size
    return widths


@kind(HeldOutErrors)
def _held_out_errors(errors: np.ndarray, power: float, weights: np.ndarray):
    check(errors.dtype == np.float64 and errors.ndim == 2 and errors.size, "held-out errors")
    check(not np.isnan(errors).all(), "held-out errors")
    check(0 <= power <= 1, "held-out errors")
    check(weights.dtype == np.float64 and weights.shape == errors.shape[:1], "held-out errors")
    check((weights > 0).all(), "held-out errors")
    return HeldOutErrors(errors, power, weights)


@kind(ColumnEncoder, "Column")
def _column(name: Hashable, mean: float, deviation: float, levels: pd.Index | None):
    check(deviation > 0, "a column")
    return ColumnEncoder(name, mean, deviation, levels)


@kind(FeatureEncoder, "Features")
def _features(
    known: tuple, past: tuple, static: tuple, calendar: tuple, holidays: np.ndarray, observed: bool,
):  # fmt: skip
    check(all(isinstance(each, ColumnEncoder) for each in (*known, *past, *static)), "a column")
    check(all(name in CALENDAR for name in calendar), "a calendar")
    check(holidays.dtype == "M8[D]" and holidays.ndim == 1, "holidays")
    return FeatureEncoder(known, past, static, calendar, holidays, bool(observed))


@kind(Covariates, apart=lambda one: {
    "channels": one.frame.to_numpy(np.float64), "times": one.times, "labels": one.labels,
})  # fmt: skip
def _covariates(channels: np.ndarray, times: pd.Index, labels: pd.Index | None):
    check(channels.dtype == np.float64 and channels.ndim == 2, "covariates")
    check(len(channels) == len(times) and not times.hasnans, "covariates")
    check(labels is None or len(labels) == len(times), "covariates")
    return Covariates(pd.DataFrame(channels), times, labels, "X")


@kind(ForecastErrors)
def _forecast_errors(n_channels: int, leads: tuple, seasons: tuple, lookback: int, loss: str):
    check(n_channels >= 1 and lookback >= 1, "n_channels or lookback")
    check(all(is_a(each, int) for each in (*leads, *seasons)), "leads or seasons")
    leads, seasons = tuple(map(int, leads)), tuple(map(int, seasons))
    check(leads[:1] == (1,) and all(a < b for a, b in itertools.pairwise(leads)), "leads")
    check(max(leads + seasons) <= MOST_STEPS, "leads or seasons")
    check(loss in DETECTOR_LOSSES, "loss")
    return ForecastErrors(int(n_channels), leads, seasons, int(lookback), loss)


@kind(Reconstruction)
def _reconstruction(n_channels: int, lookback: int):
    return Reconstruction(int(n_channels), int(lookback))


@kind(Moments)
def _moments(values: np.ndarray, steps: int):
    check(0 <= steps < 2**53, "moments")
    moments = Moments.__new__(Moments)
    moments.values, moments.steps = values, int(steps)
    return moments
