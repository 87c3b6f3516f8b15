"""What a fit or update chose by itself: lines of the log, and rows of HTML for notebooks."""

import logging
from typing import Any

from tsrnn.data import listed
from tsrnn.forecasting.fitted import FittedForecaster
from tsrnn.forecasting.resolve import ResolvedParams

_log = logging.getLogger("tsrnn")
_OPEN = (
    *("season", "transform", "lookback", "n_ahead", "segment"),
    *("hidden_size", "batch_size", "recurrent_dropout"),
)


def log_resolved(name: str, parameters: dict[str, Any], resolved: ResolvedParams) -> None:
    """Log, at level INFO, the value of each parameter that was left open."""
    for parameter in _OPEN:
        given = parameters[parameter]
        if (isinstance(given, str) and given == "auto") or (parameter == "lookback" and not given):
            _log.info("%s chose %s=%r", name, parameter, getattr(resolved, parameter))


def log_zero_shot(name: str, reason: str) -> None:
    """Log that the pretrained network forecasts alone."""
    _log.info("%s forecasts zero-shot, by the pretrained network alone: %s", name, reason)


def log_share(name: str, state: FittedForecaster) -> None:
    """Log the share of the pretrained network in forecasts that are means of two."""
    share = state.pretrained.share if state.pretrained else 0.0
    _log.info("%s chose a share of %.2f for the pretrained network", name, share)


def log_added(name: str, before: FittedForecaster, after: FittedForecaster) -> None:
    """Log the series that an update adds to the panel, if there are any."""
    added = after.recent.ids[len(before.recent.ids) :]
    if added:
        _log.info("%s adds %d new series to the panel: %s", name, len(added), listed(added))


def chosen_rows(state: FittedForecaster) -> dict[str, str]:
    """Names and values of what is in use, as text for a table."""
    spec, n_series = state.spec, len(state.history.ids)
    rows = {"series": f"{n_series:,}", "season": "none" if spec.season == 1 else f"{spec.season}"}
    rows["transform"] = state.transform or "none"
    if state.is_zero_shot:
        return rows | {"pretrained network": "alone (zero-shot)"}
    share = f"{state.pretrained.share:.0%} of the forecast" if state.pretrained else "not used"
    return rows | {
        "lookback": f"{spec.lookback}",
        "segment": f"{spec.segment}",
        "steps at once": f"{spec.n_ahead}",
        "pretrained network": share,
    }
