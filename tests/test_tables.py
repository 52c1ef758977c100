import json
import shutil
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import mmdin.tables
from mmdin.errors import TableError
from mmdin.local_rows import local_rows
from mmdin.schemas import LINKS, RATINGS, TABLES, Table
from mmdin.storage import local_path
from mmdin.tables import Tables, conform


@pytest.fixture
def tables(spark: SparkSession, tmp_path: Path) -> Tables:
    return Tables(spark, str(tmp_path))


def links(spark: SparkSession, *rows: tuple[int, str, int]):
    return local_rows(spark, rows, LINKS.schema)


def test_every_column_has_a_comment() -> None:
    for table in TABLES:
        for field in table.schema:
            assert field.metadata.get("comment"), f"{table.name}.{field.name}"


def test_comments_reach_the_table(tables: Tables, spark: SparkSession) -> None:
    tables.write(LINKS, links(spark, (1, "0114709", 862)))
    comments = {f.name: f.metadata.get("comment") for f in tables.read_by_delta(LINKS).schema}
    assert comments == {f.name: f.metadata["comment"] for f in LINKS.schema}


def test_columns_that_do_not_fit_are_all_named(spark: SparkSession) -> None:
    rows = spark.range(1).select(F.col("id").alias("movie_id"), F.lit(3).alias("imdb_id"), "id")
    with pytest.raises(TableError) as error:
        conform(rows, LINKS)
    for said in ("tmdb_id is missing", "id is unexpected", "imdb_id is int, not string"):
        assert said in str(error.value)


def test_a_missing_table_names_the_job_that_writes_it(tables: Tables) -> None:
    with pytest.raises(TableError, match="run ingest_ratings first"):
        tables.read(LINKS)
    sharing = Tables(tables.spark, tables.root, source=f"{tables.root}/nowhere")
    with pytest.raises(TableError, match=r"input\.tables must be the root of a pipeline") as error:
        sharing.read(RATINGS)
    assert "run ingest_ratings" not in str(error.value)


def test_replacing_some_rows_keeps_the_others(tables: Tables, spark: SparkSession) -> None:
    tables.replace(LINKS, links(spark, (1, "a", 1), (2, "b", 2)), "movie_id IN (1, 2)")
    tables.replace(LINKS, links(spark, (2, "c", 3)), "movie_id = 2")
    tables.replace(LINKS, links(spark, (2, "c", 3)), "movie_id = 2")
    kept = {tuple(r) for r in tables.read(LINKS).collect()}
    assert kept == {(1, "a", 1), (2, "c", 3)}


def test_of_several_tables_those_that_fit_are_written_each_in_its_own_jobs(
    tables: Tables, spark: SparkSession
) -> None:
    ratings = local_rows(spark, [(1, 2, 4.0, None)], RATINGS.schema)
    spark.sparkContext.setJobGroup("several", "tables at a time")
    try:
        with pytest.raises(TableError, match="imdb_id is missing"):
            tables.write_all({LINKS: links(spark, (1, "a", 1)).drop("imdb_id"), RATINGS: ratings})
        assert not tables.exists(LINKS)
        tables.write_all({LINKS: links(spark, (1, "a", 1)), RATINGS: ratings})
        jobs = spark.sparkContext.statusTracker().getJobIdsForGroup("several")
    finally:
        spark.sparkContext.setLocalProperty("spark.jobGroup.id", None)
    assert [tables.version(table) for table in (LINKS, RATINGS)] == [0, 1]
    assert [tables.read(table).count() for table in (LINKS, RATINGS)] == [1, 1]
    assert len(jobs) >= 3


def test_after_an_interruption_no_other_table_is_written(
    tables: Tables, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, waited_for = [], []

    def interrupt(futures: list[Future]) -> None:
        waited_for.extend(futures)
        raise KeyboardInterrupt

    def write_long(self: Tables, table: Table, rows: DataFrame) -> None:
        """Until the other write is cancelled, or will not be."""
        begun.append(table)
        for _ in range(1000):
            if waited_for and waited_for[1].cancelled():
                break
            time.sleep(0.01)

    monkeypatch.setattr(mmdin.tables, "_WRITERS", 1)
    monkeypatch.setattr(mmdin.tables, "wait", interrupt)
    monkeypatch.setattr(Tables, "write", write_long)
    with pytest.raises(KeyboardInterrupt):
        tables.write_all({LINKS: links(spark), RATINGS: links(spark)})
    assert begun == [LINKS]


def test_pinned_version_has_its_own_rows_and_files(tables: Tables, spark: SparkSession) -> None:
    tables.write(LINKS, links(spark, (1, "a", 1)))
    first = tables.version(LINKS)
    tables.write(LINKS, links(spark, (2, "b", 2), (3, "c", 3)))
    assert [r["movie_id"] for r in tables.read(LINKS, first).collect()] == [1]
    assert sum(f.rows for f in tables.files(LINKS, first, "true")) == 1
    assert sum(f.rows for f in tables.files(LINKS, tables.version(LINKS), "true")) == 2


def test_versions_are_found_without_a_spark_job(tables: Tables, spark: SparkSession) -> None:
    scheduler = spark.sparkContext._jsc.sc().dagScheduler()
    assert not tables.exists(LINKS)
    assert tables.identity(LINKS) == "absent"
    for version in (0, 1):
        tables.write(LINKS, links(spark, (1, "a", version)))
        started = scheduler.numTotalJobs()
        assert tables.exists(LINKS)
        assert tables.version(LINKS) == version
        assert tables.identity(LINKS).endswith(f" {version}")
        assert scheduler.numTotalJobs() == started
    history = spark.sql(f"DESCRIBE HISTORY delta.`{tables.path(LINKS)}` LIMIT 1")
    assert history.head()["version"] == tables.version(LINKS)


def test_versions_are_found_after_delta_has_cleaned_up_its_log(
    tables: Tables, spark: SparkSession
) -> None:
    tables.write(LINKS, links(spark, (1, "a", 1)))
    path = tables.path(LINKS)
    spark.sql(f"ALTER TABLE delta.`{path}` SET TBLPROPERTIES (delta.checkpointInterval = 2)")
    tables.replace(LINKS, links(spark, (1, "b", 2)), "movie_id = 1")
    identity = tables.identity(LINKS)
    for file in Path(path, "_delta_log").glob("*"):
        if file.suffix == ".crc" or (file.suffix == ".json" and file.stem < f"{2:020}"):
            file.unlink()
    assert Path(path, "_delta_log", f"{2:020}.checkpoint.parquet").exists()
    spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
    assert tables.version(LINKS) == 2
    assert tables.identity(LINKS) == identity


def test_a_table_written_again_in_the_same_place_has_another_identity(
    tables: Tables, spark: SparkSession, tmp_path: Path
) -> None:
    tables.write(LINKS, links(spark, (1, "a", 1)))
    elsewhere = Tables(spark, str(tmp_path / "copy"))
    shutil.copytree(tables.path(LINKS), elsewhere.path(LINKS))
    first = tables.identity(LINKS)
    shutil.rmtree(tables.path(LINKS))
    tables.write(LINKS, links(spark, (1, "a", 1)))
    assert tables.version(LINKS) == 0
    assert len({first, tables.identity(LINKS), elsewhere.identity(LINKS)}) == 3


def test_files_that_say_more_than_the_table_are_refused(
    tables: Tables, spark: SparkSession
) -> None:
    tables.write(LINKS, links(spark, (1, "a", 1)))
    path = tables.path(LINKS)
    spark.sql(f"ALTER TABLE delta.`{path}` SET TBLPROPERTIES (delta.enableDeletionVectors = true)")
    with pytest.raises(TableError, match="enableDeletionVectors"):
        tables.files(LINKS, tables.version(LINKS), "true")


def test_a_table_is_read_in_one_spark_job(tables: Tables, spark: SparkSession) -> None:
    with pytest.raises(TableError, match="ingest_ratings"):
        tables.read(LINKS)
    tables.write(LINKS, links(spark, (1, "a", 1)))
    tables.write(LINKS, links(spark, (2, "b", 2), (3, "c", 3)))
    started = spark.sparkContext._jsc.sc().dagScheduler().numTotalJobs()
    rows = tables.read(LINKS).collect()
    assert spark.sparkContext._jsc.sc().dagScheduler().numTotalJobs() == started + 1
    assert sorted(rows) == [(2, "b", 2), (3, "c", 3)]
    assert rows[0].__fields__ == LINKS.columns


ODD_NAMES = ("a#b?c%20d%e:f", "[a] {b,c}* d\\e'f`g é\n日本")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_root_of_any_name_is_that_folder(name: str, spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, str(tmp_path / name), database="odd")
    rows = links(spark, (1, "a", 1))
    try:
        tables.write(LINKS, rows)
        tables.replace(LINKS, rows, "movie_id = 1")
        assert (
            spark.table("odd.links").collect() == tables.read(LINKS, 0).collect() == [(1, "a", 1)]
        )
    finally:
        spark.sql("DROP DATABASE IF EXISTS odd CASCADE")
    assert tables.read(LINKS).collect() == [(1, "a", 1)]
    (file,) = tables.files(LINKS, 1, "true")
    assert local_path(file.url).is_relative_to(tmp_path / name / "tables" / "links")
    assert local_path(file.url).exists()
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_partitioned_table_is_read_in_one_spark_job(tables: Tables, spark: SparkSession) -> None:
    tables.write(LINKS, links(spark, (1, "a é", 1), (2, None, 2)), partition_by="imdb_id")
    tables.write(LINKS, links(spark, (3, "c", 3)), partition_by="imdb_id")
    started = spark.sparkContext._jsc.sc().dagScheduler().numTotalJobs()
    assert sorted(tables.read(LINKS, 0).collect()) == [(1, "a é", 1), (2, None, 2)]
    assert tables.read(LINKS, 0).where("imdb_id IS NULL").collect() == [(2, None, 2)]
    assert spark.sparkContext._jsc.sc().dagScheduler().numTotalJobs() == started + 2
    assert tables.read(LINKS).collect() == [(3, "c", 3)]


def test_statistics_are_of_the_column_that_rows_are_found_by(
    tables: Tables, spark: SparkSession
) -> None:
    tables.write(LINKS, links(spark, (7, "0114709", 862)))
    (log,) = Path(tables.path(LINKS), "_delta_log").glob("*.json")
    added = [json.loads(line)["add"] for line in log.read_text().splitlines() if '"add"' in line]
    statistics = [json.loads(file["stats"]) for file in added]
    assert [s["minValues"] for s in statistics] == [{LINKS.found_by: 7}]


def test_a_column_that_a_table_lacks_is_named(tables: Tables, spark: SparkSession) -> None:
    rows = conform(links(spark, (1, "a", 1)), LINKS).drop("tmdb_id")
    rows.write.format("delta").save(tables.path(LINKS))
    with pytest.raises(AnalysisException, match="tmdb_id"):
        tables.read(LINKS).select("tmdb_id")


def test_a_table_may_have_no_rows(tables: Tables, spark: SparkSession) -> None:
    tables.write(LINKS, links(spark))
    assert tables.read(LINKS).collect() == []


def test_tables_that_are_more_than_their_files_are_read_by_delta(
    tables: Tables, spark: SparkSession
) -> None:
    other = Tables(spark, tables.root + "/other")
    other.write(LINKS, links(spark, (1, "a", 1), (2, "b", 2)).coalesce(1))
    path = other.path(LINKS)
    spark.sql(f"ALTER TABLE delta.`{path}` SET TBLPROPERTIES (delta.enableDeletionVectors = true)")
    spark.sql(f"DELETE FROM delta.`{path}` WHERE movie_id = 1")
    assert other.read(LINKS).collect() == [(2, "b", 2)]


@pytest.mark.parametrize("database", ["named", "spark_catalog.named"])
def test_tables_have_names_in_the_catalog(
    database: str, spark: SparkSession, tmp_path: Path
) -> None:
    tables = Tables(spark, str(tmp_path / "a"), database=database)
    try:
        for rows in (links(spark, (1, "a", 1)), links(spark, (2, "b", 2), (3, "c", 3))):
            tables.write(LINKS, rows)
            assert spark.sql("SELECT count(*) FROM named.links").head()[0] == rows.count()
        tables.replace(LINKS, links(spark, (3, "d", 4)), "movie_id = 3")
        assert spark.table("named.links").where("movie_id = 3").head()["imdb_id"] == "d"
        with pytest.raises(TableError, match=r"named\.links is the table at .*/a/tables/links"):
            Tables(spark, str(tmp_path / "b"), database=database).write(LINKS, rows)
        spark.sql("DROP TABLE named.links")
        assert tables.read(LINKS).count() == 2
        tables.register(LINKS)
        assert spark.table("named.links").count() == 2
        started = spark.sparkContext._jsc.sc().dagScheduler().numTotalJobs()
        tables.register(LINKS)
        assert spark.sparkContext._jsc.sc().dagScheduler().numTotalJobs() == started
    finally:
        spark.sql("DROP DATABASE IF EXISTS named CASCADE")


def test_a_catalog_that_there_is_not_is_named(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, str(tmp_path / "a"), database="nowhere.named")
    with pytest.raises(TableError, match=r"no catalog nowhere: configure spark\.sql\.catalog"):
        tables.write(LINKS, links(spark, (1, "a", 1)))
    assert tables.read(LINKS).count() == 1


def test_tables_of_another_root_get_no_name(spark: SparkSession, tmp_path: Path) -> None:
    Tables(spark, str(tmp_path / "a")).write(LINKS, links(spark, (1, "a", 1)))
    Tables(spark, str(tmp_path / "b"), str(tmp_path / "a"), database="named").register(LINKS)
    assert not spark.catalog.databaseExists("named")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def make_delta_table(spark: SparkSession, place: Path) -> None:
    rows = spark.createDataFrame([(1, 2, 3.5)], "user_id long, movie_id long, rating double")
    rows.write.format("delta").save(f"file:{place}")


def make_delta_table_without_checksums(spark: SparkSession, place: Path) -> None:
    make_delta_table(spark, place)
    for file in (place / "_delta_log").glob("*.crc"):
        file.unlink()


def make_parquet_folder(spark: SparkSession, place: Path) -> None:
    rows = spark.createDataFrame([(1, 2)], "user_id long, movie_id long")
    rows.write.partitionBy("user_id").parquet(f"file:{place}")
    (place / "_SUCCESS").unlink()


def make_file(spark: SparkSession, place: Path) -> None:
    place.parent.mkdir()
    place.write_text("mine")


def make_csv_folder(spark: SparkSession, place: Path) -> None:
    place.mkdir(parents=True)
    (place / "_1.csv").write_text("mine")


@pytest.mark.parametrize(
    "make",
    [
        make_delta_table,
        make_delta_table_without_checksums,
        make_parquet_folder,
        make_file,
        make_csv_folder,
    ],
)
def test_what_others_wrote_is_refused_and_stays(
    make: Callable[[SparkSession, Path], None], tables: Tables, spark: SparkSession, tmp_path: Path
) -> None:
    place = tmp_path / "tables" / "ratings"
    make(spark, place)
    before = contents(tmp_path)
    rows = local_rows(spark, [], RATINGS.schema)
    for write in (
        lambda: tables.write(RATINGS, rows),
        lambda: tables.replace(RATINGS, rows, "user_id = 1"),
    ):
        with pytest.raises(
            TableError, match=f"{place} (is a Delta table|holds files).*set root|Set"
        ):
            write()
    assert contents(tmp_path) == before
    with pytest.raises(TableError, match=r"did not write|there is no table"):
        Tables(spark, str(tmp_path / "b"), source=str(tmp_path)).read(RATINGS)


def test_empty_folders_and_stopped_first_writes_are_written_to(
    tables: Tables, spark: SparkSession
) -> None:
    place = Path(tables.path(LINKS))
    place.mkdir(parents=True)
    (place / ".DS_Store").touch()
    tables.check_writable(LINKS)
    (place / "_delta_log").mkdir()
    (place / "part-0.parquet").write_text("half of it")
    tables.write(LINKS, links(spark, (1, "a", 1)))
    assert tables.read(LINKS).collect() == [(1, "a", 1)]


def test_a_table_that_another_tool_changed_is_still_ours(
    tables: Tables, spark: SparkSession
) -> None:
    tables.write(LINKS, links(spark, (1, "a", 1)))
    spark.sql(f"ALTER TABLE delta.`{tables.path(LINKS)}` ADD COLUMN note string")
    spark.sql(f"DELETE FROM delta.`{tables.path(LINKS)}`")
    tables.write(LINKS, links(spark, (2, "b", 2)))
    assert tables.read(LINKS).columns == LINKS.columns


def replace_first(tables: Tables, table: Table) -> None:
    tables.replace(table, links(tables.spark, (1, "c", 1)), "movie_id = 1")


def test_a_table_of_which_files_are_gone_is_named_and_can_be_written_again(
    tables: Tables, spark: SparkSession
) -> None:
    rows = links(spark, (1, "a", 1), (2, "b", 2)).coalesce(1)
    tables.write(LINKS, rows)
    place, identity = Path(tables.path(LINKS)), tables.identity(LINKS)
    (file,) = place.glob("*.parquet")
    for harm in (lambda: file.write_bytes(file.read_bytes()[:-9]), file.unlink):
        harm()
        assert tables.identity(LINKS) == f"{identity} damaged"
        for use in (Tables.read, Tables.read_by_delta, Tables.version, replace_first):
            with pytest.raises(TableError, match=r"1 of its 1 data .*run ingest_ratings again"):
                use(Tables(spark, tables.root), LINKS)
    for checksum in (place / "_delta_log").glob("*.crc"):
        checksum.unlink()
    assert tables.identity(LINKS) == f"{identity} damaged"
    tables.write(LINKS, rows)
    assert sorted(tables.read(LINKS).collect()) == [(1, "a", 1), (2, "b", 2)]


def test_a_process_looks_for_damage_once(
    tables: Tables, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = []
    find_damage = Tables._damage
    monkeypatch.setattr(Tables, "_damage", lambda *args: listed.append(1) or find_damage(*args))
    for version in (1, 2):
        tables.write(LINKS, links(spark, (1, "a", 1)))
        for _ in range(2):
            Tables(spark, tables.root).version(LINKS)
            Tables(spark, tables.root).read(LINKS)
        assert len(listed) == version


def test_a_table_of_which_the_log_has_a_gap_is_named(tables: Tables, spark: SparkSession) -> None:
    for _ in range(2):
        tables.write(LINKS, links(spark, (1, "a", 1)))
    place = Path(tables.path(LINKS))
    (place / "_delta_log" / f"{0:020}.json").unlink()
    assert tables.identity(LINKS).endswith("damaged")
    for use in (lambda: tables.read(LINKS), lambda: tables.write(LINKS, links(spark))):
        with pytest.raises(TableError, match=r"_delta_log, lacks version 0.*run ingest_ratings"):
            use()
    shutil.rmtree(place)
    tables.write(LINKS, links(spark, (2, "b", 2)))
    assert tables.read(LINKS).collect() == [(2, "b", 2)]


@pytest.mark.parametrize(
    ("files", "content", "message"),
    [
        ("*1.json", "", r"_delta_log, lacks version 1"),  # as after a loss of power
        ("*.*", "{", r"_delta_log, cannot be read \(\S*Exception"),
    ],
)
def test_a_table_of_which_the_log_cannot_be_read_is_named(
    files: str, content: str, message: str, tables: Tables, spark: SparkSession
) -> None:
    for version in (0, 1):
        tables.write(LINKS, links(spark, (1, "a", version)))
    for file in Path(tables.path(LINKS), "_delta_log").glob(files):
        file.write_text(content)
    spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
    for use in (Tables.read, Tables.read_by_delta, Tables.check_writable):
        with pytest.raises(TableError, match=rf"{message}.*Restore it, or delete its folder"):
            use(Tables(spark, tables.root), LINKS)
