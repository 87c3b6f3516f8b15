"""The options of ``tsrnn detect``."""

from typing import Any

from tsrnn.cli.arguments import adder, cell_name, count, gap, lookback, share
from tsrnn.cli.series_options import (
    add_networks,
    add_reading,
    add_series,
    add_training,
    series_command,
)

_DETECT = """\
Find anomalies in columns of a csv or parquet file: values that a recurrent network (GRU), trained
on the series, did not expect. Prints the events, stretches of time that are anomalous.

Several --target are channels of one series, scored together; --id names a column of series, and
one network learns from all of them.

For each event the table has start and end, both included, the severity, which is its highest score,
and the observed and expected value at its peak; of several --target also the channel. Scores are in
units of usual errors, 1 where all is as usual. Events are where they are above a threshold: 3.5
robust deviations above the median, or as --contamination says; with --online that of a false-alarm
rate of 1 %."""
_DETECT_EXAMPLES = """\
examples:
  tsrnn detect nyc_taxi.csv --time time --target passengers --n-most 5 --plot events.png
  tsrnn detect sales.parquet --id shop --time day --target sold visitors --out events.csv
  tsrnn detect engine.csv --target speed heat --online --contamination 0.01 --scores scores.csv"""

MIN_GAP = (
    "least number of points, or time such as 2h, between two events: nearer ones are one (default "
    "auto: a tenth of --stretch, plus one); 0 merges none"
)


def add_detect(commands: Any) -> None:
    """Add ``detect`` to a parser's subcommands."""
    texts = "find anomalies in a file", _DETECT, _DETECT_EXAMPLES, ""
    command = series_command(commands, "detect", *texts)
    command.set_defaults(known=[], past=[])
    add = add_series(command, "column to find anomalies in; several are channels of one series")
    text = "number of events to report, the most severe, be they above the threshold or below"
    add("--n-most", text, type=count, metavar="K")
    add("--min-gap", MIN_GAP, type=gap, default="auto", metavar="GAP")
    text = "share of points, up to 0.5, whose scores are above the threshold"
    add("--contamination", text, type=share, metavar="SHARE")
    text = "score each point by what came before it alone, as in a stream"
    add("--online", text, action="store_true")
    add("--out", "csv or parquet file for the events, with all columns", metavar="FILE")
    add("--scores", "csv or parquet file for the score of each row, ...", metavar="FILE")
    add("--plot", "picture to write: png, svg, pdf; of one series, the worst", metavar="FILE")
    add("--save", "file for the trained detector, to be read by tsrnn.load", metavar="FILE")
    add = adder(command.add_argument_group("network"))
    methods = ["forecast", "reconstruction"]
    text = (
        "compare the series with forecasts of a network (default), or with what one that encodes "
        "and decodes windows makes of it"
    )
    add("--method", text, choices=methods, default="forecast")
    add("--horizon", "steps of the farthest forecast (default 64)", type=count, metavar="N")
    text = "steps over which surprises are averaged (default 100); 1 for single points"
    add("--stretch", text, type=count, metavar="N")
    add("--cell", "recurrent cell, such as lstm (default gru)", type=cell_name, metavar="NAME")
    add_networks(add, "forecasts are averaged")
    text = "steps of a season, or of several, such as 24 168 (default: by frequency)"
    add("--season", text, type=count, nargs="+", action="extend", metavar="N")
    add("--lookback", "steps learned from at once (default 64)", type=lookback, metavar="N")
    add("--hidden-size", "hidden units (default 32)", type=count, metavar="N")
    add_training(add, max_iter=count)
    add_reading(command)
