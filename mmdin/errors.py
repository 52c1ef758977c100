"""Errors that a user can correct. Each message says what is wrong, where, and what to do.

A job prints such a message without a stack trace and exits with status 2. Any other exception is a
fault of this project and keeps its stack trace.
"""

INTERRUPTED = 130
"""Status of a process that Ctrl-C ended, by the shell's custom."""


class MmdinError(Exception):
    """Base of every error that a user can correct."""


class ConfigurationError(MmdinError):
    """A configuration file or a --set override is not valid."""


class InputDataError(MmdinError):
    """Input files are missing, lack a column, or hold no usable row."""


class TableError(MmdinError):
    """A table is missing, or its columns differ from its schema."""


class ClusterError(MmdinError):
    """The Spark application lacks what the job needs, such as task slots for every rank."""


class TrackingError(MmdinError):
    """The server that training runs are logged to cannot be reached, or refuses."""


class StorageError(MmdinError):
    """A file system cannot be reached, or refuses an operation."""
