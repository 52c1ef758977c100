"""Errors that are a user's to mend: each message says what was wrong, where, and what to do.

A job prints such a message without a stack trace and exits with status 2. Anything else that is
raised is a fault of this project and keeps its stack trace.
"""


class MmdinError(Exception):
    """Base of every error that a user can mend."""


class ConfigurationError(MmdinError):
    """A configuration file or a --set override says something that cannot be."""


class InputDataError(MmdinError):
    """Files given as input are missing, lack a column, or hold nothing usable."""


class TableError(MmdinError):
    """A table is missing, or its columns are not those of its schema."""


class ClusterError(MmdinError):
    """The Spark application lacks what the job needs, such as task slots for every rank."""


class StorageError(MmdinError):
    """A file system cannot be reached, or refuses what is asked of it."""
