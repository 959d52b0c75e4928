"""The list of steps is one: the commit's docstring, the comments in its body and the page about it say the same."""

import ast
import re
from pathlib import Path

from model.steps import Step

ROOT = Path(__file__).parents[2]
STEPS = [(step.value, str(step)) for step in Step]


def test_the_docstring_numbers_them() -> None:
    module = ast.parse((ROOT / "store/commit.py").read_text())
    (commit,) = [node for node in module.body if isinstance(node, ast.AsyncFunctionDef) and node.name == "commit"]
    said = re.findall(r"^\s*(\d+)\. \*\*([A-Z][a-z ]+)\.\*\*", ast.get_docstring(commit) or "", re.M)
    assert [(int(number), name.lower()) for number, name in said] == STEPS


def test_the_body_repeats_the_numbers_and_says_where_it_is() -> None:
    said = re.findall(r"# (\d+) ([a-z ]+)\n(.*?)at\(Step\.([A-Z_]+), ", (ROOT / "store/commit.py").read_text(), re.S)
    assert [(int(number), name) for number, name, *_ in said] == STEPS
    assert [called for *_, called in said] == [step.name for step in Step], "each says its own step, before the next comment"


def test_the_page_lists_them() -> None:
    said = re.findall(r"^\| (\d+) \| \*\*([A-Z][a-z ]+)\.\*\*", (ROOT / "docs/pipeline.md").read_text(), re.M)
    assert [(int(number), name.lower()) for number, name in said] == STEPS
