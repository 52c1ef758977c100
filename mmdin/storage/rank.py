"""Files for Horovod ranks, which are processes without Spark's JVM."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from mmdin.storage.files import Files
from mmdin.storage.local import LocalFiles
from mmdin.storage.urls import is_local


@dataclass(frozen=True)
class HadoopSettings:
    """What a process without Spark's JVM needs to reach the driver's file systems.

    Attributes:
        values: Hadoop's settings that differ from its defaults. There are secrets among them, so
            they are left out of the representation.
        jars: local paths of the jars that the driver was given.
        class_path: of executors, as Spark was given it.
    """

    values: dict[str, str] = field(repr=False)
    jars: tuple[str, ...] = ()
    class_path: str = ""


@contextlib.contextmanager
def connect(url: str, settings: HadoopSettings) -> Iterator[Files]:
    """The back end for the files under a URL, while the context lasts.

    Args:
        url: of a file or folder.
        settings: the driver's, from `mmdin.storage.driver.hadoop_settings`.

    Yields:
        The back end.

    Raises:
        StorageError: if a JVM is needed and none can be started.
    """
    if is_local(url):
        yield LocalFiles()
        return
    # Imported here because local files need no Py4J.
    from mmdin.storage.hadoop import HadoopFiles
    from mmdin.storage.jvm import hadoop_class_path, start_jvm

    with start_jvm(hadoop_class_path(settings.class_path, settings.jars)) as gateway:
        # Through the gateway, which asks for a password, so that no secret is on a command line or
        # on a disk.
        configuration = gateway.jvm.org.apache.hadoop.conf.Configuration()
        for name, value in settings.values.items():
            configuration.set(name, value)
        yield HadoopFiles(gateway, configuration)
