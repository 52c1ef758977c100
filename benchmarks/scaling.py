"""What a second rank of one core is worth: rows per second of two ranks by those of one.

Files are so long that epochs' starts weigh little. Every step reads one file, so that no rank waits
for one that reads more.
"""

from pathlib import Path

from benchmarks.samples import assign, write_samples
from benchmarks.sessions import open_session
from mmdin.config import Training
from mmdin.training.driver.benchmark import compare_ranks

FILES = 33
"""One is for validation; the others fall evenly to two ranks."""
REPEATS = 3
"""Two ranks' speed was seen to vary by a twentieth from one minute to the next."""


def run(folder: Path, small: bool) -> dict[str, object]:
    """Rows per second of one rank and of two, and their ratio, of MMDIN."""
    rows = 3000 if small else 30_000
    training = Training(
        models=("mmdin",), batch_size=rows, horovod_cycle_ms=10, shuffle_rows=rows, epochs=1
    )
    assignment = assign(folder, write_samples(folder, FILES, rows), "mmdin", "mmdin", training)
    spark = open_session()
    try:
        speeds = [
            compare_ranks(spark, [assignment], (1, 2), start_timeout=60)["mmdin"]
            for _ in range(1 if small else REPEATS)
        ]
    finally:
        spark.stop()
    return {
        "batch_size": rows,
        "rows_per_second": [{ranks: round(speed) for ranks, speed in f.items()} for f in speeds],
        "two ranks by one": [round(f[2] / f[1], 3) for f in speeds],
    }
