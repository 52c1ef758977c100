"""Early stopping: when training ends, and which epoch's weights are saved."""

from dataclasses import dataclass


@dataclass
class EarlyStopping:
    """Tracks the epoch with the highest metric.

    Training stops after `patience` epochs without a higher one. A metric that is not a number
    counts as not higher.

    Attributes:
        patience: epochs.
        best_epoch: number of the best epoch, from 1; 0 before the first.
        best_metric: its metric.
    """

    patience: int
    best_epoch: int = 0
    best_metric: float = float("-inf")

    def is_best(self, epoch: int, metric: float) -> bool:
        """Record an epoch's metric, and return whether it is the highest so far."""
        if metric > self.best_metric or self.best_epoch == 0:
            self.best_epoch = epoch
            self.best_metric = metric if metric == metric else float("-inf")
            return True
        return False

    def should_stop(self, epoch: int) -> bool:
        """Return whether patience has run out at this epoch."""
        return epoch - self.best_epoch >= self.patience
