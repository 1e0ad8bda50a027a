"""The documents keep up with the code."""

import re
import shlex
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from daemon.cli import app as daemon_app
from engines.cli import app as lab_app
from engines.errors import Reason

ROOT = Path(__file__).parents[2]
PLACES = ("*.md", "docs/**/*.md", "deploy/*.md", "*/*/README.md")
PAGES = sorted({page for place in PLACES for page in ROOT.glob(place)})
COMMANDS = {"osteoscreen": get_command(daemon_app), "osteoscreen-lab": get_command(lab_app)}
USAGE_ERROR = typer.BadParameter.__base__
"""Typer brings a click of its own."""
MAKEFILE = (ROOT / "Makefile").read_text()


def test_every_reason_is_explained_to_the_pacs_administrator():
    explained = (ROOT / "docs" / "pacs-admin.md").read_text()
    assert [reason for reason in Reason if f"`{reason}`" not in explained] == []


def test_every_link_in_the_documents_leads_somewhere():
    dead = []
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text()):
            if not (page.parent / target).exists():
                dead.append(f"{page.name}: {target}")
    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_in_the_documents_can_be_typed_as_it_stands(page):
    fences = re.compile(r"^```\w*$(.*?)^```$|^ {4}(?! )([^\n]+)$", re.DOTALL | re.MULTILINE)
    words = page.read_text()
    blocks = [line for found in fences.findall(words) for line in "".join(found).splitlines()]
    mentioned = re.findall(r"`([^`]+)`", fences.sub("", words))
    wrong = [problem for line in blocks for problem in problems(line, whole=True)]
    wrong += [problem for line in mentioned for problem in problems(line, whole=False)]
    assert wrong == []


@pytest.mark.parametrize(
    "line",
    [
        "osteoscreen audit && osteoscreen serrve",
        "osteoscreen peers add CR1 10.0.0.5",
        "osteoscreen status --jsn",
        "osteoscreen audit too-much",
        "python -m bench.listener",
        "PYTHONPATH=tests python -m bench.listner",
        "make tset",
    ],
)
def test_a_command_that_cannot_be_typed_is_told(line):
    assert list(problems(line, whole=True))


def problems(line, *, whole):
    """Tell what is wrong with each command of ours in a line of a shell."""
    for piece in re.split(r"&& | \| ", line):
        words = typed(piece)
        if words[:1] and words[0] in COMMANDS:
            yield from (f"{line}: {why}" for why in misread(COMMANDS[words[0]], words[1:], whole))
        if words[:2] == ["python", "-m"] and words[2] != "..." and not is_module(words[2], line):
            yield f"{line}: no such module from there"
        if words[:1] == ["make"] and words[1:] and f"\n{words[1]}:" not in MAKEFILE:
            yield f"{line}: no such target"


def typed(piece):
    """Return the words of a command, without settings before it, brackets, and what follows it."""
    try:
        words = shlex.split(re.sub(r"(?<=\s)\[(-[^]]*)\]", r"\1", piece), comments=True)
    except ValueError:
        return []
    while words and re.match(r"[A-Z_]+=", words[0]):
        words = words[1:]
    return list(takewhile(lambda word: word != ">", words))


def misread(command, words, whole):
    """Let the command line's own parser read the words; nothing is done."""
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        name, words = words[0], words[1:]
        if name not in command.commands:
            return [f"no command {name}"]
        command = command.commands[name]
    if hasattr(command, "commands"):
        return []
    try:
        context = typer.Context(command)
        given, left, _ = command.make_parser(context).parse_args(list(words))
    except USAGE_ERROR as problem:
        return [problem.message]
    missing = [one.name for one in command.params if one.required and not given.get(one.name)]
    return [f"too much: {left}"] * bool(left) + [f"missing: {missing}"] * bool(whole and missing)


def is_module(name, line):
    """Tell whether a module is found by who types the line in the source folder."""
    path = Path(*name.split("."))
    if not (ROOT / path.parts[0]).exists() and (ROOT / "tests" / path.parts[0]).exists():
        return "tests python" in line and (ROOT / "tests" / path).with_suffix(".py").exists()
    return find_spec(name) is not None
