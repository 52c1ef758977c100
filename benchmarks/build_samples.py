"""Job build_samples against DuckDB: the same samples of the same tables, on the same cores.

    .venv/bin/python -m benchmarks.build_samples FOLDER RATINGS COPIES [COPIES ...]

DuckDB's query is benchmarks/duckdb_samples.py. An invented world of RATINGS ratings is written once
under FOLDER; a larger one is COPIES copies of its ratings, each by its own users. The figures for
25 million ratings in docs/cluster.md are from `FOLDER 1000000 25` with MMDIN_MEMORY=8g.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

from benchmarks.sizes import RATINGS_PER_USER, launch, make_world, repeat_ratings
from benchmarks.usage import CommandFailedError, Usage, measure
from mmdin.schemas import SAMPLES

COPIES = (1, 5)
PROTOCOLS = ("point_in_time", "random")


def run(folder: Path, small: bool) -> dict[str, object]:
    """Seconds and CPU seconds of both, by protocol and number of ratings, and their ratios."""
    return dict(measure_copies(folder, 20_000 if small else 1_000_000, COPIES))


def measure_copies(
    folder: Path, ratings: int, copies: Sequence[int]
) -> Iterator[tuple[str, dict[str, object]]]:
    """Measure both under each protocol, on each number of copies of a world.

    Yields:
        The number of ratings and the protocol, and what both took, as soon as it is known.

    Raises:
        CommandFailedError: A job failed.
    """
    folder = folder.resolve()
    configuration, made = make_world(folder, ratings)
    for number in copies:
        movielens, root = folder / f"movielens{number}", folder / f"root{number}"
        repeat_ratings(made, movielens, number, ratings // RATINGS_PER_USER)
        for job in ("ingest_ratings", "ingest_posters"):
            launch(folder / f"{job}.log", job, configuration, root, movielens)
        for protocol in PROTOCOLS:
            log, made_by_duckdb = folder / f"{protocol}{number}.log", folder / f"{protocol}{number}"
            setting = f"samples.protocol={protocol}"
            by_spark = launch(log, "build_samples", configuration, root, movielens, setting)
            compared = _measure_duckdb(root, made_by_duckdb, protocol, by_spark)
            yield f"{number * ratings} ratings, {protocol}", compared


def _measure_duckdb(
    root: Path, made_by_duckdb: Path, protocol: str, by_spark: Usage
) -> dict[str, object]:
    command = (sys.executable, "-m", "benchmarks.duckdb_samples")
    arguments = (root / "tables", made_by_duckdb, protocol)
    try:
        by_duckdb = measure([*command, *arguments], made_by_duckdb.with_suffix(".duckdb.log"))
    except CommandFailedError as error:  # It needs much more memory and disk.
        return {**_describe(by_spark), "DuckDB": str(error)}
    compared = _compare(by_spark, by_duckdb)
    if protocol == "point_in_time":
        compared["columns that differ"] = list_differing(root, made_by_duckdb)
    return compared


def _compare(by_spark: Usage, by_duckdb: Usage) -> dict[str, object]:
    return {
        **_describe(by_spark),
        **{f"DuckDB's {what}": value for what, value in _describe(by_duckdb).items()},
        "seconds by DuckDB's": round(by_spark.seconds / by_duckdb.seconds, 2),
        "cpu by DuckDB's": round(by_spark.cpu / by_duckdb.cpu, 2),
    }


def _describe(usage: Usage) -> dict[str, object]:
    return {
        "seconds": round(usage.seconds, 1),
        "cpu_seconds": round(usage.cpu, 1),
        "memory_gb": round(usage.memory / 1e9, 1),
    }


def list_differing(root: Path, made_by_duckdb: Path) -> list[str]:
    """The columns of samples, but for buckets, that differ; doubles beyond 1e-8 of their size."""
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        for name, place in (("ours", root / "tables" / "samples"), ("theirs", made_by_duckdb)):
            files = f"read_parquet('{place}/*/*.parquet', hive_partitioning = true)"
            database.execute(f"CREATE VIEW {name} AS FROM {files}")
        # Bucket edges are fitted on other rows.
        columns = [c for c in SAMPLES.columns if not c.endswith("_bucket")]
        tests = ", ".join(f"count(*) FILTER ({_differs(c)})" for c in columns)
        found = database.execute(
            f"SELECT {tests} FROM ours o FULL JOIN theirs t USING (user_id, movie_id)"
        ).fetchone()
    assert found is not None
    return [column for column, rows in zip(columns, found, strict=True) if rows]


def _differs(column: str) -> str:
    if SAMPLES.schema[column].dataType.typeName() != "double":
        return f"o.{column} IS DISTINCT FROM t.{column}"
    return (
        f"(o.{column} IS NULL) != (t.{column} IS NULL) "
        f"OR abs(o.{column} - t.{column}) > 1e-8 * greatest(1, abs(o.{column}))"
    )


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[2:]]
    for measured, figures in measure_copies(Path(sys.argv[1]), numbers[0], numbers[1:]):
        print(measured, figures, flush=True)
