"""Files for the driver, which reaches Hadoop's file systems through Spark's JVM."""

from typing import TYPE_CHECKING

from mmdin.errors import StorageError
from mmdin.storage.files import Files, Folder
from mmdin.storage.local import LocalFiles
from mmdin.storage.rank import HadoopSettings
from mmdin.storage.urls import is_local, local_path

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from mmdin.storage.hadoop import HadoopFiles


def files_at(spark: "SparkSession", url: str) -> Files:
    """The back end for the files under a URL.

    A path without a scheme is, as for Spark, on Hadoop's default file system: the local one, unless
    HADOOP_CONF_DIR or spark.hadoop.fs.defaultFS says otherwise.
    """
    files = _hadoop_files(spark)
    return LocalFiles() if is_local(url) and is_local(files.qualify(url)) else files


def folder_at(spark: "SparkSession", url: str) -> Folder:
    """The folder at a URL."""
    return Folder(files_at(spark, url), url)


def ensure_writable(spark: "SparkSession", root: str) -> None:
    """Create the root, or fail within a minute if its file system cannot be reached.

    Raises:
        StorageError: if the root cannot be written to; names the root and says what to do.
    """
    files = _hadoop_files(spark)
    if not is_local(root):
        files.make_root(root)
    elif not is_local(qualified := files.qualify(root)):
        raise StorageError(
            f"root {root} has no scheme, and Hadoop's default file system is not the local one: "
            f"set root={qualified}, or spark.hadoop.fs.defaultFS=file:/// for a folder of every "
            "machine"
        )


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
