"""The house keeps its shape: imports run one way, rooms stay small, an operation is one entry."""

import ast
import importlib
import inspect
import pkgutil
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import engine
from engine import TABLE, Value, backward_steps, formula
from engine.operation import unary

ROOT = Path(__file__).parents[1]
PACKAGES = ("engine", "nn", "viz", "demos")
MAY_IMPORT = {"engine": set(), "nn": {"engine"}, "viz": {"engine"}, "demos": {"engine", "nn", "viz"}}
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TABLES = {"engine/ops.py"}
IDS = [str(path.relative_to(ROOT)) for path in FILES]


def imports(path):
    """The full names of our modules that a file imports, wherever in the file that stands."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports in full"
            names += [f"{node.module}.{alias.name}" for alias in node.names] + [str(node.module)]
    return {name for name in names if name.split(".")[0] in PACKAGES}


def module_name(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_imports_run_one_way(path):
    package = path.relative_to(ROOT).parts[0]
    others = {name.split(".")[0] for name in imports(path)} - {package}
    assert others <= MAY_IMPORT[package]


def test_imports_make_no_circle():
    modules = {module_name(path): path for path in FILES}
    graph = {name: (imports(path) & set(modules)) - {name} for name, path in modules.items()}
    for name in graph:  # `from engine.xp import floats` needs engine.xp.floats; the package's face is not a step
        graph[name] -= {package for package in graph[name] if any(n.startswith(package + ".") for n in graph[name])}
    order = list(TopologicalSorter(graph).static_order())
    assert set(order) == set(modules)


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_rooms_stay_small(path):
    if str(path.relative_to(ROOT)) not in TABLES:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def public_names():
    for package in PACKAGES:
        for info in pkgutil.walk_packages([str(ROOT / package)], package + "."):
            if not info.name.endswith("__main__") and not info.name.split(".")[-1].startswith("_"):
                module = importlib.import_module(info.name)
                for name, item in vars(module).items():
                    if not name.startswith("_") and getattr(item, "__module__", None) == info.name:
                        yield f"{info.name}.{name}", item


def test_every_public_name_has_a_docstring():
    bare = [
        name for name, item in public_names()
        if (inspect.isclass(item) or inspect.isfunction(item)) and not inspect.getdoc(item)
    ]  # fmt: skip
    assert bare == []


def test_an_operation_is_one_entry():
    """One entry in the table, and functions, gradients, steps, text and drawings have it."""
    cube = unary("cube", "x³.", lambda xp, x: x * x * x, lambda xp, z, x: (3.0 * x * x,), symbol="x³")
    try:
        x = Value(2.0, "x")
        y = cube(x)
        y.backward(create_graph=True)
        assert (cube(2.0), y.data, x.grad.data) == (8.0, 8.0, 12.0)
        assert formula(y) == "cube(x)"
        assert next(backward_steps(y)).rule == "3 * x * x"
        assert engine.operation.arrays.cube(3.0) == 27.0
        viz = importlib.import_module("viz")
        assert "x³" in viz.draw(y, engine="plain").svg
        with pytest.raises(ValueError, match="already"):
            unary("cube", "", lambda xp, x: x, lambda xp, z, x: (1.0,))
        del TABLE["cube"]
        unary("cube", "", lambda xp, x: -x * x * x, lambda xp, z, x: (-3.0 * x * x,))
        assert engine.operation.arrays.cube(3.0) == -27.0  # the rule of today, not one remembered
    finally:
        del TABLE["cube"]


def test_every_function_of_the_table_is_in_the_engine():
    for name in TABLE:
        assert callable(getattr(engine, name))
        assert getattr(engine, name).__doc__
