"""Effects of covariates and holidays on forecasts, against forecasts with each held still."""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np

from tsrnn.forecasting.calendar import n_calendar_channels
from tsrnn.forecasting.encoders import FeatureEncoder
from tsrnn.forecasting.predictor import ForecastContext, Predictor

_MAX_VALUES = 2**23  # of the windows that are read at a time


@dataclasses.dataclass(frozen=True, eq=False)
class _Input:
    """An input that can be held still: ``hold`` overwrites its channels, (n_rows, n_channels)."""

    label: str
    hold: Callable[[np.ndarray], None]
    is_known: bool  # in the future


def effects(
    predictor: Predictor,
    context: ForecastContext,
    features: FeatureEncoder,
    ends: np.ndarray,
    horizon: int,
) -> dict[str, np.ndarray]:
    """What each input adds to forecasts of one series, by label, (n_windows, horizon) each.

    In units of the series, of its logarithm where logarithms are taken; before bounds. ``ends``
    (n_windows,) are known values. An input that is known in the future is held over the steps that
    are forecast, for the past has happened as it did; others over the lookback.
    """
    spec, panel = predictor.ensemble.spec, context.collection.panel
    covariates = context.collection.covariates
    inputs = [] if covariates is None else list(_inputs(features, covariates))
    values = context.scaling.apply(panel, context.n_elapsed)
    n_steps = -(-horizon // spec.n_ahead) * spec.n_ahead
    size = max(1, _MAX_VALUES // ((spec.lookback + n_steps) * max(spec.n_channels, 1)))
    found = {each.label: np.empty((ends.size, horizon)) for each in inputs}
    for first in range(0, ends.size if inputs else 0, size):
        rows = slice(first, first + size)
        part = ends[rows]
        series = np.zeros(part.size, int)
        recent = values[panel.places_before(series, part, spec.lookback, spec.season)]
        channels = context.channels(series, part, n_steps, spec)
        groups, naive = context.groups[series], predictor.naive_windows(part)

        def path(channels, recent=recent, groups=groups, naive=naive):
            return predictor.ensemble.unroll(recent, channels, groups, horizon, naive=naive)[0]

        forecasts = path(channels)
        share = 1 - predictor.pretrained_shares(part)[:, None]  # the pretrained one reads no inputs
        for each in inputs:
            held = np.array(channels)
            steps = held[:, spec.lookback :] if each.is_known else held
            each.hold(steps)
            effect = forecasts - path(held)
            found[each.label][rows] = context.scaling.deviation[0] * share * effect
    return found


def _inputs(features: FeatureEncoder, covariates: np.ndarray) -> Iterator[_Input]:
    """Columns of ``X`` and holidays; ``covariates`` (n_values, n_channels) of the history."""
    first = 0
    for column in features.known:
        last = first + column.n_channels
        yield _column(column.name, covariates, slice(first, last), True)
        first = last
    first += n_calendar_channels(features.calendar)
    if features.holidays.size:
        yield _Input("holidays", _setter(slice(first, first + 1), 0.0), True)
        first += 1
    if features.countries:
        names = features.countries.names
        channels = np.arange(first + 1, first + 1 + len(names))
        for name, channel in zip(names, channels, strict=True):
            yield _Input(f"holiday_{name}", _without_holiday(first, channels, channel), True)
    first = features.n_known
    for column in features.past:
        last = first + column.n_channels
        yield _column(column.name, covariates, slice(first, last), False)
        first = last


def _column(name, covariates, channels, is_known):
    """A column, held at its mean; of a category, or where there are two values, the commonest."""
    distinct, counts = np.unique(covariates[:, channels], axis=0, return_counts=True)
    is_number = channels.stop - channels.start == 1 and len(distinct) > 2
    reference = covariates[:, channels].mean(axis=0) if is_number else distinct[counts.argmax()]
    return _Input(f"effect_{name}", _setter(channels, reference), is_known)


def _setter(channels, reference):
    def hold(rows):
        rows[..., channels] = reference

    return hold


def _without_holiday(any_holiday, names, channel):
    """Set the marks of one holiday to 0, and that of any holiday where it was the only one."""

    def hold(rows):
        is_only = (rows[..., channel] > 0) & (rows[..., names].sum(axis=-1) == 1)
        rows[..., any_holiday] = np.where(is_only, 0.0, rows[..., any_holiday])
        rows[..., channel] = 0.0

    return hold
