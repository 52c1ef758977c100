"""What the report shows, read from the tables once. The only module here that knows Spark."""

from dataclasses import dataclass

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from mmdin.config import Config
from mmdin.schemas import (
    ATTENTION_WEIGHTS,
    CALIBRATION,
    DIFFERENCES,
    EPOCHS,
    EXPERIMENTS,
    METRIC_INTERVALS,
    METRICS,
    MOVIES,
    POSTERS,
    RUNS,
    SAMPLED_SCORES,
    SPLIT_COUNTS,
    Table,
)
from mmdin.tables import Tables
from mmdin.variants import BEST_POSSIBLE, NAIVE


@dataclass(frozen=True)
class Evidence:
    """Rows of the tables of the same names, as mmdin.schemas describes them, of what is compared.

    experiments is in the order of place and seed; attention_weights holds each variant's first
    seed; posters holds images' bytes and titles the movies' titles, by movie_id, of the movies that
    attention_weights names. Values that a table holds as null are None or nan here.
    """

    experiments: pd.DataFrame
    split_counts: pd.DataFrame
    metrics: pd.DataFrame
    metric_intervals: pd.DataFrame
    differences: pd.DataFrame
    calibration: pd.DataFrame
    sampled_scores: pd.DataFrame
    runs: pd.DataFrame
    epochs: pd.DataFrame
    attention_weights: pd.DataFrame
    posters: dict[int, bytes]
    titles: dict[int, str]

    @property
    def variants(self) -> list[str]:
        """Everything compared, in the order in which it is shown."""
        return list(dict.fromkeys(self.experiments["variant"]))

    @property
    def networks(self) -> list[str]:
        """The variants that were trained."""
        models = self.model_of()
        return [v for v in self.variants if models[v] not in (*NAIVE, BEST_POSSIBLE)]

    @property
    def protocols(self) -> list[str]:
        """Every protocol that something compared follows."""
        return list(dict.fromkeys(self.experiments["protocol"]))

    @property
    def references(self) -> list[str]:
        """The network that others are compared with, one for each protocol that has networks.

        That is the variant mmdin, or else the network with the best mean ROC AUC.
        """
        protocols = self.protocol_of()
        chosen = []
        for protocol in self.protocols:
            own = [v for v in self.networks if protocols[v] == protocol]
            if own:
                chosen.append("mmdin" if "mmdin" in own else self.best_of(own))
        return chosen

    def best_of(self, variants: list[str]) -> str:
        """The variant with the highest mean ROC AUC; the first of equals."""
        means = self.overall("roc_auc").set_index("variant")["mean"].astype(float)
        known = means.reindex(variants).fillna(float("-inf"))
        return str(known.idxmax())

    def overall(self, metric: str) -> pd.DataFrame:
        """The rows of metric_intervals of a metric over all test rows."""
        rows = self.metric_intervals
        return rows[(rows["dimension"] == "all") & (rows["metric"] == metric)]

    def variant_of(self) -> dict[str, str]:
        """Variant by run_id."""
        return dict(zip(self.experiments["run_id"], self.experiments["variant"], strict=True))

    def model_of(self) -> dict[str, str]:
        """Network or naive predictor by variant."""
        return dict(zip(self.experiments["variant"], self.experiments["model"], strict=True))

    def protocol_of(self) -> dict[str, str]:
        """Protocol by variant."""
        return dict(zip(self.experiments["variant"], self.experiments["protocol"], strict=True))

    def first_run_of(self) -> dict[str, str]:
        """run_id of each variant's first seed, by variant."""
        first = self.experiments.drop_duplicates("variant")
        return dict(zip(first["variant"], first["run_id"], strict=True))


def read_evidence(spark: SparkSession, config: Config) -> Evidence:
    """Everything the report shows. Bounded: no table read here grows with the ratings.

    Raises TableError where a table is missing, naming the job that writes it.
    """
    tables = Tables.of(spark, config)
    experiments = tables.read(EXPERIMENTS).orderBy("place", "seed").toPandas()
    chosen = F.broadcast(tables.read(EXPERIMENTS).select("run_id"))

    def of_runs(table: Table) -> DataFrame:
        return tables.read(table).join(chosen, on="run_id", how="left_semi")

    attention = _read_attention(tables, experiments)
    shown = [int(m) for m in {*attention["movie_id"], *attention["history_movie_id"]}]
    return Evidence(
        experiments=experiments,
        split_counts=tables.read(SPLIT_COUNTS).toPandas(),
        metrics=tables.read(METRICS).toPandas(),
        metric_intervals=tables.read(METRIC_INTERVALS).toPandas(),
        differences=tables.read(DIFFERENCES).toPandas(),
        calibration=tables.read(CALIBRATION).orderBy("run_id", "bin").toPandas(),
        sampled_scores=tables.read(SAMPLED_SCORES).orderBy("run_id", "row").toPandas(),
        runs=of_runs(RUNS).toPandas(),
        epochs=of_runs(EPOCHS).orderBy("run_id", "epoch").toPandas(),
        attention_weights=attention,
        posters=_read_posters(tables, shown),
        titles=_read_titles(tables, shown),
    )


def _read_attention(tables: Tables, experiments: pd.DataFrame) -> pd.DataFrame:
    if not tables.exists(ATTENTION_WEIGHTS):
        return pd.DataFrame(columns=ATTENTION_WEIGHTS.columns)
    first = [str(r) for r in experiments.drop_duplicates("variant")["run_id"]]
    rows = tables.read(ATTENTION_WEIGHTS).where(F.col("run_id").isin(first))
    return rows.orderBy("user_id", "movie_id", "run_id", "position").toPandas()


def _read_posters(tables: Tables, movie_ids: list[int]) -> dict[int, bytes]:
    if not movie_ids or not tables.exists(POSTERS):
        return {}
    usable = tables.read(POSTERS).where("status = 'ok'")
    rows = usable.where(F.col("movie_id").isin(movie_ids)).select("movie_id", "bytes").collect()
    return {r["movie_id"]: bytes(r["bytes"]) for r in rows if r["bytes"] is not None}


def _read_titles(tables: Tables, movie_ids: list[int]) -> dict[int, str]:
    if not movie_ids:
        return {}
    rows = tables.read(MOVIES).where(F.col("movie_id").isin(movie_ids)).collect()
    return {r["movie_id"]: r["title"] for r in rows if r["title"]}
