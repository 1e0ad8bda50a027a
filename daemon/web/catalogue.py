"""The languages of the pages: gettext catalogues, read as they are written.

English is in the code and the templates. What a catalogue lacks stays English; a test lets it lack
nothing.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from fastapi import Request

from daemon.said import Said
from daemon.web.guard import cookie_of, settings_of

FOLDER = Path(__file__).parent / "languages"
ENGLISH = "en"
NAMES = {ENGLISH: "English", "de": "Deutsch"}
"""Each in its own words, for who looks for it."""
_ASKED = re.compile(r"([A-Za-z]{1,8})(?:-[A-Za-z0-9-]+)?(?:\s*;\s*q=([0-9.]{1,5}))?$")


class Catalogue:
    """What is said in one language for what is written in English."""

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        self.language, self._texts = language, texts
        self.missing: set[str] = set()

    def say(self, text: str) -> str:
        """Return a text, or a sentence with its facts, in this language."""
        if not isinstance(text, Said):
            return self._found(text)
        facts = {
            key: self.say(value) if isinstance(value, Said) else value
            for key, value in text.facts.items()
        }
        return self._found(text.msgid).format(**facts)

    def _found(self, msgid: str) -> str:
        if self.language == ENGLISH or not msgid:
            return msgid
        if msgid not in self._texts:
            self.missing.add(msgid)
        return self._texts.get(msgid) or msgid


@cache
def catalogue(language: str) -> Catalogue:
    """Return the catalogue of a language."""
    file = FOLDER / f"{language}.po"
    return Catalogue(language, dict(read_po(file.read_text("utf-8"))) if file.exists() else {})


def read_po(text: str) -> Iterator[tuple[str, str]]:
    """Give each text of a gettext catalogue with its translation.

    Of the format, what is needed here: ``msgid`` and ``msgstr`` over one or several lines of quoted
    text, and comments.
    """
    for entry in re.split(r"\n\s*\n", text):
        parts: dict[str, list[str]] = {"msgid": [], "msgstr": []}
        into: list[str] = []
        for line in entry.splitlines():
            keyword, _, rest = line.partition(" ")
            if keyword in parts:
                into, line = parts[keyword], rest
            if line.startswith('"'):
                into.append(ast.literal_eval(line))
        msgid = "".join(parts["msgid"])
        if msgid:
            yield msgid, "".join(parts["msgstr"])


def language_of(request: Request) -> str:
    """Return the language that a visitor has chosen, else the one that the browser asks for."""
    chosen = request.cookies.get(cookie_of(settings_of(request), "language"))
    if chosen in NAMES:
        return chosen
    return asked(request.headers.get("accept-language", ""))


def asked(header: str) -> str:
    """Return which of our languages an Accept-Language header (RFC 9110 12.5.4) wants most."""
    best = (0.0, ENGLISH)
    for part in header[:500].split(","):
        found = _ASKED.match(part.strip())
        if found and found[1].lower() in NAMES:
            try:
                weight = float(found[2] or 1)
            except ValueError:
                continue
            if weight > best[0]:
                best = (weight, found[1].lower())
    return best[1]


def saying(request: Request) -> Catalogue:
    """Return the catalogue for a request."""
    return catalogue(language_of(request))
