"""Searches: which settings go on, what a file keeps, and what comes out."""

import json
import math
import types

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from tsrnn import RNNForecaster, backtest, search
from tsrnn.forecasting.searching import Halving, Record, draw_candidates
from tsrnn.forecasting.searching import halving as halving_module
from tsrnn.forecasting.searching.candidates import shortened

DAYS = pd.date_range("2024", periods=120)
Y = pd.Series(20 + 3 * np.sin(np.arange(120) / 3) + 0.02 * np.arange(120), DAYS)
SPACE = {"hidden_size": [4, 8], "learning_rate_init": [1e-3, 1e-2]}


def quick(**kwargs):
    options = {"horizon": 4, "max_iter": 4, "hidden_size": 4, "season": 1, "lookback": 8}
    return RNNForecaster(**options | {"pretrained": None, "refit": False} | kwargs)


class Trials:
    """Evaluations whose errors are given: of candidate k ``errors[k]``, more when trained less."""

    def __init__(self, errors, seconds=1.0):
        self.errors, self.seconds, self.made, self.now = errors, seconds, [], 0.0

    def __call__(self, candidate, share, repeat, seconds):
        self.made.append((candidate, share, repeat))
        self.now += self.seconds * share
        error = self.errors[candidate]
        return (math.nan, "bad") if math.isnan(error) else (error + 0.01 / share, None)

    def perf_counter(self):
        return self.now


def run(trials, monkeypatch, path=None, factor=3, max_seconds=None):
    monkeypatch.setattr(halving_module, "time", trials)
    record = Record(path, "same")
    halving = Halving(len(trials.errors), factor, trials, record, max_seconds)
    halving.run()
    return halving


def test_the_best_third_of_each_rung_goes_on(monkeypatch):
    errors = [5.0, *np.random.default_rng(0).permutation(18)]
    trials = Trials(errors)
    halving = run(trials, monkeypatch)
    order = sorted(range(1, 19), key=lambda k: errors[k])
    rungs = [[k for k, share, _ in trials.made[1:] if share == part] for part in (1 / 9, 1 / 3, 1)]
    assert trials.made[0] == (0, 1.0, 0)  # the one to beat, in full
    assert rungs[0] == list(range(1, 19))
    assert rungs[1] == order[:6]
    assert rungs[2] == order[:2]
    assert (halving.best(), halving.score_of(halving.best())) == (order[0], 0.01)


def test_the_forecaster_as_it_is_may_be_the_best(monkeypatch):
    halving = run(Trials([1.0, 2.0, 3.0, 4.0]), monkeypatch)
    assert halving.best() == 0
    assert halving.ranked() == [0, 1, 2, 3]


def test_candidates_with_errors_do_not_go_on(monkeypatch):
    trials = Trials([9.0, math.nan, 2.0, 3.0, math.nan, 1.0])
    halving = run(trials, monkeypatch)
    assert halving.best() == 5
    assert [k for k, share, _ in trials.made if share == 1] == [0, 5, 2]
    assert set(halving.ranked()[-2:]) == {1, 4}
    assert run(Trials([1.0, math.nan]), monkeypatch).best() == 0


@pytest.mark.parametrize("n_before", [0, 1, 4, 9, 11])
def test_a_search_that_was_stopped_comes_to_the_same_end(n_before, monkeypatch, tmp_path):
    errors = [5.0, *np.random.default_rng(1).permutation(9)]
    whole = run(Trials(errors), monkeypatch)

    class Killed(Trials):
        def __call__(self, *args):
            if len(self.made) == n_before:
                raise KeyboardInterrupt
            return super().__call__(*args)

    path = tmp_path / "search.json"
    first, second = Killed(errors), Trials(errors)
    with pytest.raises(KeyboardInterrupt):
        run(first, monkeypatch, path)
    halving = run(second, monkeypatch, path)
    assert len(first.made) == n_before
    assert first.made + second.made == [e.key for e in whole.record.evaluations.values()]
    scores = [[e.score for e in each.record.evaluations.values()] for each in (halving, whole)]
    assert scores[0] == scores[1]
    assert halving.best() == whole.best()
    assert not list(tmp_path.glob("*.tmp"))
    third = Trials(errors)
    run(third, monkeypatch, path)
    assert third.made == []  # all is in the file


@pytest.mark.parametrize("seconds", [0.5, 1.0, 4.0])
def test_time_is_used_and_kept(seconds, monkeypatch):
    """Of 60 seconds, with as much left as a fit of the best takes; finalists are repeated."""
    trials = Trials([5.0, *range(9)], seconds)
    halving = run(trials, monkeypatch, max_seconds=60.0)
    assert 60 - 3 * seconds < trials.now <= 60 - seconds
    assert halving.best() == 1
    assert max(repeat for _, _, repeat in trials.made) >= 1


def test_all_settings_are_trained_on_fewer_minibatches_where_time_is_short(monkeypatch):
    trials = Trials([5.0, *range(9)], 10.0)
    halving = run(trials, monkeypatch, max_seconds=60.0)
    assert halving.record.scales == [0.5, 1.0, 1.0]  # more, as soon as there is time for more
    assert [share for k, share, repeat in trials.made if k == 1][:3] == [1 / 18, 1 / 3, 1]
    assert trials.now <= 60
    trials = Trials([5.0, *range(9)], 15.0)
    halving = run(trials, monkeypatch, max_seconds=60.0)
    assert halving.record.scales == [0.25, 0.5, 0.5]
    assert trials.now <= 60


def test_settings_that_take_longer_than_expected_are_trained_on_fewer_minibatches(monkeypatch):
    class Slow(Trials):
        def __call__(self, candidate, share, *more):
            self.now += 7 * self.seconds * share * (candidate > 0)
            return super().__call__(candidate, share, *more)

    trials = Slow([5.0, *range(9)], 2.0)
    halving = run(trials, monkeypatch, max_seconds=60.0)
    assert halving.record.scales == [1.0, 0.5, 0.5]
    assert halving.best() == 1
    assert trials.now <= 60


def test_a_search_without_time_for_any_setting_says_so():
    with pytest.warns(UserWarning, match="no time to try any setting .* max_seconds=0.001") as made:
        found = search(quick(), SPACE, Y, n_windows=2, max_seconds=1e-3)
    assert made[0].filename == __file__
    assert found.best_params_ == {}


def test_means_of_repeats_decide(monkeypatch):
    class Noisy(Trials):
        def __call__(self, candidate, share, repeat, seconds):
            score, error = super().__call__(candidate, share, repeat, seconds)
            lucky = candidate == 2 and repeat == 0
            return score - 5 * lucky, error

    trials = Noisy([9.0, 1.0, 2.0])
    assert run(trials, monkeypatch).best() == 2
    assert run(Noisy([9.0, 1.0, 4.0]), monkeypatch, max_seconds=60.0).best() == 1


def test_candidates_are_drawn_without_repetitions():
    candidates = draw_candidates(quick(), SPACE, 24, 0)
    assert candidates[0] == {}
    assert sorted(map(repr, candidates[1:])) == sorted(
        repr({"hidden_size": size, "learning_rate_init": rate})
        for size in (4, 8)
        for rate in (1e-3, 1e-2)
    )
    space = {"learning_rate_init": scipy.stats.loguniform(1e-4, 1e-1), "cell": ["gru", "lstm"]}
    drawn = draw_candidates(quick(), space, 5, 3)
    assert len(drawn) == 6
    assert drawn == draw_candidates(quick(), space, 5, 3)
    assert drawn != draw_candidates(quick(), space, 5, 4)
    assert all(type(each["learning_rate_init"]) is float for each in drawn[1:])


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"hiden_size": [4]}, "'hiden_size', which is no parameter .* Did you mean 'hidden_size'"),
        ({"horizon": [3, 4]}, "'horizon', which must be the same for all settings"),
        ({"cell": ["gru", "gur"]}, "'cell' parameter of RNNForecaster"),
        ({"hidden_size": 4}, "space must be a dict of names of parameters"),
        ({"hidden_size": []}, "space must be a dict of names of parameters"),
        ([], "space must be a dict of names of parameters"),
    ],
)
def test_wrong_spaces_are_refused_before_anything_is_trained(space, message):
    with pytest.raises(ValueError, match=message):
        search(quick(), space, Y)


def test_a_share_of_the_minibatches():
    collection = types.SimpleNamespace(
        panel=types.SimpleNamespace(values=np.zeros(64_000), n_series=10)
    )

    def n_minibatches(share, candidate=None, **parameters):
        forecaster = RNNForecaster(**parameters)
        fewer = shortened(forecaster, candidate or {}, collection, share)
        return fewer["max_iter"] * fewer["batches_per_epoch"], fewer

    assert n_minibatches(1 / 3)[0] == pytest.approx(3000 / 3, rel=0.05)
    assert n_minibatches(1 / 27)[0] == pytest.approx(3000 / 27, rel=0.1)
    assert n_minibatches(1 / 3, max_iter=90)[1]["max_iter"] == 30
    assert n_minibatches(1 / 3, {"batches_per_epoch": 30, "max_iter": 60})[0] == 600
    _, fewer = n_minibatches(1 / 3, {"pretrained": "auto"})
    assert (fewer["pretrained"], fewer["refit"]) == ("auto", False)
    assert n_minibatches(1 / 3)[1]["pretrained"] is None
    assert shortened(RNNForecaster(), {"cell": "gru"}, collection, 1.0) == {"cell": "gru"}


@pytest.fixture(scope="module")
def found():
    return search(quick(), SPACE, Y, n_windows=2)


def test_a_search_finds_fits_and_lists(found):
    results, evaluations = found.results, found.evaluations
    assert results["rank"].tolist() == [1, 2, 3, 4, 5]
    assert sorted(results.index) == [0, 1, 2, 3, 4]
    assert found.best_score_ == results["score"].iloc[0] == results.query("share == 1").score.min()
    best = results.iloc[0]
    names = [name for name in SPACE if best[name] is not None]
    assert found.best_params_ == {name: best[name] for name in names}
    assert evaluations.columns[:4].tolist() == ["candidate", "share", "repeat", "score"]
    assert len(evaluations) == 1 + 4 + 2
    fitted = quick(**found.best_params_).fit(Y)
    pd.testing.assert_series_equal(found.best_forecaster_.predict(), fitted.predict())
    assert found.best_forecaster_.get_params() == fitted.get_params()


def test_scores_are_those_of_a_backtest(found):
    own = found.evaluations.query("share == 1 and candidate == 0").score.item()
    table = backtest(quick(), Y, n_windows=2, refit=False).metrics()
    assert own == table.loc["RNNForecaster", "MASE"]


def test_a_search_goes_on_from_its_file(found, tmp_path):
    path = tmp_path / "search.json"
    options = {"n_windows": 2, "refit": False, "path": path}
    search(quick(), SPACE, Y, **options)
    content = json.loads(path.read_text())
    content["evaluations"] = content["evaluations"][:3]
    path.write_text(json.dumps(content))
    again = search(quick(), SPACE, Y, **options)
    columns = ["candidate", "share", "repeat", "score"]
    pd.testing.assert_frame_equal(again.evaluations[columns], found.evaluations[columns])
    assert (again.best_params_, again.best_forecaster_) == (found.best_params_, None)
    for other in ({"metric": "MAE"}, {"n_windows": 3}, {"random_state": 1, "n_candidates": 2}):
        with pytest.raises(ValueError, match=r"path: .* holds a search of other settings"):
            search(quick(), SPACE, Y, **options | other)
    with pytest.raises(ValueError, match=r"path: .* holds a search of other settings"):
        search(quick(), SPACE, Y + 1, **options)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        search(quick(), SPACE, Y, **options | {"path": tmp_path / "none" / "search.json"})
    path.write_text("{}")
    with pytest.raises(ValueError, match=r"path: .* holds no search"):
        search(quick(), SPACE, Y, **options)


def test_a_measure_of_ones_own_and_settings_that_cannot_be_fitted():
    def error(result):
        forecasts = result.forecasts
        return (forecasts["RNNForecaster"] - forecasts["y"]).abs().max()

    found = search(quick(), {"lookback": [6, 110]}, Y, metric=error, refit=False, n_windows=1)
    errors = found.results.set_index("lookback")["error"]
    assert "110" in errors[110]
    assert errors[6] is None or pd.isna(errors[6])
    assert found.results.index[-1] == found.results.query("lookback == 110").index[0]


def test_what_cannot_be_forecast_at_all_is_an_error():
    with pytest.raises(ValueError, match="observations"):
        search(quick(), SPACE, Y[:12])


def test_errors_are_scaled_by_the_same_season_for_all_settings():
    forecaster = quick(season=7)
    found = search(forecaster, {"season": [7, 1]}, Y, refit=False, n_windows=2, factor=100)
    assert found.results["season"].to_dict() == {0: None, 1: 7, 2: 1}
    result = backtest(quick(season=1), Y, n_windows=2, refit=False)
    error = result.metrics().loc["RNNForecaster", "MAE"]
    known = Y.to_numpy()[: len(Y) - 8]
    scale = np.abs(known[7:] - known[:-7]).mean()
    assert found.results.loc[2, "score"] == pytest.approx(error / scale)
    assert found.results.loc[0, "score"] == found.results.loc[1, "score"]
