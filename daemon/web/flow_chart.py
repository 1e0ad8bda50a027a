"""The flow of a period as CONSORT draws it: who came down the middle, who left to the right."""

from collections.abc import Callable, Mapping, Sequence

from markupsafe import Markup

from daemon.records.flow import Flow
from daemon.said import Said

LEFT, LEFT_WIDTH, RIGHT, RIGHT_WIDTH = 10, 280, 360, 390
Say = Callable[[str], str]
LINE, PAD, GAP = 18, 10, 26
WIDTH = RIGHT + RIGHT_WIDTH + 10
REASONS_MOST = 8
"""How many reasons a box names; the rest is one line, and the table below has all."""


def of_flow(flow: Flow, say: Say) -> Markup:
    """Draw the flow: boxes from top to bottom, each with what leaves before the next."""
    steps: list[tuple[list[str], list[str]]] = [
        (_box("Received", flow.received), _left("Still on the way", flow.waiting)),
        (_box("Judged by their headers", flow.judged), _left("Not eligible", flow.skipped)),
        (_box("Eligible", flow.eligible), _left("Without a result", flow.faults)),
        (
            [*_box("Screened", flow.looked_at), *_lines(flow.screened)],
            _left("Retracted", flow.retracted),
        ),
    ]
    top, parts = GAP / 2, []
    for lines in steps:
        kept, lost = ([say(line) for line in some] for some in lines)
        below = _height(lost) + GAP if lost else 0
        parts.append(_step(top, below, kept, lost))
        top += _height(kept) + below + GAP
    parts.append(_ends(top, flow, say))
    height = top + _height(["", ""]) + GAP / 2
    facts = {"all": flow.received, "screened": flow.looked_at, "flagged": flow.flagged}
    said = say(Said("Of {all} series {screened} were screened, {flagged} flagged", **facts))
    return Markup(
        '<svg class="flow" viewBox="0 0 {} {:.0f}" role="img" aria-label="{}">{}</svg>'
    ).format(WIDTH, height, said, Markup().join(parts))


def _box(title: str, count: int) -> list[str]:
    return [Said("{title} (n = {count})", title=Said(title), count=count)]


def _left(title: str, lost: Mapping[str, int] | int) -> list[str]:
    """Return the lines of a box of those who leave; none where nobody does."""
    if isinstance(lost, int):
        return _box(title, lost) if lost else []
    return [*_box(title, sum(lost.values())), *_lines(lost)] if lost else []


def _lines(counts: Mapping[str, int]) -> list[str]:
    named = list(counts.items())
    lines: list[str] = [
        Said("{name}: {count}", name=name, count=count) for name, count in named[:REASONS_MOST]
    ]
    if rest := named[REASONS_MOST:]:
        facts = {"many": len(rest), "count": sum(count for _, count in rest)}
        lines.append(Said("{many} other reasons: {count}", **facts))
    return lines


def _height(lines: Sequence[str]) -> float:
    return len(lines) * LINE + 2 * PAD


def _step(top: float, below: float, kept: Sequence[str], lost: Sequence[str]) -> Markup:
    """Draw one box, the way down from it, and who leaves on that way."""
    middle, bottom = LEFT + LEFT_WIDTH / 2, top + _height(kept)
    drawn = [
        _drawn(LEFT, top, LEFT_WIDTH, kept),
        _line((middle, bottom), (middle, bottom + below + GAP / 2)),
    ]
    if top > GAP / 2:
        drawn.append(_line((middle, top - GAP / 2), (middle, top)))
    if lost:
        side = bottom + GAP / 2 + below / 2
        away = _drawn(RIGHT, side - _height(lost) / 2, RIGHT_WIDTH, lost)
        drawn += [_line((middle, side), (RIGHT, side)), away]
    return Markup().join(drawn)


def _ends(top: float, flow: Flow, say: Say) -> Markup:
    """Draw the two ends of the way, each with its own line to it."""
    half = (LEFT_WIDTH - PAD) / 2
    lefts = LEFT, LEFT + half + PAD
    flagged = [say("Flagged"), f"n = {flow.flagged}"]
    others = [say("Not flagged"), f"n = {flow.not_flagged}"]
    fork = top - GAP / 2
    lines = [_line((lefts[0] + half / 2, fork), (lefts[1] + half / 2, fork))]
    lines += [_line((left + half / 2, fork), (left + half / 2, top)) for left in lefts]
    boxes = [_drawn(lefts[0], top, half, flagged, "flagged"), _drawn(lefts[1], top, half, others)]
    return Markup().join([*lines, *boxes])


def _drawn(
    left: float, top: float, width: float, lines: Sequence[str], kind: str = "box"
) -> Markup:
    texts = Markup().join(
        Markup('<text{} x="{:.0f}" y="{:.0f}">{}</text>').format(
            Markup(' class="head"') if number == 0 else "",
            left + PAD,
            top + PAD + LINE * (number + 0.75),
            line,
        )
        for number, line in enumerate(lines)
    )
    return Markup(
        '<rect class="{}" x="{:.0f}" y="{:.0f}" width="{:.0f}" height="{:.0f}" rx="6"/>{}'
    ).format(kind, left, top, width, _height(lines), texts)


def _line(begin: tuple[float, float], end: tuple[float, float]) -> Markup:
    return Markup('<line x1="{:.0f}" y1="{:.0f}" x2="{:.0f}" y2="{:.0f}"/>').format(*begin, *end)
