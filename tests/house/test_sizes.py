"""The size gate of the house: short functions, short files, few parameters, little nesting."""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("daemon", "workers", "engines", "migrations")
BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.TryStar, ast.Match)
OWN_SCOPE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def files() -> list[Path]:
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def functions() -> Iterator[tuple[str, Function]]:
    for path in files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, Function):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node


def body_lines(function: Function) -> int:
    """Count the lines of a body, its docstring left out."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def parameters(function: Function) -> int:
    named = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    starred = [function.args.vararg, function.args.kwarg]
    return sum(arg.arg not in ("self", "cls") for arg in named) + sum(map(bool, starred))


def is_command(function: Function) -> bool:
    """Say whether the parameters are a command line, as long as its users need it."""
    calls = [d.func for d in function.decorator_list if isinstance(d, ast.Call)]
    return any(isinstance(call, ast.Attribute) and call.attr == "command" for call in calls)


def nesting(node: ast.AST) -> int:
    """Count the deepest blocks within blocks; an ``elif`` is no deeper than its ``if``."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, OWN_SCOPE):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deepest = max(deepest, nesting(child) + (isinstance(child, BLOCKS) and not is_elif))
    return deepest


def test_no_function_body_is_longer_than_60_lines():
    assert [f"{name}: {n} lines" for name, f in functions() if (n := body_lines(f)) > 60] == []


def test_nine_bodies_in_ten_have_at_most_30_lines():
    assert statistics.quantiles([body_lines(f) for _, f in functions()], n=10)[-1] <= 30


def test_no_file_is_longer_than_400_lines():
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files()}
    assert [f"{path.relative_to(ROOT)}: {n} lines" for path, n in lengths.items() if n > 400] == []


def test_no_function_takes_more_than_5_parameters():
    wide = [f for f in functions() if not is_command(f[1])]
    assert [f"{name}: {n} parameters" for name, f in wide if (n := parameters(f)) > 5] == []


def test_no_function_nests_deeper_than_3_levels():
    assert [f"{name}: {n} levels" for name, f in functions() if (n := nesting(f)) > 3] == []
