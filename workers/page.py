"""What the pictures of all models have in common: head, state, advice, and where it came from."""

from dataclasses import dataclass
from typing import Final

from engines.findings import Result
from engines.product import PRODUCT, VERSION
from workers import wording
from workers.phrases import Phrases
from workers.report import Report
from workers.sheet import AMBER, BACKGROUND, BLACK, FAINT, MUTED, SLATE, WHITE, Box, Sheet

WIDTH, HEIGHT = 1600, 1200
MARGIN: Final = 40


@dataclass(frozen=True)
class Page:
    """What every part of the sheet needs."""

    sheet: Sheet
    report: Report
    result: Result
    say: Phrases
    language: str


def header(page: Page) -> None:
    """Write the title, what kind of result it is, how far it may be trusted, and the state."""
    sheet = page.sheet
    sheet.write((MARGIN, 28), page.report.card.title, 42, WHITE)
    kind = page.say.automatic if page.report.measured else page.say.ai
    tag = sheet.tag((MARGIN, 90), kind, 20, AMBER)
    sheet.write((tag.right + 18, 93), wording.notice(page.report, page.language), 23, AMBER)
    _state(page)


def caption(page: Page, box: Box, words: str) -> None:
    """Say above a tile what it shows."""
    page.sheet.write((box.x, box.y - 34), page.sheet.short(words, 21, box.width + 40), 21, MUTED)


def nothing(page: Page, box: Box) -> None:
    """Leave a tile empty and say so."""
    page.sheet.frame(box, BLACK, FAINT)
    page.sheet.centre(box, page.say.not_shown, 22, MUTED)


def _state(page: Page) -> None:
    """Show the state by word, by shape (full or hollow) and by sign; colour comes last."""
    word = wording.state(page.result, page.language).upper()
    sheet = page.sheet
    width = sheet.width(word, 34) + (112 if page.result.flagged else 64)
    box = Box(WIDTH - MARGIN - width, 30, width, 68)
    if not page.result.flagged:
        sheet.draw.rounded_rectangle(box.corners, 12, outline=SLATE, width=3)
        sheet.write((box.x + 32, box.y + 14), word, 34, SLATE)
        return
    sheet.draw.rounded_rectangle(box.corners, 12, fill=AMBER)
    x, y = box.x + 28, box.y + 16
    sheet.draw.polygon([(x, y + 36), (x + 20, y), (x + 40, y + 36)], fill=BACKGROUND)
    sheet.draw.rectangle((x + 18, y + 12, x + 21, y + 24), fill=AMBER)
    sheet.draw.rectangle((x + 18, y + 28, x + 21, y + 31), fill=AMBER)
    sheet.write((box.x + 84, box.y + 14), word, 34, BACKGROUND)


def sentence(page: Page, box: Box, size: int = 22) -> None:
    """Say the outcome in words, above a line that ends what was found."""
    words = wording.sentence(page.report, page.language)
    page.sheet.paragraph(box, words, size, WHITE, least=16)
    y = box.bottom + 6
    page.sheet.draw.line((MARGIN, y, WIDTH - MARGIN, y), fill=FAINT, width=2)


def advice(page: Page, box: Box, size: int = 21) -> None:
    """Say what to do and what the result cannot tell."""
    sheet, say = page.sheet, page.say
    words = wording.advice(page.report, page.result, page.language)
    limits = say.limits_measured if page.report.measured else say.limits
    if page.result.prognosis is not None:
        limits = say.limits_prognosis
    sheet.write((box.x, box.y), say.what_to_do, 20, MUTED)
    y = sheet.paragraph(Box(box.x, box.y + 30, box.width, 120), words, size, WHITE)
    sheet.write((box.x, y + 10), say.limits_title, 20, MUTED)
    sheet.paragraph(Box(box.x, y + 40, box.width, 90), limits, size - 2, MUTED)


def facts(page: Page, box: Box) -> None:
    """Say what made the result."""
    sheet = page.sheet
    sheet.write((box.x, box.y), page.say.about, 20, MUTED)
    y = box.y + 32
    for name, value in _provenance(page.report, page.result):
        label = page.say.facts[name]
        sheet.write((box.x, y), label, 18, MUTED)
        sheet.write((box.x + 92, y), sheet.short(value, 18, box.width - 92), 18, WHITE)
        y += 29


def _provenance(report: Report, result: Result) -> list[tuple[str, str]]:
    weights, made = report.weights, report.provenance
    known = [f"{name.replace('_', ' ')} {value}" for name, value in result.quality.items() if value]
    return [
        ("model", f"{weights.model} {weights.version}"),
        ("settings" if report.measured else "weights", f"sha256 {weights.sha256[:16]}"),
        ("runtime", made.runtime),
        *([] if report.measured else [("image", ", ".join(known))]),
        *([("added", added)] if (added := _added(result)) else []),
        ("study", _day(str(report.source.get("StudyDate") or ""))),
        ("analysed", made.analysed_at.strftime("%Y-%m-%d %H:%M %z")),
        ("product", f"{PRODUCT} {VERSION}, {made.node}"),
    ]


def _added(result: Result) -> str:
    """List what each clinical value adds; empty where none was scored."""
    end = " attribution"
    return " ".join(
        f"{one.name.removesuffix(end)} {one.value:+.1f}"
        for one in result.measurements
        if one.name.endswith(end)
    )


def _day(DA: str) -> str:
    return f"{DA[:4]}-{DA[4:6]}-{DA[6:]}" if len(DA) == 8 else "-"
