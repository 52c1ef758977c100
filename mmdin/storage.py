"""Files under the root, wherever it is: on a local disk, in HDFS, in S3.

The only module that knows Hadoop's file systems. They are Java's: the driver has them through
Spark's own JVM; Horovod ranks, which have none, start one of their own. Files of a local path, or
of a file: URL, are Python's own business, without a JVM.
"""

import contextlib
import os
import platform
import shutil
import tempfile
import uuid
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote, urlsplit

import pyspark
from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway
from py4j.protocol import Py4JJavaError

from mmdin.errors import StorageError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_OBJECT_STORES = ("s3a", "gs")
"""Schemes under which a file is seen once it is whole, and a rename is a copy."""

_IMPATIENT = {
    "ipc.client.connect.max.retries": "2",
    "ipc.client.connect.max.retries.on.timeouts": "1",
    "ipc.client.connect.timeout": "5000",
    "dfs.client.retry.policy.enabled": "false",
    "fs.s3a.attempts.maximum": "1",
    "fs.s3a.retry.limit": "1",
    "fs.s3a.connection.establish.timeout": "5000",
}
"""Settings with which Hadoop finds out in seconds, not minutes, that a root cannot be reached."""


@dataclass(frozen=True)
class StoredFile:
    """A file in a folder.

    name: its path within the folder; size: bytes; modified: nanoseconds since 1970, UTC.
    """

    name: str
    size: int
    modified: int


@dataclass(frozen=True)
class HadoopSettings:
    """What a process without Spark's JVM needs to reach the driver's file systems.

    values: Hadoop's settings that are not its defaults, secrets among them, which is why it is not
    shown; jars: those that the driver was given, by local path; class_path: of executors, as Spark
    was told.
    """

    values: dict[str, str] = field(repr=False)
    jars: tuple[str, ...] = ()
    class_path: str = ""


class Files(Protocol):
    """What can be done with files, by URL. Everything raises StorageError where a file system
    cannot be reached, or refuses."""

    def exists(self, url: str) -> bool:
        """Whether there is such a file or folder."""

    def list(self, url: str, beneath: bool = False) -> list[StoredFile]:
        """The files in a folder, and in those beneath it if asked for, in order of their names;
        none where there is no such folder."""

    def size(self, url: str) -> int:
        """Bytes in a file."""

    def read(self, url: str) -> bytes:
        """A file's content."""

    def write(self, url: str, content: bytes) -> None:
        """Make a file, and its folder, or replace it; nobody sees half of it."""

    def reading(self, url: str) -> contextlib.AbstractContextManager[Path]:
        """A local path at which the file can be read as long as the context lasts."""

    def writing(self, url: str) -> contextlib.AbstractContextManager[Path]:
        """A local path to write a file at, which is then at the URL, as if by write; after an error
        it is not, and what was there is as it was."""

    def get(self, url: str, path: Path) -> None:
        """Copy a file to a local path whose folder exists."""

    def put(self, path: Path, url: str) -> None:
        """Copy a local file to a URL, as write does."""

    def remove(self, url: str) -> None:
        """Delete a file, or a folder with all that is in it; nothing where there is none."""


def is_local(url: str) -> bool:
    """Whether it is a plain path or a file: URL."""
    return urlsplit(url).scheme in ("", "file")


def local_path(url: str) -> Path:
    """The path that a plain path or a file: URL means."""
    return Path(unquote(urlsplit(url).path) if url.startswith("file:") else url)


def join(folder: str, *names: str) -> str:
    """The URL of a file in a folder."""
    return "/".join((folder.rstrip("/"), *names))


def files_at(spark: "SparkSession", url: str) -> Files:
    """For the driver: what handles the files under a URL.

    A path without a scheme is, as for Spark, on Hadoop's default file system: the local one, unless
    HADOOP_CONF_DIR or spark.hadoop.fs.defaultFS says otherwise.
    """
    files = _driver_files(spark)
    return _LocalFiles() if is_local(url) and is_local(files.qualify(url)) else files


def reach(spark: "SparkSession", root: str) -> None:
    """Make sure that files can be written under the root.

    Raises StorageError, within a minute, that names the root and says what to do.
    """
    files = _driver_files(spark)
    if not is_local(root):
        files.make_root(root)
    elif not is_local(whole := files.qualify(root)):
        raise StorageError(
            f"root {root} has no scheme, and Hadoop's default file system is not the local one: "
            f"set root={whole}, or spark.hadoop.fs.defaultFS=file:/// for a folder of every machine"
        )


@dataclass(frozen=True)
class Folder:
    """A folder's files by their names, wherever it is.

    files: what handles them; url: of the folder.
    """

    files: Files
    url: str

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        return self.files.exists(join(self.url, name))

    def reading(self, name: str) -> contextlib.AbstractContextManager[Path]:
        """As Files.reading does."""
        return self.files.reading(join(self.url, name))

    def writing(self, name: str) -> contextlib.AbstractContextManager[Path]:
        """As Files.writing does."""
        return self.files.writing(join(self.url, name))

    def remove(self, name: str) -> None:
        """Delete a file; nothing where there is none."""
        self.files.remove(join(self.url, name))


def local_folder(path: str | Path) -> Folder:
    """The folder at a path."""
    return Folder(_LocalFiles(), str(path))


def folder_at(spark: "SparkSession", url: str) -> Folder:
    """For the driver: the folder at a URL."""
    return Folder(files_at(spark, url), url)


def upload(files: Files, path: Path, url: str) -> None:
    """Copy a local file, or every file in a local folder and beneath it, to a URL."""
    if path.is_file():
        files.put(path, url)
        return
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        files.put(file, join(url, file.relative_to(path).as_posix()))


def hadoop_settings(spark: "SparkSession") -> HadoopSettings:
    """What the driver hands to its ranks so that they reach what it reaches."""
    conf = spark.sparkContext.getConf()
    jars = [str(local_path(j)) for j in conf.get("spark.jars", "").split(",") if j and is_local(j)]
    class_path = conf.get("spark.executor.extraClassPath", "")
    return HadoopSettings(_driver_files(spark).settings(), tuple(jars), class_path)


@contextlib.contextmanager
def reaching(url: str, settings: HadoopSettings) -> Iterator[Files]:
    """For ranks: what handles the files under a URL, as long as the context lasts.

    Raises StorageError where a JVM is needed and none can be started.
    """
    if is_local(url):
        yield _LocalFiles()
        return
    with _own_jvm(_class_path(settings)) as gateway:
        # Through the gateway, which asks for a password, so that no secret is on a command line or
        # on a disk.
        configuration = gateway.jvm.org.apache.hadoop.conf.Configuration()
        for name, value in settings.values.items():
            configuration.set(name, value)
        yield _HadoopFiles(gateway, configuration)


@contextlib.contextmanager
def copied(files: Files, urls: Sequence[str], say: Callable[[str], None]) -> Iterator[list[Path]]:
    """Local paths of files, in order: of themselves where they are local, and otherwise of copies,
    which lie where Spark has its own temporary files and end with the context.

    Before the first is copied it raises StorageError where they do not fit on the disk, and
    ValueError where two have the same name.

    Args:
        say: takes a line about what is copied.
    """
    if all(map(is_local, urls)):
        yield [local_path(url) for url in urls]
        return
    with scratch() as folder:
        paths = [Path(folder, url.rpartition("/")[2]) for url in urls]
        if len(set(paths)) < len(paths):
            raise ValueError(f"two files of the same name cannot both go into {folder}")
        size = sum(map(files.size, urls))
        _refuse_more_than_fits(size, urls[0], Path(folder))
        say(
            f"copies {len(paths)} files, {size / 1e6:.1f} MB, to local disk (no native client for "
            f"{urlsplit(urls[0]).scheme} here)"
        )
        for url, path in zip(urls, paths, strict=True):
            files.get(url, path)
        yield paths


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A new folder for temporary files, in scratch_folder, that ends with its context or owner."""
    return tempfile.TemporaryDirectory(
        prefix="mmdin-", dir=scratch_folder(), ignore_cleanup_errors=True
    )


def scratch_folder() -> Path:
    """Where this process may keep temporary files: the first of Spark's own folders, if any."""
    for variable in ("SPARK_LOCAL_DIRS", "LOCAL_DIRS"):
        first = os.environ.get(variable, "").split(",")[0]
        if first and os.access(first, os.W_OK):
            return Path(first)
    return Path(tempfile.gettempdir())


class _LocalFiles:
    def exists(self, url: str) -> bool:
        return local_path(url).exists()

    def list(self, url: str, beneath: bool = False) -> list[StoredFile]:
        folder = local_path(url)
        paths = sorted(p for p in folder.glob("**/*" if beneath else "*") if p.is_file())
        stats = [(p.relative_to(folder).as_posix(), p.stat()) for p in paths]
        return [StoredFile(name, s.st_size, s.st_mtime_ns) for name, s in stats]

    def size(self, url: str) -> int:
        with _explaining(url):
            return local_path(url).stat().st_size

    def read(self, url: str) -> bytes:
        with _explaining(url):
            return local_path(url).read_bytes()

    def write(self, url: str, content: bytes) -> None:
        with self.writing(url) as path:
            path.write_bytes(content)

    @contextlib.contextmanager
    def reading(self, url: str) -> Iterator[Path]:
        with _explaining(url):
            yield local_path(url)

    @contextlib.contextmanager
    def writing(self, url: str) -> Iterator[Path]:
        path = local_path(url)
        beside = path.with_name(_new_name(path.name))
        with _explaining(url):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                yield beside
                # On the disk before it takes the place of what was there.
                with beside.open("rb") as file:
                    os.fsync(file.fileno())
                beside.replace(path)
            finally:
                beside.unlink(missing_ok=True)

    def get(self, url: str, path: Path) -> None:
        with _explaining(url):
            shutil.copyfile(local_path(url), path)

    def put(self, path: Path, url: str) -> None:
        with self.writing(url) as beside:
            shutil.copyfile(path, beside)

    def remove(self, url: str) -> None:
        path = local_path(url)
        with _explaining(url):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


class _HadoopFiles:
    """Files of any scheme that Hadoop has a class for, through a JVM that has Hadoop.

    Args:
        gateway: to the JVM.
        configuration: Hadoop's, in that JVM.
    """

    def __init__(self, gateway: Any, configuration: Any) -> None:
        self._gateway = gateway
        self._hadoop = gateway.jvm.org.apache.hadoop
        self._configuration = configuration

    def exists(self, url: str) -> bool:
        with self._open(url) as (system, path):
            return bool(system.exists(path))

    def list(self, url: str, beneath: bool = False) -> list[StoredFile]:
        with self._open(url) as (system, path):
            if not system.exists(path):
                return []
            start = len(system.makeQualified(path).toUri().getPath()) + 1
            listing, found = system.listFiles(path, beneath), []
            while listing.hasNext():
                file = listing.next()
                name = file.getPath().toUri().getPath()[start:]
                modified = file.getModificationTime() * 1_000_000
                found.append(StoredFile(name, file.getLen(), modified))
            return sorted(found, key=lambda f: f.name)

    def size(self, url: str) -> int:
        with self._open(url) as (system, path):
            return int(system.getFileStatus(path).getLen())

    def read(self, url: str) -> bytes:
        with self._open(url) as (system, path):
            stream = system.open(path)
            try:
                return bytes(stream.readAllBytes())
            finally:
                stream.close()

    def write(self, url: str, content: bytes) -> None:
        with self._beside(url) as (system, path):
            stream = system.create(path, True)
            try:
                stream.write(content)
            finally:
                stream.close()

    @contextlib.contextmanager
    def reading(self, url: str) -> Iterator[Path]:
        with scratch() as folder:
            path = Path(folder, url.rpartition("/")[2])
            self.get(url, path)
            with _explaining(url):
                yield path

    @contextlib.contextmanager
    def writing(self, url: str) -> Iterator[Path]:
        with scratch() as folder:
            path = Path(folder, url.rpartition("/")[2])
            with _explaining(url):
                yield path
            self.put(path, url)

    def get(self, url: str, path: Path) -> None:
        with self._open(url) as (system, source):
            # Raw, that is without a file of checksums beside it.
            system.copyToLocalFile(False, source, self._local(path), True)

    def put(self, path: Path, url: str) -> None:
        with self._beside(url) as (system, beside):
            # Not copyFromLocalFile: for S3 that is another client, which knows no
            # fs.s3a.connection.expect.continue.
            source = self._gateway.jvm.java.io.FileInputStream(str(path.absolute()))
            target = system.create(beside, True)
            self._hadoop.io.IOUtils.copyBytes(source, target, 1 << 20, True)

    def remove(self, url: str) -> None:
        with self._open(url) as (system, path):
            system.delete(path, True)

    def qualify(self, path: str) -> str:
        """The whole URL of a path on the default file system."""
        with self._open(path) as (system, found):
            return str(system.makeQualified(found).toString())

    def make_root(self, url: str) -> None:
        """Make the folder. Raises StorageError with advice, rather than try again for minutes."""
        configuration = self._hadoop.conf.Configuration(self._configuration)
        for name, value in _IMPATIENT.items():
            configuration.set(name, value)
        path = self._hadoop.fs.Path(url)
        try:
            # New, since a file system that others use too keeps the settings it was made with.
            system = self._hadoop.fs.FileSystem.newInstance(path.toUri(), configuration)
            system.mkdirs(path)
            system.close()
        except Py4JJavaError as error:
            raise StorageError(f"root {url}: {_reason(error)}; {_advice(url, error)}") from None

    def settings(self) -> dict[str, str]:
        """Hadoop's settings that do not stand in its own defaults."""
        writer = self._gateway.jvm.java.io.StringWriter()
        self._configuration.writeXml(writer)
        found = {}
        for setting in ElementTree.fromstring(writer.toString()).iter("property"):
            sources = [s.text or "" for s in setting.iter("source")]
            if not any(s.endswith("-default.xml") for s in sources[-1:]):
                found[setting.findtext("name", "")] = setting.findtext("value", "")
        return found

    def _local(self, path: Path) -> Any:
        return self._hadoop.fs.Path("file", "", str(path.absolute()))

    @contextlib.contextmanager
    def _open(self, url: str) -> Iterator[tuple[Any, Any]]:
        with _explaining(url):
            path = self._hadoop.fs.Path(url)
            yield path.getFileSystem(self._configuration), path

    @contextlib.contextmanager
    def _beside(self, url: str) -> Iterator[tuple[Any, Any]]:
        """Where to write what shall appear at its place all at once."""
        with self._open(url) as (system, path):
            if urlsplit(url).scheme in _OBJECT_STORES:
                yield system, path
                return
            beside = self._hadoop.fs.Path(path.getParent(), _new_name(path.getName()))
            yield system, beside
            self._replace(system.makeQualified(beside), system.makeQualified(path))

    def _replace(self, new: Any, old: Any) -> None:
        # FileSystem's own rename leaves a file alone that is there; FileContext's replaces it.
        fs = self._hadoop.fs
        options = self._gateway.new_array(fs.Options.Rename, 1)
        options[0] = fs.Options.Rename.OVERWRITE
        fs.FileContext.getFileContext(new.toUri(), self._configuration).rename(new, old, options)


def _driver_files(spark: "SparkSession") -> _HadoopFiles:
    context = spark.sparkContext
    configuration = context._jsc.hadoopConfiguration()
    return _HadoopFiles(context._gateway, configuration)


@contextlib.contextmanager
def _own_jvm(class_path: Sequence[str]) -> Iterator[JavaGateway]:
    """A JVM that ends with the context, and with this process."""
    py4j = next((p for p in class_path if Path(p).name.startswith("py4j-")), "")
    with tempfile.TemporaryFile("w+") as said:
        try:
            port, password, process = launch_gateway(
                jarpath=py4j,
                classpath=os.pathsep.join(class_path),
                javaopts=["-Xmx512m", "-XX:+UseSerialGC"],
                java_path=None,  # JAVA_HOME's, or the first on the path
                die_on_exit=True,
                enable_auth=True,
                redirect_stderr=said,
                return_proc=True,
            )
        except (OSError, ValueError) as error:
            said.seek(0)
            raise StorageError(
                f"no JVM to copy files with could be started on {platform.node()}: "
                f"{said.read().strip() or error}; install Java 17 there, or set JAVA_HOME"
            ) from None
        gateway = JavaGateway(
            gateway_parameters=GatewayParameters(port=port, auth_token=password, auto_convert=True)
        )
        try:
            yield gateway
        finally:
            gateway.shutdown()
            process.stdin.close()
            process.wait()


def _class_path(settings: HadoopSettings) -> list[str]:
    """Where a JVM on this machine finds Hadoop, and classes of further file systems.

    A container of YARN says it; elsewhere Spark's own jars come first, so that what packages bring
    of Hadoop in other versions is not seen.
    """
    home = os.environ.get("SPARK_HOME") or Path(pyspark.__file__).parent
    given = [*os.environ.get("CLASSPATH", "").split(os.pathsep), f"{home}/jars/*"]
    given += [*settings.class_path.split(os.pathsep), *settings.jars, f"{Path.cwd()}/*"]
    found = []
    for entry in filter(None, given):
        folder = Path(entry).parent
        found += sorted(map(str, folder.glob("*.jar"))) if entry.endswith("/*") else [entry]
    return list(dict.fromkeys(found))


def _refuse_more_than_fits(size: int, url: str, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if size > free * 0.9:
        raise StorageError(
            f"{url.rpartition('/')[0]}: {size / 1e9:.1f} GB do not fit into {folder} on "
            f"{platform.node()}, which has {free / 1e9:.1f} GB: set spark.local.dir to a folder on "
            "a larger disk"
        )


def _new_name(name: str) -> str:
    # Spark and Delta take no notice of names that start with an underscore.
    return f"_new-{uuid.uuid4().hex[:8]}-{name}"


@contextlib.contextmanager
def _explaining(url: str) -> Iterator[None]:
    try:
        yield
    except Py4JJavaError as error:
        raise StorageError(f"{url}: {_reason(error)}") from None
    except OSError as error:
        name = local_path(url) if is_local(url) else url
        # Not its strerror: h5py's errors have a number alone.
        reason = os.strerror(error.errno) if error.errno else error
        raise StorageError(f"{name}: {reason}") from None


def _reason(error: Py4JJavaError) -> str:
    """The exception's class and the first line of its message, in the words of Hadoop."""
    name = error.java_exception.getClass().getSimpleName()
    message = (error.java_exception.getMessage() or "").strip().splitlines()
    return f"{name}: {message[0]}" if message else name


def _advice(url: str, error: Py4JJavaError) -> str:
    scheme, said = urlsplit(url).scheme, str(error.java_exception)
    if "No FileSystem for scheme" in said or "ClassNotFoundException" in said:
        jar = "org.apache.hadoop:hadoop-aws:3.4.1" if scheme == "s3a" else f"its jar for {scheme}"
        return f"Spark lacks the class for {scheme}: add {jar} to spark.jars.packages"
    return (
        "see whether it is spelt right, the service answers, and this user may write there; its "
        f"settings are Hadoop's, from HADOOP_CONF_DIR or as spark.hadoop.fs.{scheme}.* in Spark's"
    )
