"""Successive halving: many settings in few minibatches, the best of them in more."""

import dataclasses
import math
import time
from collections.abc import Callable

import numpy as np

from tsrnn.forecasting.searching.record import Evaluation, Record

_MOST_RUNGS = 4
_SCALES = (1.0, 0.5, 0.25, 0.125)  # of all minibatches, where time is short
_CUT = 0.9  # of the time for an evaluation, from which it may not have been long enough
_SPARE = 1.1  # times what an evaluation took is kept for the fit of the best settings


class TimeIsUp(Exception):
    """There is no time for another evaluation."""


@dataclasses.dataclass
class Halving:
    """Successive halving (Jamieson & Talwalkar 2016) over the minibatches of a training.

    Candidate 0, the settings to beat, is evaluated in full. Of the others the best ``1 / factor``
    of each rung go to the next, which trains on ``factor`` times as many minibatches, up to all.
    With ``max_seconds`` the last ones and candidate 0 are then evaluated again, by other random
    numbers, while there is time: but for when it is up, the course depends on scores alone.
    """

    n_candidates: int
    factor: int
    # evaluates a candidate on a share of its minibatches, by number, share, repeat and seconds
    evaluate: Callable[[int, float, int, float | None], tuple[float, str | None]]
    record: Record
    max_seconds: float | None = None
    on_progress: Callable[[float, str], None] = lambda progress, text: None
    began: float | None = None  # when the search was called, by ``time.perf_counter``; else now

    def __post_init__(self):
        began = time.perf_counter() if self.began is None else self.began
        self._began = began - self.record.seconds  # of what was evaluated before

    @property
    def seconds(self) -> float:
        """Seconds that the search took so far, in all its parts."""
        return time.perf_counter() - self._began

    @property
    def seconds_left(self) -> float | None:
        """Seconds that are left, None without a limit."""
        return None if self.max_seconds is None else max(0.0, self.max_seconds - self.seconds)

    def run(self) -> None:
        """Evaluate until the best candidate is known, or time is up."""
        first = self._evaluated(0, 1.0, 0, needs_time=False)
        if math.isnan(first.score):
            raise ValueError(f"The forecaster as it is can't be evaluated: {first.error}")
        try:
            last = self._run_rungs()
            repeat = 1
            while self.max_seconds is not None and last:
                for candidate in (0, *last):
                    self._evaluated(candidate, 1.0 if candidate == 0 else self._full, repeat)
                repeat += 1
        except TimeIsUp:
            pass

    def ranked(self) -> list[int]:
        """Candidates from the best one on: those that were trained longest, then the others."""
        return sorted(range(self.n_candidates), key=self._rank)

    def best(self) -> int:
        """The best candidate of those that were trained longest, and of candidate 0."""
        rank = {k: self._rank(k) for k in range(1, self.n_candidates)}
        longest = min(rank, key=rank.__getitem__, default=0)
        if longest == 0 or math.isinf(rank[longest][1]):
            return 0
        return longest if self.score_of(longest) < self.score_of(0) else 0

    def evaluations_of(self, candidate: int) -> list[Evaluation]:
        """Evaluations in the most minibatches: the first, and repeats that all finalists have."""
        own = [e for e in self.record.evaluations.values() if e.candidate == candidate]
        if not own:
            return []
        most = max(e.share for e in own)
        repeats = sorted((e for e in own if e.share == most), key=lambda e: e.repeat)
        return repeats[: self._n_repeats] if candidate in self._finalists() else repeats[:1]

    def score_of(self, candidate: int) -> float:
        """Mean score of these evaluations; NaN without any, or after an error."""
        evaluations = self.evaluations_of(candidate)
        return float(np.mean([e.score for e in evaluations])) if evaluations else math.nan

    @property
    def _full(self):
        """Share of the last rung, as far as it is planned."""
        return self.record.scales[-1] if self.record.scales else 1.0

    def _finalists(self):
        full = {e.candidate for e in self.record.evaluations.values() if e.share == self._full}
        return {0} | full

    @property
    def _n_repeats(self):
        counts = dict.fromkeys(self._finalists(), 0)
        for e in self.record.evaluations.values():
            if e.share == (1.0 if e.candidate == 0 else self._full):
                counts[e.candidate] += 1
        return max(1, min(counts.values()))

    def _rank(self, candidate):
        evaluations, score = self.evaluations_of(candidate), self.score_of(candidate)
        share = evaluations[0].share if evaluations else 0.0
        if math.isnan(score):
            return 0.0, math.inf, candidate
        return (-min(share, self._full), score, candidate)

    def _rungs(self):
        """Share of the minibatches, and number of candidates, of each rung."""
        n, rungs = self.n_candidates - 1, 1
        while rungs < _MOST_RUNGS and n >= self.factor**rungs:
            rungs += 1
        return [(self.factor ** (k - rungs + 1), -(-n // self.factor**k)) for k in range(rungs)]

    def _scale(self, number, candidates):
        """Share of all minibatches that would be the last rung's, for a rung; planned once."""
        scales = self.record.scales
        if number == len(scales):
            scales.append(self._affordable(number, candidates))
            self.record.write()
        return scales[number]

    def _affordable(self, number, candidates):
        """The largest scale for which there is time, by what evaluations took so far."""
        if self.max_seconds is None or not candidates:
            return 1.0
        rungs = self._rungs()
        work = sum(share * n for share, n in rungs[number:])
        seconds = np.mean([self._expected_seconds(k, 1.0) for k in candidates])
        if number == 0:
            seconds = self._expected_seconds(0, 1.0)
        before = rungs[number - 1][0] * self.record.scales[-1] if number else 0.0
        scales = [scale for scale in _SCALES if rungs[number][0] * scale > before]
        available = 0.8 * (self.seconds_left or 0.0) - self._kept_seconds()
        return next((scale for scale in scales if seconds * scale * work < available), scales[-1])

    def _run_rungs(self):
        """Run all rungs; the candidates of the last one."""
        candidates = list(range(1, self.n_candidates))
        scores: dict[int, float] = {}
        for number, (share, n) in enumerate(self._rungs()):
            candidates = sorted(candidates, key=lambda k: (scores.get(k, 0.0), k))[:n]
            scale = self._scale(number, candidates)
            evaluations = [self._evaluated(k, share * scale, 0) for k in candidates]
            scores = {e.candidate: e.score for e in evaluations if not math.isnan(e.score)}
            candidates = list(scores)
        return candidates

    def _evaluated(self, candidate, share, repeat, needs_time=True):
        """The evaluation, which may have been made before; TimeIsUp if there is no time for it."""
        known = self.record.evaluations.get((candidate, share, repeat))
        if known is not None:
            return known
        left = self.seconds_left
        if left is not None and needs_time:
            left -= self._kept_seconds()
            if left <= self._expected_seconds(candidate, share):
                raise TimeIsUp
        began = time.perf_counter()
        score, error = self.evaluate(candidate, share, repeat, left)
        seconds = time.perf_counter() - began
        if left is not None and needs_time and seconds > _CUT * left:
            raise TimeIsUp  # it may have been cut short
        evaluation = Evaluation(candidate, share, repeat, score, seconds, error)
        self.record.add(evaluation, self.seconds)
        self._show()
        return evaluation

    def _kept_seconds(self):
        """Seconds that are kept for the fit of the best settings."""
        return _SPARE * max(self._expected_seconds(k, 1.0) for k in (0, self.best()))

    def _expected_seconds(self, candidate, share):
        """Seconds of an evaluation by those of the candidate so far; 0 without any."""
        own = [e for e in self.record.evaluations.values() if e.candidate == candidate]
        if not own:
            return 0.0
        longest = max(own, key=lambda e: (e.share, -e.repeat))
        return longest.seconds * max(1.0, share / longest.share)

    def _show(self):
        n_planned = 1 + sum(n for _, n in self._rungs())
        n_done = len(self.record.evaluations)
        progress = n_done / n_planned
        if self.max_seconds is not None:
            progress = max(min(progress, 0.95), self.seconds / self.max_seconds)
        best = self.best()
        text = f"evaluation {n_done}  best {self.score_of(best):.4g} (settings {best})"
        self.on_progress(min(1.0, progress), text)
