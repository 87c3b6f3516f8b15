"""An update of a detector as HTML for notebooks."""

import pandas as pd

_MOST_ROWS = 10


def update_html(frame: pd.DataFrame) -> str:
    """How many rows are anomalous, and a table of these, or of all where these are few.

    ``frame`` has a row for each observation and a column ``anomaly``; of long tables the last rows
    are shown.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsrnn.anomaly.update_html import update_html
    >>> html = update_html(pd.DataFrame({"score": [0.5, 3.0], "anomaly": [False, True]}))
    >>> "2 observations, 1 anomalous" in html
    True
    """
    anomalous = frame[frame["anomaly"].astype(bool)]
    words = f"{len(frame):,} observation{'s' * (len(frame) != 1)}, {len(anomalous):,} anomalous"
    rows = frame if len(frame) <= _MOST_ROWS or anomalous.empty else anomalous
    shown = rows.tail(_MOST_ROWS)
    if len(shown) < len(rows):
        words += f"; the last {len(shown)} of {'these' if rows is anomalous else 'them'}"
    table = shown.to_html(float_format="{:.4g}".format, border=0)
    return f'<div class="tsrnn-update"><div>{words}</div>{table}</div>'
