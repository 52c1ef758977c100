"""Files for the driver, which reaches Hadoop's file systems through Spark's JVM."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmdin.connect import is_classic
from mmdin.errors import StorageError
from mmdin.storage.files import Files, Folder
from mmdin.storage.local import LocalFiles, make_local_root
from mmdin.storage.rank import HadoopSettings
from mmdin.storage.urls import (
    host_of,
    is_local,
    join,
    literal_url,
    local_path,
    scheme_of,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, DataFrameReader, SparkSession

    from mmdin.storage.hadoop import HadoopFiles


_LITERAL_PATHS = {"__globPaths__": "false"}
"""Option of Spark's sources of files, which would otherwise read some characters as patterns. (They
can be quoted, but then Hadoop lists the folders above, and fails on names with colons there.)"""

_PATTERN_CHARACTERS = frozenset("{}[]*?\\")

_reached: set[str] = set()
"""File systems that answered, by application, scheme and host."""


def files_at(spark: "SparkSession", url: str) -> Files:
    """The back end for the files under a URL.

    A path without a scheme is, as for Spark, on Hadoop's default file system: the local one, unless
    HADOOP_CONF_DIR or spark.hadoop.fs.defaultFS says otherwise.

    Raises:
        StorageError: if the file system does not answer within a minute (it is asked once), or if
            it is not this machine's and the session is one of Spark Connect.
    """
    if not is_classic(spark):
        return _shared_files(url)
    files = _hadoop_files(spark)
    if _is_on_local_disk(files, url):
        return LocalFiles()
    system = f"{spark.sparkContext.applicationId} {scheme_of(url)}://{host_of(url)}"
    if system not in _reached:
        files.check_reachable(url)
        _reached.add(system)
    return files


def folder_at(spark: "SparkSession", url: str) -> Folder:
    """The folder at a URL."""
    return Folder(files_at(spark, url), url)


def spark_url(spark: "SparkSession", url: str) -> str:
    """The URL of a file or folder to hand to Spark or Hadoop, which would misread a plain path.

    Sources of files take it by `load_files`.

    Raises:
        StorageError: if the file system does not answer, or if the JVM cannot express the name.
    """
    if not is_classic(spark):
        _shared_files(url)
        return literal_url(url)
    files = _hadoop_files(spark)
    if not _is_on_local_disk(files, url):
        files_at(spark, url)
        return url
    literal = literal_url(url)
    if not literal.isascii():
        files.check_name(str(local_path(url)))
    return literal


def load_files(reader: "DataFrameReader", urls: Sequence[str]) -> "DataFrame":
    """Rows of files or folders, whose names are no patterns.

    Args:
        reader: with the format and its options.
        urls: as of `spark_url`, at least one.
    """
    reader = reader.options(**_LITERAL_PATHS)
    if sum(not _PATTERN_CHARACTERS.isdisjoint(url) for url in urls) < 2:
        return reader.load(list(urls))
    # With the option, Spark takes the whole list once for each name that looks like a pattern.
    rows = reader.load(urls[0])
    for url in urls[1:]:
        rows = rows.unionByName(reader.load(url), allowMissingColumns=True)
    return rows


def ensure_writable(spark: "SparkSession", root: str) -> None:
    """Create the root, or fail within a minute if its file system cannot be reached.

    Raises:
        StorageError: if the root cannot be written to; names the root and says what to do.
    """
    if not is_classic(spark):
        _shared_files(root)
        make_local_root(root)
        return
    files = _hadoop_files(spark)
    if not is_local(root):
        files.make_root(root)
    elif not _is_on_local_disk(files, root):
        default = files.default_system()
        there = join(default, root.strip("/"))
        raise StorageError(
            f"root {root} is a local folder, and Hadoop's default file system is {default}, by "
            f"HADOOP_CONF_DIR or spark.hadoop.fs.defaultFS: set root={there}; or, "
            "for a local folder, unset HADOOP_CONF_DIR, or set spark.hadoop.fs.defaultFS=file:/// "
            "in a file of Spark's properties"
        )
    else:
        make_local_root(root)
        spark_url(spark, root)


def is_on_local_disk(spark: "SparkSession", url: str) -> bool:
    """Whether Python can open the files under a URL: see `files_at`."""
    if not is_classic(spark):
        return is_local(url)
    return _is_on_local_disk(_hadoop_files(spark), url)


def _shared_files(url: str) -> LocalFiles:
    """The back end of a Spark Connect session, for folders that its server has at the same place.

    Raises:
        StorageError: if the URL is none of a local file.
    """
    if not is_local(url):
        raise StorageError(
            f"{url}: Hadoop's file systems are reached through a SparkContext, which Spark Connect "
            "does not have: use a classic session, or a folder that the server has too"
        )
    return LocalFiles()


def _is_on_local_disk(files: "HadoopFiles", url: str) -> bool:
    return scheme_of(url) == "file" or (is_local(url) and is_local(files.default_system()))


def hadoop_settings(spark: "SparkSession") -> HadoopSettings:
    """What ranks need to reach the file systems that the driver reaches."""
    conf = spark.sparkContext.getConf()
    jars = [str(local_path(j)) for j in conf.get("spark.jars", "").split(",") if j and is_local(j)]
    class_path = conf.get("spark.executor.extraClassPath", "")
    return HadoopSettings(_hadoop_files(spark).settings(), tuple(jars), class_path)


def _hadoop_files(spark: "SparkSession") -> "HadoopFiles":
    # Imported here so that importing this package loads no Py4J.
    from mmdin.storage.hadoop import HadoopFiles

    context = spark.sparkContext
    return HadoopFiles(context._gateway, context._jsc.hadoopConfiguration())
