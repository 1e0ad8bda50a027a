"""Charts as SVG, drawn here: no script, no style of their own, colours by class."""

from collections.abc import Callable, Sequence

from markupsafe import Markup

from daemon.records.tally import Day
from daemon.said import Said

WIDTH, HEIGHT, FOOT, HEAD = 700, 160, 18, 14
KINDS = ("received", "screened", "flagged")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def of_days(days: Sequence[Day], say: Callable[[str], str]) -> Markup:
    """Draw each day's series received, screened and flagged, one bar in front of the other."""
    most = max([day.received for day in days] + [1])
    step = WIDTH / len(days)
    bars = Markup().join(
        _day(day, (number * step, step), most, say) for number, day in enumerate(days)
    )
    title = say(Said("Series a day over {days} days, at most {most}", days=len(days), most=most))
    base = HEIGHT - FOOT
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        '<line x1="0" x2="{}" y1="{}" y2="{}"/>{}<text x="0" y="10">{}</text></svg>'
    ).format(WIDTH, HEIGHT, title, WIDTH, base, base, bars, most)


def _day(day: Day, place: tuple[float, float], most: int, say: Callable[[str], str]) -> Markup:
    left, step = place
    label = f"{say(WEEKDAYS[day.begin.weekday()])} {day.begin:%d}"
    counts = ", ".join(f"{getattr(day, kind)} {say(kind)}" for kind in KINDS)
    told = f"{day.begin:%Y-%m-%d}: {counts}"
    bars = Markup().join(
        _bar(kind, getattr(day, kind) / most, (left, step, shrunk))
        for shrunk, kind in enumerate(KINDS)
    )
    return Markup("<g><title>{}</title>{}<text x='{:.1f}' y='{}'>{}</text></g>").format(
        told, bars, left + step * 0.15, HEIGHT - 4, label
    )


def _bar(kind: str, share: float, place: tuple[float, float, int]) -> Markup:
    left, step, shrunk = place
    height = share * (HEIGHT - FOOT - HEAD)
    margin = step * (0.15 + 0.1 * shrunk)
    return Markup('<rect class="{}" x="{:.1f}" width="{:.1f}" y="{:.1f}" height="{:.1f}"/>').format(
        kind, left + margin, step - 2 * margin, HEIGHT - FOOT - height, height
    )
