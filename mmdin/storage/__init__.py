"""Files under the root, on a local disk, in HDFS or in S3.

`files` is the interface, `local` and `hadoop` are its back ends. `driver` and `rank` choose the
back end for a URL: the driver reaches Hadoop through Spark's own JVM, Horovod ranks start one with
`jvm`. Plain paths and file: URLs need no JVM, and importing this package loads neither PySpark nor
Py4J.
"""

from mmdin.storage.driver import ensure_writable, files_at, folder_at, hadoop_settings
from mmdin.storage.files import Files, Folder, StoredFile, upload
from mmdin.storage.local import local_folder
from mmdin.storage.rank import HadoopSettings, connect
from mmdin.storage.scratch import local_copies, scratch_folder, temporary_folder
from mmdin.storage.urls import is_local, join, local_path

__all__ = [
    "Files",
    "Folder",
    "HadoopSettings",
    "StoredFile",
    "connect",
    "ensure_writable",
    "files_at",
    "folder_at",
    "hadoop_settings",
    "is_local",
    "join",
    "local_copies",
    "local_folder",
    "local_path",
    "scratch_folder",
    "temporary_folder",
    "upload",
]
