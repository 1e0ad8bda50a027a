"""The documents keep up with the code."""

import re
from pathlib import Path

from daemon.cli import app
from engines.errors import Reason

ROOT = Path(__file__).parents[2]


def test_every_reason_is_explained_to_the_pacs_administrator():
    explained = (ROOT / "docs" / "pacs-admin.md").read_text()
    assert [reason for reason in Reason if f"`{reason}`" not in explained] == []


def test_every_link_in_the_documents_leads_somewhere():
    dead = []
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*/*/README.md")]:
        for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text()):
            if not (page.parent / target).exists():
                dead.append(f"{page.name}: {target}")
    assert dead == []


def test_the_readme_shows_only_commands_that_exist():
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    known |= {group.name for group in app.registered_groups}
    shown = re.findall(r"^\s*osteoscreen (\w+)", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert shown and set(shown) <= known
