"""How much of a pure module its tests really hold: change it in small ways and see whether a test notices.

`python -m tests.mutants access/timesheet tests/timesheet`. Each mutant is one change: a comparison or a sign
turned, a constant moved, a condition negated, an `and` for an `or`, a call dropped. It works on a copy and
never touches the files of the checkout. Our own, because the known tools want to own the working tree and
the test runner's configuration.
"""

import argparse
import ast
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

import hypothesis.strategies  # noqa: F401
import pytest

os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"

SWAPS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
# Of the processor, so that a busy machine kills no mutant: long enough for an endless loop to be one.
MOST_SECONDS = 90


def sites(source: str) -> list[tuple[int, str]]:
    """Where a module can be changed, and how: the number of the node, and what is done to it."""
    return [(at, kind) for at, node in enumerate(ast.walk(ast.parse(source))) for kind in kinds(node)]


def mutant(source: str, at: int, kind: str) -> tuple[int, str, str]:
    """Line, what was changed, and the changed module."""
    tree = ast.parse(source)
    node = list(ast.walk(tree))[at]
    said = change(node, kind)
    return getattr(node, "lineno", 0), said, ast.unparse(ast.fix_missing_locations(tree))


def kinds(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in SWAPS:
        return ["compare"]
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in SWAPS:
        return ["operator"]
    if isinstance(node, ast.BoolOp):
        return ["operator"]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return ["not"]
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        return ["condition"]
    if isinstance(node, ast.Constant) and type(node.value) in (int, bool):
        return ["constant"]
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return ["statement"]
    return []


def change(node: ast.AST, kind: str) -> str:
    if kind == "compare":
        old = type(node.ops[0]).__name__
        node.ops[0] = SWAPS[type(node.ops[0])]()
        return f"{old} -> {type(node.ops[0]).__name__}"
    if kind == "operator":
        old = type(node.op).__name__
        node.op = SWAPS[type(node.op)]()
        return f"{old} -> {type(node.op).__name__}"
    if kind == "not":
        node.op = ast.UAdd()
        node.operand = ast.Call(ast.Name("bool", ast.Load()), [node.operand], [])
        return "not dropped"
    if kind == "condition":
        node.test = ast.UnaryOp(ast.Not(), node.test)
        return "condition negated"
    if kind == "constant":
        old = node.value
        node.value = (not old) if isinstance(old, bool) else old + 1
        return f"{old} -> {node.value}"
    node.value = ast.Constant(None)
    return "call dropped"


def killed(folder: Path, tests: list[str], *, first: bool = False) -> bool:
    """True if a test fails, or never ends, with the files of this folder before the others.

    In a fork of this process, where pytest is loaded already: a mutant takes as long as its tests. Only the
    first run, without a mutant, keeps compiled files, so that none of a mutant can be taken for another's.
    """
    child = os.fork()
    if child == 0:
        try:
            code = _tried(folder, tests, first)
        except BaseException:
            code = 1
        os._exit(int(code))
    _pid, status = os.waitpid(child, 0)
    return status != 0


def _tried(folder: Path, tests: list[str], first: bool) -> int:
    here = Path.cwd()
    os.chdir(folder)
    sys.path[:] = [str(folder), *(entry for entry in sys.path if entry and Path(entry) != here)]
    for name in [name for name in sys.modules if name.partition(".")[0] in {"access", "tests"}]:
        del sys.modules[name]
    sys.dont_write_bytecode = not first
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    # Neither Django nor our fixtures nor other plugins: what is mutated is pure, and starting them would take
    # longest. Hypothesis with a fixed seed: a mutant is killed or not, and not by luck.
    plain = ["-c", os.devnull, "--noconftest", "-p", "_hypothesis_pytestplugin", "-p", "no:cacheprovider"]
    return pytest.main(["-q", "-x", f"--rootdir={folder}", *plain, "--hypothesis-seed=1", *tests])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("module", type=Path, help="a module or a package of pure Python")
    parser.add_argument("tests", nargs="+", help="the tests that hold it, the quickest first")
    parser.add_argument("--sample", type=int, help="try so many mutants, chosen by the seed (default: all)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    files = sorted(options.module.rglob("*.py")) if options.module.is_dir() else [options.module]
    every = [(path, at, kind) for path in files for at, kind in sites(path.read_text(encoding="utf-8"))]
    if options.sample and options.sample < len(every):
        every = random.Random(options.seed).sample(every, options.sample)
    began, survivors = time.monotonic(), []
    with tempfile.TemporaryDirectory() as scratch:
        copy_of = Path(scratch) / "checkout"
        for part in ("access", "tests"):
            shutil.copytree(part, copy_of / part, ignore=shutil.ignore_patterns("*.onnx", "people", "vendor"))
        if killed(copy_of, options.tests, first=True):
            print("The tests fail without any change; mutants would tell nothing.")
            return 2
        for number, (path, at, kind) in enumerate(every, 1):
            target = copy_of / path
            original = target.read_text(encoding="utf-8")
            line, said, changed = mutant(original, at, kind)
            target.write_text(changed, encoding="utf-8")
            if not killed(copy_of, options.tests):
                survivors.append(f"{path}:{line}: {said}")
                print(f"survived  {survivors[-1]}", flush=True)
            target.write_text(original, encoding="utf-8")
            if number % 10 == 0:
                print(
                    f"{number} of {len(every)}, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True
                )
    dead = len(every) - len(survivors)
    print(f"{dead} of {len(every)} mutants killed ({100 * dead / max(len(every), 1):.1f} %)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
