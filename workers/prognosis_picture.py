"""The picture of a CT whose future was scored: what was looked at, the curve of years, and words.

The spine and the muscles are hung so that a reader sees whether the right vertebrae were scored.
No colour stands alone, and a score below its threshold is never green.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engines.findings import Result
from engines.sights import Mark, Prognosis, Section, Views
from workers import wording
from workers.ct_picture import around_spine
from workers.page import (
    HEIGHT,
    MARGIN,
    WIDTH,
    Page,
    advice,
    caption,
    facts,
    header,
    nothing,
    sentence,
)
from workers.phrases import DEFAULT_LANGUAGE, phrases
from workers.picture import small_score
from workers.report import Report
from workers.section import BONE, SOFT_TISSUE, body_of, hang, shade
from workers.sheet import AMBER, FAINT, MUTED, SLATE, WHITE, Box, Colour, Sheet

_TOP: Final = 178
_SPINE: Final = Box(MARGIN, _TOP, 350, 660)
_LABELS: Final = Box(_SPINE.right + 16, _TOP, 180, 660)
_MUSCLE: Final = Box(606, _TOP, 440, 380)
_CURVE: Final = Box(1150, _TOP, 410, 340)
_SCORES: Final = Box(_MUSCLE.x, 596, _MUSCLE.width, 84)
_RISKS: Final = Box(1090, 596, 470, 240)
_SENTENCE: Final = Box(MARGIN, 846, WIDTH - 2 * MARGIN, 82)
_ADVICE: Final = Box(MARGIN, 944, 980, 220)
_FACTS: Final = Box(1090, 944, 470, 220)
_LABEL_STEP: Final = 46
_MUSCLES: Final[dict[str, Colour]] = {
    "psoas muscle": (226, 112, 118),
    "paraspinal muscle": (196, 88, 140),
}
_RISK: Final = "vertebral fracture risk at "


def prognosis_picture(
    report: Report,
    result: Result,
    views: Views,
    prognosis: Prognosis,
    language: str = DEFAULT_LANGUAGE,
) -> NDArray[np.uint8]:
    """Draw a scored CT.

    Parameters
    ----------
    report, result, views, prognosis
        The report, its outcome, and what that has to show.
    language : str
        Of the words, one of ``phrases.PHRASES``.

    Returns
    -------
    ndarray
        uint8, shape (1200, 1600, 3), RGB.
    """
    sheet = Sheet(WIDTH, HEIGHT)
    page = Page(sheet, report, result, phrases(language), language)
    header(page)
    _spine(page, views)
    _muscle(page, views.muscle)
    _curve(page, prognosis)
    for place, finding in enumerate(result.findings):
        box = Box(_SCORES.x, _SCORES.y + place * 100, _SCORES.width, _SCORES.height)
        small_score(page, finding, box)
    _risks(page)
    sentence(page, _SENTENCE, 20)
    advice(page, _ADVICE, 20)
    facts(page, _FACTS)
    return sheet.pixels()


def _spine(page: Page, views: Views) -> None:
    """Hang the spine; name each vertebra that was scored, with its score."""
    caption(page, _SPINE, page.say.sagittal)
    hung = hang(page.sheet, views.sagittal, _SPINE, BONE, around_spine(views.sagittal, views.marks))
    y = 0
    for mark in views.marks:
        x, row = hung.at(*mark.at)
        at = hung.box.x + round(x), hung.box.y + round(row)
        y = min(max(at[1], y + _LABEL_STEP), _LABELS.bottom - _LABEL_STEP)
        _label(page.sheet, mark, at, y)


def _label(sheet: Sheet, mark: Mark, at: tuple[int, int], y: int) -> None:
    colour = MUTED if mark.score is None else WHITE
    sheet.draw.line((_SPINE.right + 2, at[1], _LABELS.x - 4, y), fill=MUTED)
    sheet.draw.ellipse((at[0] - 4, at[1] - 4, at[0] + 4, at[1] + 4), outline=colour, width=2)
    sheet.write((_LABELS.x, y - 15), mark.site or "?", 24, colour)
    if mark.score is None:
        return
    bar = Box(_LABELS.x + 56, y - 5, 66, 8)
    sheet.draw.rectangle(bar.corners, fill=FAINT)
    sheet.draw.rectangle((bar.x, bar.y, max(bar.at(mark.score), bar.x + 2), bar.bottom), fill=SLATE)
    sheet.write((bar.right + 10, y - 12), f"{mark.score:.2f}", 18, WHITE)


def _muscle(page: Page, section: Section | None) -> None:
    """Hang the slice at L3, the muscles that the network was shown shaded."""
    if section is None:
        nothing(page, _MUSCLE)
        return
    caption(page, _MUSCLE, page.say.views.format(site=section.site))
    hung = hang(page.sheet, section, _MUSCLE, SOFT_TISSUE, body_of(section))
    for name, colour in _MUSCLES.items():
        if name in section.masks:
            shade(page.sheet, hung, section.masks[name], colour, 0.5)


def _curve(page: Page, prognosis: Prognosis) -> None:
    """Draw the probability of no new fracture over the years, its whole scale shown."""
    sheet, box = page.sheet, _CURVE
    caption(page, Box(box.x - 60, box.y, box.width + 20, 0), page.say.fracture_free)
    free = (1.0, *prognosis.fracture_free)
    last = len(free) - 1
    for part in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = box.bottom - round(part * box.height)
        sheet.draw.line((box.x, y, box.right, y), fill=FAINT)
        label = f"{part:.0%}"
        sheet.write((box.x - 10 - sheet.width(label, 17), y - 10), label, 17, MUTED)
    points = [
        (box.at(year / last), box.bottom - round(value * box.height))
        for year, value in enumerate(free)
    ]
    sheet.draw.line(points, fill=WHITE, width=3)
    for year, (x, y) in enumerate(points):
        sheet.draw.ellipse((x - 5, y - 5, x + 5, y + 5), fill=WHITE)
        sheet.write((x - 5, box.bottom + 8), str(year), 17, MUTED)
    word = page.say.fracture_free_axis
    sheet.write((box.right - sheet.width(word, 17), box.bottom + 30), word, 17, MUTED)


def _risks(page: Page) -> None:
    """List the risks; the words of the finding say whether they are more than a rank."""
    sheet, box = page.sheet, _RISKS
    flagged = any(one.name == wording.RISK and one.flagged for one in page.result.findings)
    y = box.y
    for one in page.result.measurements:
        if not one.name.startswith(_RISK):
            continue
        years = one.name.removeprefix(_RISK).removesuffix(" years")
        sheet.write((box.x, y + 6), page.say.risk_at.format(years=years), 21, MUTED)
        number = f"{one.value:.1%}"
        colour = AMBER if flagged else SLATE
        sheet.write((box.right - sheet.width(number, 32), y), number, 32, colour)
        y += 46
    words = next((one.words for one in page.result.findings if one.name == wording.RISK), "")
    sheet.paragraph(Box(box.x, y + 6, box.width, 60), words, 18, WHITE)
