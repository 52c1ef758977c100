"""The back end for Hadoop's file systems, such as HDFS and S3, through a JVM that has Hadoop."""

import contextlib
import os
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from mmdin.errors import StorageError
from mmdin.java_classes import java_class
from mmdin.storage.errors import translated_errors
from mmdin.storage.files import StoredFile, upload
from mmdin.storage.scratch import temporary_folder, temporary_name
from mmdin.storage.urls import folder_of, join, last_name, scheme_of

_JAVA_ERRORS = (Py4JJavaError, PySparkException)
"""What an exception in the JVM becomes: in a process with a Spark session, some the latter."""

_OBJECT_STORES = ("s3a", "gs")
"""Schemes under which a file appears only when it is complete, and a rename is a copy."""

_WITHOUT_FOLDERS = ("http", "https")
"""Schemes for which Hadoop has a class that reads single files alone."""

_FAIL_FAST = {
    "ipc.client.connect.max.retries": "2",
    "ipc.client.connect.max.retries.on.timeouts": "1",
    "ipc.client.connect.timeout": "5000",
    "dfs.client.retry.policy.enabled": "false",
    "fs.s3a.attempts.maximum": "1",
    "fs.s3a.retry.limit": "1",
    # Hadoop takes no less, and warns of that.
    "fs.s3a.connection.establish.timeout": "15000",
}
"""Settings with which Hadoop reports an unreachable root in seconds rather than minutes."""


_LONG = 200
"""Characters of a message that are shown."""


class HadoopFiles:
    """Files of every scheme that Hadoop has a class for; see `mmdin.storage.files.Files`.

    Args:
        gateway: to the JVM.
        configuration: Hadoop's, in that JVM.
    """

    def __init__(self, gateway: Any, configuration: Any) -> None:
        self._gateway = gateway
        self._configuration = configuration

    def exists(self, url: str) -> bool:
        """Whether there is such a file or folder."""
        with self._open(url) as (system, path):
            return bool(system.exists(path))

    def list(self, url: str, recursive: bool = False) -> list[StoredFile]:
        """The files in a folder in order of their names; none if there is no such folder."""
        with self._open(url) as (system, path):
            if not system.exists(path):
                return []
            start = len(system.makeQualified(path).toUri().getPath()) + 1
            iterator, files = system.listFiles(path, recursive), []
            while iterator.hasNext():
                file = iterator.next()
                name = file.getPath().toUri().getPath()[start:]
                modified = file.getModificationTime() * 1_000_000
                files.append(StoredFile(name, file.getLen(), modified))
            return sorted(files, key=lambda f: f.name)

    def size(self, url: str) -> int:
        """Size of a file in bytes."""
        with self._open(url) as (system, path):
            return int(system.getFileStatus(path).getLen())

    def read(self, url: str, limit: int | None = None) -> bytes:
        """Content of a file, or its first bytes."""
        with self._open(url) as (system, path):
            stream = system.open(path)
            try:
                return bytes(stream.readAllBytes() if limit is None else stream.readNBytes(limit))
            finally:
                stream.close()

    def write(self, url: str, content: bytes) -> None:
        """Create or replace a file at once."""
        with self._replacing(url) as (system, path):
            stream = system.create(path, True)
            try:
                stream.write(content)
            finally:
                stream.close()

    @contextlib.contextmanager
    def reading(self, url: str) -> Iterator[Path]:
        """The path of a local copy, deleted when the context ends."""
        with temporary_folder() as folder:
            path = Path(folder, last_name(url))
            self.get(url, path)
            with translated_errors(url):
                yield path

    @contextlib.contextmanager
    def writing(self, url: str) -> Iterator[Path]:
        """A local path; the file is copied from it when the context ends without an error."""
        with temporary_folder() as folder:
            path = Path(folder, last_name(url))
            with translated_errors(url):
                yield path
            self.put(path, url)

    def get(self, url: str, path: Path) -> None:
        """Copy a file to a local path."""
        with self._open(url) as (system, source):
            # Raw, that is without a file of checksums next to it.
            system.copyToLocalFile(False, source, self._local(path), True)

    def put(self, path: Path, url: str) -> None:
        """Copy a local file to a URL at once."""
        with self._replacing(url) as (system, target):
            # Not copyFromLocalFile: for S3 that is another client, which ignores
            # fs.s3a.connection.expect.continue.
            source = self._gateway.jvm.java.io.FileInputStream(str(path.absolute()))
            stream = system.create(target, True)
            self._class("io.IOUtils").copyBytes(source, stream, 1 << 20, True)

    def remove(self, url: str) -> None:
        """Delete a file, or a folder with everything in it; do nothing if there is none."""
        with self._open(url) as (system, path):
            system.delete(path, True)

    def replace_folder(self, path: Path, url: str, last: str) -> None:
        """Copy a local folder, in place of the folder that is there."""
        if scheme_of(url) in _OBJECT_STORES:
            self._replace_objects(path, url, last)
            return
        new, old = (join(folder_of(url), temporary_name(last_name(url))) for _ in range(2))
        upload(self, path, new)
        with self._open(url) as (system, target):
            copied, moved = (system.makeQualified(self._path(place)) for place in (new, old))
            there = system.makeQualified(target)
            if system.exists(there):
                self._rename(there, moved)
            try:
                self._rename(copied, there)
            except _JAVA_ERRORS:
                system.rename(moved, there)
                raise
            system.delete(moved, True)

    def _replace_objects(self, path: Path, url: str, last: str) -> None:
        self.remove(join(url, last))
        self.remove(url)
        names = (p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())
        for name in sorted(names, key=lambda name: (name == last, name)):
            self.put(path / name, join(url, name))

    def default_system(self) -> str:
        """The URL of the file system that a path without a scheme is on."""
        return str(self._class("fs.FileSystem").getDefaultUri(self._configuration))

    def check_name(self, path: str) -> None:
        """Check that this JVM can open a local path, which depends on the locale it started in.

        Raises:
            StorageError: if it cannot.
        """
        java = self._gateway.jvm.java
        try:
            java.io.File(path.encode().decode()).toPath()
        except (*_JAVA_ERRORS, UnicodeError):
            encoding = java.lang.System.getProperty("sun.jnu.encoding")
            shown = os.fsencode(path).decode("utf-8", "backslashreplace")
            raise StorageError(
                f"{shown}: Java cannot express this name in its encoding, {encoding}: start the "
                "job with LC_ALL=C.UTF-8, or give the folder another name"
            ) from None

    def check_reachable(self, url: str) -> None:
        """Ask whether there is such a file or folder, and give up within a minute.

        Raises:
            StorageError: if the file system does not answer; says what to do.
        """
        with self._connecting(url, url) as (system, path):
            system.exists(path)

    def make_root(self, url: str) -> None:
        """Create a folder, and give up within a minute if that is not possible.

        Raises:
            StorageError: if the folder cannot be created; says what to do.
        """
        with self._connecting(url, f"root {url}") as (system, path):
            system.mkdirs(path)

    @contextlib.contextmanager
    def _connecting(self, url: str, name: str) -> Iterator[tuple[Any, Any]]:
        """A FileSystem that reports soon that it cannot be reached, and the Path of a URL."""
        if (scheme := scheme_of(url)) in _WITHOUT_FOLDERS:
            raise StorageError(
                f"{name}: {scheme} has no folders that could be listed or written: give a local "
                "path, or a URL such as hdfs://host/folder or s3a://bucket/folder"
            )
        configuration = self._class("conf.Configuration")(self._configuration)
        for setting, value in _FAIL_FAST.items():
            configuration.set(setting, value)
        try:
            path = self._path(url)
            # A new instance: a shared file system keeps the settings that it was created with.
            system = self._class("fs.FileSystem").newInstance(path.toUri(), configuration)
            try:
                yield system, path
            finally:
                system.close()
        except _JAVA_ERRORS as error:
            version = self._class("util.VersionInfo").getVersion()
            advice = _advice(scheme, str(_java_exception(error)), version)
            raise StorageError(f"{name}: {_reason(error)}; {advice}") from None

    def settings(self) -> dict[str, str]:
        """Hadoop's settings that do not come from its own defaults."""
        writer = self._gateway.jvm.java.io.StringWriter()
        self._configuration.writeXml(writer)
        settings = {}
        for setting in ElementTree.fromstring(writer.toString()).iter("property"):
            sources = [s.text or "" for s in setting.iter("source")]
            if not any(s.endswith("-default.xml") for s in sources[-1:]):
                settings[setting.findtext("name", "")] = setting.findtext("value", "")
        return settings

    def _class(self, name: str) -> Any:
        """A class, by its name in org.apache.hadoop."""
        return java_class(self._gateway.jvm, f"org.apache.hadoop.{name}")

    def _path(self, *parts: Any) -> Any:
        return self._class("fs.Path")(*parts)

    def _local(self, path: Path) -> Any:
        return self._path("file", "", str(path.absolute()))

    @contextlib.contextmanager
    def _open(self, url: str) -> Iterator[tuple[Any, Any]]:
        """Hadoop's FileSystem and Path of a URL."""
        with _translated_errors(url):
            path = self._path(url)
            yield path.getFileSystem(self._configuration), path

    @contextlib.contextmanager
    def _replacing(self, url: str) -> Iterator[tuple[Any, Any]]:
        """FileSystem, and the Path to write to so that the file appears at the URL all at once."""
        with self._open(url) as (system, path):
            if scheme_of(url) in _OBJECT_STORES:
                yield system, path
                return
            temporary = self._path(path.getParent(), temporary_name(path.getName()))
            yield system, temporary
            self._rename(system.makeQualified(temporary), system.makeQualified(path))

    def _rename(self, source: Any, target: Any) -> None:
        # FileSystem's own rename does not replace a file that is there; FileContext's does.
        rename = self._class("fs.Options").Rename
        options = self._gateway.new_array(rename, 1)
        options[0] = rename.OVERWRITE
        context = self._class("fs.FileContext").getFileContext(source.toUri(), self._configuration)
        context.rename(source, target, options)


@contextlib.contextmanager
def _translated_errors(url: str) -> Iterator[None]:
    with translated_errors(url):
        try:
            yield
        except _JAVA_ERRORS as error:
            raise StorageError(f"{url}: {_reason(error)}") from None


def _reason(error: Py4JJavaError | PySparkException) -> str:
    """The exception's class and the first line of its message, as Hadoop words it.

    Of an exception with a long message, such as S3's that repeat their causes', the first cause.
    """
    exception = _java_exception(error)
    while len(exception.getMessage() or "") > _LONG and exception.getCause():
        exception = exception.getCause()
    name = exception.getClass().getSimpleName()
    message = (exception.getMessage() or "").strip().splitlines()
    return f"{name}: {message[0]}" if message else name


def _java_exception(error: Py4JJavaError | PySparkException) -> Any:
    return error.java_exception if isinstance(error, Py4JJavaError) else error._origin  # type: ignore[union-attr]


def _advice(scheme: str, description: str, version: str) -> str:
    if "No FileSystem for scheme" in description or "ClassNotFoundException" in description:
        jar = (
            f"org.apache.hadoop:hadoop-aws:{version}"
            if scheme == "s3a"
            else f"its jar for {scheme}"
        )
        return f"Spark lacks the class for {scheme}: add {jar} to spark.jars.packages"
    if "NoAuthWithAWSException" in description:
        return (
            "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
            "spark.hadoop.fs.s3a.access.key and .secret.key in a file of Spark's properties"
        )
    return (
        "check that it is spelt right, that the service answers, and that this user may write "
        "there; its settings are Hadoop's, from HADOOP_CONF_DIR or as "
        f"spark.hadoop.fs.{scheme}.* in Spark's"
    )
