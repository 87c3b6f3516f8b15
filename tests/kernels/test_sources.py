import naive
import numpy as np
import pytest
from conftest import random_network, random_values

from tsrnn.kernels import sources
from tsrnn.kernels.sources import INDICATE, SKIP, forecast_source, sequence_source


@pytest.mark.parametrize("n_output_steps", [1, 5, 15])
@pytest.mark.parametrize(("season", "n_in"), [(1, 1), (4, 1), (4, 4), (12, 3)])
def test_forecasting_against_naive(season, n_in, n_output_steps):
    values, lookback, horizon = random_values(), 12, 15
    source = forecast_source(values, lookback, season, 0.0)
    shape = (n_output_steps, horizon // n_output_steps, 2)  # two rows, of which the second is ours
    for start in (0, 17, len(values) - 27):
        inputs, targets = np.full((lookback // n_in, n_in, 2), np.nan), np.full(shape, np.nan)
        first = sources.write_inputs(source, start, 1, 2, inputs.reshape(len(inputs), -1))
        flat = targets.reshape(n_output_steps, -1)
        sources.write_targets(source, start, None, 1, 2, flat)
        x, y, naive_forecast, scale = naive.window(values, start, lookback, horizon, season, n_in)
        assert first == 0
        np.testing.assert_allclose(inputs[:, :, 1], x, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(targets[:, :, 1].ravel(), y, rtol=1e-12, atol=1e-12)
        assert np.isnan(inputs[:, :, 0]).all()  # the other row is not touched
        assert np.isnan(targets[:, :, 0]).all()
        places = [sources.naive_index(source, start, step) for step in range(horizon)]
        np.testing.assert_array_equal(values[places], naive_forecast)
        assert sources.location_and_scale(source, start) == (
            values[start + 11],
            pytest.approx(scale, rel=1e-12),
        )


@pytest.mark.parametrize("n_in", [1, 4])
def test_windows_by_their_mean_against_naive(n_in):
    values, lookback, horizon = random_values().round(), 12, 5
    source = forecast_source(values, lookback, 4, 0.1, by_mean=True)
    for start in (0, 17, len(values) - 17):
        inputs, targets = np.empty((lookback // n_in, n_in)), np.empty((1, horizon))
        sources.write_inputs(source, start, 0, 1, inputs)
        sources.write_targets(source, start, None, 0, 1, targets)
        x, y, scale = naive.window_by_mean(values, start, lookback, horizon, n_in)
        np.testing.assert_allclose(inputs, x, rtol=1e-12)
        np.testing.assert_allclose(targets[0], y, rtol=1e-12)
        assert sources.location_and_scale(source, start) == (0, pytest.approx(scale, rel=1e-12))
        assert sources.window_unit(source, start) == pytest.approx(scale, rel=1e-12)


def test_units_of_targets():
    """By what they were divided where a loss needs it, else 1."""
    assert sources.window_unit(forecast_source(random_values(), 12, 4, 0.1), 3) == 1
    rows = np.zeros((6, 1)), np.array([0, 3]), np.array([3, 3]), np.zeros((2, 1))
    assert sources.window_unit(sequence_source(*rows), 1) == 1
    assert sources.window_unit(sequence_source(*rows, unit=7.0), 1) == 7


@pytest.mark.parametrize("n_known", [0, 1, 3])
@pytest.mark.parametrize(("season", "segment"), [(1, 1), (4, 2), (12, 3), (5, 3)])
def test_covariates_and_inputs_of_the_future_against_naive(season, segment, n_known):
    values, lookback, horizon = random_values(), 13, 6
    covariates = np.random.default_rng(1).normal(size=(len(values), 3))
    table = np.column_stack([values, covariates])
    source = forecast_source(table, lookback, season, 0.0, ahead=horizon, n_known=n_known)
    n_time, n_in = lookback // segment + horizon // segment, segment * (5 + n_known)
    assert n_in == segment * sources.inputs_per_row(source)
    for start in (0, 100, len(values) - 19):
        inputs = np.full((n_time, n_in, 2), np.nan)
        sources.write_inputs(source, start, 1, 2, inputs.reshape(n_time, -1))
        x, y = naive.window_with_covariates(
            values, covariates, start, lookback, horizon, season, n_known, segment
        )
        np.testing.assert_allclose(inputs[:, :, 1], x, rtol=1e-12, atol=1e-12)
        assert np.isnan(inputs[:, :, 0]).all()
        targets = np.empty((horizon // segment, segment))
        sources.write_targets(source, start, None, 0, 1, targets)
        np.testing.assert_allclose(targets.ravel(), y, rtol=1e-12, atol=1e-12)


def test_covariates_of_the_past_alone_leave_the_steps_as_they_are():
    table = np.random.default_rng(1).normal(size=(40, 3))
    inputs = np.empty((4, 9))
    sources.write_inputs(forecast_source(table, 12, 4, 0.0), 5, 0, 1, inputs)
    expected = table[5:17].copy()
    expected[:, 0] = (expected[:, 0] - expected[-1, 0]) / expected[:, 0].std()
    np.testing.assert_allclose(inputs, expected.reshape(4, 9), atol=1e-12)


def test_targets_may_be_missing_where_values_are_filled():
    values = random_values()
    observed = values.copy()
    observed[[15, 17]] = np.nan
    targets = np.empty((1, 6))
    source = forecast_source(values, 12, 4, 0.0, targets=observed)
    sources.write_targets(source, 2, None, 0, 1, targets)
    whole = np.empty((1, 6))
    sources.write_targets(forecast_source(values, 12, 4, 0.0), 2, None, 0, 1, whole)
    assert np.isnan(targets[0]).tolist() == [False, True, False, True, False, False]
    observed = ~np.isnan(targets)
    np.testing.assert_array_equal(targets[observed], whole[observed])


@pytest.mark.parametrize("level", [0.0, 1e-12, 1.0, 0.1, 1e12, -3.7e5])
def test_a_past_that_hardly_moves_has_the_least_scale(level):
    values = np.full(30, level)
    source = forecast_source(values, 12, 1, 0.25)
    assert sources.location_and_scale(source, 3) == (level, 0.25)
    source.values[7] += 1e-3
    assert sources.location_and_scale(source, 3)[1] == 0.25


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_scales_do_not_matter(scale):
    values = random_values()
    inputs = np.empty((2, 12, 1))
    sources.write_inputs(forecast_source(values, 12, 4, 0.0), 5, 0, 1, inputs[0])
    sources.write_inputs(forecast_source(values * scale, 12, 4, 0.0), 5, 0, 1, inputs[1])
    np.testing.assert_allclose(inputs[0], inputs[1], rtol=1e-9)


def test_small_swings_on_a_high_level_keep_their_digits():
    swings = np.sin(np.arange(30.0))
    _, scale = sources.location_and_scale(forecast_source(1e9 + swings, 12, 1, 0.0), 0)
    assert scale == pytest.approx(swings[:12].std(), rel=1e-6)


class Sequences:
    """Ragged sequences of two channels, some with missing values, and their expected inputs.

    Some are longer than the network's steps, some no multiple of the segment: the end counts.
    """

    n_time, n_channels, n_targets = 4, 2, 3

    def __init__(self, missing, segment):
        rng = np.random.default_rng(7)
        self.missing, self.segment = missing, segment
        self.lengths = np.array([4, 1, 2, 4, 5, 3, 4, 4]) * segment
        self.lengths[2] += segment - 1  # a rest that fills no step
        self.firsts = np.cumsum(self.lengths) - self.lengths
        self.values = rng.normal(size=(self.lengths.sum(), self.n_channels))
        self.values[rng.random(self.values.shape) < 0.2] = np.nan
        self.values[: self.lengths[0]] = 0.5
        self.values[self.firsts[6] :][: self.lengths[6]] = np.nan
        self.targets = rng.normal(size=(len(self.values), self.n_targets))
        self.source = sequence_source(
            self.values, self.firsts, self.lengths, self.targets, missing=missing
        )
        self.n_in = self.n_channels * segment * (3 if missing == INDICATE else 1)

    def sizes(self, **shape):
        return random_network(n_in=self.n_in, n_out=self.n_targets, **shape).sizes(self.n_time)

    def steps(self, window):
        """Inputs (steps, n_in) of a sequence, and the last row of values of each."""
        n_steps = min(self.lengths[window] // self.segment, self.n_time)
        end = self.firsts[window] + self.lengths[window]
        rows = self.values[end - n_steps * self.segment : end]
        ends = end - 1 - self.segment * np.arange(n_steps)[::-1]
        if self.missing == SKIP:
            steps = rows.reshape(n_steps, -1)
            is_complete = ~np.isnan(steps).any(axis=1)
            return steps[is_complete], ends[is_complete]
        absent = np.isnan(rows)
        elapsed = np.column_stack([naive.elapsed(channel) for channel in absent.T])
        parts = [np.where(absent, 0.0, rows), ~absent, elapsed]
        return np.hstack([part.reshape(n_steps, -1) for part in parts]), ends


every_kind = pytest.mark.parametrize(
    ("missing", "segment"), [(SKIP, 1), (SKIP, 2), (INDICATE, 1), (INDICATE, 3)]
)


@every_kind
def test_inputs_of_sequences_end_together(missing, segment):
    case = Sequences(missing, segment)
    n_complete = []
    for window in range(case.lengths.size):
        inputs = np.full((case.n_time, case.n_in, 3), np.nan)
        first = sources.write_inputs(case.source, window, 2, 3, inputs.reshape(case.n_time, -1))
        expected, _ = case.steps(window)
        n_complete.append(len(expected))
        assert first == case.n_time - len(expected)
        np.testing.assert_array_equal(inputs[first:, :, 2], expected)
        np.testing.assert_array_equal(inputs[:first, :, 2], 0)
        assert np.isnan(inputs[:, :, :2]).all()
    assert min(n_complete) == (0 if missing == SKIP else 1)
    assert max(n_complete) == case.n_time


@every_kind
@pytest.mark.parametrize("shape", [{}, {"head": "horizons", "n_horizons": 3}])
def test_targets_of_a_sequence_are_its_row(missing, segment, shape):
    case = Sequences(missing, segment)
    sizes = case.sizes(**shape)
    for window in range(case.lengths.size):
        targets = np.full((sizes.n_output_steps, 3 // sizes.n_output_steps, 2), np.nan)
        flat = targets.reshape(sizes.n_output_steps, -1)
        sources.write_targets(case.source, window, sizes, 1, 2, flat)
        np.testing.assert_array_equal(targets[:, :, 1].ravel(), case.targets[window])
        assert np.isnan(targets[:, :, 0]).all()


@every_kind
def test_targets_of_every_step_are_those_of_its_last_row(missing, segment):
    case = Sequences(missing, segment)
    sizes = case.sizes(head="every")
    for window in range(case.lengths.size):
        targets = np.full((case.n_time, case.n_targets, 2), 9.0)
        flat = targets.reshape(case.n_time, -1)
        sources.write_targets(case.source, window, sizes, 0, 2, flat)
        _, ends = case.steps(window)
        first = case.n_time - len(ends)
        np.testing.assert_array_equal(targets[first:, :, 0], case.targets[ends])
        assert np.isnan(targets[:first, :, 0]).all()
        np.testing.assert_array_equal(targets[:, :, 1], 9.0)


@every_kind
def test_outputs_of_every_step_stand_where_its_values_do(missing, segment):
    case = Sequences(missing, segment)
    sizes = case.sizes(head="every")
    outputs = np.random.default_rng(0).normal(size=(case.n_time, case.n_targets, 2))
    for window in range(case.lengths.size):
        out = np.empty(case.n_time * case.n_targets)
        sources.write_outputs(
            case.source, window, sizes, 1, 2, outputs.reshape(case.n_time, -1), out
        )
        _, ends = case.steps(window)
        expected = np.full((case.n_time, case.n_targets), np.nan)
        last = case.firsts[window] + case.lengths[window] - 1
        places = case.n_time - 1 - (last - ends) // segment
        expected[places] = outputs[case.n_time - len(ends) :, :, 1]
        np.testing.assert_array_equal(out.reshape(expected.shape), expected)


@pytest.mark.parametrize("shape", [{}, {"head": "horizons", "n_horizons": 4}])
def test_other_outputs_are_written_as_they_are(shape):
    case = Sequences(SKIP, 1)
    sizes = case.sizes(**shape)
    outputs = np.random.default_rng(0).normal(size=(sizes.n_output_steps, case.n_targets, 2))
    out = np.empty(sizes.n_output_steps * case.n_targets)
    flat = outputs.reshape(sizes.n_output_steps, -1)
    sources.write_outputs(case.source, 1, sizes, 0, 2, flat, out)
    np.testing.assert_array_equal(out, outputs[:, :, 0].ravel())


def test_weights_are_those_of_the_windows_or_one():
    values, weights = np.ones((6, 1)), [0.5, 0.0, 3.0]
    for source in (
        forecast_source(values, 2, 1, 0.0, weights),
        sequence_source(values, [0, 2, 4], [2, 2, 2], weights=weights),
    ):
        assert [sources.window_weight(source, window) for window in range(3)] == weights
        assert sources.window_weight(source._replace(weights=np.empty(0)), 1) == 1
