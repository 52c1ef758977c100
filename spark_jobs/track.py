"""track: training runs, their metrics and the report in an MLflow server."""

from pyspark.sql import SparkSession

from mmdin.fingerprints import RUN_SETTINGS
from mmdin.schemas import EPOCHS, METRIC_INTERVALS, METRICS, RUNS, SAMPLE_TABLES
from mmdin.session import submit
from mmdin.stages import Stage
from mmdin.tracking.track import track_runs
from mmdin.variants import Plan


def run(spark: SparkSession, plan: Plan) -> None:
    """Log every finished run of the configuration to the server of tracking.mlflow.

    A run has its parameters, its epochs, the metrics of the test rows with their intervals, and the
    report. Job export adds the SavedModel. A pipeline runs this if tracking.mlflow is set.
    """
    track_runs(spark, plan)


STAGE = Stage(
    "track",
    run,
    part="evaluate",
    settings=(*RUN_SETTINGS, "name", "tracking"),
    reads=(*SAMPLE_TABLES, RUNS, EPOCHS, METRICS, METRIC_INTERVALS),
    needs="tracking.mlflow",
)

if __name__ == "__main__":
    submit(run, "track")
