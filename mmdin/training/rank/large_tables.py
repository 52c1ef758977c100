"""How the tables of large vocabularies learn."""

import numpy as np
import tensorflow as tf

from mmdin.models.network import RatingNetwork
from mmdin.training.rank.adam import Adam, LazyAdam
from mmdin.training.rank.factors import LargeFactors
from mmdin.training.rank.rows import RowGradients, sum_by_row


class LargeTable:
    """The table of one large vocabulary, of which a step touches the batch's rows and no others.

    Factors take plain steps, as in a table that is not large: the result is the same. Other rows
    take LazyAdam, which differs from Adam.

    No penalty is of a whole table: a row's is part of its gradient, each time it is looked up.

    Args:
        update: changes the table.
        is_counted: whether an input's look-ups count, for each input of the table.
    """

    def __init__(self, update: LargeFactors | LazyAdam, is_counted: list[bool]) -> None:
        self._counted = tf.constant(np.array(is_counted, np.float32))
        self.state, self.apply = update.state, update.apply

    def sum_by_row(
        self, numbers: tf.Tensor, gradients: tf.Tensor, weights: tf.Tensor
    ) -> RowGradients:
        """Return what this rank's batch says about each row that it looks up.

        Args:
            numbers: int32 [batch, inputs of the table].
            gradients: float32 [batch, inputs of the table, d or d + 1].
            weights: float32 [batch]; look-ups of rows with weight 0 do not count.
        """
        return sum_by_row(numbers, gradients, weights[:, None] * self._counted)


def large_tables(network: RatingNetwork, factor_rate: float, adam: Adam) -> list[LargeTable]:
    """Return how each large table of a network learns, in their order.

    Args:
        network: the network.
        factor_rate: training.factor_learning_rate.
        adam: the optimizer of the network's other variables.
    """
    factors = network.factor_inputs
    tables = []
    for (vocabulary, table), columns in zip(
        network.table.large.items(), network.table.columns[1:], strict=True
    ):
        inputs = [network.inputs_looked_up[n] for n in columns]
        if vocabulary in {i.vocabulary for i in factors}:
            update = LargeFactors(table.value, factor_rate)
            tables.append(LargeTable(update, [i in factors for i in inputs]))
        else:
            tables.append(LargeTable(LazyAdam(table.value, adam), [True] * len(inputs)))
    return tables
