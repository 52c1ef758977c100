"""export: a trained network as a TensorFlow SavedModel, with its model card."""

from pyspark.sql import SparkSession

from mmdin.export.export import export_run
from mmdin.session import submit
from mmdin.tracking.track import track_export
from mmdin.variants import Plan


def run(spark: SparkSession, plan: Plan) -> None:
    """Write the run of export.run to exports/<run_id>/ under the root.

    1/ is a SavedModel with the signatures readable (raw ids and numbers) and encoded, which needs
    TensorFlow alone. model_card.md and model_card.json describe it. By default the best finished
    run on the newest samples is exported. With tracking.mlflow it is also logged there.
    """
    export = export_run(spark, plan)
    if plan.config.tracking.mlflow:
        track_export(spark, plan.config, export)


if __name__ == "__main__":
    submit(run, "export")
