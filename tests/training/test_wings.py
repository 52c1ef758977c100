"""The driver and the contract load no TensorFlow, and use the rank's wing on ranks only."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from mmdin import training

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = Path(training.__file__).parent
CONTRACT, DRIVER = sorted(FOLDER.glob("*.py")), sorted(FOLDER.glob("driver/*.py"))


def name_of(path: Path) -> str:
    module = path.relative_to(PROJECT).with_suffix("")
    return ".".join(module.parts).removesuffix(".__init__")


def imports(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def of_wing(wing: str, tree: ast.AST) -> set[str]:
    return {n for n in imports(tree) if f"{n}.".startswith(f"mmdin.training.{wing}.")}


def test_driver_and_contract_load_no_tensorflow() -> None:
    modules = [name_of(path) for path in (*CONTRACT, *DRIVER)]
    assert "mmdin.training.driver.train" in modules
    assert "mmdin.training.ranks" in modules
    program = (
        "import importlib, sys\n"
        f"for name in {modules}:\n"
        "    importlib.import_module(name)\n"
        "    loaded = {'tensorflow', 'keras', 'mmdin.training.rank'} & set(sys.modules)\n"
        "    assert not loaded, f'{name} loads {loaded}'\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("path", DRIVER, ids=lambda p: p.name)
def test_driver_imports_the_ranks_wing_only_in_functions_that_run_on_ranks(path: Path) -> None:
    tree = ast.parse(path.read_text())
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    in_functions = [of_wing("rank", f) for f in functions if f.name.endswith("_on_rank")]
    assert of_wing("rank", tree) == set().union(*in_functions)


def test_wings_import_one_another_nowhere_else() -> None:
    for path in CONTRACT:
        tree = ast.parse(path.read_text())
        assert not of_wing("rank", tree) | of_wing("driver", tree), path.name
    for path in FOLDER.glob("rank/*.py"):
        assert not of_wing("driver", ast.parse(path.read_text())), path.name
