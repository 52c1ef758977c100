"""The stages from Python: on the experiment that the jobs have run."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from mmdin import Pipeline, load_config
from mmdin.errors import ConfigurationError, TableError

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def pipeline(spark: SparkSession, experiment: Path):
    """The experiment's, in its folder: its root is relative."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(experiment)
        # With a handler there the pipeline adds none, which later tests would have.
        patch.setattr(logging.getLogger("mmdin"), "handlers", [logging.NullHandler()])
        yield Pipeline(spark, load_config("small.yaml"))


def test_stages_that_jobs_have_run_are_skipped(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("mmdin"), "propagate", True)
    zone = "spark.sql.session.timeZone"
    pipeline.spark.conf.set(zone, "Asia/Tokyo")
    with caplog.at_level(logging.INFO, "mmdin"):
        for step in (pipeline.ingest, pipeline.build, pipeline.train):
            step()
    assert pipeline.spark.conf.get(zone) == "Asia/Tokyo"
    pipeline.spark.conf.set(zone, "UTC")
    skipped = [m.split(":")[0] for m in caplog.messages if "unchanged, skipped" in m]
    ingested = ["== ingest_ratings", "== ingest_posters"]
    built = ["== build_samples", "== build_samples_shuffled_posters"]
    assert skipped == [*ingested, *built, "== train"]


def test_tables_and_figures_have_names(pipeline: Pipeline) -> None:
    assert {"ratings", "samples", "metrics"} < set(pipeline.tables())
    assert pipeline.table("metrics").count() > 3
    assert {"metrics", "roc"} < set(pipeline.figures())
    figure = pipeline.figure("roc")
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert "<svg" in figure.svg
    assert Path(pipeline.report).is_file()
    with pytest.raises(TableError, match=r"no table metric; those of build/small are: .*metrics"):
        pipeline.table("metric")
    with pytest.raises(TableError, match=r"no figure rocs of build/small; those are: .*roc"):
        pipeline.figure("rocs")


def test_a_job_takes_other_values_of_keys(pipeline: Pipeline) -> None:
    with pytest.raises(TableError, match="no finished run of deepfm on the newest samples"):
        pipeline.export("deepfm")
    with pytest.raises(ConfigurationError, match=r"job export: unknown key export\.runs"):
        pipeline.job("export", {"export.runs": "x"})


def test_the_package_alone_is_light() -> None:
    code = (
        "import sys, mmdin; from mmdin import __version__\n"
        "heavy = {'pyspark', 'pydantic', 'tensorflow', 'yaml'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
