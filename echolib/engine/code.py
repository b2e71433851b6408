"""The code that a result rests on: the syntax trees of a task's module and of all that it imports.

Comments, docstrings, annotations of functions and formatting are no part of it. A module counts as a whole; a package's
face (`__init__.py`) counts as the modules that define the names taken from it.
"""

import ast
import hashlib
import importlib.util
import linecache
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

PACKAGE = __name__.partition(".")[0]
LOOP = f"{PACKAGE}.engine.trainer"  # every training rests on the loop
SHAPES = f"{PACKAGE}.shapes"  # which only annotations of functions name
_IGNORED = {"ctx", "kind", "type_comment", "type_ignores", "type_params"}  # of a syntax tree; differ between Pythons
_ANNOTATIONS = {(ast.arg, "annotation"), (ast.FunctionDef, "returns"), (ast.AsyncFunctionDef, "returns")}


def code_of(task: type) -> dict[str, str]:
    """File -> hash for every module that a task's class rests on, the training loop included.

    A class that was defined in a notebook rests on the cells that define it and on the modules that these use.
    """
    modules, cells = {LOOP}, {}
    for base in task.__mro__:
        if base.__module__ == "__main__":
            used, own = _of_interactive(base)
            modules, cells = modules | used, cells | own
        else:
            modules.add(base.__module__)
    return dict(sorted((cells | code_of_modules(frozenset(modules))).items()))


@cache
def code_of_modules(modules: frozenset[str]) -> dict[str, str]:
    """File -> hash of the modules and of all that they import, directly or not."""
    waiting, seen = set(modules) - {SHAPES}, {}
    while waiting:
        module = waiting.pop()
        path = _file(module)
        if path is None or module in seen:
            continue
        seen[module] = path
        waiting |= _imports(path, module.rpartition(".")[0]) - seen.keys() - {SHAPES}
    return {_name(module, path): _hash(path) for module, path in seen.items()}


def code_of_source(source: str) -> dict[str, str]:
    """File -> hash of all that a piece of code, such as a notebook's cells, imports."""
    return code_of_modules(frozenset(_imported(ast.parse(source), "")))


def syntax_hash(source: str) -> str:
    """A hash of code that comments, docstrings, annotations of functions, formatting and the version of Python do not
    change."""
    return _text_hash(repr(_plain(ast.parse(source))))


def _plain(node):
    """A syntax tree as nested tuples of what is there: no positions, no docstrings, nothing empty."""
    if isinstance(node, list):
        return tuple(_plain(item) for item in node if not _imports_shapes(item))
    if not isinstance(node, ast.AST):
        return node
    fields = []
    for name, value in ast.iter_fields(node):
        if name == "body" and isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            value = value[1:] if ast.get_docstring(node, clean=False) is not None else value
        if name not in _IGNORED and (type(node), name) not in _ANNOTATIONS and value is not None and value != []:
            fields.append((name, _plain(value)))
    return (type(node).__name__, *fields)


def _imports_shapes(node) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == SHAPES


@cache
def _hash(path: Path) -> str:
    return syntax_hash(path.read_text(encoding="utf-8"))


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _file(module: str) -> Path | None:
    """The file of a module of this package or of the researcher's own; None for libraries and what is no module."""
    top, *rest = module.split(".")
    if top == PACKAGE:
        folder = Path(__file__).parents[1].joinpath(*rest)
        return next((path for path in (folder.with_suffix(".py"), folder / "__init__.py") if path.is_file()), None)
    if _is_library(top):
        return None
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError, AttributeError):
        return None
    return Path(spec.origin).resolve() if spec and spec.origin and spec.origin.endswith(".py") else None


@cache
def _is_library(top: str) -> bool:
    """Whether a top-level module was installed, or belongs to Python, so that its version stands for it."""
    if top in sys.stdlib_module_names or top == "__main__":
        return True
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return True
    places = [spec.origin or "", *(spec.submodule_search_locations or ())] if spec else []
    return not places or any({"site-packages", "dist-packages"} & set(Path(place).parts) for place in places)


def _name(module: str, path: Path) -> str:
    """What a person calls a module's file: its path inside the package, or beside it."""
    name = module.removeprefix(PACKAGE + ".").replace(".", "/")
    return f"{name}/__init__.py" if path.name == "__init__.py" else f"{name}.py"


@cache
def _imports(path: Path, package: str) -> frozenset[str]:
    return frozenset({*_imported(_tree(path), package), *_lazy_names(path).values()})


@cache
def _lazy_names(path: Path) -> dict[str, str]:
    """Of a face that imports its names when they are asked for (`faces.lazy_face`): name -> module."""
    for node in _tree(path).body if path.name == "__init__.py" else []:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DEFINED_IN":
            return ast.literal_eval(node.value)
    return {}


def _imported(tree: ast.AST, package: str) -> Iterator[str]:
    """The modules that a tree imports, wherever in it; those that only a type checker reads are left out."""
    for node in _without_type_checking(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            for alias in node.names:
                yield _defining(base, alias.name)


def _without_type_checking(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node
        yield from _without_type_checking(node)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
    return ".".join([*parents, *([node.module] if node.module else [])])


def _defining(module: str, name: str) -> str:
    """The module that defines a name taken from `module`: a submodule, or where a package's face has it from."""
    if _file(f"{module}.{name}"):
        return f"{module}.{name}"
    path = _file(module)
    if path is None or path.name != "__init__.py":
        return module
    if name in (lazy := _lazy_names(path)):
        return lazy[name]
    for node in _tree(path).body:
        if isinstance(node, ast.ImportFrom) and any((alias.asname or alias.name) == name for alias in node.names):
            return _defining(_absolute(node, module), name)
    return module


def _of_interactive(task: type) -> tuple[set[str], dict[str, str]]:
    """Of a class defined in a notebook: the modules that its methods use, and the hashes of the cells they stand in."""
    modules, cells, waiting, seen = set(), {}, [task], set()
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, ModuleType):
            modules.add(item.__name__)
        elif getattr(item, "__module__", "__main__") != "__main__":
            modules.add(item.__module__)
        elif isinstance(item, type):
            waiting += [value for value in vars(item).values() if isinstance(value, FunctionType)]
            cells[f"class {item.__name__}"] = _text_hash(repr(_constants(item)))
        elif isinstance(item, FunctionType):
            source = "".join(linecache.getlines(item.__code__.co_filename))
            cells[f"cell of {item.__qualname__}"] = syntax_hash(source) if source else _text_hash(repr(item.__code__))
            names = set(_names(item.__code__))
            waiting += [value for name, value in item.__globals__.items() if name in names]
    return {module for module in modules if _file(module)}, cells


def _constants(task: type) -> list[tuple[str, str]]:
    """The plain values that a class holds."""
    plain = (str, int, float, bool, tuple)
    values = {name: value for name, value in vars(task).items() if not name.startswith("_")}
    return sorted((name, repr(value)) for name, value in values.items() if isinstance(value, plain))


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _text_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
