"""The picture of a measured CT: the spine with its numbers, the region, the muscle, and words.

Made so that a reader sees in a few seconds whether the right levels were named and the region lies
in trabecular bone. No colour stands alone: a low band is a full chip, the others are hollow.
"""

import itertools
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engines.findings import Finding, Result
from engines.sights import Mark, Section, Views
from workers import wording
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
from workers.report import Report
from workers.section import BONE, SOFT_TISSUE, Hung, Shown, body_of, hang, lines, shade
from workers.sheet import (
    AMBER,
    BACKGROUND,
    FAINT,
    MUTED,
    SAND,
    SLATE,
    WHITE,
    Box,
    Colour,
    Sheet,
)

_TOP: Final = 178
_SPINE: Final = Box(MARGIN, _TOP, 350, 660)
_LABELS: Final = Box(_SPINE.right + 16, _TOP, 216, 660)
_BONE: Final = Box(640, _TOP, 444, 400)
_MUSCLE: Final = Box(1116, _TOP, 444, 400)
_SCORE: Final = Box(_BONE.x, 604, _BONE.width, 234)
_AMOUNTS: Final = Box(_MUSCLE.x, 604, _MUSCLE.width, 234)
_SENTENCE: Final = Box(MARGIN, 858, WIDTH - 2 * MARGIN, 82)
_ADVICE: Final = Box(MARGIN, 964, 980, 220)
_FACTS: Final = Box(1116, 964, 444, 220)
_LABEL_STEP: Final = 46
#: How much is shown around what was measured.
_AROUND_SPINE_MM, _LEAST_SPINE_MM, _AROUND_BONE_MM = 26.0, 180.0, 48.0
_BAND_COLOURS: Final[dict[int | None, Colour]] = {0: AMBER, 1: SAND, 2: SLATE, None: MUTED}
#: Apart in brightness too; neither red for danger nor green for safe.
_TISSUES: Final[dict[str, tuple[Colour, float]]] = {
    "skeletal muscle": ((226, 112, 118), 0.50),
    "intermuscular fat": ((246, 222, 120), 0.65),
    "visceral fat": ((160, 130, 222), 0.45),
    "subcutaneous fat": ((84, 150, 204), 0.40),
}
_SCALE_HU: Final = 250.0
#: A vertebra lower than this shows its ratio, whatever else was found (Genant's first grade).
_LOST: Final = 0.8


def ct_picture(
    report: Report, result: Result, views: Views, language: str = DEFAULT_LANGUAGE
) -> NDArray[np.uint8]:
    """Draw a measured CT.

    Parameters
    ----------
    report, result, views
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
    _bone(page, views)
    _score(page, views)
    _muscle(page, views.muscle)
    sentence(page, _SENTENCE, 20)
    advice(page, _ADVICE, 20)
    facts(page, _FACTS)
    return sheet.pixels()


def _spine(page: Page, views: Views) -> None:
    """Hang the sagittal section and name each vertebra beside it."""
    section, marks = views.sagittal, views.marks
    caption(page, _SPINE, page.say.sagittal)
    hung = hang(page.sheet, section, _SPINE, BONE, around_spine(section, marks))
    for mark in marks:
        if mark.corners is not None:
            colour = AMBER if _suspected(page, mark) else WHITE
            lines(page.sheet, hung, list(mark.corners.reshape(3, 2, 2)), colour, 1)
    y = 0
    for mark in marks:
        y = max(_row_of(hung, mark), y + _LABEL_STEP)
        y = min(y, _LABELS.bottom - _LABEL_STEP)
        _label(page, hung, mark, y)


def _row_of(hung: Hung, mark: Mark) -> int:
    return hung.box.y + round(hung.at(*mark.at)[1])


def around_spine(section: Section, marks: tuple[Mark, ...]) -> Shown | None:
    """Fill the tile with the marked vertebrae and half a vertebra more at either end."""
    if not marks:
        return None
    at = np.array([mark.at for mark in marks])
    around = _AROUND_SPINE_MM / section.spacing_mm[0]
    top = max(-0.5, float(at[:, 0].min()) - around)
    bottom = min(section.hu.shape[0] - 0.5, float(at[:, 0].max()) + around)
    # few vertebrae are not shown larger than many
    short = max(0.0, _LEAST_SPINE_MM / section.spacing_mm[0] - (bottom - top)) / 2
    middle = float(at[:, 1].min() + at[:, 1].max()) / 2
    return (top - short, middle), (bottom + short, middle)


def _label(page: Page, hung: Hung, mark: Mark, y: int) -> None:
    """Write level, number and what is notable, with a line to the vertebra."""
    sheet, notable = page.sheet, _suspected(page, mark)
    from_x = hung.box.x + round(hung.at(*mark.at)[0])
    from_y = _row_of(hung, mark)
    sheet.draw.line((_SPINE.right + 2, from_y, _LABELS.x - 4, y), fill=MUTED)
    dot = (from_x - 4, from_y - 4, from_x + 4, from_y + 4)
    sheet.draw.ellipse(dot, outline=_BAND_COLOURS[mark.band], width=2)
    sheet.write((_LABELS.x, y - 15), mark.site or "?", 24, WHITE)
    ratio = "" if mark.ratio is None else page.say.heights.format(ratio=mark.ratio)
    colour = AMBER if notable else MUTED
    beside = _LABELS.x + max(56, sheet.width(mark.site, 24) + 12)
    if mark.value is not None:
        _chip(sheet, (beside, y - 17), f"{mark.value:.0f} HU", mark.band)
    else:
        lost = mark.ratio is not None and mark.ratio <= _LOST
        words = page.say.not_counted if mark.note and not lost else ratio
        sheet.write((beside, y - 9), words, 16, colour)
    below = mark.note or (ratio if mark.value is not None else "")
    sheet.write((_LABELS.x, y + 17), sheet.short(below, 16, _LABELS.width), 16, colour)


def _suspected(page: Page, mark: Mark) -> bool:
    """Tell whether a fracture of this vertebra is suspected."""
    fractures = (one for one in page.result.findings if one.name == wording.FRACTURE)
    return any(one.flagged and one.site == mark.site for one in fractures)


def _chip(sheet: Sheet, at: tuple[int, int], text: str, band: int | None) -> None:
    """Write a number on a chip: full where it is low, hollow where not, bare without a band."""
    box = Box(at[0], at[1], sheet.width(text, 22) + 24, 34)
    colour = _BAND_COLOURS[band]
    if band == 0:
        sheet.draw.rounded_rectangle(box.corners, 8, fill=colour)
    elif band is not None:
        sheet.draw.rounded_rectangle(box.corners, 8, outline=colour, width=2)
    sheet.write((box.x + 12, box.y + 4), text, 22, BACKGROUND if band == 0 else WHITE)


def _bone(page: Page, views: Views) -> None:
    """Hang the axial slice with the region drawn, near enough to see cortex and canal."""
    section = views.bone
    if section is None:
        nothing(page, _BONE)
        return
    why = dict(page.result.set_aside).get(section.site)
    words = page.say.region if why is None else page.say.region_not_counted
    caption(page, _BONE, words.format(site=section.site, why=why))
    shown = None
    if section.outlines:
        middle = np.concatenate(section.outlines).mean(axis=0)
        reach = _AROUND_BONE_MM / np.array(section.spacing_mm)
        top, left = middle - reach
        bottom, right = middle + reach
        shown = ((float(top), float(left)), (float(bottom), float(right)))
    hung = hang(page.sheet, section, _BONE, BONE, shown)
    closed = [np.concatenate([outline, outline[:1]]) for outline in section.outlines]
    lines(page.sheet, hung, closed, AMBER, 2)


def _muscle(page: Page, section: Section | None) -> None:
    """Hang the slice at L3 with its tissues shaded; the list of amounts is the legend."""
    if section is None:
        nothing(page, _MUSCLE)
        _amounts(page, ())
        return
    caption(page, _MUSCLE, page.say.muscle.format(site=section.site))
    hung = hang(page.sheet, section, _MUSCLE, SOFT_TISSUE, body_of(section))
    for name, (colour, opacity) in _TISSUES.items():
        if name in section.masks:
            shade(page.sheet, hung, section.masks[name], colour, opacity)
    _amounts(page, section.masks)


@dataclass(frozen=True)
class _Held:
    """The number that stands for the bone, with its finding where it is held against one."""

    site: str
    value: float
    finding: Finding | None


def _held(result: Result, views: Views) -> _Held | None:
    for finding in result.findings:
        if finding.quantity == wording.ATTENUATION:
            return _Held(finding.site, finding.value, finding)
    measured = [one for one in result.measurements if one.name == wording.ATTENUATION]
    shown = (one for one in measured if views.bone is not None and one.site == views.bone.site)
    first = next(shown, None)
    return None if first is None else _Held(first.site, first.value, None)


def _score(page: Page, views: Views) -> None:
    """Show the number large, and where it lies between the thresholds."""
    sheet, box, held = page.sheet, _SCORE, _held(page.result, views)
    if held is None:
        return
    band = next((mark.band for mark in views.marks if mark.site == held.site), None)
    number = wording.held(held.finding) if held.finding else f"{held.value:.0f}"
    sheet.write((box.x, box.y), page.say.attenuation.format(site=held.site), 20, MUTED)
    sheet.write((box.x, box.y + 22), number, 58, _BAND_COLOURS[band] if band == 0 else WHITE)
    unit = box.x + sheet.width(number, 58) + 12
    sheet.write((unit, box.y + 54), "HU", 24, MUTED)
    beside = "" if held.finding is None else held.finding.words
    _beside(page, Box(unit + 56, box.y + 30, box.right - unit - 56, 56), beside or _unjudged(page))
    bar = Box(box.x, box.y + 116, box.width, 14)
    _scale(sheet, bar, views.bands_hu)
    x = bar.at(held.value / _SCALE_HU)
    sheet.draw.polygon([(x - 9, bar.y - 16), (x + 9, bar.y - 16), (x, bar.y - 3)], fill=WHITE)
    table = held.finding.table if held.finding else ""
    words = wording.conditions(page.result, page.language)
    if table:
        words = f"{page.say.threshold_source.format(source=table)}. {words}"
    sheet.paragraph(Box(box.x, bar.bottom + 38, box.width, 64), words, 17, MUTED, least=15)


def _beside(page: Page, box: Box, words: str) -> None:
    """Write words on the line of the number, or on two."""
    lines_high = 1 if page.sheet.width(words, 20) <= box.width else 2
    y = box.y + (2 - lines_high) * 26
    page.sheet.paragraph(Box(box.x, y, box.width, 56), words, 20, WHITE)


def _unjudged(page: Page) -> str:
    return "" if page.result.findings else page.say.not_judged_state


def _scale(sheet: Sheet, bar: Box, bands_hu: tuple[float, float] | None) -> None:
    """Draw the scale of HU with its bands; grey where no band may be given."""
    edges = (0.0, *(bands_hu or ()), _SCALE_HU)
    for band, (low, high) in enumerate(itertools.pairwise(edges)):
        left, right = bar.at(low / _SCALE_HU), bar.at(high / _SCALE_HU)
        colour = _BAND_COLOURS[band] if bands_hu else FAINT
        sheet.draw.rectangle((left, bar.y, right - 2, bar.bottom), fill=colour)
    for edge in edges[1:-1] or (0.0, _SCALE_HU):
        text = f"{edge:g}"
        x = min(bar.at(edge / _SCALE_HU) - sheet.width(text, 17) // 2, bar.right - 30)
        sheet.write((max(bar.x, x), bar.bottom + 8), text, 17, WHITE)


def _amounts(page: Page, shaded: Collection[str]) -> None:
    """List what was measured of muscle and fat; a swatch for what the slice shows shaded."""
    sheet, box = page.sheet, _AMOUNTS
    y = box.y
    for one in page.result.measurements:
        tissue = next((name for name in _TISSUES if one.name.startswith(name)), None)
        if tissue is None or y > box.bottom - 28:
            continue
        if tissue in shaded:
            swatch = (box.x, y + 4, box.x + 14, y + 18)
            sheet.draw.rounded_rectangle(swatch, 3, fill=_TISSUES[tissue][0])
        sheet.write((box.x + 26, y), one.name, 19, MUTED)
        number = wording.amount(one.value, one.unit, page.language)
        sheet.write((box.right - sheet.width(number, 20), y - 1), number, 20, WHITE)
        y += 34
    remark = str(page.result.quality.get("muscle") or "")
    sheet.paragraph(Box(box.x, y + 4, box.width, 42), remark, 16, MUTED)
