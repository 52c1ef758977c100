"""The data of the report, read from the tables once. The only module here that knows Spark."""

from dataclasses import dataclass

import pandas as pd
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from mmdin.config import Config
from mmdin.metrics import ALL
from mmdin.predictors import kind_of_model
from mmdin.schemas import (
    ATTENTION_WEIGHTS,
    CALIBRATION,
    DIFFERENCES,
    EPOCHS,
    EXPERIMENTS,
    INPUT_COUNTS,
    METRIC_INTERVALS,
    METRICS,
    MOVIES,
    PLANTED_EFFECTS,
    POSTERS,
    RANKING_DIFFERENCES,
    RANKING_METRICS,
    REASONS,
    RECOMMENDATIONS,
    RUNS,
    SAMPLED_SCORES,
    SPLIT_COUNTS,
    Table,
)
from mmdin.tables import Tables

_SHOWN = 20
"""Of one user's list at most so many movies."""


@dataclass(frozen=True)
class ReportData:
    """Rows of the tables of the same names, for everything that is compared.

    Columns are those of mmdin.schemas. Null values are None or nan here.

    Attributes:
        experiments: in the order of place and seed.
        input_counts: all rows, by file.
        split_counts: all rows.
        metrics: all rows.
        metric_intervals: all rows.
        differences: all rows.
        calibration: in the order of run, slice and bin.
        sampled_scores: in the order of run and row.
        planted_effects: of each variant's first seed, if the world is generated.
        runs: training runs that are compared.
        epochs: of these runs, in the order of run and epoch.
        attention_weights: of each variant's first seed, by user, movie, run and position.
        ranking_metrics: of the runs that are compared, if job recommend has run.
        ranking_differences: the same.
        recommendations: one user's list, by rank: that of the lowest user_id.
        reasons: for this list, by rank and place.
        posters: image bytes by movie_id, for the movies that attention_weights names.
        titles: titles by movie_id, for these and for the movies of the list and its reasons.
    """

    experiments: pd.DataFrame
    input_counts: pd.DataFrame
    split_counts: pd.DataFrame
    metrics: pd.DataFrame
    metric_intervals: pd.DataFrame
    differences: pd.DataFrame
    calibration: pd.DataFrame
    sampled_scores: pd.DataFrame
    planted_effects: pd.DataFrame
    runs: pd.DataFrame
    epochs: pd.DataFrame
    attention_weights: pd.DataFrame
    ranking_metrics: pd.DataFrame
    ranking_differences: pd.DataFrame
    recommendations: pd.DataFrame
    reasons: pd.DataFrame
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
        return [v for v in self.variants if kind_of_model(models[v]) == "network"]

    @property
    def protocols(self) -> list[str]:
        """All protocols in use, in the order of the variants."""
        return list(dict.fromkeys(self.experiments["protocol"]))

    @property
    def references(self) -> list[str]:
        """The network that others are compared with, one for each protocol that has networks.

        That is the variant mmdin if there is one, else the network with the best mean ROC AUC.
        """
        protocols = self.protocol_of()
        references = []
        for protocol in self.protocols:
            networks = [v for v in self.networks if protocols[v] == protocol]
            if networks:
                references.append("mmdin" if "mmdin" in networks else self.best_of(networks))
        return references

    def best_of(self, variants: list[str]) -> str:
        """The variant with the highest mean ROC AUC; the first of equals."""
        means = self.overall("roc_auc").set_index("variant")["mean"].astype(float)
        return str(means.reindex(variants).fillna(float("-inf")).idxmax())

    def overall(self, metric: str) -> pd.DataFrame:
        """The rows of metric_intervals of a metric over all test rows."""
        return self.within(metric, ALL, ALL)

    def within(self, metric: str, dimension: str, name: str) -> pd.DataFrame:
        """The rows of metric_intervals of a metric in one slice."""
        rows = self.metric_intervals
        in_slice = (rows["dimension"] == dimension) & (rows["slice"] == name)
        return rows[in_slice & (rows["metric"] == metric)]

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

    def title_of(self, movie_id: int) -> str:
        """The movie's title, or its number if it has none."""
        return self.titles.get(int(movie_id), f"movie {movie_id}")


def read_report_data(spark: SparkSession, config: Config) -> ReportData:
    """Read everything that the report shows. Bounded: nothing read here grows with the ratings.

    Raises:
        TableError: a table is missing; names the job that writes it.
    """
    tables = Tables.of(spark, config)
    experiments = _sort(tables.read(EXPERIMENTS).toPandas(), "place", "seed")
    compared = F.col("run_id").isin([str(r) for r in experiments["run_id"]])
    attention = _read_attention(tables, experiments)
    pictured = _movies(attention["movie_id"], attention["history_movie_id"])
    listed = _read_list(tables, compared)
    reasons = _read_reasons(tables, listed)
    recommended = _movies(listed["movie_id"], reasons["liked_movie_id"])
    return ReportData(
        experiments=experiments,
        input_counts=_read_input_counts(tables),
        split_counts=tables.read(SPLIT_COUNTS).toPandas(),
        metrics=tables.read(METRICS).toPandas(),
        metric_intervals=tables.read(METRIC_INTERVALS).toPandas(),
        differences=tables.read(DIFFERENCES).toPandas(),
        calibration=_sort(
            tables.read(CALIBRATION).toPandas(), "run_id", "dimension", "slice", "bin"
        ),
        sampled_scores=_sort(tables.read(SAMPLED_SCORES).toPandas(), "run_id", "row"),
        planted_effects=_read_optional(tables, PLANTED_EFFECTS, compared),
        runs=tables.read(RUNS).where(compared).toPandas(),
        epochs=_sort(tables.read(EPOCHS).where(compared).toPandas(), "run_id", "epoch"),
        attention_weights=attention,
        ranking_metrics=_read_optional(tables, RANKING_METRICS, compared),
        ranking_differences=_read_optional(tables, RANKING_DIFFERENCES, compared),
        recommendations=listed,
        reasons=reasons,
        posters=_read_posters(tables, sorted(pictured)),
        titles=_read_titles(tables, sorted(pictured | recommended)),
    )


def _sort(rows: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The rows in the order of columns, null first, as Spark sorts."""
    return rows.sort_values(list(columns), kind="stable", na_position="first", ignore_index=True)


def _read_input_counts(tables: Tables) -> pd.DataFrame:
    if not tables.exists(INPUT_COUNTS):
        return pd.DataFrame(columns=INPUT_COUNTS.columns)
    return _sort(tables.read(INPUT_COUNTS).toPandas(), "file", "outcome", "reason")


def _read_optional(tables: Tables, table: Table, rows: Column) -> pd.DataFrame:
    if not tables.exists(table):
        return pd.DataFrame(columns=table.columns)
    return tables.read(table).where(rows).toPandas()


def _movies(*columns: pd.Series) -> set[int]:
    return {int(movie_id) for column in columns for movie_id in column}


def _read_list(tables: Tables, compared: Column) -> pd.DataFrame:
    if not tables.exists(RECOMMENDATIONS):
        return pd.DataFrame(columns=RECOMMENDATIONS.columns)
    by_rank = ("user_id", "run_id", "rank")
    rows = tables.read(RECOMMENDATIONS).where(compared).orderBy(*by_rank).limit(_SHOWN)
    shown = _sort(rows.toPandas(), *by_rank)
    return shown[shown.groupby(["user_id", "run_id"]).ngroup() == 0]


def _read_reasons(tables: Tables, listed: pd.DataFrame) -> pd.DataFrame:
    if listed.empty or not tables.exists(REASONS):
        return pd.DataFrame(columns=REASONS.columns)
    run_id, user_id = str(listed["run_id"].iloc[0]), int(listed["user_id"].iloc[0])
    of_list = (F.col("run_id") == run_id) & (F.col("user_id") == user_id)
    rows = tables.read(REASONS).where(of_list).where(F.col("rank") <= _SHOWN)
    return _sort(rows.toPandas(), "rank", "place")


def _read_attention(tables: Tables, experiments: pd.DataFrame) -> pd.DataFrame:
    if not tables.exists(ATTENTION_WEIGHTS):
        return pd.DataFrame(columns=ATTENTION_WEIGHTS.columns)
    first = [str(r) for r in experiments.drop_duplicates("variant")["run_id"]]
    rows = tables.read(ATTENTION_WEIGHTS).where(F.col("run_id").isin(first)).toPandas()
    return _sort(rows, "user_id", "movie_id", "run_id", "position")


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
