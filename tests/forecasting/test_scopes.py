"""One network for all series, one for each, or one for all that is fine-tuned on each."""

import numpy as np
import pandas as pd
import pytest

import tsrnn
from tsrnn import RNNForecaster, backtest
from tsrnn.datasets import load_airline

pytestmark = pytest.mark.slow

AIRLINE = load_airline().astype(float)
RNG = np.random.default_rng(0)
WIDE = pd.DataFrame(
    {
        "up": AIRLINE,
        "down": 900 - AIRLINE,
        "noise": AIRLINE + RNG.normal(0, 30, len(AIRLINE)),
    }
)


def quick(**kwargs):
    defaults = {"horizon": 6, "lookback": 24, "season": 12, "max_iter": 15, "hidden_size": 8}
    return RNNForecaster(**defaults | {"transform": None, "segment": 1} | kwargs)


@pytest.mark.parametrize("kwargs", [{}, {"n_estimators": 2}, {"loss": "gaussian"}])
def test_a_local_network_is_that_of_the_series_alone(kwargs):
    kwargs = {"pretrained": None} | kwargs  # whose share is that of all series
    forecaster = quick(scope="local", **kwargs).fit(WIDE)
    assert len(forecaster.networks_) == 3
    forecasts = forecaster.predict()
    twice = pd.DataFrame({"a": WIDE["down"], "b": WIDE["down"]})
    alone = quick(scope="local", **kwargs).fit(twice)
    np.testing.assert_allclose(alone.predict()["a"], forecasts["down"], rtol=1e-12)
    np.testing.assert_allclose(alone.predict()["b"], forecasts["down"], rtol=1e-12)
    for member, same in zip(alone.networks_[0], forecaster.networks_[1], strict=True):
        np.testing.assert_array_equal(member.parameters, same.parameters)
    assert (forecaster.networks_[0][0].parameters != forecaster.networks_[1][0].parameters).any()
    assert np.isfinite(forecaster.predict_interval(20).to_numpy()).all()


def test_local_networks_forecast_their_own_series_only():
    forecaster = quick(scope="local").fit(WIDE)
    own = forecaster.predict(y=WIDE[["noise", "up"]])
    pd.testing.assert_frame_equal(own, forecaster.predict()[["noise", "up"]], rtol=1e-6)
    message = "Series 'new' of y was not fitted, and with scope='local'"
    with pytest.raises(ValueError, match=message):
        forecaster.predict(y=WIDE.rename(columns={"up": "new"}))
    short = WIDE.copy()
    short.loc[WIDE.index[:-26], "noise"] = np.nan
    with pytest.raises(
        ValueError, match="Series 'noise' of y has 26 observations, too few for a netw"
    ):
        quick(scope="local").fit(short)


def test_a_series_that_nothing_is_held_out_of_learns_from_all():
    short = WIDE.copy()
    short.loc[WIDE.index[:-33], "noise"] = np.nan  # three windows
    forecaster = quick(scope="local").fit(short)
    assert np.isfinite(forecaster.predict_interval().to_numpy()).all()
    without = quick(scope="local", refit=False).fit(short)
    networks = forecaster.networks_, without.networks_
    for k, same in enumerate([False, False, True]):
        a, b = (each[k][0].parameters for each in networks)
        assert (a == b).all() == same


class TestFineTuned:
    def test_each_goes_on_from_that_of_all(self):
        forecaster = quick(scope="fine_tuned").fit(WIDE)
        of_all = quick().fit(WIDE)
        assert len(forecaster.networks_) == 4
        np.testing.assert_array_equal(
            forecaster.networks_[-1][0].parameters, of_all.network_.parameters
        )
        parameters = of_all.network_.parameters
        away = [np.abs(g[0].parameters - parameters).max() for g in forecaster.networks_[:-1]]
        assert 0 < max(away) < 0.2
        new = WIDE.rename(columns={"up": "new"})
        unseen = forecaster.predict(y=new)
        pd.testing.assert_series_equal(unseen["new"], of_all.predict(y=new)["new"], rtol=1e-6)
        pd.testing.assert_series_equal(unseen["down"], forecaster.predict()["down"], rtol=1e-6)

    def test_it_helps_where_series_differ(self):
        """Different noise: fine-tuned networks are never much worse, and better somewhere."""
        scores = {
            scope: backtest(quick(scope=scope, max_iter=40), WIDE, n_windows=6, step=2, refit=False)
            .metrics()
            .loc["RNNForecaster", "MASE"]
            for scope in ("global", "fine_tuned", "local")
        }
        assert scores["fine_tuned"] < 1.05 * scores["global"]

    def test_without_anything_held_out(self):
        forecaster = quick(scope="fine_tuned", early_stopping=False, max_iter=3).fit(WIDE)
        assert forecaster.predict().shape == (6, 3)


@pytest.mark.parametrize("scope", ["local", "fine_tuned"])
def test_saved_and_updated(scope, tmp_path):
    forecaster = quick(scope=scope, max_iter=4).fit(WIDE[:-8])
    forecaster.update(WIDE[["down"]][-8:-6])
    tsrnn.save(forecaster, tmp_path / "file")
    loaded = tsrnn.load(tmp_path / "file")
    pd.testing.assert_frame_equal(loaded.predict(), forecaster.predict())
    one, other = (
        each.update(WIDE[["up"]][-8:-6]).predict_interval() for each in (forecaster, loaded)
    )
    pd.testing.assert_frame_equal(one, other)


def test_threads_do_not_matter():
    one, two = (quick(scope="local", n_jobs=n).fit(WIDE).predict() for n in (1, 2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


class TestHorizons:
    def test_one_step_at_a_time_or_all_at_once(self):
        direct = quick(n_ahead=6, pretrained=None).fit(AIRLINE[:-12])
        recursive = quick(n_ahead=1, max_iter=40, pretrained=None).fit(AIRLINE[:-12])
        assert (direct.network_.n_out, recursive.network_.n_out) == (6, 1)
        truth = AIRLINE[-12:]
        for forecaster in (direct, recursive):
            assert (forecaster.predict(12) / truth - 1).abs().mean() < 0.12
        stepwise = recursive.predict(3)
        first = recursive.predict(1)
        then = recursive.update(first).predict(2)
        np.testing.assert_allclose(stepwise, [*first, *then], rtol=1e-6)

    def test_panels(self):
        assert quick(n_ahead=2, max_iter=2).fit(WIDE).predict().shape == (6, 3)


class TestPartialFit:
    def test_it_learns_from_what_is_new(self):
        """The series changes, and updates learn the change step by step."""
        rng = np.random.default_rng(0)
        n = np.arange(2400)
        wave = np.where(n < 600, np.sin(n * 2 * np.pi / 12), np.sin(n * 2 * np.pi / 5))
        y = pd.Series(10 + wave + rng.normal(0, 0.05, 2400))
        kwargs = {"season": 1, "horizon": 4, "max_iter": 20, "scope": "global"}
        learning, still = quick(**kwargs).fit(y[:600]), quick(**kwargs).fit(y[:600])
        for first in range(600, 2380, 20):
            learning.partial_fit(y[first : first + 20])
            still.update(y[first : first + 20])
        truth = y[2380:2384]
        errors = [np.abs(one.predict() - truth).mean() for one in (learning, still)]
        assert errors[0] < 0.5 * errors[1]
        assert learning.predict().index[0] == 2380

    @pytest.mark.parametrize("scope", ["global", "local", "fine_tuned"])
    def test_of_some_series_one_row_at_a_time(self, scope):
        forecaster = quick(scope=scope, max_iter=3).fit(WIDE[:-4])
        before = [group[0].parameters.copy() for group in forecaster.networks_]
        forecaster.partial_fit(WIDE[["down"]][-4:-3])
        after = [group[0].parameters for group in forecaster.networks_]
        changed = [bool((a != b).any()) for a, b in zip(after, before, strict=True)]
        one_of_three = [False, True, False]
        expected = {"global": [True], "local": one_of_three, "fine_tuned": [*one_of_three, False]}
        assert changed == expected[scope]
        updated = quick(scope=scope, max_iter=3).fit(WIDE[:-4]).update(WIDE[["down"]][-4:-3])
        same = forecaster.predict()["up"].equals(updated.predict()["up"])
        assert same == (scope != "global")

    @pytest.mark.parametrize("scope", ["local", "fine_tuned"])
    @pytest.mark.parametrize("n_estimators", [1, 2])
    def test_several_series_learn_as_one_after_the_other(self, scope, n_estimators):
        kwargs = {"scope": scope, "n_estimators": n_estimators, "max_iter": 3}
        together, apart = (quick(**kwargs).fit(WIDE[:-4]) for _ in range(2))
        together.partial_fit(WIDE[["noise", "up"]][-4:-2])
        for name in ("up", "noise"):
            apart.partial_fit(WIDE[[name]][-4:-2])
        for one, other in zip(together.networks_, apart.networks_, strict=True):
            for a, b in zip(one, other, strict=True):
                np.testing.assert_array_equal(a.parameters, b.parameters)

    def test_a_series_too_short_to_train_on_is_updated(self):
        short = WIDE.copy()
        short.loc[WIDE.index[:-30], "noise"] = np.nan
        forecaster = quick(max_iter=2).fit(short[:-4])
        before = forecaster.network_.parameters.copy()
        forecaster.partial_fit(short[["noise"]][-4:-3])  # 27 values, and a window takes 30
        np.testing.assert_array_equal(forecaster.network_.parameters, before)
        assert forecaster.predict()["noise"].first_valid_index() == WIDE.index[-3]

    def test_another_loss_than_that_of_fit_is_refused(self):
        y = AIRLINE[-2:]
        forecaster = quick(max_iter=2).fit(AIRLINE[:-2]).set_params(loss="gaussian")
        message = "loss is 'gaussian', and the forecaster was fitted with 'absolute_error'. Set it"
        with pytest.raises(ValueError, match=message):
            forecaster.partial_fit(y)
        forecaster.set_params(loss="absolute_error", quantiles=(0.3,)).partial_fit(y)
        levels = (0.1, 0.5, 0.9)
        forecaster = quick(loss="quantile", quantiles=levels, max_iter=2).fit(AIRLINE[:-2])
        before = forecaster.predict()
        with pytest.raises(ValueError, match=r"quantiles are \(0.5,\), .* with \(0.1, 0.5, 0.9\)"):
            forecaster.set_params(quantiles=(0.5,)).partial_fit(y)
        pd.testing.assert_series_equal(forecaster.predict(), before)
        forecaster.set_params(quantiles=levels[::-1]).partial_fit(y)  # the same, sorted

    def test_before_fit_it_fits(self):
        one, other = quick(max_iter=2).partial_fit(AIRLINE), quick(max_iter=2).fit(AIRLINE)
        pd.testing.assert_series_equal(one.predict(), other.predict())

    def test_what_is_refused_changes_nothing(self):
        forecaster = quick(max_iter=2).fit(AIRLINE[:-12])
        before = forecaster.predict()
        with pytest.raises(ValueError, match="1960-03-01 where 1960-01-01 follows"):
            forecaster.partial_fit(AIRLINE[-10:])
        pd.testing.assert_series_equal(forecaster.predict(), before)
