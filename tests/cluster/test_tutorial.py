"""The tutorial runs from its first cell to its last, in a notebook's kernel."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorial.ipynb"

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


def test_every_cell_of_the_tutorial_runs(tmp_path: Path) -> None:
    notebook = nbformat.read(TUTORIAL, as_version=4)
    NotebookClient(notebook, timeout=500, resources={"metadata": {"path": tmp_path}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    printed = "".join(o.get("text", "") for o in outputs)
    assert "== train" in printed
    assert any("image/png" in o.get("data", {}) for o in outputs)
    (exported,) = tmp_path.glob("build/tutorial/exports/*/1/saved_model.pb")
    assert exported.is_file()
