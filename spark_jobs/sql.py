"""sql: Spark SQL over the tables of a root by their plain names.

Prints the rows of the statements given. Without a statement it opens a prompt.
"""

import sys

from mmdin.sql import query_tables


def main() -> int:
    """Run the statements and return the exit status of the process."""
    return query_tables(__doc__ or "")


if __name__ == "__main__":
    sys.exit(main())
