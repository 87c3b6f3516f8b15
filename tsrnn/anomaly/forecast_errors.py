"""Errors of network forecasts one and more steps ahead, of whole series and of streams."""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from tsrnn.kernels.losses import REGRESSION_LOSSES, find_loss
from tsrnn.kernels.sources import Source, sequence_source
from tsrnn.network import Memory, Network

# Those with one output for each target, the forecast, or two, with its scale; of values that may be
# negative, as standardised ones are.
DETECTOR_LOSSES = tuple(
    name
    for name in REGRESSION_LOSSES
    if find_loss(name).outputs_per_target in (1, 2) and not find_loss(name).is_positive
)
INPUT_LIMIT = 20.0  # standardised inputs and targets are clipped to this


class Evaluation(NamedTuple):
    """Errors of networks on a series, and the stream that continues it."""

    errors: np.ndarray  # absolute, (n, n_forecasts, n_channels); NaN where there is no forecast
    expected: np.ndarray  # standardised values, (n, n_channels); NaN where there is none
    stream: Any  # ForecastStream or ReconstructionStream


@dataclasses.dataclass(frozen=True)
class ForecastErrors:
    """Forecasts of a series at several lead times, and their errors.

    Inputs of a step are the standardised values; if there is a season, also the values one season
    before the next step, whether these are known, and the seasonal features. Outputs are the values
    ``leads`` steps later.
    """

    n_channels: int
    leads: tuple[int, ...]  # lead times in steps, increasing from 1
    seasons: tuple[int, ...]  # in steps; the first one is that of the lagged inputs
    lookback: int  # steps of a training window
    loss: str  # its name; some predict a spread with each forecast

    @property
    def n_forecasts(self) -> int:
        """Forecasts of each point: one for each lead, and the mean of the series."""
        return len(self.leads) + 1

    @property
    def season(self) -> int:
        """Season of the lagged inputs; 1 if there is none."""
        return self.seasons[0] if self.seasons else 1

    @property
    def n_warm_up(self) -> int:
        """First rows of a series, with forecasts from less history than later ones."""
        return max(self.lookback, self.season) + self.leads[-1]

    def shape(self) -> dict[str, Any]:
        """Inputs, outputs and head of a network, as parameters of RecurrentNetwork."""
        lagged = self.n_channels + 1 if self.seasons else 0
        return {
            "n_in": self.n_channels + lagged + 2 * len(self.seasons),
            "n_out": find_loss(self.loss).n_outputs(self.n_channels * len(self.leads)),
            "head": "every",
        }

    def source(
        self, series: Sequence[np.ndarray], features: Sequence[np.ndarray]
    ) -> tuple[Source, np.ndarray]:
        """Training windows of all series.

        With a season each series is included with and without the lagged values, because these are
        unknown in the first season of a series.
        """
        inputs, targets, starts, counts, n = [], [], [], [], 0
        for z, phases in zip(series, features, strict=True):
            length = min(self.lookback, len(z) // 2)
            for has_lags in (True, False) if self.seasons else (False,):
                first = min(self.season, len(z) - length) - 1 if has_lags else 0
                inputs.append(self._inputs(z, phases, has_lags))
                targets.append(self._targets(z))
                starts.append(n + np.arange(first, len(z) - length))
                counts.append(np.full(starts[-1].size, length))
                n += len(z)
        firsts, lengths = np.concatenate(starts), np.concatenate(counts)
        flat = np.concatenate(inputs), firsts, lengths, np.concatenate(targets)
        return sequence_source(*flat), np.arange(firsts.size)

    def evaluate(
        self, networks: Sequence[Network], z: np.ndarray, features: np.ndarray, online: bool
    ) -> Evaluation:
        """Errors of the forecasts of a standardised series, relative to the spread if predicted.

        Forecasts are made from past values only, so ``online`` makes no difference.
        """
        outputs, memories = run_networks(networks, self._inputs(z, features, True)[:, None])
        outputs = outputs[:, 0]
        forecasts, spread = self.predictions(outputs)
        errors = self._errors(z, forecasts, spread)
        expected = np.full_like(z, np.nan)
        expected[1:] = forecasts[:-1, 0]
        return Evaluation(errors, expected, ForecastStream.after(self, memories, z, outputs))

    def start_errors(
        self, networks: Sequence[Network], starts: Sequence[tuple[np.ndarray, np.ndarray]]
    ) -> np.ndarray:
        """Errors of pieces of equal length as if each was a series, which starts without history.

        Of standardised values and features of each: (n, n_starts, n_forecasts, n_channels).
        """
        inputs = np.stack([self._inputs(z, features, True) for z, features in starts], axis=1)
        outputs, _ = run_networks(networks, inputs)
        return self._errors(np.stack([z for z, _ in starts], axis=1), *self.predictions(outputs))

    def _errors(self, z, forecasts, spread):
        """Errors (n, ..., n_forecasts, n_channels) of values (n, ..., n_channels)."""
        errors = np.full((*z.shape[:-1], self.n_forecasts, self.n_channels), np.nan)
        for k, lead in enumerate(self.leads):
            n = len(z[lead:])
            errors[lead:, ..., k, :] = np.abs(z[lead:] - forecasts[:n, ..., k, :])
            if spread is not None:
                errors[lead:, ..., k, :] /= spread[:n, ..., k, :]
        errors[..., -1, :] = np.abs(z)
        return errors

    def predictions(self, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Forecasts (..., n_leads, n_channels) of outputs, and their spread if predicted."""
        shape = (*outputs.shape[:-1], len(self.leads), self.n_channels)
        loss = find_loss(self.loss)
        outputs = outputs.reshape(*outputs.shape[:-1], loss.outputs_per_target, -1)
        scale = loss.scale(outputs)
        return outputs[..., 0, :].reshape(shape), None if scale is None else scale.reshape(shape)

    def _inputs(self, z, features, has_lags):
        z = np.clip(z, -INPUT_LIMIT, INPUT_LIMIT)
        if not self.seasons:
            return z
        lagged, known = np.zeros_like(z), np.zeros((len(z), 1))
        if has_lags and len(z) >= self.season:
            past = z[: len(z) - self.season + 1]
            is_known = ~np.isnan(past).any(axis=1, keepdims=True)
            lagged[self.season - 1 :] = np.where(is_known, past, 0)
            known[self.season - 1 :] = is_known
        return np.hstack([z, lagged, known, features])

    def _targets(self, z):
        targets = np.full((len(z), len(self.leads), self.n_channels), np.nan)
        for k, lead in enumerate(self.leads):
            targets[: max(len(z) - lead, 0), k] = z[lead:]
        return np.clip(targets, -INPUT_LIMIT, INPUT_LIMIT).reshape(len(z), -1)


def run_networks(
    networks: Sequence[Network], inputs: np.ndarray
) -> tuple[np.ndarray, list[Memory]]:
    """Mean outputs of networks, and their states at the end.

    For inputs of several series, (n, n_series, n_in), outputs are (n, n_series, n_out). Steps with
    a missing value (NaN) are skipped: they leave the states, and have NaN outputs.
    """
    n_series = inputs.shape[1]
    outputs = np.zeros((*inputs.shape[:2], networks[0].n_out))
    memories = [Memory(network, n_series) for network in networks]
    for memory in memories:
        for x, out in zip(inputs, outputs, strict=True):
            out += memory.step(x)
    outputs /= len(networks)
    outputs[np.isnan(inputs).any(axis=-1)] = np.nan
    return outputs, memories


class ForecastState(NamedTuple):
    """State of a ``ForecastStream``, whose rings have step t in row t modulo their length."""

    outputs: np.ndarray  # the last outputs, (max lead, n_out); NaN where there are fewer
    values: np.ndarray  # the last standardised values, (season, n_channels)
    n_seen: int  # steps so far
    states: np.ndarray  # of the networks, (n_networks, state_width)


class ForecastStream:
    """Errors of the forecasts of a series that continues; updates the rings of ``state``."""

    def __init__(self, model: ForecastErrors, networks: Sequence[Network], state: ForecastState):
        self.model, self.n_seen = model, state.n_seen
        self._outputs, self._values = state.outputs, state.values
        self._memories = [
            Memory(network, states=states[None])
            for network, states in zip(networks, state.states, strict=True)
        ]
        self._leads, self._positions = np.array(model.leads), np.arange(len(model.leads))
        self._input = np.zeros((1, model.shape()["n_in"]))
        self.expected = np.full(model.n_channels, np.nan)  # standardised, of the last step

    @classmethod
    def after(
        cls, model: ForecastErrors, memories: Sequence[Memory], z: np.ndarray, outputs: np.ndarray
    ) -> Self:
        """The stream after a standardised series and the outputs of its steps."""
        z = np.clip(z, -INPUT_LIMIT, INPUT_LIMIT)
        recent = _ring(outputs, model.leads[-1]), _ring(z, model.season)
        states = np.concatenate([memory.states for memory in memories])
        networks = [memory.network for memory in memories]
        return cls(model, networks, ForecastState(*recent, len(z), states))

    def state(self) -> ForecastState:
        """What the stream continues from."""
        states = np.concatenate([memory.states for memory in self._memories])
        return ForecastState(self._outputs, self._values, self.n_seen, states)

    def step(self, z: np.ndarray, features: np.ndarray) -> np.ndarray:
        """Errors of the next observation, (n_forecasts, n_channels), which then is an input."""
        rows = self._outputs[(self.n_seen - self._leads) % len(self._outputs)]
        forecasts, spread = self.model.predictions(rows)
        self.expected = forecasts[0, 0]  # one step ahead
        errors = np.empty((self.model.n_forecasts, z.size))
        errors[:-1] = z - forecasts[self._positions, self._positions]
        if spread is not None:
            errors[:-1] /= spread[self._positions, self._positions]
        errors[-1] = z
        self._advance(z, features)
        return np.abs(errors)

    def _advance(self, z, features):
        """Run the networks one step."""
        n, n_channels, row = self.n_seen, z.size, self._input[0]
        row[:n_channels] = np.minimum(np.maximum(z, -INPUT_LIMIT), INPUT_LIMIT)
        if self.model.seasons:
            season = len(self._values)
            self._values[n % season] = row[:n_channels]
            lagged = self._values[(n + 1) % season]
            is_known = not np.isnan(lagged.sum())
            row[n_channels : 2 * n_channels] = lagged if is_known else 0
            row[2 * n_channels] = is_known
            row[2 * n_channels + 1 :] = features
        outputs = self._outputs[n % len(self._outputs)]
        if np.isnan(z.sum()):
            outputs[:] = np.nan
        else:
            outputs[:] = self._memories[0].step(self._input)[0]
            for memory in self._memories[1:]:
                outputs += memory.step(self._input)[0]
            outputs /= len(self._memories)
        self.n_seen = n + 1


def _ring(values, size):
    """The last ``size`` rows, that of step t in row t modulo ``size``; NaN if there are fewer."""
    ring = np.full((size, values.shape[1]), np.nan)
    steps = np.arange(max(len(values) - size, 0), len(values))
    ring[steps % size] = values[steps]
    return ring
