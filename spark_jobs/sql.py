"""sql: Spark SQL over the tables of a root by their plain names.

Prints the rows of the statements given. Without a statement it opens a prompt. Statements that
change tables need --write.
"""

import sys


def main() -> int:
    """Run the statements and return the exit status of the process."""
    try:
        from mmdin.sql.prompt import query_tables  # PySpark takes a while: Ctrl-C may come

        return query_tables(__doc__ or "")
    except KeyboardInterrupt:
        print("sql: stopped; statements that have ended are done", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
