"""Errors about data name series and place; unusual but valid data are forecast."""

import numpy as np
import pandas as pd
import pytest

from tsrnn import RNNForecaster
from tsrnn.datasets import load_airline

MONTHS = pd.date_range("2000-01-01", periods=120, freq="MS")
RNG = np.random.default_rng(0)
WIDE = pd.DataFrame(
    {k: 50 + 10 * np.sin(np.arange(120) * np.pi / 6) + RNG.normal(size=120) for k in "abc"},
    MONTHS,
)
LONG = WIDE.rename_axis("ds").reset_index().melt("ds", var_name="unique_id", value_name="y")
LONG = LONG[["unique_id", "ds", "y"]]


def quick(**kwargs):
    return RNNForecaster(**{"horizon": 6, "max_iter": 2, "hidden_size": 4} | kwargs)


def with_row(row, **values):
    frame = LONG.astype(
        {name: object for name, value in values.items() if not isinstance(value, float)}
    )
    for name, value in values.items():
        frame.loc[row, name] = value
    return frame


def mixed_frequencies():
    weeks = pd.date_range("2000-01-02", periods=120, freq="W")
    other = pd.DataFrame({"unique_id": "b", "ds": weeks, "y": 1.0 * np.arange(120)})
    return pd.concat([LONG[LONG["unique_id"] == "a"], other], ignore_index=True)


def mixed_zones():
    stamps = [stamp.tz_localize("UTC") if k % 2 else stamp for k, stamp in enumerate(LONG["ds"])]
    return LONG.assign(ds=pd.Series(stamps, dtype=object))


BAD = {
    "gap": (LONG.drop(index=130), "'b'.*gap: 2000-11-01 is missing after 2000-10-01"),
    "gap of a wide frame": (WIDE.drop(MONTHS[50]), "gap: 2004-03-01 is missing after 2004-02-01"),
    "hole": (WIDE.assign(b=WIDE["b"].where(WIDE.index != MONTHS[7])), "'b'.*missing.*2000-08-01"),
    "duplicate": (pd.concat([LONG, LONG[125:126]]), "'b'.*2000-06-01 more than once"),
    "mixed frequencies": (mixed_frequencies(), "'a'.*frequenc.*'b'|'b'.*frequenc"),
    "zones beside none": (mixed_zones(), "Column 'ds' of y must hold dates.*utc=True"),
    "null id": (with_row(17, unique_id=None), "no id.*row 17.*'unique_id'|row 17"),
    "null time": (LONG.assign(ds=LONG["ds"].where(LONG.index != 17)), "row 17"),
    "one too short": (pd.concat([LONG, LONG[:5].assign(unique_id="d")]), "'d' of y has 5 obs"),
    "inf": (with_row(140, y=np.inf), "'b'.*infinite at 2001-09-01"),
    "objects": (with_row(3, y="many"), "series 'a' of y is 'many' at 2000-04-01, which"),
    "empty": (LONG[:0], "y is empty"),
    "empty, wide": (WIDE[:0], "y is empty"),
    "no columns": (WIDE[[]], "y has no columns"),
    "wrong column": (LONG.rename(columns={"y": "value"}), "'y'"),
    "list": ([1.0, 2.0, 3.0], "y"),
}


@pytest.mark.parametrize("case", BAD)
def test_errors_name_the_place(case):
    y, match = BAD[case]
    before = y.copy()
    with pytest.raises(ValueError, match=match):
        quick(pretrained=None, short="raise").fit(y)
    if isinstance(y, pd.DataFrame):
        pd.testing.assert_frame_equal(y, before)


def test_errors_name_a_wrong_column():
    with pytest.raises(ValueError, match=r"columns \['unique_id', 'ds', 'y'\], not 'shop'"):
        quick(id_column="shop").fit(LONG)


@pytest.mark.slow
def test_a_time_zone_in_updates_alone():
    forecaster = quick().fit(WIDE)
    with pytest.raises(ValueError, match="time stamps of dtype"):
        forecaster.update(WIDE[-1:].set_axis([pd.Timestamp("2010-01-01", tz="UTC")]))


@pytest.mark.parametrize("scale", [1e12, 1e-12])
@pytest.mark.parametrize("form", ["one", "panel"])
def test_scales_do_not_matter(scale, form):
    y = load_airline().astype(float)
    y = y if form == "one" else pd.DataFrame({"a": y, "b": y[::-1].to_numpy()}, y.index)
    result, expected = (quick(max_iter=20).fit(one).predict() for one in (y * scale, y))
    np.testing.assert_allclose(result / scale, expected, rtol=1e-4)


def test_scales_side_by_side():
    y = load_airline().astype(float)
    wide = pd.DataFrame({"huge": y * 1e12, "plain": y, "tiny": y * 1e-12})
    result = quick(max_iter=20).fit(wide).predict()
    np.testing.assert_allclose(result["huge"] / 1e12, result["plain"], rtol=1e-3)
    np.testing.assert_allclose(result["tiny"] * 1e12, result["plain"], rtol=1e-3)


@pytest.mark.parametrize("value", [0.0, 7.0, -1e12, 1e-12])
def test_a_constant_goes_on(value):
    one = pd.Series(value, MONTHS)
    result = quick().fit(one)
    np.testing.assert_allclose(result.predict(9), value, rtol=1e-6, atol=1e-20)
    assert np.isfinite(result.predict_interval()).all(axis=None)
    wide = WIDE.assign(still=value)
    forecaster = quick(transform=None).fit(wide)
    np.testing.assert_allclose(forecaster.predict()["still"], value, rtol=1e-6, atol=1e-6)
    assert np.isfinite(forecaster.predict_samples(n_samples=5)).all(axis=None)
