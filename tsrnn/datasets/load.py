"""Loaders of the real series that ship with the library.

Every call reads its file again, so callers may modify the result. All raise FileNotFoundError if
the data files were not installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from tsrnn.datasets.files import find_file
from tsrnn.parameters import BOOLEAN, StrOptions, validated

if TYPE_CHECKING:
    import pandas as pd


def load_airline() -> pd.Series:
    """Load the monthly totals of international airline passengers, 1949 to 1960.

    Source: G. E. P. Box and G. M. Jenkins, *Time Series Analysis: Forecasting and Control*, 1970,
    series G.

    Returns
    -------
    pandas.Series of 144 float64, "passengers", in thousands, on month starts with ``freq="MS"``

    See Also
    --------
    load_co2 : A longer monthly series.
    simulate_series : Any number of series.

    Examples
    --------
    >>> from tsrnn.datasets import load_airline
    >>> passengers = load_airline()
    >>> passengers.loc["1960-07-01"]
    np.float64(622.0)
    """
    return _read_dated("airline.csv", freq="MS")


@validated(frequency=[StrOptions(["monthly", "weekly"])])
def load_co2(frequency: Literal["monthly", "weekly"] = "monthly") -> pd.Series:
    """Load the atmospheric CO2 measured at Mauna Loa, March 1958 to December 2001.

    Source: C. D. Keeling and T. P. Whorf, "Atmospheric CO2 concentrations derived from flask air
    samples at sites in the SIO network", CDIAC, Oak Ridge National Laboratory, 2004.

    Parameters
    ----------
    frequency : {"monthly", "weekly"}, default="monthly"
        ``"monthly"``: means of the weeks whose Saturday is in the month; the 5 months without a
        measurement (1958-06, 1958-10, 1964-02 to 1964-04) are interpolated linearly in time.
        ``"weekly"``: as measured, NaN for 59 weeks without a measurement.

    Returns
    -------
    pandas.Series of 526 (``freq="MS"``) or 2284 (``freq="W-SAT"``) float64, "co2", in ppmv

    Raises
    ------
    ValueError
        If ``frequency`` is invalid.

    See Also
    --------
    load_airline : A shorter monthly series.

    Examples
    --------
    >>> from tsrnn.datasets import load_co2
    >>> load_co2().isna().sum(), load_co2("weekly").isna().sum()
    (np.int64(0), np.int64(59))
    """
    weekly = _read_dated("co2.csv", freq="W-SAT")
    return weekly if frequency == "weekly" else weekly.resample("MS").mean().interpolate("time")


def load_sunspots() -> pd.Series:
    """Load the yearly mean sunspot numbers, 1700 to 2008 (US National Geophysical Data Center).

    Returns
    -------
    pandas.Series of 309 float64, "sunspots", on the scale before 2015; a PeriodIndex of years

    See Also
    --------
    load_nile : A series with a change of level.

    Examples
    --------
    >>> from tsrnn.datasets import load_sunspots
    >>> load_sunspots().loc["1957"]
    np.float64(190.2)
    """
    return _read_dated("sunspots.csv", freq=None).to_period("Y")


def load_nile() -> pd.Series:
    """Load the annual flow of the Nile at Aswan, 1871 to 1970.

    Source: G. W. Cobb, "The problem of the Nile: conditional solution to a changepoint problem",
    *Biometrika* 65(2), 1978.

    Returns
    -------
    pandas.Series of 100 float64, "flow", in 10^8 cubic metres; a PeriodIndex of years

    See Also
    --------
    load_sunspots : A longer yearly series.

    Examples
    --------
    >>> from tsrnn.datasets import load_nile
    >>> flow = load_nile()
    >>> bool(flow[:"1898"].mean() > flow["1899":].mean())
    True
    """
    return _read_dated("nile.csv", freq=None).to_period("Y")


@validated(fill=[BOOLEAN])
def load_melbourne(fill: bool = True) -> pd.Series:
    """Load the daily minimum temperatures in Melbourne, 1981 to 1990.

    Source: Australian Bureau of Meteorology, through R. J. Hyndman's Time Series Data Library.

    Parameters
    ----------
    fill : bool, default=True
        Whether to insert 1984-12-31 and 1988-12-31, which the file omits, as the mean of the
        neighbouring days, as forecasting requires. False gives the 3650 days of published results,
        without a frequency.

    Returns
    -------
    pandas.Series of 3652 float64, "temperature", in degrees Celsius, with ``freq="D"``

    See Also
    --------
    load_seattle_weather : Daily weather with covariates.

    Examples
    --------
    >>> from tsrnn.datasets import load_melbourne
    >>> load_melbourne()["1984-12-30":"1985-01-01"].tolist()
    [16.4, 14.85, 13.3]
    >>> len(load_melbourne(fill=False))
    3650
    """
    temperature = _read_dated("melbourne.csv", freq=None)
    return temperature.asfreq("D").interpolate() if fill else temperature


@validated(return_events=[BOOLEAN])
def load_nyc_taxi(return_events: bool = False) -> pd.Series | tuple[pd.Series, pd.DataFrame]:
    """Load the half-hourly counts of New York taxi passengers, July 2014 to January 2015.

    The hour from 2014-11-02 01:00 occurs twice, as daylight saving time ends, and its steps have
    about double counts: the largest value of the series is partly an artefact of the clock. Source:
    Numenta Anomaly Benchmark, ``realKnownCause/nyc_taxi.csv`` (A. Lavin and S. Ahmad, arXiv
    1510.03336, 2015), from records of the New York City Taxi and Limousine Commission.

    Parameters
    ----------
    return_events : bool, default=False
        Whether to also return the five labelled anomalies.

    Returns
    -------
    passengers : pandas.Series
        10320 float64 values, ``"passengers"``, in local time without a zone, with ``freq="30min"``.
    events : pandas.DataFrame
        With ``return_events=True``: ``start`` and ``end`` of each anomaly's window (inclusive),
        ``label_time``, its labelled time, and ``name``.

    See Also
    --------
    load_machine_temperature : Another series with labelled events.
    tsrnn.RNNAnomalyDetector : Finds them.

    Examples
    --------
    >>> from tsrnn.datasets import load_nyc_taxi
    >>> passengers, events = load_nyc_taxi(return_events=True)
    >>> storm = events.iloc[4]
    >>> passengers[storm["start"] : storm["end"]].min()
    np.float64(8.0)
    """
    passengers = _read_dated("nyc_taxi.csv", freq="30min")
    return (passengers, _read_events("nyc_taxi_events.csv")) if return_events else passengers


@validated(return_events=[BOOLEAN])
def load_machine_temperature(
    return_events: bool = False,
) -> pd.Series | tuple[pd.Series, pd.DataFrame]:
    """Load the 5-minute temperatures of a component of an industrial machine until its failure.

    Source: Numenta Anomaly Benchmark, ``realKnownCause/machine_temperature_system_failure.csv`` (A.
    Lavin and S. Ahmad, arXiv 1510.03336, 2015).

    Parameters
    ----------
    return_events : bool, default=False
        Whether to also return the four labelled anomalies.

    Returns
    -------
    temperature : pandas.Series
        22683 float64 values, ``"temperature"``, 2013-12-02 to 2014-02-19, in an unknown unit, with
        ``freq="5min"``. The hour from 2014-01-07 02:00, twice in the file, has the means of both.
    events : pandas.DataFrame
        With ``return_events=True``, the columns of those of `load_nyc_taxi`.

    See Also
    --------
    load_nyc_taxi : Another series with labelled events.
    tsrnn.RNNAnomalyDetector : Finds them.

    Examples
    --------
    >>> from tsrnn.datasets import load_machine_temperature
    >>> temperature, events = load_machine_temperature(return_events=True)
    >>> events["name"].tolist()
    ['unnamed', 'planned shutdown', 'first signs', 'failure']
    >>> temperature[:"2013-12-02 21:20"].tolist()
    [73.967, 74.936]
    """
    import pandas as pd

    rows = pd.read_csv(
        find_file("machine_temperature.csv.gz"), index_col="time", parse_dates=True
    ).squeeze("columns")
    temperature = rows.groupby(level=0).mean()
    temperature.index.freq = "5min"
    events = "machine_temperature_events.csv"
    return (temperature, _read_events(events)) if return_events else temperature


def load_seattle_weather() -> pd.DataFrame:
    """Load the daily weather of Seattle, 2012 to 2015: four measurements and a label.

    ``weather`` is derived, and known only when its day is over: rain is any day with precipitation,
    sun any day without another label, and drizzle includes mist, smoke and haze. It is not a
    homogeneous target, as recording practice changed: drizzle labels 31 days of 2012 and none of
    2014, fog 5 days of 2012 and 52 of 2015, and the 44 days of rain without precipitation all
    precede April 2013. Source: US National Oceanic and Atmospheric Administration, National
    Climatic Data Center; as ``seattle-weather.csv`` in vega-datasets 3.2.1.

    Returns
    -------
    pandas.DataFrame
        1461 days with ``freq="D"``. Columns, float64: ``precipitation``, daily total in
        millimetres; ``temp_max`` and ``temp_min`` in degrees Celsius; ``wind``, mean speed in
        metres per second. Categorical: ``weather``, one of ``"drizzle"``, ``"fog"``, ``"rain"``,
        ``"snow"``, ``"sun"``.

    See Also
    --------
    load_melbourne : A longer daily series.

    Examples
    --------
    >>> from tsrnn.datasets import load_seattle_weather
    >>> weather = load_seattle_weather()
    >>> weather.loc["2015-03-15", "precipitation"], weather.loc["2015-03-15", "weather"]
    (np.float64(55.9), 'rain')
    """
    import pandas as pd

    path = find_file("seattle_weather.csv")
    weather = pd.read_csv(path, index_col="time", parse_dates=True, dtype={"weather": "category"})
    weather.index.freq = "D"
    return weather


def load_sp500() -> pd.Series:
    """Load the monthly level of the Standard & Poor's stock index, 1871 to 2022.

    A value is the mean of the month's daily closes, known when the month is over. Changes of such
    means of a random walk have an autocorrelation of about 0.25 at one month: a forecast may beat
    the last value and still earn nothing. The level grows a thousandfold, so model its logarithm or
    log returns. The index is the Cowles Commission's before 1926, and has 500 companies since 1957.
    July's value of 1914 is repeated up to November, while the exchange was closed. The value of
    August 2016 is the close of its last day, as published. Source: R. J. Shiller, *Irrational
    Exuberance*, Princeton University Press, 2000; ``ie_data.xls`` of June 2023, column P.

    Returns
    -------
    pandas.Series of 1824 float64, "price", in index points, on month starts with ``freq="MS"``

    See Also
    --------
    load_melbourne : A daily series that can be forecast.

    Examples
    --------
    >>> from tsrnn.datasets import load_sp500
    >>> price = load_sp500()
    >>> price["2009-03-01"]
    np.float64(757.13)
    """
    return _read_dated("sp500.csv", freq="MS")


def _read_dated(name: str, freq: str | None) -> pd.Series:
    """Read a series with dates; pandas raises ValueError if they have another ``freq``."""
    import pandas as pd

    series = pd.read_csv(find_file(name), index_col="time", parse_dates=True).squeeze("columns")
    series.index.freq = freq
    return series.astype("float64")


def _read_events(name: str) -> pd.DataFrame:
    """Read labelled anomalies."""
    import pandas as pd

    return pd.read_csv(find_file(name), parse_dates=["start", "end", "label_time"])
