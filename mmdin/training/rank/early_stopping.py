"""When to stop, and which epoch to keep."""

from dataclasses import dataclass


@dataclass
class EarlyStopping:
    """Keeps the epoch with the highest metric; stops after `patience` epochs without a higher one.

    A metric that is not a number counts as no better.
    """

    patience: int
    best_epoch: int = 0
    best_metric: float = float("-inf")

    def is_best(self, epoch: int, metric: float) -> bool:
        """Take note of an epoch's metric; whether it is the highest so far."""
        if metric > self.best_metric or self.best_epoch == 0:
            self.best_epoch = epoch
            self.best_metric = metric if metric == metric else float("-inf")
            return True
        return False

    def should_stop(self, epoch: int) -> bool:
        """Whether patience has run out at this epoch."""
        return epoch - self.best_epoch >= self.patience
