"""What predictions come back as, and where a forecaster stands, in every form."""

import numpy as np
import pandas as pd
import pytest

import tsrnn
from tsrnn import RNNForecaster

DAYS = pd.date_range("2024-01-01", periods=60)
WIDE = pd.DataFrame(
    {name: level + np.sin(np.arange(60.0) * 0.9) for name, level in {"b": 5.0, "a": 9.0}.items()},
    DAYS.rename("day"),
)
LONG = WIDE.rename_axis("ds").reset_index().melt("ds", var_name="unique_id", value_name="y")
LONG = LONG[["unique_id", "ds", "y"]]


def as_polars(long):
    return pytest.importorskip("polars").DataFrame(long.to_dict("list"))


# From days first to last of each series, 0 the first.
FORMS = {
    "series": lambda rows: WIDE["b"].iloc[rows].rename("sold"),
    "periods": lambda rows: WIDE["b"].iloc[rows].to_period("D"),
    "numbers": lambda rows: WIDE["b"].reset_index(drop=True).iloc[rows],
    "wide": lambda rows: WIDE.iloc[rows],
    "wide of one": lambda rows: WIDE[["b"]].iloc[rows],
    "long": lambda rows: long_rows(rows),
    "levels": lambda rows: long_rows(rows).set_index(["unique_id", "ds"])["y"],
    "levels of a frame": lambda rows: long_rows(rows).set_index(["unique_id", "ds"]),
    "polars": lambda rows: as_polars(long_rows(rows)),
    "times and values": lambda rows: long_rows(rows, "b"),
    "times and values in polars": lambda rows: as_polars(long_rows(rows, "b")),
}
LONE = "series", "periods", "numbers", "times and values", "times and values in polars"


def long_rows(rows, lone=None):
    """Rows of a long frame, or of a lone series without its name."""
    frame = LONG[LONG["ds"].isin(DAYS[rows])]
    if lone is not None:
        frame = frame.loc[frame["unique_id"] == lone, ["ds", "y"]]
    return frame.reset_index(drop=True)


def quick(**kwargs):
    """A forecaster that trains in a moment."""
    defaults = {"max_iter": 2, "hidden_size": 4, "horizon": 3, "lookback": 6, "season": 1}
    return RNNForecaster(**(defaults | {"segment": 1, "refit": False} | kwargs))


ONE_COLUMN = {
    "quantile_50": lambda forecaster: forecaster.predict_quantiles(quantiles=0.5),
    "quantile_20": lambda forecaster: forecaster.predict_quantiles(quantiles=[0.2]),
    "sample_0": lambda forecaster: forecaster.predict_samples(n_samples=1),
}


@pytest.mark.parametrize("form", FORMS)
def test_one_quantile_or_sample_is_a_frame_with_its_name(form):
    forecaster = quick().fit(FORMS[form](slice(None)))
    forecast = forecaster.predict()
    for name, predict in ONE_COLUMN.items():
        result = predict(forecaster)
        if "polars" in form:
            assert result.columns == [*forecast.columns[:-1], name]
            assert result["ds"].equals(forecast["ds"])
        elif "ds" in forecast:
            assert result.columns.tolist() == [*forecast.columns[:-1], name]
            pd.testing.assert_frame_equal(result.iloc[:, :-1], forecast.iloc[:, :-1])
        else:
            pd.testing.assert_index_equal(result.index, forecast.index)
            labels = [(label, name) for label in forecast] if "wide" in form else [name]
            assert result.columns.tolist() == labels
    median = forecaster.predict_quantiles(quantiles=[0.1, 0.5])
    alone = forecaster.predict_quantiles(quantiles=0.5)
    if "wide" in form:
        columns = median.columns.get_level_values(-1) == "quantile_50"
        np.testing.assert_array_equal(alone, median.loc[:, columns])
    else:
        np.testing.assert_array_equal(alone["quantile_50"], median["quantile_50"])


@pytest.mark.parametrize("name", ["lower_80", "quantile_50", "sample_0"])
def test_columns_of_ones_own_that_results_would_replace(name):
    renamed = LONG.rename(columns={"unique_id": name})
    forecaster = quick(id_column=name).fit(renamed)
    assert forecaster.predict().columns.tolist() == [name, "ds", "y"]
    predict = {
        "lower_80": lambda: forecaster.predict_interval(coverage=0.8),
        "quantile_50": lambda: forecaster.predict_quantiles(quantiles=0.5),
        "sample_0": lambda: forecaster.predict_samples(n_samples=1),
    }[name]
    with pytest.raises(ValueError, match=f"Column '{name}' of y has the name of a column of the"):
        predict()
    targets = LONG.rename(columns={"y": name})
    table = quick(target_column=name).fit(targets).predict_interval(coverage=0.8)
    assert table.columns.tolist() == ["unique_id", "ds", "lower_80", "upper_80"]


@pytest.mark.parametrize("form", FORMS)
def test_a_score_goes_by_the_labels_not_by_the_order_of_rows(form):
    y = FORMS[form]
    forecaster, new = quick().fit(y(slice(50))), y(slice(50, 56))
    expected = forecaster.score(new)
    assert forecaster.score(new[::-1]) == expected
    if "wide" in form:
        assert forecaster.score(new.iloc[:, ::-1]) == expected


# Where a forecaster stands


def first_stamps(forecast):
    """The first time stamp that is forecast of each series, in the order of the forecast."""
    if not isinstance(forecast, (pd.Series, pd.DataFrame)):
        forecast = pd.DataFrame(forecast.to_dict(as_series=False))
    if "ds" in forecast and "unique_id" not in forecast:
        return forecast["ds"].iloc[0]
    if "ds" in forecast:
        return forecast.groupby("unique_id", sort=False)["ds"].min()
    if forecast.index.nlevels > 1:
        times = forecast.index.to_frame(index=False)
        return times.groupby("unique_id", sort=False)["ds"].min()
    if isinstance(forecast, pd.Series):
        return forecast.index[0]
    return forecast.apply(lambda column: column.first_valid_index())


def stamp(form, row):
    """The time stamp of a row of the data, as that form has it."""
    if form == "numbers":
        return row
    return pd.Period(DAYS[row], "D") if form == "periods" else DAYS[row]


def assert_stands_at(forecaster, form, rows):
    """Assert where each series of a panel, or a lone one, ends, and that forecasts go on there."""
    cutoff, step = forecaster.cutoff_, 1 if form in ("numbers", "periods") else pd.Timedelta("1D")
    first = first_stamps(forecaster.predict())
    if form in LONE:
        assert cutoff == stamp(form, rows["b"])
        assert first == cutoff + step
        return
    assert cutoff.to_dict() == {label: DAYS[row] for label, row in rows.items()}
    assert cutoff.index.tolist() == list(rows)
    assert (first.to_numpy() == (cutoff + step).to_numpy()).all()


@pytest.mark.parametrize("form", FORMS)
def test_the_cutoff_moves_with_updates(form, tmp_path):
    y, ids = FORMS[form], ["b"] if "one" in form or form in LONE else ["b", "a"]
    forecaster = quick().fit(y(slice(40)))
    assert_stands_at(forecaster, form, dict.fromkeys(ids, 39))
    forecaster.update(y(slice(40, 41)))
    assert_stands_at(forecaster, form, dict.fromkeys(ids, 40))
    tsrnn.save(forecaster, tmp_path / "file")
    forecaster = tsrnn.load(tmp_path / "file")
    assert_stands_at(forecaster, form, dict.fromkeys(ids, 40))
    forecaster.partial_fit(y(slice(41, 55)))
    assert_stands_at(forecaster, form, dict.fromkeys(ids, 54))
    forecaster.predict(y=y(slice(20)))  # of others, which move nothing
    assert_stands_at(forecaster, form, dict.fromkeys(ids, 54))
    forecaster.fit(y(slice(30)))
    assert_stands_at(forecaster, form, dict.fromkeys(ids, 29))


@pytest.mark.parametrize("form", ["wide", "long", "levels"])
def test_the_cutoff_of_each_series(form):
    forecaster = quick().fit(FORMS[form](slice(40)))
    y = FORMS[form](slice(40, 45))
    only = {"wide": lambda: y[["a"]], "long": lambda: y[y["unique_id"] == "a"]}
    forecaster.update(only.get(form, lambda: y.loc[["a"]])())
    assert_stands_at(forecaster, form, {"b": 39, "a": 44})


def test_the_cutoff_after_rows_left_out():
    y = WIDE["b"].copy()
    y[35:40] = np.nan
    forecaster = quick(missing="mask", early_stopping=False).fit(y[:40])
    assert forecaster.cutoff_ == DAYS[39]
    assert forecaster.predict().index[0] == DAYS[40]
    forecaster.update(y[45:48])
    assert forecaster.cutoff_ == DAYS[47]
    assert forecaster.predict().index[0] == DAYS[48]
    expected = y[:48].copy()
    expected[40:45] = np.nan
    pd.testing.assert_series_equal(forecaster.recent_, expected, check_freq=False)


def test_the_cutoff_in_a_time_zone():
    y = WIDE["b"].tz_localize("Europe/Berlin")
    assert quick().fit(y[:40]).update(y[40:42]).cutoff_ == y.index[41]


def test_an_unfitted_forecaster_has_none():
    for name in ("cutoff_", "recent_"):
        assert not hasattr(quick(), name)


@pytest.mark.parametrize("form", FORMS)
def test_recent_values_are_the_history_and_its_updates(form, tmp_path):
    y = FORMS[form]
    forecaster = quick(pretrained=None).fit(y(slice(30)))
    pd.testing.assert_series_equal(forecaster.recent_, forecaster.history_, check_freq=False)
    for first in range(30, 36):
        forecaster.update(y(slice(first, first + 1)))
    tsrnn.save(forecaster, tmp_path / "file")
    expected = quick().fit(y(slice(36))).history_
    for known in (forecaster, tsrnn.load(tmp_path / "file")):
        assert len(known.history_) == len(expected) * 30 // 36
        pd.testing.assert_series_equal(known.recent_, expected, check_freq=False)
    forecaster.update(y(slice(36, 60)))  # of which the last 9 are kept: no hole before them
    recent = forecaster.recent_
    parts = [recent]
    if recent.index.nlevels > 1:
        parts = [recent.loc[label] for label in recent.index.unique(level=0)]
    for part in parts:
        assert part.index.tolist() == [stamp(form, row) for row in range(51, 60)]
