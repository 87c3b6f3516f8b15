"""Running means of streams."""

import dataclasses


@dataclasses.dataclass
class LocalMean:
    """Mean of the last values of a stream."""

    depth: int  # number of values; fewer at the start
    values: list[float] = dataclasses.field(default_factory=list)
    total: float = 0.0  # sum of the values
    oldest: int = 0  # position of the value that the next one replaces

    @property
    def mean(self) -> float:
        """Mean of the values."""
        return self.total / len(self.values)

    @property
    def n_next(self) -> int:
        """Number of values with one more."""
        return min(len(self.values) + 1, self.depth)

    @property
    def total_of_others(self) -> float:
        """Sum of the values that the next one does not replace."""
        is_full = len(self.values) == self.depth
        return self.total - self.values[self.oldest] if is_full else self.total

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
    """Exponentially weighted mean of all values so far, without a bias at the start."""

    decay: float  # weight of a value relative to the next one
    total: float = 0.0  # weighted sum of the values
    weight: float = 0.0  # sum of the weights

    def add(self, value: float) -> float:
        """Add a value; returns the mean."""
        self.total = value + self.decay * self.total
        self.weight = 1 + self.decay * self.weight
        return self.total / self.weight
