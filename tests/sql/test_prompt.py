"""What statements may do, and what is said about those that fail."""

import io
import os
import shutil
from pathlib import Path

import pytest
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from mmdin.errors import TableError
from mmdin.schemas import LINKS, MOVIES, POSTERS
from mmdin.sql import prompt
from mmdin.sql.permission import only_reads
from mmdin.sql.prompt import Prompt, explain_absent, newest_root
from mmdin.tables import Tables


@pytest.fixture(autouse=True)
def without_sparks_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in submit/sql.sh, and because the log keeps the standard error of an earlier test."""
    logger = PySparkLogger.getLogger("SQLQueryContextLogger")
    monkeypatch.setattr(logger, "disabled", True)


READING = """
SELECT * FROM t
-- comment
    /* another */ (SELECT 1) UNION (SELECT 2)
WITH a AS (SELECT 1 AS x) SELECT x FROM a WHERE x IN (SELECT 1)
FROM t SELECT a
VALUES (1), (2)
TABLE t
SHOW TABLES
SHOW TBLPROPERTIES t
DESCRIBE EXTENDED t
DESCRIBE HISTORY delta.`/x`
DESC QUERY SELECT 1
EXPLAIN DELETE FROM t
SET spark.sql.shuffle.partitions = 3
CREATE OR REPLACE TEMPORARY VIEW v AS SELECT 1
"""

CHANGING = """
DELETE FROM t WHERE a = 1
UPDATE t SET a = 1
MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE
INSERT INTO t VALUES (1)
INSERT OVERWRITE t SELECT 1
INSERT OVERWRITE DIRECTORY '/x' USING parquet SELECT 1
WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a
FROM s INSERT INTO t SELECT a
FROM s INSERT INTO t SELECT a INSERT INTO u SELECT b
FROM s INSERT OVERWRITE DIRECTORY '/x' USING parquet SELECT a
SELECT TRANSFORM(a) USING 'rm -rf /x' AS (b) FROM t
DROP TABLE t
DROP VIEW t
TRUNCATE TABLE t
ALTER TABLE t SET TBLPROPERTIES ('a' = 'b')
ALTER TABLE t ADD COLUMN b INT
CREATE TABLE t AS SELECT 1
CREATE VIEW v AS SELECT 1
CREATE DATABASE d
OPTIMIZE t
VACUUM t
RESTORE TABLE t TO VERSION AS OF 0
CONVERT TO DELTA parquet.`/x`
EXECUTE IMMEDIATE 'DROP TABLE t'
ANALYZE TABLE t COMPUTE STATISTICS
ADD JAR '/x.jar'
"""


def test_statements_that_change_nothing_are_known_by_their_plans(spark: SparkSession) -> None:
    # Only the parser runs: no table needs to be there.
    reading, changing = (
        [s for s in text.strip().splitlines() if not s.startswith("--")]
        for text in (READING, CHANGING)
    )
    assert [s for s in reading if not only_reads(spark, s)] == []
    assert [s for s in changing if only_reads(spark, s)] == []


def test_what_fails_has_one_message_and_changes_nothing(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "t")
    spark.range(3).coalesce(1).write.format("delta").save(path)
    reading = Prompt(spark, "build/x", ("ratings", "movies"))
    for statement, message in (
        (f"DELETE FROM delta.`{path}`", "DELETE can change tables or files: if that is what you"),
        ("SELECT * FROM metrics", "there is no table metrics in build/x yet: evaluate writes it"),
        ("SELECT * FROM rating", "there is no table rating; those of build/x are: ratings, movies"),
        ("SELEC 1", "[PARSE_SYNTAX_ERROR] Syntax error"),
        ("SELECT 1 / 0", "Division by zero"),
    ):
        assert not reading.run(statement)
        shown = capsys.readouterr()
        assert f"sql: error: {message}" in shown.err or message in shown.err
        assert "Traceback" not in shown.err + shown.out
    writing = Prompt(spark, "build/x", (), may_write=True)
    assert writing.run(f"DELETE FROM delta.`{path}` WHERE id = 1")
    assert reading.run(f"SELECT id FROM delta.`{path}`")
    assert "2 rows" in capsys.readouterr().out


def test_tables_that_cannot_be_read_are_left_out_with_the_reason(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = Tables(spark, str(tmp_path))
    tables.write(LINKS, spark.createDataFrame([(1, "a", 1)], LINKS.schema))
    spark.range(1).write.format("delta").save(f"file:{tmp_path}/tables/ratings")
    shutil.copytree(tables.path(LINKS), tables.path(MOVIES))
    for file in Path(tables.path(MOVIES)).glob("*.parquet"):
        file.unlink()
    shutil.copytree(tables.path(LINKS), tables.path(POSTERS))
    for file in Path(tables.path(POSTERS), "_delta_log").glob("*.*"):
        file.write_text("{")
    names, left_out = prompt.name_tables(spark, str(tmp_path))
    try:
        assert names == ("links",)
        assert set(left_out) == {"ratings", "movies", "posters"}
        warnings = capsys.readouterr().err.splitlines()
        assert len(warnings) == 3
        for table, reason in (
            ("ratings", "is a Delta table that this project did not write: its columns are id"),
            ("movies", "data files are missing or cut short"),
            ("posters", "its log, _delta_log, cannot be read"),
        ):
            assert any(f"without table {table}: " in w and reason in w for w in warnings)
        asking = Prompt(spark, str(tmp_path), names, left_out=left_out)
        assert asking.run("SELECT imdb_id FROM links")
        assert not asking.run("SELECT * FROM Ratings")
        assert "table Ratings cannot be read: " in capsys.readouterr().err
    finally:
        spark.catalog.dropTempView("links")
    shutil.rmtree(tables.path(LINKS))
    with pytest.raises(TableError, match=r"no tables in .* that can be read"):
        prompt.name_tables(spark, str(tmp_path))


def test_a_table_that_is_not_there_is_explained() -> None:
    assert explain_absent("PREDICTIONS", "r", []).endswith("PREDICTIONS in r yet: score writes it")
    assert explain_absent("x", "r", ["a", "b"]) == "there is no table x; those of r are: a, b"


def test_the_root_that_was_written_last_is_taken(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="there are no tables in"):
        newest_root(tmp_path)
    for second, (root, version) in enumerate((("new", 0), ("older", 0), ("new", 1))):
        log = tmp_path / root / "tables" / "ratings" / "_delta_log"
        log.mkdir(parents=True, exist_ok=True)
        commit = log / f"{version:020}.json"
        commit.touch()
        os.utime(commit, (second, second))
    (tmp_path / "made last" / "tables").mkdir(parents=True)
    assert newest_root(tmp_path) == str(tmp_path / "new")


@pytest.mark.parametrize(
    ("statements", "run", "status"),
    [
        ("SELECT 1; wrong; SELECT 2;", ["SELECT 1", "wrong"], 1),
        ("SELECT 1;\nSELECT 2 -- no semicolon", ["SELECT 1", "SELECT 2 -- no semicolon"], 0),
        ("-- nothing", [], 0),
    ],
)
@pytest.mark.parametrize("is_argument", [True, False])
def test_a_script_runs_up_to_its_first_mistake(
    statements: str,
    run: list[str],
    status: int,
    is_argument: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran = []

    class Recording:
        def run(self, statement: str) -> bool:
            ran.append(statement.strip())
            return statement.strip() != "wrong"

    monkeypatch.setattr(prompt, "_open", lambda options, interruption: Recording())
    monkeypatch.setattr("sys.stdin", io.StringIO("" if is_argument else statements))
    monkeypatch.setattr("sys.argv", ["sql", *([statements] if is_argument else [])])
    assert (prompt.query_tables(""), ran) == (status, run)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--root", "no/such"], "there is no folder no/such"),
        (["--conf", "no/such.yaml"], "no/such.yaml: cannot be read"),
        (["--limit", "0"], "'0' is not a number from 1 to 1,000,000"),
        (["--limit", "99999999999999999999"], "is not a number from 1 to 1,000,000"),
        (["--limit", "ten"], "'ten' is not a number"),
    ],
)
def test_mistakes_in_options_start_no_session(
    options: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(prompt, "open_session", lambda name: pytest.fail("a session was opened"))
    monkeypatch.setattr("sys.argv", ["sql", "SELECT 1", *options])
    try:
        status = prompt.query_tables("")
    except SystemExit as ended:
        status = ended.code
    assert status == 2
    assert message in capsys.readouterr().err
