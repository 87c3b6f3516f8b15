import numpy as np
import pandas as pd
import pytest
from pandas.tseries.frequencies import to_offset

from tsrnn.datasets import load_airline, load_co2, load_nyc_taxi
from tsrnn.forecasting.seasonality import is_seasonal, prefers_logarithm, season_of

SEASONS = {
    frequency: season
    for season, frequencies in {
        1: "YS YE-JUN 2D 5h ms 48h",
        4: "QS-OCT 6h",
        5: "B",
        6: "2MS",
        7: "D 24h 1440min",
        12: "MS ME BME",
        24: "h",
        26: "2W 14D",
        48: "30min",
        52: "W-WED 7D",
        96: "15min",
        120: "30s",
        1440: "min",
        3600: "s",
    }.items()
    for frequency in frequencies.split()
}


@pytest.mark.parametrize(("alias", "season"), SEASONS.items())
def test_season_of_a_frequency(alias, season):
    assert season_of(to_offset(alias)) == season


@pytest.mark.parametrize(("alias", "season"), [("M", 12), ("Q-DEC", 4), ("Y-DEC", 1), ("h", 24)])
def test_season_of_a_period_index(alias, season):
    assert season_of(pd.period_range("2020", periods=3, freq=alias).freq) == season


def test_no_frequency_has_no_season():
    assert season_of(None) == 1


def test_a_season_must_show():
    rng = np.random.default_rng(0)
    wave = np.sin(np.arange(120) * 2 * np.pi / 12)
    assert is_seasonal(wave + 0.1 * rng.normal(size=120), 12)
    assert is_seasonal(load_airline().to_numpy(), 12)
    assert is_seasonal(load_co2().to_numpy(), 12)
    assert is_seasonal(wave + 5 * np.arange(120), 12)  # on a trend however steep
    assert not is_seasonal(rng.normal(size=120).cumsum(), 12)
    assert not is_seasonal(rng.normal(size=120).cumsum() + 5 * np.arange(120), 12)
    assert not is_seasonal(wave[:30], 12)  # too short to tell
    assert not is_seasonal(wave, 1)


def test_logarithms_where_swings_grow_with_the_level():
    assert prefers_logarithm(load_airline().to_numpy(), 12)
    assert not prefers_logarithm(load_airline().to_numpy() - 200, 12)
    assert not prefers_logarithm(load_nyc_taxi().to_numpy(), 48)
    assert not prefers_logarithm(np.full(50, 3.0), 1)
    rng = np.random.default_rng(0)
    assert not prefers_logarithm(100 + rng.normal(size=200), 12)
    assert prefers_logarithm(np.exp(np.linspace(0, 5, 200) + 0.1 * rng.normal(size=200)), 12)
    assert not prefers_logarithm(np.arange(1.0, 9.0), 4)  # too short to tell
