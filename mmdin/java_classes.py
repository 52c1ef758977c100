"""Classes of the JVM, found once."""

from typing import Any


def java_class(jvm: Any, name: str) -> Any:
    """A class by its whole name, which Py4J then keeps.

    Asked for by attributes, as in jvm.org.apache, Py4J looks through all jars for a class of each
    part's name, and by any name it looks again each time.

    Args:
        jvm: Py4J's view of the JVM.
        name: with its package; or the name by which PySpark asks for it, since what is kept serves
            PySpark too.
    """
    found = getattr(jvm, name)
    setattr(jvm, name, found)
    return found
