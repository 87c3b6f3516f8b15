"""Bad series of a frame, found and left out."""

import numpy as np
import pandas as pd
import polars
import pytest

from tsrnn import RNNAnomalyDetector, RNNForecaster

DAYS = pd.date_range("2024-01-01", periods=40)


def long(bad=True):
    """Nine series, of which four are bad each in its way."""
    rng, parts = np.random.default_rng(0), []
    for k in range(9):
        parts.append(pd.DataFrame({"unique_id": f"s{k}", "ds": DAYS, "y": rng.normal(9, 1, 40)}))
    y = pd.concat(parts, ignore_index=True)
    if not bad:
        return y[~y["unique_id"].isin(["s1", "s4", "s5", "s8"])]
    y["y"] = y["y"].astype(object)
    y.loc[y["unique_id"].eq("s1") & y["ds"].eq("2024-01-05"), "y"] = "n/a"
    y.loc[y["unique_id"].eq("s4") & y["ds"].eq("2024-01-06"), "y"] = np.inf
    y = y[~(y["unique_id"].eq("s5") & y["ds"].eq("2024-01-07"))]
    weekly = y["unique_id"].eq("s8") & (y["ds"].dt.day_of_week != 0)
    return y[~weekly]


def small(**parameters):
    settings = {"horizon": 2, "season": 1, "lookback": 4, "hidden_size": 2, "max_iter": 2}
    return RNNForecaster(**settings | {"pretrained": None, "errors": "skip"} | parameters)


def test_a_table_names_each_bad_series_and_says_why():
    table = small().check_series(long()).set_index("unique_id")
    assert sorted(table.index) == ["s1", "s4", "s5", "s8"]
    rows = table["row"][["s1", "s4", "s5"]]
    assert rows.tolist() == ["2024-01-05", "2024-01-06", "2024-01-07"]
    assert "'n/a'" in table.loc["s1", "problem"]
    assert "infinite" in table.loc["s4", "problem"]
    assert (table["remedy"] != "").all()


def test_a_fit_and_forecasts_are_those_of_the_good_series():
    with pytest.warns(UserWarning, match="4 series are left out: 's1'"):
        forecaster = small().fit(long())
    assert sorted(forecaster.skipped_["unique_id"]) == ["s1", "s4", "s5", "s8"]
    expected = small(errors="raise").fit(long(bad=False))
    assert forecaster.predict().equals(expected.predict())
    with pytest.warns(UserWarning, match="4 series are left out"):
        forecasts = forecaster.predict(y=long())
    assert forecasts.equals(expected.predict(y=long(bad=False)))
    with pytest.raises(ValueError, match="which is no number"):
        expected.predict(y=long())


def test_other_forms():
    """Columns of a wide frame, levels of an index, frames of polars."""
    y = long()
    y = y[~y["unique_id"].isin(["s1", "s8"])].astype({"y": float})
    wide = y.set_index(["ds", "unique_id"])["y"].unstack()  # noqa: PD010
    levels = y.set_index(["unique_id", "ds"])["y"]
    for form in (wide, levels, polars.from_pandas(y)):
        with pytest.warns(UserWarning, match="2 series are left out"):
            forecaster = small().fit(form)
        assert forecaster.fitted_.history.ids == ["s0", "s2", "s3", "s6", "s7"]


def test_where_no_series_is_good_the_first_error_is_raised():
    y = long(bad=False).assign(y=np.nan)
    with pytest.raises(ValueError, match="'s0' of y"):
        small().fit(y)
    with pytest.raises(ValueError, match="has the columns"):
        small().fit(y.rename(columns={"ds": "time"}))


def test_detectors_leave_out_bad_series():
    y = long()
    y = y[~y["unique_id"].isin(["s1", "s8"])].astype({"y": float})
    columns = {"id_column": "unique_id", "time_column": "ds", "errors": "skip"}
    detector = RNNAnomalyDetector(
        horizon=2, lookback=4, stretch=3, hidden_size=2, max_iter=1, n_sample=3, **columns
    )
    with pytest.warns(UserWarning, match="2 series are left out: 's4', 's5'"):
        detector.fit(y)
    assert len(detector.fitted_.labels) == 3
    assert not {"s4", "s5"} & set(detector.fitted_.labels)


def test_a_sample_does_not_depend_on_the_other_series():
    y = long(bad=False)
    drawn = small(n_sample=2).fit(y).fitted_.history.ids
    assert len(drawn) == 2
    others = y[y["unique_id"].isin([*drawn, "s7"])]
    assert small(n_sample=2).fit(others).fitted_.history.ids == drawn
    assert small(n_sample=2, random_state=1).fit(y).fitted_.history.ids != drawn


def test_forecasts_do_not_depend_on_the_series_beside():
    """To the bit: partitions of a cluster are fitted and forecast by themselves."""
    y = long(bad=False)
    forecaster = small(season=7, lookback=14).fit(y)
    whole = forecaster.predict(y=y).set_index("unique_id")["y"]
    for label, series in y.groupby("unique_id"):
        assert forecaster.predict(y=series)["y"].tolist() == whole[[label]].tolist()
