"""Files under the root, on a local disk, in HDFS or in S3.

`files` is the interface, `local` and `hadoop` are its back ends. `driver` and `rank` choose the
back end for a URL: the driver reaches Hadoop through Spark's own JVM, Horovod ranks start one with
`jvm`. Plain paths and file: URLs need no JVM, and importing this package loads neither PySpark nor
Py4J.
"""

from mmdin.storage.blocks import row_ranges
from mmdin.storage.driver import (
    ensure_writable,
    files_at,
    folder_at,
    hadoop_settings,
    is_on_local_disk,
    load_files,
    spark_url,
)
from mmdin.storage.files import Files, Folder, StoredFile, upload
from mmdin.storage.full_disks import full_disk_trouble
from mmdin.storage.java_errors import damaged_file, file_system_trouble
from mmdin.storage.local import local_folder, make_local_root, walk
from mmdin.storage.locks import lock_root
from mmdin.storage.rank import HadoopSettings, connect
from mmdin.storage.scratch import local_copies, plain_names, scratch_folder, temporary_folder
from mmdin.storage.urls import absolute, is_local, join, local_path

__all__ = [
    "Files",
    "Folder",
    "HadoopSettings",
    "StoredFile",
    "absolute",
    "connect",
    "damaged_file",
    "ensure_writable",
    "file_system_trouble",
    "files_at",
    "folder_at",
    "full_disk_trouble",
    "hadoop_settings",
    "is_local",
    "is_on_local_disk",
    "join",
    "load_files",
    "local_copies",
    "local_folder",
    "local_path",
    "lock_root",
    "make_local_root",
    "plain_names",
    "row_ranges",
    "scratch_folder",
    "spark_url",
    "temporary_folder",
    "upload",
    "walk",
]
