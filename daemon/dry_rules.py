"""Whom other rules would have let in, among the newest series; nothing is changed by it.

Headers are read again and held against the models' own conditions, once with the rules of the title
by which a series came and once with the others: what differs is what the change would do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pydicom import Dataset

from daemon import header, titles
from daemon.config import Settings
from daemon.records import looks, peers
from daemon.records.ledger import Ledger
from daemon.records.tables import Series, Stage
from daemon.spool import Spool
from daemon.titles import TitleRules
from engines.cases import read_case
from engines.errors import Verdict
from engines.exams import PER_STUDY, Exam
from engines.rules import Rules


@dataclass(frozen=True)
class Other:
    """Rules to try; None leaves one as it is."""

    min_age_years: int | None = None
    accept_derived_primary: bool | None = None

    def beside(self, rules: Rules) -> Rules:
        """Return rules with these in their place."""
        if self.min_age_years is not None:
            rules = replace(rules, min_age_years=self.min_age_years)
        if self.accept_derived_primary is not None:
            rules = replace(rules, accept_derived_primary=self.accept_derived_primary)
        return rules


@dataclass
class RulesRun:
    """What came of it, in series.

    ``let_in`` and ``kept_out`` are studies whose series would be looked at, or would not any more;
    ``flagged_lost`` counts those of the latter that are flagged. ``unread`` have no header here any
    more, and say nothing.
    """

    read: int = 0
    unread: int = 0
    now: int = 0
    then: int = 0
    flagged_lost: int = 0
    let_in: list[str] = field(default_factory=list)
    kept_out: list[str] = field(default_factory=list)

    def note(self, study_uid: str, now: bool, then: bool, flagged: bool) -> None:
        """Count one series."""
        self.read, self.now, self.then = self.read + 1, self.now + now, self.then + then
        if then and not now and study_uid not in self.let_in:
            self.let_in.append(study_uid)
        if now and not then:
            self.flagged_lost += flagged
            if study_uid not in self.kept_out:
                self.kept_out.append(study_uid)


def try_rules(settings: Settings, ledger: Ledger, other: Other, most: int) -> RulesRun:
    """Hold the newest series that have ended against other rules."""
    today, stages = titles.today(settings, ledger), peers.stages(ledger)
    spool, run = Spool(settings.spool), RulesRun()
    for series, flagged in looks.newest_series(ledger, most):
        headers = _headers(spool, series)
        if not headers:
            run.unread += 1
            continue
        title = today.of(series.called_aet)
        exam = Exam(str(series.exam))
        now = _let_in(exam, headers, title, stages, title.rules)
        then = _let_in(exam, headers, title, stages, other.beside(title.rules))
        run.note(series.StudyInstanceUID, now, then, flagged)
    return run


def _headers(spool: Spool, series: Series) -> list[Dataset]:
    """Read all films of a series, or one image of a stack: they share what is asked of them."""
    files = spool.series(series.SeriesInstanceUID)
    try:
        return [header.whole(file) for file in files[: 1 if series.exam in PER_STUDY else None]]
    except Exception:  # noqa: BLE001 - the edge to bytes from outside: such a series says nothing
        return []


def _let_in(
    exam: Exam,
    headers: Sequence[Dataset],
    title: TitleRules,
    stages: dict[str, Stage],
    rules: Rules,
) -> bool:
    """Tell whether any model that is on would look."""
    # here: these bring scipy along, which no other page needs
    from engines import catalog

    case = read_case(exam, headers, rules=rules)
    for model in catalog.for_exam(exam):
        name, card = model.CARD.model, model.CARD
        stage = stages.get(name, Stage.OFF if card.off_by_default else Stage.SHADOW)
        if title.stage_of(name, stage) is Stage.OFF:
            continue
        try:
            model.eligible(case)
        except Verdict:
            continue
        return True
    return False
