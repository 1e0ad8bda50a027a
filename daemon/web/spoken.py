"""Templates are written in English; their text is said in another language when they are loaded.

Every text between tags, and every ``alt``, ``title``, ``aria-label`` and ``placeholder``, is looked
up in the catalogue of the environment: nothing needs a mark, and nothing can be forgotten. Text in
``code`` is typed as it stands. What a template computes it says with ``_()``.
"""

import re
from collections.abc import Callable, Iterator

from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

_PIECES = re.compile(r"(<[^>]*>?|[^<]+)")
_ATTRIBUTES = re.compile(r'\b(alt|title|aria-label|placeholder)="([^"]+)"')
_LETTERS = re.compile(r"[A-Za-z]{2}")
_ENTITY = re.compile(r"&#?\w+;")


class Spoken(Extension):
    """Says what stands in a template in the language of its environment."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Give the tokens of a template with their text said."""
        text = _Text(self.environment.say)  # type: ignore[attr-defined]
        for token in stream:
            said = text.said(token.value) if token.type == "data" else token.value
            yield Token(token.lineno, token.type, said)


class _Text:
    """Where in the HTML we are: it is cut wherever the template computes something."""

    def __init__(self, say: Callable[[str], str]) -> None:
        self._say, self._in_tag, self._in_code = say, False, False

    def said(self, html: str) -> str:
        found = []
        if self._in_tag:
            end = html.find(">") + 1
            found.append(self._tag(html[: end or None]))
            self._in_tag = not end
            html = html[end:] if end else ""
        for piece in _PIECES.findall(html):
            is_tag = piece.startswith("<")
            found.append(self._tag(piece) if is_tag else self._between(piece))
            self._in_tag = is_tag and not piece.endswith(">")
        return "".join(found)

    def _tag(self, tag: str) -> str:
        if tag.startswith(("<code", "</code")):
            self._in_code = tag.startswith("<code")
        return _ATTRIBUTES.sub(lambda found: f'{found[1]}="{self._say(found[2])}"', tag)

    def _between(self, text: str) -> str:
        plain = text.strip()
        if self._in_code or not _LETTERS.search(_ENTITY.sub("", plain)):
            return text
        before, _, after = text.partition(plain)
        return f"{before}{self._say(plain)}{after}"
