"""mmdin_score in SQL: the score of any user and movie by a trained network.

A Python function cannot look states up. So mmdin_score is a function in SQL: scalar subqueries find
the states of the user and the movie, which Spark turns into joins with the tables of states. What
depends on both is worked out by the code of features, and a Python function in Arrow batches calls
the network.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import arrow_udf

from mmdin.config import Config, Scoring
from mmdin.connect import send
from mmdin.errors import TableError
from mmdin.features import neighbours, tastes
from mmdin.features.buckets import Edges, add_buckets, edges_from_rows
from mmdin.features.poster_tastes import POSTER_TASTE, poster_bias
from mmdin.features.scene import add_scene
from mmdin.features.states import values_of_none
from mmdin.features.stored_states import STORED_LISTS, identify_encoding
from mmdin.finished_runs import FinishedRun, runs_on_newest_samples
from mmdin.inputs import INPUTS, NUMBERS, POSTER_FEATURES, SIDES, Side
from mmdin.schemas import BUCKET_EDGES, MOVIE_SIMILARITIES, MOVIE_STATES, USER_STATES, Table
from mmdin.scoring.networks import ENCODED, SentNetwork, score_batch, send_network
from mmdin.tables import Tables
from mmdin.variants import plan_variants

SCORE = "mmdin_score"

_NETWORK, _GENRES, _NEIGHBOURS = f"{SCORE}_network", f"{SCORE}_genres", f"{SCORE}_neighbours"
_OF_PAIR = f"{SCORE}_of_pair"


@dataclass(frozen=True)
class _Half:
    """The user's or the movie's part of a pair.

    Attributes:
        key: user_id or movie_id.
        table: of the states.
        columns: of the table that are taken.
    """

    key: str
    table: Table
    columns: tuple[str, ...]

    @property
    def view(self) -> str:
        """Name of the states in the session."""
        return f"mmdin_{self.table.name}"

    @property
    def struct(self) -> str:
        """The columns' types as one, in SQL."""
        fields = (f"{name}: {self.type_of(name)}" for name in self.columns)
        return f"STRUCT<{', '.join(fields)}>"

    def type_of(self, column: str) -> str:
        """A column's type in SQL."""
        return str(self.table.schema[column].dataType.simpleString())

    def find(self, edges: Edges) -> str:
        """SQL that gives the columns of the key that mmdin_score is called with."""
        none = values_of_none(self.columns, edges)
        values = (f"CAST({none.get(c, 'NULL')} AS {self.type_of(c)}) AS {c}" for c in self.columns)
        return (
            f"coalesce((SELECT any_value(struct({', '.join(self.columns)})) FROM {self.view} s "
            f"WHERE s.{self.key} = {SCORE}.{self.key}), struct({', '.join(values)}))"
        )


def _of_side(side: Side) -> tuple[str, ...]:
    encoded = (i.column for i in INPUTS if SIDES.get(i.group) == side)
    return (*encoded, *(n.column for n in NUMBERS if n.side == side))


_USER = _Half("user_id", USER_STATES, (*_of_side("user"), *STORED_LISTS, POSTER_TASTE))
_MOVIE = _Half("movie_id", MOVIE_STATES, (*_of_side("movie"), "genre_bits", *POSTER_FEATURES))


def register_functions(spark: SparkSession, root: str, samples: str = "") -> None:
    """Give the session mmdin_score(user_id, movie_id) and mmdin_score(user_id, movie_id, run).

    It gives the probability of a like as of the moment of the tables of states, which job
    build_states writes. The run is a run_id of table runs, or a model, of which the best run is
    taken; by default the best run on the newest samples by validation ROC AUC.

    Args:
        spark: the session, a classic one.
        root: folder that holds tables/ and checkpoints/.
        samples: samples.name of the configuration.

    Raises:
        TableError: if there are no states, if they are not encoded as the newest samples are, or if
            no network was trained on these.
    """
    config = Config(name="sql", root=root, samples={"name": samples})
    runs = runs_on_newest_samples(spark, plan_variants(config))
    if not runs:
        raise TableError(f"no finished run on the newest samples of {root}: run train")
    tables = runs[0].tables
    seconds = _offer_states(tables)
    edges = edges_from_rows(tables.read(BUCKET_EDGES))
    _offer_python(spark, tables, runs)
    _create_score_of_pair(spark, _values_of_moment(spark, seconds, edges))
    names = {run.model: run.run_id for run in reversed(runs)} | {r.run_id: r.run_id for r in runs}
    spark.sql(
        f"CREATE OR REPLACE TEMPORARY FUNCTION {SCORE}(user_id BIGINT, movie_id BIGINT, "
        f"run STRING DEFAULT '{runs[0].run_id}') RETURNS DOUBLE RETURN {_OF_PAIR}("
        f"{_choose(names)}, {_USER.find(edges)}, {_MOVIE.find(edges)})"
    )


def _offer_states(tables: Tables) -> int:
    """Make views of the states, and return the second as of which they are.

    Raises:
        TableError: if they are encoded as other samples are.
    """
    for half in (_USER, _MOVIE):
        tables.read(half.table).createOrReplaceTempView(half.view)
    row = tables.read(MOVIE_STATES).select("encoded_by", F.unix_timestamp("as_of")).head()
    if row is None or row[0] != identify_encoding(tables):
        raise TableError(
            f"{tables.label(MOVIE_STATES)} is encoded as earlier samples were: run build_states"
        )
    return int(row[1])


def _offer_python(spark: SparkSession, tables: Tables, runs: Sequence[FinishedRun]) -> None:
    """Register the functions in Python."""
    similarities = neighbours.similarities_from_rows(tables.read(MOVIE_SIMILARITIES))
    sent = send(spark, similarities)
    spark.udf.register(_NEIGHBOURS, neighbours.neighbour_bias_function(sent))
    spark.udf.register(_GENRES, tastes.genre_bias_function())
    networks = {run.run_id: send_network(spark, run.checkpoint) for run in runs}
    spark.udf.register(_NETWORK, _network_function(networks, Scoring().batch_size))


def _network_function(networks: Mapping[str, SentNetwork], batch_size: int) -> Any:
    def score(runs: pa.Array, encoded: pa.Array) -> pa.Array:
        batch = pa.RecordBatch.from_struct_array(encoded)
        scores = np.empty(batch.num_rows)
        names = runs.to_numpy(zero_copy_only=False)
        for name in set(names):
            rows = np.flatnonzero(names == name)
            scores[rows] = score_batch(networks[name], batch.take(pa.array(rows)), batch_size)
        return pa.array(scores)

    return arrow_udf(score, "double")  # type: ignore[call-overload]


def _create_score_of_pair(spark: SparkSession, of_moment: Mapping[str, int]) -> None:
    """Create the function of a run and the two states."""
    values = {c: f"of_user.{c}" for c in _USER.columns} | {
        c: f"of_movie.{c}" for c in _MOVIE.columns
    }
    values |= {c: str(value) for c, value in of_moment.items()}
    values["deviation"] = "CAST(NULL AS DOUBLE)"
    values["genre_bias"] = f"{_GENRES}({', '.join(values[c] for c in tastes.READ)})"
    values["neighbour_bias"] = f"{_NEIGHBOURS}({', '.join(values[c] for c in neighbours.READ)})"
    values["poster_bias"] = poster_bias(values)
    encoded = ", ".join(f"{values[c]} AS {c}" for c in ENCODED)
    spark.sql(
        f"CREATE OR REPLACE TEMPORARY FUNCTION {_OF_PAIR}(run STRING, of_user {_USER.struct}, "
        f"of_movie {_MOVIE.struct}) RETURNS DOUBLE RETURN {_NETWORK}(run, struct({encoded}))"
    )


def _values_of_moment(spark: SparkSession, seconds: int, edges: Edges) -> dict[str, int]:
    """What depends on the moment alone, encoded."""
    others = [i for i in INPUTS if i.group not in SIDES]
    moment: DataFrame = spark.range(1).select(F.lit(seconds).cast("long").alias("seconds"))
    row = add_buckets(add_scene(moment), edges, others).select(*(i.column for i in others)).head()
    return row.asDict() if row else {}


def _choose(names: Mapping[str, str]) -> str:
    """SQL that gives the run_id that a name means."""
    pairs = ", ".join(f"'{name}', '{run_id}'" for name, run_id in names.items())
    message = f"'no finished run ' || run || ' on the newest samples; there are {', '.join(names)}'"
    return f"coalesce(try_element_at(map({pairs}), run), raise_error({message}))"
