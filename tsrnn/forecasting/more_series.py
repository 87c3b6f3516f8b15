"""Series besides those in memory, which are a sample of them: in files, or in other processes."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from tsrnn.data import Collection
from tsrnn.forecasting.encoders import FeatureEncoder
from tsrnn.forecasting.ensemble import WindowSpec
from tsrnn.forecasting.fitter import Split
from tsrnn.forecasting.resolve import check_values
from tsrnn.forecasting.scaling import scaling_of
from tsrnn.kernels.sources import Source
from tsrnn.training import Settings


@dataclasses.dataclass(frozen=True)
class Preparation:
    """How series become what a network reads, each by itself; may be sent to other processes."""

    spec: WindowSpec
    features: FeatureEncoder
    transform: str | None
    profiles: tuple[int, ...]  # seasons that are taken out first
    lower: float | None
    mask: bool  # whether values may be missing
    parameters: dict[str, Any]  # of the forecaster

    def source(self, series: Collection, n_held_out: np.ndarray) -> tuple[Source, Collection]:
        """Windows of series, ``n_held_out`` (n_series,) values of each held out; and the series.

        DataError for values that the transform, the loss or the lower bound can't have.
        """
        spec, features = self.spec, self.features
        check_values(series, self.transform, spec.loss, self.lower)
        series = series.filled(spec.season)
        if features.n_channels:
            static_channels = features.encode_static(None, series.ids)
            channels = features.channels(series, [], static_channels, self.mask)
            series = dataclasses.replace(series, covariates=channels)
        scaling = scaling_of(
            series.panel,
            spec.lookback,
            (spec.season, *self.profiles),
            self.transform,
            False,
            n_held_out,
            loss=spec.loss,
        )
        return spec.series_source(series, scaling), series


class MoreSeries(abc.ABC):
    """Series of which a sample is in memory.

    Attributes
    ----------
    sample : Collection
    least : float
        The least of all values.
    """

    sample: Collection
    least: float

    @abc.abstractmethod
    def split(
        self, preparation: Preparation, split: Split, settings: Callable[[int], Settings]
    ) -> Split:
        """A split that is trained on windows of all series, and validated on those of the sample.

        ``split`` is that of the sample; ``settings`` are those of the training by the number of
        windows.
        """


def refuse_arguments(where: str, remedy: str, **arguments: Any) -> None:
    """Refuse arguments of ``fit`` that are given, and need all series in memory."""
    _refuse([name for name, value in arguments.items() if value is not None], where, remedy)


def refuse_parameters(where: str, remedy: str, forecaster: Any, **only: Any) -> None:
    """Refuse parameters of a forecaster other than the values that can be had."""
    values = {name: getattr(forecaster, name) for name in only}
    _refuse([f"{k}={v!r}" for k, v in values.items() if v != only[k]], where, remedy)


def _refuse(names, where, remedy):
    if names:
        verb = "needs" if len(names) == 1 else "need"
        raise ValueError(f"y is {where}, and {', '.join(names)} {verb} all of it. {remedy}")
