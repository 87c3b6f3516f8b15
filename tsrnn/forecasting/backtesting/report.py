"""A backtest as text and as HTML: what it is of, and its errors, the best ones bold."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from tsrnn.forecasting.backtesting.result import Backtest


def report_text(result: Backtest, table: pd.DataFrame | None, note: str) -> str:
    """The heading of a backtest, its errors, if there are any, and a note on them."""
    if table is None:
        return _heading(result)
    text = f"{_heading(result)}\n{table.to_string(float_format='{:.4g}'.format)}"
    return f"{text}\n{note}" if note else text


def report_html(result: Backtest, table: pd.DataFrame | None, note: str) -> str:
    """As :func:`report_text`, in HTML with the best error of each column in bold."""
    heading = f"<p><b>{html.escape(_heading(result))}</b></p>"
    if table is None:
        return heading
    best = {name: _best(table[name], name) for name in table}
    cells = pd.DataFrame(
        [
            [_cell(value, row == best[name]) for name, value in zip(table, values, strict=True)]
            for row, values in enumerate(table.to_numpy())
        ],
        [html.escape(name) for name in table.index],
        [html.escape(name) for name in table.columns],
    )
    note = f"The best of each column is bold. {note}" if len(table) > 1 else note
    return f"{heading}{cells.to_html(escape=False, border=0)}<p>{html.escape(note)}</p>"


def _heading(result):
    frame = result.to_pandas()
    n_series = frame["unique_id"].nunique()
    n_origins = len(frame) // (n_series * result.horizon)
    counts = (len(result.forecasters), "forecaster"), (n_series, "series"), (n_origins, "origin")
    texts = [f"{n} {noun}{'s' * (n != 1 and noun != 'series')}" for n, noun in counts]
    return f"Backtest of {', '.join(texts)}, horizon={result.horizon}, season={result.season}"


def _best(scores, name):
    """Row of the best score: the least error, or the nearest to what is promised; -1 of one row."""
    aim = float(name.partition("_")[2]) / 100 if name.startswith("coverage_") else 0.0
    distances = np.abs(scores.to_numpy() - aim)
    return int(np.nanargmin(distances)) if (~np.isnan(distances)).sum() > 1 else -1


def _cell(value, is_best):
    text = "" if np.isnan(value) else f"{value:.4g}"
    return f"<b>{text}</b>" if is_best else text
