"""Spark's properties for jobs that are launched on small worlds."""

from collections.abc import Mapping
from pathlib import Path

LOCAL = Path(__file__).resolve().parents[1] / "conf" / "spark" / "local.conf"

FEW_ROWS = {
    # Each query runs once or twice, on few rows: compiling it takes longer.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.shuffle.partitions": "2",
    # Few rows fit into one task, and each Python worker imports TensorFlow for itself.
    "spark.sql.leafNodeDefaultParallelism": "1",
    "spark.databricks.delta.snapshotPartitions": "1",
}


def properties_file(path: Path, settings: Mapping[str, str]) -> Path:
    """Write conf/spark/local.conf with more properties, those for few rows among them."""
    # The last of a name counts.
    lines = [f"{name} {value}" for name, value in (FEW_ROWS | settings).items()]
    path.write_text("\n".join((LOCAL.read_text(), *lines, "")))
    return path
