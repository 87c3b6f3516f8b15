"""Forecast the last two years of the airline series, unseen, and hold them against what came."""

import time

import matplotlib

from tsrnn import RNNForecaster, seasonal_naive
from tsrnn.datasets import load_airline
from tsrnn.plotting import ForecastDisplay

MONTHS = 24


def main() -> None:
    """Print the forecast and its errors, and save the plot to forecast.png."""
    y = load_airline()
    history, actual = y[:-MONTHS], y[-MONTHS:]
    print(
        "Airline passengers (thousands a month): two years ahead, from 1949 to 1958 alone\n",
        flush=True,
    )

    start = time.perf_counter()
    forecaster = RNNForecaster(horizon=MONTHS).fit(history)
    table = actual.to_frame("actual")
    table["forecast"] = forecaster.predict()
    table[["lower_95", "upper_95"]] = forecaster.predict_interval(coverage=0.95)
    seconds = time.perf_counter() - start
    table["seasonal_naive"] = seasonal_naive(history, horizon=MONTHS)

    print(table.set_axis(list(table.index.strftime("%Y-%m"))).round().astype(int).to_string())
    errors = table.sub(table["actual"], axis=0).abs().div(table["actual"], axis=0)
    covered = table["actual"].between(table["lower_95"], table["upper_95"]).sum()
    print(f"\nMean absolute percentage error  RNNForecaster   {errors['forecast'].mean():6.1%}")
    print(f"                                seasonal naive  {errors['seasonal_naive'].mean():6.1%}")
    print(f"Months inside the 95 % interval {covered} of {MONTHS}")
    print(f"Seconds to fit and forecast     {seconds:.1f} (the first run compiles)")
    print(f"Plot saved to                   {save_plot(forecaster, table)}")


def save_plot(forecaster, table) -> str:
    """Draw history, forecast, intervals, what came and the seasonal naive forecast."""
    matplotlib.use("Agg")
    display = ForecastDisplay.from_estimator(forecaster, actual=table["actual"], n_history=48)
    naive = table["seasonal_naive"]
    display.ax_.plot(naive.index, naive, "--", color="#8a8f99", linewidth=1, label="seasonal naive")
    display.ax_.set_title("Airline passengers, two years ahead", loc="left", fontweight="bold")
    display.ax_.set_ylabel("thousands a month")
    display.ax_.legend(frameon=False, loc="upper left", ncols=2)
    display.figure_.savefig("forecast.png", dpi=150)
    return "forecast.png"


if __name__ == "__main__":
    main()
