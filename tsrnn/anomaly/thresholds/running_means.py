"""Running means of streams."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass
class LocalMean:
    """Mean of the last values of a stream.

    Attributes
    ----------
    depth : int
        Number of values; fewer at the start.
    values : list of float
        The last values.
    total : float
        Their sum.
    oldest : int
        Position of the oldest value, which the next one replaces.
    """

    depth: int
    values: list[float] = dataclasses.field(default_factory=list)
    total: float = 0.0
    oldest: int = 0

    @property
    def mean(self) -> float:
        """Mean of the values."""
        return self.total / len(self.values)

    def add(self, value: float) -> None:
        """Add a value, in place of the oldest if there are ``depth``."""
        if len(self.values) < self.depth:
            self.values.append(value)
            self.total += value
            return
        self.total += value - self.values[self.oldest]
        self.values[self.oldest] = value
        self.oldest = (self.oldest + 1) % self.depth
        if self.oldest == 0:  # so that rounding errors do not accumulate
            self.total = sum(self.values)


@dataclasses.dataclass
class ExponentialMean:
    """Exponentially weighted mean of all values so far, without a bias at the start.

    Attributes
    ----------
    decay : float
        Weight of a value relative to the next one.
    total, weight : float
        Weighted sum of the values, and sum of the weights.
    """

    decay: float
    total: float = 0.0
    weight: float = 0.0

    def add(self, value: float) -> float:
        """Add a value; returns the mean."""
        self.total = value + self.decay * self.total
        self.weight = 1 + self.decay * self.weight
        return self.total / self.weight
