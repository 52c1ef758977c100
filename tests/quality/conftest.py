"""Finished experiments; MMDIN_QUALITY_ROOTS names their roots, separated by colons."""

import os
from pathlib import Path

import pytest

from mmdin.tables import Tables

ROOTS = [r for r in os.environ.get("MMDIN_QUALITY_ROOTS", "").split(":") if r]


@pytest.fixture(params=ROOTS or [pytest.param("", marks=pytest.mark.skip("no roots are given"))])
def tables(request, spark) -> Tables:
    assert Path(request.param, "tables", "differences").exists(), f"{request.param}: not evaluated"
    return Tables(spark, request.param)
