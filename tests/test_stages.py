from pathlib import Path

from pyspark.sql import SparkSession

from mmdin.config import Config, Input
from mmdin.schemas import LINKS
from mmdin.stages import Stage, run_stages
from mmdin.tables import Tables


def test_stages_run_again_only_when_something_changed(spark: SparkSession, tmp_path: Path) -> None:
    source = tmp_path / "input"
    source.mkdir()
    (source / "links.csv").write_text("one")
    config = Config(name="x", root=str(tmp_path / "root"), input=Input(movielens=str(source)))
    ran: list[str] = []

    def write_links(spark: SparkSession, config: Config) -> None:
        ran.append("first")
        rows = spark.createDataFrame([(1, "a", len(ran))], LINKS.schema)
        Tables(spark, config.root).write(LINKS, rows)

    def read_links(spark: SparkSession, config: Config) -> None:
        ran.append("second")

    stages = [
        Stage(
            "ingest_ratings",
            write_links,
            files=("movielens",),
        ),
        Stage("second", read_links, sections=("scoring",), reads=(LINKS,)),
    ]

    def rerun(changed: Config = config) -> list[str]:
        ran.clear()
        run_stages(spark, changed, stages)
        return list(ran)

    assert rerun() == ["first", "second"]
    assert rerun() == []
    scoring = config.scoring.model_copy(update={"batch_size": 5})
    assert rerun(config.model_copy(update={"scoring": scoring})) == ["second"]
    assert rerun() == ["second"]
    (source / "links.csv").write_text("another")
    assert rerun() == ["first", "second"]
    Tables(spark, config.root).write(LINKS, spark.createDataFrame([(9, "b", 9)], LINKS.schema))
    assert rerun() == ["first", "second"]
