"""A JVM with Hadoop for processes that have none, such as Horovod ranks."""

import contextlib
import os
import platform
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyspark
from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway

from mmdin.errors import StorageError


@contextlib.contextmanager
def start_jvm(class_path: Sequence[str]) -> Iterator[JavaGateway]:
    """A gateway to a new JVM, which ends with the context, and with this process.

    Args:
        class_path: jars and folders of classes, Py4J's jar among them.

    Yields:
        The gateway.

    Raises:
        StorageError: if no JVM can be started; names this machine.
    """
    py4j = next((p for p in class_path if Path(p).name.startswith("py4j-")), "")
    with tempfile.TemporaryFile("w+") as stderr:
        try:
            port, password, process = launch_gateway(
                jarpath=py4j,
                classpath=os.pathsep.join(class_path),
                javaopts=["-Xmx512m", "-XX:+UseSerialGC"],
                java_path=None,  # JAVA_HOME's, or the first on the path
                die_on_exit=True,
                enable_auth=True,
                redirect_stderr=stderr,
                return_proc=True,
            )
        except (OSError, ValueError) as error:
            stderr.seek(0)
            raise StorageError(
                f"no JVM to copy files with could be started on {platform.node()}: "
                f"{stderr.read().strip() or error}; install Java 17 there, or set JAVA_HOME"
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


def hadoop_class_path(class_path: str, jars: Sequence[str]) -> list[str]:
    """Where a JVM on this machine finds Hadoop, and the classes of further file systems.

    A YARN container's CLASSPATH comes first, then Spark's own jars, so that they win over other
    versions of Hadoop that packages bring along.

    Args:
        class_path: of Spark's executors.
        jars: local paths of the jars that the driver was given.

    Returns:
        Paths of jars and folders, each once; wildcards are expanded.
    """
    home = os.environ.get("SPARK_HOME") or Path(pyspark.__file__).parent
    entries = [*os.environ.get("CLASSPATH", "").split(os.pathsep), f"{home}/jars/*"]
    entries += [*class_path.split(os.pathsep), *jars, f"{Path.cwd()}/*"]
    paths = []
    for entry in filter(None, entries):
        folder = Path(entry).parent
        paths += sorted(map(str, folder.glob("*.jar"))) if entry.endswith("/*") else [entry]
    return list(dict.fromkeys(paths))
