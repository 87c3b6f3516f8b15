"""Networks that forecast the windows of series: how they read them, and go on from step to step."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from tsrnn.forecasting.uncertainty import LossOutputs
from tsrnn.kernels.losses import find_loss
from tsrnn.kernels.targets import claim
from tsrnn.kernels.windows import Source, forecast_source, inputs_of_row
from tsrnn.network import RecurrentNetwork
from tsrnn.network.network import predict_models

# A window's least scale, where typical windows have a deviation of 1. Without it a stretch that
# hardly moves would blow up what follows it.
LEAST_SCALE = 0.1


@dataclasses.dataclass(frozen=True)
class Reading:
    """How windows are read and what is said of them.

    Attributes
    ----------
    lookback, season, segment, n_ahead : int
        Values read, season, values of a recurrent step, steps told at once.
    n_channels, n_known : int
        What is read beside the series; and how many of that, the first, are known in the future.
    loss, levels : str, tuple
        As kernels know them.
    """

    lookback: int
    season: int
    segment: int
    n_ahead: int
    n_channels: int = 0
    n_known: int = 0
    loss: str = "absolute_error"
    levels: tuple = ()

    def source(self, values: np.ndarray, beside: np.ndarray | None = None, targets=None) -> Source:
        """Windows of (n,) values on the common scale and (n, n_channels) beside them."""
        if self.n_channels:
            values = np.column_stack([values, beside])
        return forecast_source(
            values, self.lookback, self.season, LEAST_SCALE, targets=targets,
            ahead=self.n_ahead if self.n_known else 0, n_known=self.n_known,
        )  # fmt: skip

    def shape(self) -> dict:
        """Inputs, outputs and head of a network for such windows, as RecurrentNetwork has them."""
        n_in = self.segment * inputs_of_row(
            self.source(np.zeros(1), np.zeros((1, self.n_channels)))
        )
        if not self.n_known:
            n_out = find_loss(self.loss).n_outputs(self.n_ahead, self.levels)
            return {"n_in": n_in, "n_out": n_out}
        return {
            "n_in": n_in, "n_out": find_loss(self.loss).n_outputs(self.segment, self.levels),
            "head": "ahead", "n_horizons": self.n_ahead // self.segment,
        }  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Round:
    """What is said of windows at one time: ``base + scale * said`` of each step.

    Attributes
    ----------
    base : (n_windows, n_ahead) array
        The seasonal naive forecast.
    scale : (n_windows, 1) array
        Scale of the window.
    said : LossOutputs
        In the window's scale.
    """

    base: np.ndarray
    scale: np.ndarray
    said: LossOutputs


@dataclasses.dataclass(frozen=True)
class Models:
    """Networks of one shape: for all series together or one for each, of one or several members.

    Attributes
    ----------
    reading : Reading
        How they read windows.
    network : RecurrentNetwork
        Their shape.
    weights : (n_groups, n_members, n_parameters) array
        A group for all series, or one for each.
    device : {"cpu", "cuda"}
        What they run on.
    n_jobs : int or None
        Threads of the CPU.
    """

    reading: Reading
    network: RecurrentNetwork
    weights: np.ndarray
    device: str = "cpu"
    n_jobs: int | None = None

    def say(self, source: Source, windows: np.ndarray, groups: np.ndarray) -> LossOutputs:
        """What the networks of their groups, (n_windows,), say of windows."""
        n_groups, n_members, n_parameters = self.weights.shape
        order = [np.arange(windows.size)]
        if n_groups > 1:
            order = np.argsort(groups, kind="stable")
            order = np.split(order, np.searchsorted(groups[order], np.arange(1, n_groups)))
        asked = [(k, own) for k, own in enumerate(order) if own.size] or [(0, order[0])]
        chosen = [k for k, _ in asked]
        weights = self.weights if len(chosen) == n_groups else self.weights[chosen]
        n_jobs = self.network.threads_for(self.n_jobs, source, windows.size * n_members)
        with claim(self.device, n_jobs) as workers:
            found = predict_models(
                self.network, weights.reshape(-1, n_parameters), source,
                [windows[own] for _, own in asked for _ in range(n_members)], workers,
            )  # fmt: skip
        outputs = np.empty((n_members, windows.size, found[0].shape[1]))
        for place, (_, own) in enumerate(asked):
            outputs[:, own] = found[place * n_members : (place + 1) * n_members]
        reading = self.reading
        n_each = find_loss(reading.loss).n_outputs(1, reading.levels)
        n_answers = outputs.shape[2] // self.network.n_out
        outputs = outputs.reshape(n_members, windows.size, n_answers, n_each, -1).swapaxes(2, 3)
        outputs = outputs.reshape(n_members, windows.size, n_each, reading.n_ahead)
        return LossOutputs(reading.loss, reading.levels, outputs)

    def walk(
        self,
        recent: np.ndarray,
        beside: np.ndarray | None,
        groups: np.ndarray,
        horizon: int,
        drawn: Callable[[LossOutputs, np.ndarray], np.ndarray] | None = None,
    ) -> tuple[np.ndarray, list[Round]]:
        """Forecasts of windows, and how they were made: from their own beyond what is told at once.

        Parameters
        ----------
        recent : (n_windows, lookback) array
            Values on the common scale.
        beside : (n_windows, n_rows, n_channels) array
            What is read beside them and, from row ``lookback`` on, beside what follows; ``n_rows``
            is ``lookback`` and as many rounds as the horizon takes.
        groups : (n_windows,) int array
            Whose networks are asked.
        drawn : callable, optional
            What is taken of what was said and the windows' scales; by default the centre.

        Returns
        -------
        (n_windows, horizon) array, list of Round
        """
        reading, path, rounds = self.reading, recent, []
        n, lookback = recent.shape
        n_rows = lookback + (reading.n_ahead if reading.n_known else 0)
        seasons = np.arange(reading.n_ahead) % reading.season - reading.season
        while path.shape[1] < lookback + horizon:
            window = path[:, -lookback:]
            deviation = (window - window[:, -1:]).std(axis=1, keepdims=True)
            values, channels = np.zeros((n, n_rows)), None
            values[:, :lookback] = window
            if beside is not None:
                first = path.shape[1] - lookback
                channels = beside[:, first : first + n_rows].reshape(-1, reading.n_channels)
            source = reading.source(values.ravel(), channels)
            said = self.say(source, np.arange(n) * n_rows, groups)
            one = Round(window[:, seasons], np.maximum(deviation, LEAST_SCALE), said)
            rounds.append(one)
            taken = said.point if drawn is None else drawn(said, one.scale)
            path = np.hstack([path, one.base + one.scale * taken])
        return path[:, lookback : lookback + horizon], rounds
