"""Which training runs to score."""

from pyspark.sql import Row
from pyspark.sql import functions as F

from mmdin.config import Config
from mmdin.errors import TableError
from mmdin.tables import Tables


def select_runs(tables: Tables, config: Config) -> list[Row]:
    """The rows of `runs` to score: scoring.runs, or each trained model's latest on these samples.

    Raises TableError where a run named is not finished, or a model of training.models has no
    finished run on the newest samples.
    """
    finished = tables.read("runs").where("status = 'finished'")
    if config.scoring.runs:
        chosen = finished.where(F.col("run_id").isin(list(config.scoring.runs))).collect()
        unknown = set(config.scoring.runs) - {r["run_id"] for r in chosen}
        if unknown:
            raise TableError(f"scoring.runs: no finished run {', '.join(sorted(unknown))} in runs")
        return chosen
    newest = tables.version("samples")
    current = finished.where(F.col("table_versions")["samples"] == newest)
    latest = {r["model"]: r for r in current.orderBy("started_at", "run_id").collect()}
    missing = [m for m in config.training.models if m not in latest]
    if missing:
        raise TableError(
            f"no finished run of {', '.join(missing)} on samples version {newest}: "
            f"run train with training.models=[{','.join(missing)}]"
        )
    return [latest[m] for m in config.training.models]
