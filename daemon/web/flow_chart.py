"""The flow of a period as CONSORT draws it: who came down the middle, who left to the right."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from daemon.records.flow import Flow

LEFT, LEFT_WIDTH, RIGHT, RIGHT_WIDTH = 10, 280, 360, 390
LINE, PAD, GAP = 18, 10, 26
WIDTH = RIGHT + RIGHT_WIDTH + 10
REASONS_MOST = 8
"""How many reasons a box names; the rest is one line, and the table below has all."""


def of_flow(flow: Flow) -> Markup:
    """Draw the flow: boxes from top to bottom, each with what leaves before the next."""
    steps: list[tuple[list[str], list[str]]] = [
        (_box("Received", flow.received), _box("Still on the way", flow.waiting)),
        (_box("Judged by their headers", flow.judged), _left("Not eligible", flow.skipped)),
        (_box("Eligible", flow.eligible), _left("Without a result", flow.faults)),
        ([f"Screened (n = {flow.looked_at})", *_lines(flow.screened)], _retracted(flow)),
    ]
    top, parts = GAP / 2, []
    for kept, lost in steps:
        height = max(_height(kept), _height(lost) + LINE if lost else 0)
        parts.append(_step(top, height, kept, lost))
        top += height + GAP
    parts.append(_ends(top, flow))
    height = top + _height(["", ""]) + GAP / 2
    said = f"Of {flow.received} series {flow.looked_at} were screened, {flow.flagged} flagged"
    return Markup(
        '<svg class="flow" viewBox="0 0 {} {:.0f}" role="img" aria-label="{}">{}</svg>'
    ).format(WIDTH, height, said, Markup().join(parts))


def _box(title: str, count: int) -> list[str]:
    return [f"{title} (n = {count})"]


def _left(title: str, reasons: Mapping[str, int]) -> list[str]:
    return [f"{title} (n = {sum(reasons.values())})", *_lines(reasons)]


def _lines(counts: Mapping[str, int]) -> list[str]:
    named = list(counts.items())
    lines = [f"{name}: {count}" for name, count in named[:REASONS_MOST]]
    if rest := named[REASONS_MOST:]:
        lines.append(f"{len(rest)} other reasons: {sum(count for _, count in rest)}")
    return lines


def _retracted(flow: Flow) -> list[str]:
    return _box("Retracted", flow.retracted) if flow.retracted else []


def _height(lines: Sequence[str]) -> float:
    return len(lines) * LINE + 2 * PAD


def _step(top: float, height: float, kept: Sequence[str], lost: Sequence[str]) -> Markup:
    """Draw one box, the way down from it, and what leaves on that way."""
    middle, bottom = LEFT + LEFT_WIDTH / 2, top + height
    own = top + _height(kept)
    drawn = [_drawn(LEFT, top, LEFT_WIDTH, kept), _line((middle, own), (middle, bottom + GAP))]
    if lost:
        away = bottom - _height(lost)
        side = away + _height(lost) / 2
        # beside a low box the way out leaves from the box itself
        start = middle if side > own else LEFT + LEFT_WIDTH
        drawn += [_line((start, side), (RIGHT, side)), _drawn(RIGHT, away, RIGHT_WIDTH, lost)]
    return Markup().join(drawn)


def _ends(top: float, flow: Flow) -> Markup:
    half = (LEFT_WIDTH - PAD) / 2
    flagged = ["Flagged", f"n = {flow.flagged}"]
    others = ["Not flagged", f"n = {flow.not_flagged}"]
    return _drawn(LEFT, top, half, flagged, "flagged") + _drawn(
        LEFT + half + PAD, top, half, others
    )


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
