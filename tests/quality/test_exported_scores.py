"""Exported models give Spark's scores on many real rows, in a process that has TensorFlow alone.

Of the best network:

    submit/local.sh pipeline --conf conf/experiments/table1.yaml
    submit/local.sh export --conf conf/experiments/table1.yaml
    make test-quality ROOTS=build/table1
"""

from pathlib import Path

import pytest
from alone import score_alone
from pyspark.sql import functions as F

from mmdin.schemas import PREDICTIONS, SAMPLES

pytestmark = pytest.mark.quality

KEYS = ("user_id", "movie_id")
ROWS = 10_000


def test_each_export_gives_sparks_scores(tables) -> None:
    exports = sorted(Path(tables.root, "exports").resolve().glob("*"))
    if not exports:
        pytest.skip("no model is exported")
    samples = tables.read(SAMPLES).where("split = 'test'").drop("rating", "label").toPandas()
    if len(samples) < ROWS:
        pytest.skip(f"{len(samples):,} test rows are too few")
    for exported in exports:
        of_run = tables.read(PREDICTIONS).where(F.col("run_id") == exported.name)
        expected = {tuple(row[:2]): row[2] for row in of_run.select(*KEYS, "score").collect()}
        assert len(expected) == len(samples)
        for signature, scores in score_alone(exported, samples, KEYS).items():
            assert scores == pytest.approx(expected, abs=1e-6), signature
        print(f"{exported.name}: {len(expected):,} scores are the same by both signatures")
