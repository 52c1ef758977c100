"""Digests of the project's own code, by what it does.

A module's digest covers every file of the project that the module can run: those that it imports,
at its top or within a function, those that these import, and the data files of their packages. Of
Python files it covers the syntax tree without comments, docstrings and line numbers, so that better
words change no digest, and any changed statement does.
"""

import ast
import functools
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import resolve_name
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
"""The folder that holds the packages."""

_PACKAGES = ("mmdin", "spark_jobs")

_MODULE_NAME = re.compile(rf"((?:{'|'.join(_PACKAGES)})(?:\.\w+)+)(?::\w+)?")
"""A module of the project in a string, as in mmdin.networks: `module` or `module:name`."""


@dataclass(frozen=True)
class _Source:
    """What a Python file does.

    Attributes:
        digest: of its syntax tree.
        imports: names that import statements anywhere in it mention.
        strings: modules of the project that its strings name.
        loads_by_name: whether it imports modules whose names are strings.
    """

    digest: str
    imports: frozenset[str]
    strings: frozenset[str]
    loads_by_name: bool


def digest_module(module: str, project: Path = PROJECT, within: Sequence[str] = ()) -> str:
    """Digest of the code that a module of the project can run.

    Args:
        module: its dotted name.
        project: the folder that holds the packages.
        within: files and folders to which the digest is limited, if any; by their paths in the
            project.
    """
    paths = reachable_files(module, project)
    folders = {project / name for name in within or _PACKAGES}
    digest = hashlib.sha256()
    for path in sorted(path for path in paths if folders & {path, *path.parents}):
        content = path.read_bytes()
        of_file = _parse(content).digest if path.suffix == ".py" else _sha256(content)
        digest.update(f"{path.relative_to(project).as_posix()} {of_file}\n".encode())
    return digest.hexdigest()


def reachable_files(module: str, project: Path = PROJECT) -> set[Path]:
    """The files of the project that a module can run, and the data files of their packages."""
    sources: dict[str, _Source] = {}
    mentioned, looked_up = {module}, set[str]()
    while mentioned:
        for name in {m for n in mentioned for m in _modules_in(n, project)} - sources.keys():
            sources[name] = _read(name, _path_of(name, project))
        looked_up |= mentioned
        by_name = any(source.loads_by_name for source in sources.values())
        mentioned = set[str]().union(
            *(s.imports | s.strings if by_name else s.imports for s in sources.values())
        )
        mentioned -= looked_up
    paths = {_path_of(name, project) for name in sources}
    packages = {path.parent for path in paths if path.name == "__init__.py"}
    return paths | {path for package in packages for path in _data_files(package)}


def _modules_in(name: str, project: Path) -> Iterator[str]:
    """The modules of the project that a dotted name mentions: its packages, and itself."""
    parts = name.split(".")
    if parts[0] not in _PACKAGES:
        return
    for length in range(1, len(parts) + 1):
        module = ".".join(parts[:length])
        if not _path_of(module, project).is_file():
            return
        yield module


def _path_of(module: str, project: Path) -> Path:
    path = project.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_name(f"{path.name}.py")


def _files_in(folder: Path) -> Iterator[Path]:
    return (p for p in folder.rglob("*") if p.is_file() and p.parent.name != "__pycache__")


def _data_files(package: Path) -> Iterator[Path]:
    for path in package.iterdir():
        if path.name.startswith("_"):  # Python's, or what a wheel has and no stage reads
            continue
        if path.is_dir() and not (path / "__init__.py").exists():
            yield from (p for p in _files_in(path) if p.suffix != ".py")
        elif path.is_file() and path.suffix != ".py":
            yield path


def _read(module: str, path: Path) -> _Source:
    source = _parse(path.read_bytes())
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    absolute = {resolve_name(n, package) if n.startswith(".") else n for n in source.imports}
    return _Source(source.digest, frozenset(absolute), source.strings, source.loads_by_name)


@functools.cache
def _parse(content: bytes) -> _Source:
    tree = _WhatRuns().visit(ast.parse(content))
    imports: set[str] = set()
    strings: set[str] = set()
    loads_by_name = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            dot = "." if node.module else ""
            imports |= {f"{start}{dot}{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            match = _MODULE_NAME.fullmatch(node.value)
            strings |= {match[1]} if match else set()
        elif isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            loads_by_name |= name == "import_module"
    return _Source(
        _sha256(ast.dump(tree).encode()), frozenset(imports), frozenset(strings), loads_by_name
    )


class _WhatRuns(ast.NodeTransformer):
    """Drops docstrings, those of fields too: any string that stands alone as a statement.

    Also drops imports for type checkers, which never run.
    """

    def visit_If(self, node: ast.If) -> ast.AST | None:
        is_for_types = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return None if is_for_types else self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        is_string = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_string else self.generic_visit(node)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
