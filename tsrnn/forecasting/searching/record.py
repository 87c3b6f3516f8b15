"""What a search tried, kept in a file so that it can be continued."""

import dataclasses
import hashlib
import json
import math
import os
from pathlib import Path
from typing import Any

from tsrnn.data import Collection
from tsrnn.forecasting.base import ForecasterBase

_FORMAT = "tsrnn search 1"
_NOT_COMPARED = {"verbose", "n_jobs", "max_seconds"}  # parameters that change no result


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Errors of a candidate that was trained on a share of its minibatches."""

    candidate: int  # its number
    share: float
    repeat: int  # 0 for the forecaster's own random state, then others
    score: float  # NaN if there was an error
    seconds: float
    error: str | None = None

    @property
    def key(self) -> tuple[int, float, int]:
        """What was evaluated."""
        return self.candidate, self.share, self.repeat


class Record:
    """Evaluations of a search, written to ``path``, if any, after each of them.

    ValueError if the file is of another search, or of none; FileNotFoundError without its folder.
    """

    def __init__(self, path: Any, identity: str):
        self.path = None if path is None else Path(path)
        self.identity = identity
        self.evaluations: dict[tuple[int, float, int], Evaluation] = {}
        self.scales: list[float] = []  # of the shares of each rung, once they are planned
        self.season: int | None = None  # that errors of all are scaled by, once it is known
        self.seconds = 0.0  # that the search took until the last evaluation
        if self.path is None:
            return
        if not self.path.parent.is_dir():
            raise FileNotFoundError(f"path: there is no folder {self.path.parent}. Make it first.")
        if self.path.exists():
            self._read(self.path)

    def _read(self, path):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            is_search = content["format"] == _FORMAT
        except (ValueError, KeyError, TypeError):
            is_search = False
        if not is_search:
            raise ValueError(f"path: {path} holds no search. Give another path.")
        if content["identity"] != self.identity:
            raise ValueError(
                f"path: {path} holds a search of other settings, data or measures. Give "
                "another path, or remove the file to search anew."
            )
        self.scales, self.season = content["scales"], content["season"]
        self.seconds = content["seconds"]
        for each in content["evaluations"]:
            score = math.nan if each["score"] is None else each["score"]
            evaluation = Evaluation(**each | {"score": score})
            self.evaluations[evaluation.key] = evaluation

    def add(self, evaluation: Evaluation, seconds: float) -> None:
        """Add an evaluation; the search took ``seconds`` until now."""
        self.evaluations[evaluation.key] = evaluation
        self.seconds = seconds
        self.write()

    def write(self) -> None:
        """Write the file anew, in one step: it is the old or the new one whenever it is read."""
        if self.path is None:
            return
        evaluations = [dataclasses.asdict(each) for each in self.evaluations.values()]
        for each in evaluations:
            each["score"] = None if math.isnan(each["score"]) else each["score"]
        content = {
            "format": _FORMAT,
            "identity": self.identity,
            "scales": self.scales,
            "season": self.season,
            "seconds": self.seconds,
            "evaluations": evaluations,
        }
        temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        try:
            temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
            os.replace(temporary, self.path)
        finally:
            temporary.unlink(missing_ok=True)


def fingerprint(
    forecaster: ForecasterBase, candidates: list[dict], collection: Collection, options: tuple
) -> str:
    """A digest of what a search does: settings, values of the series, and options."""
    parameters = forecaster.get_params()
    parameters = {name: parameters[name] for name in sorted(parameters.keys() - _NOT_COMPARED)}
    digest = hashlib.sha256(repr((parameters, candidates, collection.ids, options)).encode())
    digest.update(collection.panel.values.tobytes())
    digest.update(collection.panel.indptr.tobytes())
    digest.update(repr([str(stamp) for stamp in collection.last_stamps]).encode())
    return digest.hexdigest()
