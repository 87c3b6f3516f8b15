"""Codecs of tsrnn's own objects, which estimators are made of."""

import itertools
from collections.abc import Hashable
from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas.tseries.offsets import BaseOffset

from tsrnn.anomaly.forecast_errors import DETECTOR_LOSSES, ForecastErrors
from tsrnn.anomaly.reconstruction import Reconstruction
from tsrnn.data import Collection, Panel, TimeAxis
from tsrnn.data.covariates import Covariates
from tsrnn.data.forms import Levels, Long, SingleSeries, Wide
from tsrnn.data.interop import Foreign
from tsrnn.data.time_axis import regular_index
from tsrnn.forecasting.calendar import CALENDAR
from tsrnn.forecasting.columns import ColumnEncoder
from tsrnn.forecasting.country_holidays import CountryHolidays
from tsrnn.forecasting.encoders import FeatureEncoder
from tsrnn.forecasting.scaling import Scaling
from tsrnn.forecasting.uncertainty import ConformalWidths, HeldOutErrors
from tsrnn.kernels import cells, heads
from tsrnn.network import RecurrentNetwork, Transformer
from tsrnn.network.transformer import CELL
from tsrnn.saving.checks import check, has_type
from tsrnn.saving.values import Dtype, codec
from tsrnn.training import Moments

MAX_STEPS = 2**24  # of a horizon or season: a stream stores as many values
_NARWHALS = {
    *("Binary", "Boolean", "Categorical", "Date", "Datetime", "Decimal", "Enum", "Float32"),
    *("Float64", "String", "Time"),
    *("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"),
}


class _RecurrentNetworkParts(NamedTuple):
    cell: str
    n_in: int
    n_hidden: int
    n_out: int
    n_layers: int
    bidirectional: bool
    residual: bool
    head: str
    n_horizons: int
    n_head: int
    parameters: np.ndarray
    n_tokens: int = 0
    n_embedding: int = 0
    tied: bool = False


def _encode_network(*names):
    """Encoder of a network: the parts of these names, and those of an embedding if it has one."""
    names = *names, "n_in", "n_hidden", "n_out", "n_layers", "head", "n_horizons", "n_head"
    tokens = "n_tokens", "n_embedding", "tied"

    def encode(network):
        present = (*names, "parameters", *(tokens if network.n_tokens else ()))
        return {name: getattr(network, name) for name in present}

    return encode


@codec(RecurrentNetwork, encode=_encode_network("cell", "bidirectional", "residual"))
def _decode_recurrent_network(parts: _RecurrentNetworkParts):
    check(parts.cell in cells.NAMES, "a network's cell")
    network = RecurrentNetwork.__new__(RecurrentNetwork)
    network.cell = parts.cell
    network.bidirectional, network.residual = bool(parts.bidirectional), bool(parts.residual)
    return _with_shape(network, parts)


class _TransformerParts(NamedTuple):
    n_in: int
    n_hidden: int
    n_out: int
    n_layers: int
    n_heads: int
    head: str
    n_horizons: int
    n_head: int
    parameters: np.ndarray
    n_tokens: int = 0
    n_embedding: int = 0
    tied: bool = False


@codec(Transformer, encode=_encode_network("n_heads"))
def _decode_transformer(parts: _TransformerParts):
    check(parts.n_heads >= 1 and parts.n_hidden % parts.n_heads == 0, "a network's heads")
    check(parts.head in heads.NAMES, "a network's heads")
    check(not heads.find(parts.head).needs_steps, "a network's heads")
    network = Transformer.__new__(Transformer)
    network.cell, network.n_heads = CELL, int(parts.n_heads)
    return _with_shape(network, parts)


def _with_shape(network, parts):
    """A network with the shape and the parameters of its parts."""
    check(parts.head in heads.NAMES, "a network's head")
    parameters = parts.parameters
    check(parameters.dtype in (np.float32, np.float64), "a network's dtype")
    # Python's integers, as NumPy's overflow; and bounded before anything is allocated.
    for name in ("n_in", "n_hidden", "n_out", "n_layers", "n_horizons"):
        n = int(getattr(parts, name))
        check(1 <= n <= parameters.size, "a network's shape")
        setattr(network, name, n)
    network.head, network.n_head, network.parameters = parts.head, int(parts.n_head), parameters
    check(network.n_head >= 0, "a network's shape")
    n_tokens, n_embedding = int(parts.n_tokens), int(parts.n_embedding)
    check((n_tokens > 0) == (n_embedding > 0), "a network's tokens")
    check(0 <= n_tokens <= parameters.size and 0 <= n_embedding <= network.n_in, "a token's width")
    network.n_tokens, network.n_embedding, network.tied = n_tokens, n_embedding, bool(parts.tied)
    if network.tied:
        n_read = network.n_head or network.n_directions * network.n_hidden
        check((network.n_out, n_read) == (n_tokens, n_embedding), "a tied embedding")
    check(parameters.shape == (network.n_parameters,), "a network's size")
    return network


def encode_axes(axes):
    """Parts of axes that share a step, their indexes concatenated: there may be thousands."""
    indexes = [axis.index for axis in axes]
    if isinstance(indexes[0], pd.RangeIndex):
        numbers = np.concatenate([index.to_numpy(np.int64) for index in indexes])
        index = pd.Index(numbers, name=indexes[0].name)
    else:
        index = indexes[0].append(indexes[1:])
    if isinstance(index, pd.DatetimeIndex):
        index = pd.DatetimeIndex(index, freq=None)
    has_freq = [getattr(index, "freq", None) is not None for index in indexes]
    ends = np.cumsum([len(index) for index in indexes])
    return {"index": index, "ends": ends, "have_freq": np.array(has_freq)}


def decode_axes(index, step, ends, have_freq):
    """Axes from their parts; ``ends`` are the ends of their indexes in ``index``."""
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
        axis_index = regular_index(index[first:end], step)
        if has_freq and isinstance(axis_index, pd.DatetimeIndex):
            axis_index = pd.DatetimeIndex(axis_index, freq=step)
        axes.append(TimeAxis(axis_index, step))
    return axes


def _encode_collection(collection):
    axes = list({id(axis): axis for axis in collection.axes}.values())
    positions = {id(axis): position for position, axis in enumerate(axes)}
    parts = encode_axes(axes) | {
        "values": collection.panel.values,
        "indptr": collection.panel.indptr,
        "ids": collection.ids,
        "form": collection.form,
        "step": axes[0].step,
        "places": np.array([positions[id(axis)] for axis in collection.axes]),
    }
    optional = {"observed": collection.observed, "beside": collection.covariates}
    return parts | {name: value for name, value in optional.items() if value is not None}


class _CollectionParts(NamedTuple):
    values: np.ndarray
    indptr: np.ndarray
    ids: list
    index: pd.Index
    step: BaseOffset | int
    ends: np.ndarray
    have_freq: np.ndarray
    places: np.ndarray  # position of the axis of each series
    form: SingleSeries | Wide | Long | Levels | Foreign
    observed: np.ndarray | None = None
    beside: np.ndarray | None = None  # channels of covariates


@codec(Collection, encode=_encode_collection)
def _decode_collection(parts: _CollectionParts):
    values, indptr, ids, form = parts.values, parts.indptr, parts.ids, parts.form
    positions, observed, covariates = parts.places, parts.observed, parts.beside
    check(values.dtype == np.float64 and values.ndim == 1, "a panel")
    check(indptr.dtype == positions.dtype == np.int64, "a panel")
    panel = Panel(values, indptr)
    axes = decode_axes(parts.index, parts.step, parts.ends, parts.have_freq)
    check(panel.n_series >= 1 and len(ids) == panel.n_series == positions.size, "ids")
    check(positions.min() >= 0 and positions.max() < len(axes), "axes")
    axes = [axes[position] for position in positions]
    check(panel.lengths.tolist() == [len(axis.index) for axis in axes], "axes")
    check(not isinstance(form, Wide) or len(form.columns) == len(ids), "a form")
    check(not isinstance(form, SingleSeries) or len(ids) == 1, "a form")
    if observed is not None:
        check(observed.dtype == bool and observed.shape == values.shape, "observed")
    if covariates is not None:
        check(covariates.dtype == np.float64 and covariates.ndim == 2, "beside")
        check(len(covariates) == values.size, "beside")
    return Collection(panel, ids, axes, form, observed, covariates)


codec(SingleSeries, name="OneSeries")(SingleSeries)
codec(Wide)(Wide)


@codec(Long)
def _decode_long(
    id_column: str | None,
    time_column: str,
    target_column: str,
    id_dtype: Dtype | None,
    time_dtype: Dtype,
):
    check((id_column is None) == (id_dtype is None), "a form")
    return Long(id_column, time_column, target_column, id_dtype, time_dtype)


@codec(Levels)
def _decode_levels(
    names: tuple, target: Hashable, is_frame: bool, id_dtype: Dtype, time_dtype: Dtype
):
    check(len(names) == 2, "a form")
    return Levels(names, target, bool(is_frame), id_dtype, time_dtype)


def _encode_foreign(form):
    return {
        "columns": [form.id_column, form.time_column, form.target_column],
        "dtypes": [
            None if dtype is None else _encode_narwhals_dtype(dtype)
            for dtype in (form.id_dtype, form.time_dtype)
        ],
        "library": form.library.name,
    }


@codec(Foreign, encode=_encode_foreign)
def _decode_foreign(columns: list, dtypes: list, library: str):
    import narwhals as nw

    check(library in ("CUDF", "MODIN", "POLARS", "PYARROW"), "a library")
    check(len(columns) == 3 and all(isinstance(column, str) for column in columns[1:]), "a form")
    check(columns[0] is None or isinstance(columns[0], str), "a form")
    check([part is None for part in dtypes] == [columns[0] is None, False], "a form")
    ids, times, targets = columns
    id_dtype = None if dtypes[0] is None else _decode_narwhals_dtype(*dtypes[0])
    time_dtype = _decode_narwhals_dtype(*dtypes[1])
    return Foreign(ids, times, targets, id_dtype, time_dtype, nw.Implementation[library])


def _encode_narwhals_dtype(dtype):
    parts = [type(dtype).__name__]
    if parts == ["Datetime"]:
        parts += [dtype.time_unit, dtype.time_zone]
    elif parts == ["Enum"]:
        parts.append(list(dtype.categories))
    elif parts == ["Decimal"]:
        parts += [dtype.precision, dtype.scale]
    if _decode_narwhals_dtype(*parts) != dtype:
        raise ValueError(f"the dtype {dtype} is not supported. Convert it.")
    return parts


def _decode_narwhals_dtype(name, *parts):
    import narwhals as nw

    if name not in _NARWHALS:
        raise ValueError(f"the dtype {name!r:.40} is unknown. Convert it.")
    return getattr(nw, name)(*parts)


def _encode_scaling(scaling):
    parts = {name: getattr(scaling, name) for name in ("log", "slope", "mean", "deviation")}
    return parts | ({"profiles": scaling.profiles} if scaling.profiles else {})


@codec(Scaling, encode=_encode_scaling)
def _decode_scaling(
    log: bool, slope: np.ndarray, mean: np.ndarray, deviation: np.ndarray, profiles: tuple = ()
):
    parts = slope, mean, deviation
    check(all(part.dtype == np.float64 and part.ndim == 1 for part in parts), "a scaling")
    check(len({part.size for part in parts}) == 1, "a scaling")
    for profile in profiles:
        check(has_type(profile, np.ndarray) and profile.dtype == np.float64, "a profile")
        check(profile.ndim == 2 and len(profile) == mean.size and profile.size, "a profile")
    return Scaling(bool(log), *parts, profiles)


@codec(ConformalWidths)
def _decode_widths(n_windows: int, spread: np.ndarray, pool: np.ndarray):
    check(n_windows >= 1 and pool.size and pool.ndim == 1, "widths")
    check(pool.dtype == spread.dtype == np.float64, "widths")
    widths = ConformalWidths.__new__(ConformalWidths)
    widths.n_windows, widths.spread, widths.pool, widths.power = n_windows, spread, pool, 1.0
    widths.cumulative_weights = np.arange(1, pool.size + 1) / pool.size
    return widths


@codec(HeldOutErrors)
def _decode_held_out_errors(errors: np.ndarray, power: float, weights: np.ndarray):
    check(errors.dtype == np.float64 and errors.ndim == 2 and errors.size, "held-out errors")
    check(not np.isnan(errors).all(), "held-out errors")
    check(0 <= power <= 1, "held-out errors")
    check(weights.dtype == np.float64 and weights.shape == errors.shape[:1], "held-out errors")
    check((weights > 0).all(), "held-out errors")
    return HeldOutErrors(errors, power, weights)


@codec(ColumnEncoder, "Column")
def _decode_column(name: Hashable, mean: float, deviation: float, levels: pd.Index | None):
    check(deviation > 0, "a column")
    return ColumnEncoder(name, mean, deviation, levels)


@codec(CountryHolidays)
def _decode_country_holidays(names: tuple, days: np.ndarray, numbers: np.ndarray, years: tuple):
    check(all(has_type(name, str) for name in names), "holidays")
    check(days.dtype == "M8[D]" and days.ndim == 1, "holidays")
    check(numbers.dtype == np.int64 and numbers.shape == days.shape, "holidays")
    check(((numbers >= -1) & (numbers < len(names))).all(), "holidays")
    check(len(years) == 2 and all(has_type(year, int) for year in years), "holidays")
    check(years[0] <= years[1], "holidays")
    return CountryHolidays(names, days, numbers, years)


def _encode_features(features):
    names = ("known", "past", "static", "calendar", "holidays", "observed")
    parts = {name: getattr(features, name) for name in names}
    if features.countries:
        parts["countries"] = features.countries
    if features.fourier:
        parts["fourier"] = features.fourier
    return parts


@codec(FeatureEncoder, "Features", _encode_features)
def _decode_features(
    known: tuple,
    past: tuple,
    static: tuple,
    calendar: tuple,
    holidays: np.ndarray,
    observed: bool,
    countries: CountryHolidays | None = None,
    fourier: tuple = (),
):
    check(all(isinstance(column, ColumnEncoder) for column in (*known, *past, *static)), "a column")
    check(all(name in CALENDAR for name in calendar), "a calendar")
    check(holidays.dtype == "M8[D]" and holidays.ndim == 1, "holidays")
    check(all(has_type(n, float) and 1 <= n <= MAX_STEPS for n in fourier), "fourier")
    return FeatureEncoder(
        known, past, static, calendar, holidays, bool(observed), countries, fourier
    )


def _encode_covariates(covariates):
    channels = covariates.frame.to_numpy(np.float64)
    return {"channels": channels, "times": covariates.times, "labels": covariates.labels}


@codec(Covariates, encode=_encode_covariates)
def _decode_covariates(channels: np.ndarray, times: pd.Index, labels: pd.Index | None):
    check(channels.dtype == np.float64 and channels.ndim == 2, "covariates")
    check(len(channels) == len(times) and not times.hasnans, "covariates")
    check(labels is None or len(labels) == len(times), "covariates")
    return Covariates(pd.DataFrame(channels), times, labels, "X")


@codec(ForecastErrors)
def _decode_forecast_errors(
    n_channels: int, leads: tuple, seasons: tuple, lookback: int, loss: str
):
    check(n_channels >= 1 and lookback >= 1, "n_channels or lookback")
    check(all(has_type(n, int) for n in (*leads, *seasons)), "leads or seasons")
    leads, seasons = tuple(map(int, leads)), tuple(map(int, seasons))
    check(leads[:1] == (1,) and all(a < b for a, b in itertools.pairwise(leads)), "leads")
    check(max(leads + seasons) <= MAX_STEPS, "leads or seasons")
    check(loss in DETECTOR_LOSSES, "loss")
    return ForecastErrors(int(n_channels), leads, seasons, int(lookback), loss)


@codec(Reconstruction)
def _decode_reconstruction(n_channels: int, lookback: int):
    return Reconstruction(int(n_channels), int(lookback))


@codec(Moments)
def _decode_moments(values: np.ndarray, steps: int):
    check(0 <= steps < 2**53, "moments")
    moments = Moments.__new__(Moments)
    moments.values, moments.steps = values, int(steps)
    return moments
