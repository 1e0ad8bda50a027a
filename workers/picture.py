"""The picture of a result: film, heat map and words on one dark sheet, as uint8 RGB.

Everything that it says is in :mod:`workers.wording`. The state never rests on colour alone, no
patient is named, and a result below its threshold is never green.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engines.findings import Finding, Result, Saliency
from engines.images import Radiograph
from workers import wording
from workers.heat import blend, legend
from workers.page import HEIGHT, MARGIN, WIDTH, Page, advice, facts, header, sentence
from workers.phrases import DEFAULT_LANGUAGE, phrases
from workers.report import Report
from workers.sheet import (
    AMBER,
    BLACK,
    FAINT,
    MUTED,
    SLATE,
    WHITE,
    Box,
    Sheet,
)

_GAP: Final = 32
_HALF: Final = (WIDTH - 2 * MARGIN - _GAP) // 2
_FILMS_TOP, _FILMS_BOTTOM = 178, 812
_BAND_TOP: Final = 916
_COLUMNS: Final = (
    Box(MARGIN, _BAND_TOP, 420, 250),
    Box(MARGIN + 420 + 44, _BAND_TOP, 570, 250),
    Box(MARGIN + 420 + 44 + 570 + 44, _BAND_TOP, 442, 250),
)


def picture(report: Report, language: str = DEFAULT_LANGUAGE) -> NDArray[np.uint8]:
    """Draw a result.

    Parameters
    ----------
    report : Report
        A result with the film that was scored.
    language : str
        Of the words, one of ``PHRASES``.

    Returns
    -------
    ndarray
        uint8, shape (1200, 1600, 3), RGB.

    Raises
    ------
    ValueError
        If the report is a verdict or has no film: there is nothing to show.
    """
    result = report.outcome
    if not isinstance(result, Result) or result.film is None:
        raise ValueError("a picture needs a result and the film that was scored")
    sheet = Sheet(WIDTH, HEIGHT)
    page = Page(sheet, report, result, phrases(language, report.card.exam), language)
    header(page)
    _films(page, result.film, result.saliency)
    sentence(page, Box(MARGIN, _FILMS_BOTTOM + 18, WIDTH - 2 * MARGIN, 62))
    _scores(page, _COLUMNS[0])
    advice(page, _COLUMNS[1])
    facts(page, _COLUMNS[2])
    return sheet.pixels()


def _films(page: Page, film: Radiograph, saliency: Saliency | None) -> None:
    """Draw the film twice in the same size, once with the heat map."""
    sheet, say = page.sheet, page.say
    height = _FILMS_BOTTOM - _FILMS_TOP
    left = Box(MARGIN, _FILMS_TOP, _HALF, height)
    right = Box(MARGIN + _HALF + _GAP, _FILMS_TOP, _HALF, height)
    grey = _fit(film.pixels, left)
    sheet.write((left.x, _FILMS_TOP - 36), say.film, 22, MUTED)
    _hang(sheet, grey.convert("RGB"), left)
    if saliency is None:
        sheet.frame(right, BLACK, FAINT)
        sheet.centre(right, say.no_heat_map, 24, MUTED)
        return
    caption = say.heat_map.format(method=saliency.method)
    sheet.write((right.x, _FILMS_TOP - 36), caption, 22, MUTED)
    _hang(sheet, blend(grey, saliency.heat), right)
    _legend(page, right)


def _legend(page: Page, tile: Box) -> None:
    sheet, y = page.sheet, _FILMS_TOP - 36
    more = page.say.more
    x = tile.right - sheet.width(more, 20)
    sheet.write((x, y + 1), more, 20, MUTED)
    bar = legend(180, 16)
    x -= bar.width + 12
    sheet.image.paste(bar, (x, y + 6))
    sheet.write((x - 12 - sheet.width(page.say.less, 20), y + 1), page.say.less, 20, MUTED)


def _fit(pixels: NDArray[np.float32], tile: Box) -> Image.Image:
    rows, columns = pixels.shape
    scale = min(tile.width / columns, tile.height / rows)
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    grey = Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8))
    return grey.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _hang(sheet: Sheet, film: Image.Image, tile: Box) -> None:
    """Put a film in the middle of its tile, as on a light box."""
    sheet.frame(tile, BLACK, FAINT)
    sheet.image.paste(
        film,
        (tile.x + (tile.width - film.width) // 2, tile.y + (tile.height - film.height) // 2),
    )


def _scores(page: Page, box: Box) -> None:
    """Hold each probability against its threshold; three fit, and no model has more yet."""
    shown = page.result.findings[:3]
    if len(shown) == 1:
        _score(page, shown[0], box)
        return
    for place, finding in enumerate(shown):
        small_score(page, finding, Box(box.x, box.y + place * 84, box.width, 84))


def _score(page: Page, finding: Finding, box: Box) -> None:
    sheet, say = page.sheet, page.say
    colour = AMBER if finding.flagged else SLATE
    bar = Box(box.x, box.y + 134, box.width, 14)
    title = sheet.short(_about(page, finding, say.probability), 20, box.width)
    sheet.write((box.x, box.y), title, 20, MUTED)
    sheet.write((box.x, box.y + 24), wording.numbers(finding)[0], 60, colour)
    _scale(sheet, bar, finding, colour)
    _ticks(sheet, bar)
    _threshold(page, finding, bar, bar.y - 36, 20)
    point = page.report.weights.operating_points.get(finding.point)
    if point is not None:
        source = say.threshold_source.format(source=point.source)
        sheet.paragraph(Box(box.x, bar.y + 56, box.width, 54), source, 18, MUTED)


def small_score(page: Page, finding: Finding, box: Box) -> None:
    """Hold one of several probabilities against its threshold."""
    sheet = page.sheet
    colour = AMBER if finding.flagged else SLATE
    bar = Box(box.x, box.y + 36, box.width, 10)
    number = wording.numbers(finding)[0]
    width = sheet.width(number, 28)
    title = _among(page, finding)
    sheet.write((box.x, box.y + 6), sheet.short(title, 17, box.width - width - 12), 17, MUTED)
    sheet.write((box.right - width, box.y - 4), number, 28, colour)
    _scale(sheet, bar, finding, colour)
    _threshold(page, finding, bar, bar.bottom + 9, 16)


def _among(page: Page, finding: Finding) -> str:
    """Name one of several; where they differ by their sides alone, by that and not by the site."""
    alike = [one for one in page.result.findings if one.name == finding.name]
    if len(alike) == 1 or finding.laterality is None:
        return _about(page, finding, page.say.one_of_several)
    name, side = wording.possible(finding, page.say), page.say.sides[finding.laterality]
    return page.say.one_of_several.format(finding=name, site=side)


def _about(page: Page, finding: Finding, phrase: str) -> str:
    name = wording.possible(finding, page.say)
    return phrase.format(
        finding=name, site=wording.place(finding.site, finding.laterality, page.language)
    )


def _threshold(page: Page, finding: Finding, bar: Box, y: int, size: int) -> None:
    """Name the threshold at its mark, within the length of the scale."""
    label = page.say.threshold.format(threshold=wording.numbers(finding)[1])
    width = page.sheet.width(label, size)
    x = min(max(bar.x, bar.at(finding.threshold) - width // 2), bar.right - width)
    page.sheet.write((x, y), label, size, WHITE)


def _scale(sheet: Sheet, bar: Box, finding: Finding, colour: tuple[int, int, int]) -> None:
    draw = sheet.draw
    round_end = bar.height // 2
    draw.rounded_rectangle(bar.corners, round_end, fill=FAINT)
    end = max(bar.at(finding.value), bar.x + bar.height)
    draw.rounded_rectangle((bar.x, bar.y, end, bar.bottom), round_end, fill=colour)
    x = bar.at(finding.threshold)
    draw.rectangle((x - 1, bar.y - 8, x + 1, bar.bottom + 8), fill=WHITE)


def _ticks(sheet: Sheet, bar: Box) -> None:
    for value in (0.0, 0.5, 1.0):
        text = f"{value:g}"
        half = sheet.width(text, 18) / 2
        left = min(max(bar.x, bar.at(value) - half), bar.right - 2 * half)
        sheet.write((round(left), bar.bottom + 12), text, 18, MUTED)
