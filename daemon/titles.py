"""What holds for what was sent to one of our AE titles: who looks, at whom, how far it goes."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from daemon.binding import listens_at
from daemon.errors import ConfigError, NotHere, TitleTaken
from daemon.networks import plain_ip
from daemon.records import own_titles, peers
from daemon.records.decision_tables import OwnTitle
from daemon.records.ledger import Ledger
from daemon.records.tables import Stage
from daemon.said import Said
from daemon.settings import Settings, is_ae_title
from engines.card_index import CARDS
from engines.rules import Rules

AGES = range(121)
PURPOSE_MOST = 200


@dataclass(frozen=True)
class TitleRules:
    """The rules of one title; ``models`` are those that look, none for all of them."""

    aet: str
    rules: Rules
    models: frozenset[str] = frozenset()
    most: Stage = Stage.LIVE

    @property
    def told(self) -> str:
        """What to add to a reason that the title's own models may be the cause of."""
        return f" for what is sent to {self.aet}" if self.models else ""

    def stage_of(self, model: str, stage: Stage) -> Stage:
        """Return how far a model of that stage goes here: the lesser of the two."""
        if self.models and model not in self.models:
            return Stage.OFF
        return min(stage, self.most, key=list(Stage).index)


class Titles:
    """All titles as they stand at one moment."""

    def __init__(self, settings: Settings, rows: Iterable[OwnTitle]) -> None:
        self._settings = settings
        self._rows = {row.aet: row for row in rows}

    def of(self, aet: str | None) -> TitleRules:
        """Return the rules of a title; those of the settings where it has none of its own."""
        rules, row = self._settings.rules, self._rows.get(aet or self._settings.aet)
        if row is None:
            return TitleRules(aet or self._settings.aet, rules)
        if row.min_age_years is not None:
            rules = replace(rules, min_age_years=row.min_age_years)
        if row.accept_derived_primary is not None:
            rules = replace(rules, accept_derived_primary=row.accept_derived_primary)
        return TitleRules(row.aet, rules, frozenset(row.models), Stage(row.stage))


def today(settings: Settings, ledger: Ledger) -> Titles:
    """Return all titles as they stand now."""
    return Titles(settings, own_titles.every(ledger))


def all_of(settings: Settings, ledger: Ledger) -> list[OwnTitle]:
    """Return the titles we answer to: the setting's first, with no rules where it has none."""
    rows = {row.aet: row for row in own_titles.answered(ledger)}
    own = rows.pop(settings.aet, None) or blank(settings.aet)
    return [own, *rows.values()]


def blank(aet: str) -> OwnTitle:
    """Return a title without rules of its own."""
    return OwnTitle(
        aet=aet,
        purpose="",
        models=[],
        stage=str(Stage.LIVE),
        min_age_years=None,
        accept_derived_primary=None,
        host=None,
    )


def told(title: OwnTitle) -> dict[str, Any]:
    """Return what an admin is told of a title."""
    return {
        "aet": title.aet,
        "purpose": title.purpose,
        "models": list(title.models),
        "stage": title.stage,
        "min_age_years": title.min_age_years,
        "accept_derived_primary": title.accept_derived_primary,
        "host": title.host,
    }


def put(settings: Settings, ledger: Ledger, title: OwnTitle) -> None:
    """Answer to a title with these rules from now on; effective within a second.

    Raises
    ------
    ConfigError
        With the reason in one line, where it can be no title of ours.
    """
    if not is_ae_title(title.aet):
        raise ConfigError(
            Said(
                "AE title '{aet}': 1 to 16 ASCII characters, no backslash (PS3.5 6.2)",
                aet=title.aet,
            )
        )
    if peers.named(ledger, title.aet):
        raise TitleTaken(Said("{aet} is a peer; a title of ours is another one", aet=title.aet))
    known = {card.model for card in CARDS}
    if strange := sorted(set(title.models) - known):
        facts = {"model": strange[0], "known": ", ".join(sorted(known))}
        raise ConfigError(Said("there is no model {model}; there are: {known}", **facts))
    if title.min_age_years is not None and title.min_age_years not in AGES:
        raise ConfigError("least age: a number of years from 0 to 120")
    title.host = _bindable(settings, title.host or "")
    title.purpose = title.purpose.strip()[:PURPOSE_MOST]
    title.models = sorted(set(title.models))
    own_titles.put(ledger, title)


def _bindable(settings: Settings, host: str) -> str | None:
    """Return an address as it is written, none for every one; refuse where we do not listen."""
    if not host.strip():
        return None
    try:
        wanted = plain_ip(host.strip())
    except ValueError:
        raise ConfigError(Said("'{host}' is no address (10.0.0.5, fd00::5)", host=host)) from None
    # another host of several has addresses of its own
    if settings.host_name or listens_at(settings, str(wanted)):
        return str(wanted)
    bound = ", ".join(settings.hosts)
    raise NotHere(
        Said("we do not listen at {host}; the setting 'host' has {bound}", host=wanted, bound=bound)
    )


def remove(settings: Settings, ledger: Ledger, aet: str) -> None:
    """Answer to a title no more; what came by it keeps its rules.

    Raises
    ------
    ConfigError
        If we have no such title, or it is the setting's, which stays.
    """
    if aet == settings.aet:
        raise ConfigError(Said("{aet} is the title of the setting 'aet', which stays", aet=aet))
    if not own_titles.remove(ledger, aet):
        raise ConfigError(Said("{aet} is no title of ours: osteoscreen titles list", aet=aet))
