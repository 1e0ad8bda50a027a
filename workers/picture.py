"""The picture of a result: film, heat map and words on one dark sheet, as uint8 RGB.

Everything that it says is in :mod:`workers.wording`. The state never rests on colour alone, no
patient is named, and a result below its threshold is never green.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engines.findings import Finding, Result, Saliency
from engines.images import Radiograph
from engines.product import PRODUCT, VERSION
from workers import wording
from workers.heat import blend, legend
from workers.report import Report
from workers.sheet import (
    AMBER,
    BACKGROUND,
    BLACK,
    FAINT,
    MUTED,
    SLATE,
    WHITE,
    Box,
    Sheet,
)

WIDTH, HEIGHT = 1600, 1200
_MARGIN: Final = 40
_GAP: Final = 32
_HALF: Final = (WIDTH - 2 * _MARGIN - _GAP) // 2
_FILMS_TOP, _FILMS_BOTTOM = 178, 812
_BAND_TOP: Final = 916
_COLUMNS: Final = (
    Box(_MARGIN, _BAND_TOP, 420, 250),
    Box(_MARGIN + 420 + 44, _BAND_TOP, 570, 250),
    Box(_MARGIN + 420 + 44 + 570 + 44, _BAND_TOP, 442, 250),
)


def picture(report: Report, language: str = wording.DEFAULT_LANGUAGE) -> NDArray[np.uint8]:
    """Draw a result.

    Parameters
    ----------
    report : Report
        A result with the film that was scored.
    language : str
        Of the words, one of ``wording.PHRASES``.

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
    page = _Page(sheet, report, result, wording.phrases(language), language)
    _header(page)
    _films(page, result.film, result.saliency)
    _sentence(page)
    _scores(page, _COLUMNS[0])
    _advice(page, _COLUMNS[1])
    _facts(page, _COLUMNS[2])
    return sheet.pixels()


@dataclass(frozen=True)
class _Page:
    """What every part of the sheet needs."""

    sheet: Sheet
    report: Report
    result: Result
    say: wording.Phrases
    language: str


def _header(page: _Page) -> None:
    sheet = page.sheet
    sheet.write((_MARGIN, 28), page.report.card.title, 42, WHITE)
    tag = sheet.tag((_MARGIN, 90), page.say.ai, 20, AMBER)
    sheet.write((tag.right + 18, 93), wording.notice(page.report, page.language), 23, AMBER)
    _state(page)


def _state(page: _Page) -> None:
    """Show the state by word, by shape (full or hollow) and by sign; colour comes last."""
    word = wording.state(page.result.flagged, page.language).upper()
    sheet = page.sheet
    width = sheet.width(word, 34) + (112 if page.result.flagged else 64)
    box = Box(WIDTH - _MARGIN - width, 30, width, 68)
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


def _films(page: _Page, film: Radiograph, saliency: Saliency | None) -> None:
    """Draw the film twice in the same size, once with the heat map."""
    sheet, say = page.sheet, page.say
    height = _FILMS_BOTTOM - _FILMS_TOP
    left = Box(_MARGIN, _FILMS_TOP, _HALF, height)
    right = Box(_MARGIN + _HALF + _GAP, _FILMS_TOP, _HALF, height)
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


def _legend(page: _Page, tile: Box) -> None:
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


def _sentence(page: _Page) -> None:
    box = Box(_MARGIN, _FILMS_BOTTOM + 18, WIDTH - 2 * _MARGIN, 62)
    page.sheet.paragraph(box, wording.sentence(page.report, page.language), 22, WHITE, least=16)
    y = _BAND_TOP - 18
    page.sheet.draw.line((_MARGIN, y, WIDTH - _MARGIN, y), fill=FAINT, width=2)


def _scores(page: _Page, box: Box) -> None:
    """Hold each probability against its threshold; three fit, and no model has more yet."""
    shown = page.result.findings[:3]
    if len(shown) == 1:
        _score(page, shown[0], box)
        return
    for place, finding in enumerate(shown):
        _small_score(page, finding, Box(box.x, box.y + place * 84, box.width, 84))


def _score(page: _Page, finding: Finding, box: Box) -> None:
    sheet, say = page.sheet, page.say
    colour = AMBER if finding.flagged else SLATE
    bar = Box(box.x, box.y + 134, box.width, 14)
    title = sheet.short(_about(page, finding, say.probability), 20, box.width)
    sheet.write((box.x, box.y), title, 20, MUTED)
    sheet.write((box.x, box.y + 24), wording.numbers(finding)[0], 60, colour)
    _scale(sheet, bar, finding, colour)
    _ticks(sheet, bar)
    _threshold(page, finding, bar, bar.y - 36, 20)
    point = page.report.weights.operating_points.get(finding.name)
    if point is not None:
        source = say.threshold_source.format(source=point.source)
        sheet.paragraph(Box(box.x, bar.y + 56, box.width, 54), source, 18, MUTED)


def _small_score(page: _Page, finding: Finding, box: Box) -> None:
    sheet = page.sheet
    colour = AMBER if finding.flagged else SLATE
    bar = Box(box.x, box.y + 36, box.width, 10)
    number = wording.numbers(finding)[0]
    width = sheet.width(number, 28)
    title = _about(page, finding, page.say.one_of_several)
    sheet.write((box.x, box.y + 6), sheet.short(title, 17, box.width - width - 16), 17, MUTED)
    sheet.write((box.right - width, box.y - 4), number, 28, colour)
    _scale(sheet, bar, finding, colour)
    _threshold(page, finding, bar, bar.bottom + 9, 16)


def _about(page: _Page, finding: Finding, phrase: str) -> str:
    name = page.say.terms.get(finding.name, finding.name)
    return phrase.format(finding=name, site=wording.place(finding, page.language))


def _threshold(page: _Page, finding: Finding, bar: Box, y: int, size: int) -> None:
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


def _advice(page: _Page, box: Box) -> None:
    sheet, say = page.sheet, page.say
    advice = wording.advice(page.report, page.result, page.language)
    sheet.write((box.x, box.y), say.what_to_do, 20, MUTED)
    y = sheet.paragraph(Box(box.x, box.y + 30, box.width, 120), advice, 21, WHITE)
    sheet.write((box.x, y + 10), say.limits_title, 20, MUTED)
    sheet.paragraph(Box(box.x, y + 40, box.width, 90), say.limits, 19, MUTED)


def _facts(page: _Page, box: Box) -> None:
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
    facts = [f"{name.replace('_', ' ')} {value}" for name, value in result.quality.items() if value]
    return [
        ("model", f"{weights.model} {weights.version}"),
        ("weights", f"sha256 {weights.sha256[:16]}"),
        ("runtime", made.runtime),
        ("image", ", ".join(facts)),
        ("study", _day(str(report.source.get("StudyDate") or ""))),
        ("analysed", made.analysed_at.strftime("%Y-%m-%d %H:%M %z")),
        ("product", f"{PRODUCT} {VERSION}, {made.node}"),
    ]


def _day(DA: str) -> str:
    return f"{DA[:4]}-{DA[4:6]}-{DA[6:]}" if len(DA) == 8 else "-"
