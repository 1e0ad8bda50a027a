"""The pages in another language: chosen by the person or the browser, and nothing untranslated."""

import ast
import re
from pathlib import Path

import pytest
from bench.pages import fill
from browsing import Browser, person, running_site, signed_in
from jinja2 import nodes

import daemon
from daemon import config
from daemon.records import people
from daemon.records.people_tables import Right
from daemon.said import Said
from daemon.web import pages
from daemon.web.catalogue import FOLDER, NAMES, Catalogue, asked, catalogue, read_po

HOUSE = Path(daemon.__file__).parent
SPEAKING = [HOUSE / f"{name}.py" for name in ("peering", "titles", "models", "reveal", "callers")]
SPEAKING += sorted((HOUSE / "web").glob("*.py"))
SAYERS = {"Said", "Refused", "say"}
GERMAN = {"accept-language": "de-DE,de;q=0.9,en;q=0.5"}
FILLED = re.compile(r"\{(\w*)[^}]*\}")


def texts():
    """Return all that templates and code say in words that are written down."""
    every = Catalogue("nowhere", {})
    environment = pages.pages_in(every)
    for file in pages.TEMPLATES.glob("*.html"):
        tree = environment._parse(file.read_text(), file.name, str(file))
        for call in tree.find_all(nodes.Call):
            if getattr(call.node, "name", "") == "_":
                chosen = [pair.value for pair in call.find_all(nodes.Pair)] or list(call.args)
                for one in chosen:
                    for const in [one, *one.find_all(nodes.Const)]:
                        value = getattr(const, "value", None)
                        if isinstance(value, str):
                            every.say(value)
    for file in SPEAKING:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in SAYERS:
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    every.say(first.value)
    return every.missing


@pytest.mark.parametrize("language", sorted(set(NAMES) - {"en"}))
def test_every_text_has_its_translation_with_the_same_facts(language):
    known = dict(read_po((FOLDER / f"{language}.po").read_text("utf-8")))
    said = texts()
    assert len(said) > 300
    assert sorted(text for text in said if not known.get(text)) == []
    for text, translation in known.items():
        assert set(FILLED.findall(text)) == set(FILLED.findall(translation)), text


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    settings = config.load(tmp_path_factory.mktemp("languages") / "home")
    ledger = fill(settings, 60)
    with running_site(settings, ledger) as origin:
        yield ledger, origin
    ledger.close()


def test_a_walk_over_all_pages_meets_nothing_untranslated(full):
    ledger, origin = full
    german = catalogue("de")
    german.missing.clear()
    stranger = Browser(origin)
    stranger.client.headers.update(GERMAN)
    assert '<html lang="de">' in stranger.get("/sign-in").text
    people.put(ledger, "neu", Right.VIEWER)
    assert "Willkommen, neu" in stranger.get(f"/welcome/{people.invite(ledger, 'neu')}").text
    assert "Name oder Passwort" in stranger.sign_in("nobody").text
    boss = signed_in(origin, ledger, Right.ADMINISTRATOR)
    boss.client.headers.update(GERMAN)
    for path in (
        *("/", "/studies", "/study?uid=1.2.40", "/study?uid=1.2.41", "/flow", "/deliveries"),
        *("/peers", "/peer?aet=PACS", "/peer?aet=CR1", "/peer/new", "/peer/change?aet=CR1"),
        *("/title/new", "/title/change?aet=OSTEOSCREEN", "/models", "/tokens", "/people", "/trail"),
        *("/dry-run?model=cxr_osporscreen&t.osteoporosis=0.5&age=60", "/nowhere", "/study?uid=9"),
    ):
        text = boss.get(path).text
        assert '<html lang="de">' in text
        assert not re.search(r">\s*(Overview|Sign out|Peers|Search)\s*<", text), path
    for page, action, sent in (
        ("/peer/new", "/peer/set", {"aet": "A" * 17, "host": "h", "port": "104"}),
        ("/models", "/models/stage", {"stage": "live", "why": "so", "model": "hip_vit"}),
        ("/people", "/people/set", {"name": "<", "right": "viewer"}),
        ("/tokens", "/tokens/make", {"label": "", "right": "viewer", "days": "1"}),
        ("/title/new", "/title/set", {"aet": "OSTEOSCREEN", "stage": "live"}),
    ):
        assert boss.send(page, action, **sent).status_code in (400, 409)
    assert german.missing == set()


def test_the_person_chooses_else_the_browser(full):
    ledger, origin = full
    reader = Browser(origin)
    reader.client.headers.update(GERMAN)
    reader.sign_in(person(ledger, Right.VIEWER, "reader"))
    assert "Übersicht" in reader.get("/").text
    answer = reader.send("/studies", "/language", language="en")
    assert answer.url.path == "/studies" and '<html lang="en">' in answer.text
    assert reader.send("/", "/language", language="xx").status_code == 400
    assert reader.send("/", "/language", language="de", next="//evil").url.host == "127.0.0.1"
    assert '<html lang="de">' in reader.get("/").text


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("en-US,en;q=0.9,de;q=0.8", "en"),
        ("fr, de-AT;q=0.7, en;q=0.3", "de"),
        ("de;q=0", "en"),
        ("de;q=..., xx-;;", "en"),
    ],
)
def test_the_browsers_wish_is_read_as_the_standard_says(header, language):
    assert asked(header) == language


def test_a_fact_with_braces_is_no_sentence_to_fill():
    told = Said("No: {why}", why="{count} {0} {}")
    assert told == "No: {count} {0} {}"
    assert catalogue("de").say(told) == "Nein: {count} {0} {}"
