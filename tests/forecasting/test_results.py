"""What predictions come back as, and where a forecaster stands, in every form."""

import numpy as np
import pandas as pd
import pytest

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
}


def long_rows(rows):
    return LONG[LONG["ds"].isin(DAYS[rows])].reset_index(drop=True)


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
        if form == "polars":
            assert result.columns == ["unique_id", "ds", name]
            assert result["ds"].equals(forecast["ds"])
        elif form == "long":
            assert result.columns.tolist() == ["unique_id", "ds", name]
            pd.testing.assert_frame_equal(result.iloc[:, :2], forecast.iloc[:, :2])
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
