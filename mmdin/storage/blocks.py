"""Blocks of rows, in which large arrays are written to files and read from them."""

import math
from collections.abc import Sequence

_BLOCK_BYTES = 1 << 26


def row_ranges(shape: Sequence[int], itemsize: int) -> list[tuple[int, int]]:
    """Return the first row of each block of an array and the row after its last.

    Args:
        shape: of the array; a scalar is one row.
        itemsize: bytes of a number.
    """
    rows, *of_row = shape or (1,)
    of_block = max(1, _BLOCK_BYTES // max(itemsize * math.prod(of_row), 1))
    return [(start, min(start + of_block, rows)) for start in range(0, max(rows, 1), of_block)]
