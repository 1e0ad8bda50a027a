"""Whom other rules would have let in, among the newest series; nothing is changed by it.

Headers are read again and held against the models' own conditions, once with the rules of the title
by which a series came and once with the others: what differs is what the change would do. What a
model that is switched on would say is not known before it looks.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from pydicom import Dataset

from daemon import header, titles
from daemon.records import looks, peers
from daemon.records.ledger import Ledger
from daemon.records.tables import Series, Stage
from daemon.settings import Settings
from daemon.spool import Spool
from daemon.titles import TitleRules
from engines.card_index import CARDS
from engines.cases import read_case
from engines.errors import Verdict
from engines.exams import PER_STUDY, Exam
from engines.rules import Rules


@dataclass(frozen=True)
class Other:
    """Rules to try.

    Attributes
    ----------
    min_age_years, accept_derived_primary
        None leaves one as it is.
    model : str
        Which model to switch; empty: none.
    on : bool
        Whether it is switched on, or off.
    title : str
        For what came by that title of ours alone; empty: for all.
    """

    min_age_years: int | None = None
    accept_derived_primary: bool | None = None
    model: str = ""
    on: bool = False
    title: str = ""

    @property
    def changes(self) -> bool:
        """Whether anything would be otherwise."""
        return self != Other(title=self.title)

    def beside(self, rules: Rules) -> Rules:
        """Return rules with these in their place."""
        if self.min_age_years is not None:
            rules = replace(rules, min_age_years=self.min_age_years)
        if self.accept_derived_primary is not None:
            rules = replace(rules, accept_derived_primary=self.accept_derived_primary)
        return rules

    def switched(self, on: frozenset[str]) -> frozenset[str]:
        """Return which models are on, with this one switched."""
        if not self.model:
            return on
        return on | {self.model} if self.on else on - {self.model}


@dataclass
class RulesRun:
    """What came of it, in series.

    ``let_in`` and ``kept_out`` are studies of which any model would look at a series, or none would
    any more; ``by_model`` how many series each would look at, now and then. ``flagged_lost`` counts
    flagged series of which nobody who flags them would look any more. ``unread`` have no header
    here any more, and say nothing.
    """

    read: int = 0
    unread: int = 0
    now: int = 0
    then: int = 0
    flagged_lost: int = 0
    let_in: list[str] = field(default_factory=list)
    kept_out: list[str] = field(default_factory=list)
    by_model: dict[str, tuple[int, int]] = field(default_factory=dict)

    def note(
        self, study_uid: str, now: frozenset[str], then: frozenset[str], flagging: frozenset[str]
    ) -> None:
        """Count one series: who looks now, who would look, who flags it."""
        self.read, self.now, self.then = self.read + 1, self.now + bool(now), self.then + bool(then)
        for name in now | then:
            before, after = self.by_model.get(name, (0, 0))
            self.by_model[name] = before + (name in now), after + (name in then)
        self.flagged_lost += bool(flagging & now) and not flagging & then
        if then and not now and study_uid not in self.let_in:
            self.let_in.append(study_uid)
        if now and not then and study_uid not in self.kept_out:
            self.kept_out.append(study_uid)


def try_rules(settings: Settings, ledger: Ledger, other: Other, most: int) -> RulesRun:
    """Hold the newest series that have ended against other rules."""
    today, stages = titles.today(settings, ledger), peers.stages(ledger)
    spool, run = Spool(settings.spool), RulesRun()
    for series, flagging in looks.newest_series(ledger, most):
        headers = _headers(spool, series)
        if not headers:
            run.unread += 1
            continue
        title = today.of(series.called_aet)
        exam = Exam(str(series.exam))
        on = _switched_on(exam, title, stages)
        now = then = _lookers(exam, headers, title.rules, on)
        if other.title in ("", title.aet):
            then = _lookers(exam, headers, other.beside(title.rules), other.switched(on))
        run.note(series.StudyInstanceUID, now, then, flagging)
    return run


def _headers(spool: Spool, series: Series) -> list[Dataset]:
    """Read all films of a series, or one image of a stack: they share what is asked of them."""
    files = spool.series(series.SeriesInstanceUID)
    try:
        return [header.whole(file) for file in files[: 1 if series.exam in PER_STUDY else None]]
    except Exception:  # noqa: BLE001 - the edge to bytes from outside: such a series says nothing
        return []


def _switched_on(exam: Exam, title: TitleRules, stages: dict[str, Stage]) -> frozenset[str]:
    """Return the models of an exam that are on for a title."""
    on = set()
    for card in CARDS:
        stage = title.stage_of(card.model, stages[card.model])
        if card.exam is exam and stage is not Stage.OFF:
            on.add(card.model)
    return frozenset(on)


def _lookers(
    exam: Exam, headers: Sequence[Dataset], rules: Rules, on: frozenset[str]
) -> frozenset[str]:
    """Return which of the models that are on would look."""
    # here: these bring scipy along, which no other page needs
    from engines import catalog

    case = read_case(exam, headers, rules=rules)
    found = set()
    for model in catalog.for_exam(exam):
        with suppress(Verdict):
            if model.CARD.model in on:
                model.eligible(case)
                found.add(model.CARD.model)
    return frozenset(found)
