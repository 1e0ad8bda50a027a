"""The report of an evaluation: one HTML file, no scripts, nothing fetched from anywhere."""

from collections.abc import Iterator, Sequence
from functools import partial
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engines.cards import TrainedOn
from engines.catalog import named
from engines.lab import charts
from engines.lab.calibrating import agreement
from engines.lab.evaluation import Evaluation, Measured, evaluation_of
from engines.lab.figures import average_precision, bootstrapped, predictive_values
from engines.lab.measurement_report import agreed_with, judged_by
from engines.lab.recipes import Target, threshold_words
from engines.lab.seeing import Seen
from engines.lab.subgroups import subgroups
from engines.lab.survival import Statistic, auroc_at, c_index, gained, with_interval
from engines.validation import Validation, mark, thresholds_of

Numbers = NDArray[np.float64]

_PREVALENCES = (0.02, 0.05, 0.10, 0.20, 0.30, 0.40)
_YEARS = (2.0, 3.0, 5.0)
#: A column of a cohort: the risk of a major osteoporotic fracture by FRAX, %, as somebody supplied
#: it. FRAX is not computed here.
FRAX = "frax_percent"
_LOOKED_AT = 4
_STYLE = """
body{font:14px/1.45 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#222}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem;border-bottom:1px solid #ccc}
table{border-collapse:collapse;margin:.6rem 0}td,th{padding:.2rem .7rem;text-align:left;
border-bottom:1px solid #e4e4e4;font-size:.86rem;font-variant-numeric:tabular-nums}
th{background:#f4f4f4}
.charts{display:flex;flex-wrap:wrap;gap:.5rem}svg{max-width:100%;height:auto}
.note{background:#fff4d6;border-left:4px solid #e0a800;padding:.6rem 1rem}.small{color:#666}
"""


def write_report(file: Path, measured: Measured, cohort: str, simulated: bool) -> None:
    """Write the report of an evaluation.

    Parameters
    ----------
    file : Path
        Its folder is made if need be.
    measured : Measured
        Weights and what they made of the cohort.
    cohort : str
        What it is called.
    simulated : bool
        Whether its patients are virtual; the page then says so above all figures.
    """
    parts = [*_head(measured, cohort, simulated)]
    for i, target in measured.answered:
        parts += _target(measured, target, i)
    parts += _unanswered(measured)
    parts += [*_classes(measured), *_beside_the_paper(measured, cohort)]
    parts += [*_looked_at(measured), *_left_out(measured)]
    title = escape(f"{measured.weights.model}: evaluation")
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"{mark(_told(measured, cohort, simulated))}"
        f"<style>{_STYLE}</style><body>{''.join(parts)}</body></html>\n"
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page, encoding="utf-8")


def _told(measured: Measured, cohort: str, simulated: bool) -> Validation:
    """Return what the page says of itself for programs."""
    weights, rows = measured.weights, measured.seen.rows
    shown = ("auc", "sensitivity", "specificity")
    findings = tuple(
        {"finding": one.finding, "patients": one.patients, "positive": one.positive}
        | {name: str(getattr(one, name)) for name in shown}
        for one in measured.evaluations()
    )
    return Validation(
        model=weights.model,
        version=weights.version,
        weights_sha256=weights.sha256,
        thresholds=thresholds_of(weights),
        cohort=cohort,
        simulated=simulated,
        patients=int(rows["PatientID"].nunique()),
        examples=len(rows),
        findings=findings,
        configuration=measured.configuration,
    )


def _head(measured: Measured, cohort: str, simulated: bool) -> Iterator[str]:
    weights, rows = measured.weights, measured.seen.rows
    yield f"<h1>{escape(named(weights.model).CARD.title)}: evaluation</h1>"
    if simulated:
        yield _note("These are simulated patients. No figure here says how a real one is read.")
    elif weights.trained_on is TrainedOn.SIMULATED:
        yield _note("These weights were trained on simulated patients: for research only.")
    facts = [
        ("weights", f"{weights.model} {weights.version}, SHA-256 {weights.sha256[:12]}"),
        ("trained on", weights.training),
        ("cohort", cohort),
        ("patients, examples", f"{rows['PatientID'].nunique()}, {len(rows)}"),
        ("rows left out", str(len(measured.seen.left_out))),
        *((f"setting {name}", value) for name, value in measured.configuration.items()),
    ]
    yield _table(("", ""), facts)


def _target(measured: Measured, target: Target, i: int) -> Iterator[str]:
    seen, scores, thresholds = measured.seen, *np.moveaxis(measured.judged[:, i], -1, 0)
    truth = target.truth(seen.labels)
    judged = np.isfinite(truth) & np.isfinite(scores)
    ill, told = truth[judged] > 0, scores[judged]
    yield f"<h2>{escape(target.finding)}</h2>"
    if not 0 < ill.sum() < len(ill):
        yield "<p>All cases are of one class: nothing can be told apart.</p>"
        # who was followed for too short a time has no class, and is ordered all the same
        if target.event is not None:
            yield from _in_time(seen, target, scores)
        return
    point = measured.points[target.finding]
    rows = seen.rows[judged].reset_index(drop=True)
    found = evaluation_of(target, seen, scores, point.threshold, thresholds)
    flagged = told >= thresholds[judged]
    precision = bootstrapped(average_precision, told, ill, rows["PatientID"].to_numpy())
    yield _table(("figure", "value (95 %)"), _figures(found, told, ill, point.source))
    yield from _of_a_measurement(seen, target, scores)
    yield "<div class=charts>"
    yield charts.roc(told, ill, flagged, found.auc)
    yield charts.precision_recall(told, ill, precision)
    if not target.unit:
        yield charts.calibration(told, ill) + charts.decision(told, ill)
    yield charts.prevalence(found.sensitivity.value, found.specificity.value) + "</div>"
    yield _confusion(flagged, ill)
    yield _predictive(found)
    if target.event is not None:
        yield from _in_time(seen, target, scores)
    groups = subgroups(rows, told, ill, flagged)
    cells = [
        (
            g.kind,
            g.name,
            g.cases,
            g.positive,
            *(f or "too few" for f in (g.auc, g.sensitivity, g.specificity)),
        )
        for g in groups
    ]
    said = "Intervals: 500 draws of patients; Wilson's where all cases are alike."
    yield f"<h3>Parts of the cohort</h3><p class=small>{said}</p>"
    head = ("by", "", "cases", "positive", "AUC", "sensitivity", "specificity")
    yield _table(head, cells)


def _unanswered(measured: Measured) -> Iterator[str]:
    """Name what the weights were not taught."""
    known = [target for _, target in measured.answered]
    for target in measured.recipe.TARGETS:
        if target not in known:
            yield f"<h2>{escape(target.finding)}</h2>"
            yield "<p>These weights were not taught it: there is no score and no threshold.</p>"


def _figures(
    found: Evaluation, told: Numbers, ill: NDArray[np.bool_], source: str
) -> list[tuple[object, object]]:
    figures: list[tuple[object, object]] = [
        ("judged, positive", f"{found.examples} of {found.patients} patients, {found.positive}"),
        ("AUC (DeLong)", found.auc),
        ("operating point", f"{threshold_words(found.threshold, found.unit)}: {source}"),
        ("sensitivity (Wilson)", found.sensitivity),
        ("specificity (Wilson)", found.specificity),
    ]
    if found.unit:
        # no probability, so there is nothing to agree with
        return figures
    agreed = agreement(told, ill)
    return [
        *figures,
        ("Brier score", f"{agreed.brier:.4f}"),
        ("calibration slope, intercept", f"{agreed.slope:.2f}, {agreed.intercept:+.2f}"),
        ("expected : observed", f"{agreed.expected_to_observed:.2f}"),
    ]


def _of_a_measurement(seen: Seen, target: Target, scores: Numbers) -> Iterator[str]:
    """Tell of something measured what each published threshold does, and how it agrees."""
    if not target.unit:
        return
    truth = target.truth(seen.labels)
    unjudged = int((np.isfinite(truth) & ~np.isfinite(scores)).sum())
    yield f"<p>Seen, and held against no threshold: {unjudged}.</p>"
    judged = np.isfinite(truth) & np.isfinite(scores)
    head = ("threshold", "flagged", "sensitivity (Wilson)", "specificity (Wilson)")
    yield _table(head, judged_by(target, scores[judged], truth[judged] > 0))
    if target.at_most is not None:
        other = seen.labels[judged, target.label].astype(np.float64)
        figures, chart = agreed_with(target, -scores[judged], other)
        yield _table(("measured - reference", f"{target.unit}"), figures) + chart


def _confusion(flagged: NDArray[np.bool_], ill: NDArray[np.bool_]) -> str:
    rows = [
        (name, int((flagged & of).sum()), int((~flagged & of).sum()))
        for name, of in (("with it", ill), ("without it", ~ill))
    ]
    return "<h3>At the operating point</h3>" + _table(("", "flagged", "not flagged"), rows)


def _predictive(found: Evaluation) -> str:
    rows = []
    for share in _PREVALENCES:
        ppv, npv = predictive_values(found.sensitivity.value, found.specificity.value, share)
        rows.append((f"{share:.0%}", f"{ppv:.3f}", f"{npv:.3f}"))
    return _table(("prevalence", "PPV", "NPV"), rows)


def _in_time(seen: Seen, target: Target, scores: Numbers) -> Iterator[str]:
    """Tell how scores order the events; beside FRAX, where the cohort has a column of it."""
    times = seen.labels[:, target.label].astype(float)
    followed = np.isfinite(times) & np.isfinite(scores)
    yield "<h3>Time to the event</h3>"
    yield _ordered(seen, target, followed, (scores,))
    if FRAX in seen.rows:
        frax = seen.rows[FRAX].to_numpy(float)
        both = followed & np.isfinite(frax)
        yield f"<h3>Against FRAX, as supplied: {int(both.sum())} patients with both</h3>"
        yield _ordered(seen, target, both, (scores, frax))


def _ordered(seen: Seen, target: Target, of: NDArray[np.bool_], risks: tuple[Numbers, ...]) -> str:
    """Tabulate c-index and AUROCs of one risk, or of two and how much the first gains."""
    assert target.event is not None, "of events in time"
    times = seen.labels[of, target.label].astype(float)
    events = seen.labels[of, target.event] > 0
    told = [one[of] for one in risks]
    years = [y for y in _YEARS if (events & (times <= y)).any() and (times > y).any()]
    if not years:
        return "<p>Too few events.</p>"
    named_statistics: dict[str, Statistic] = {"c-index (Harrell)": c_index}
    named_statistics |= {f"AUROC at {y:g} years (IPCW)": partial(auroc_at, year=y) for y in years}
    rows = []
    for name, statistic in named_statistics.items():
        figures = [with_interval(statistic, one, times, events) for one in told]
        if len(told) == 2:
            figures.append(gained(statistic, (told[0], told[1]), times, events))
        rows.append((name, *figures))
    heads = ("figure", "value (95 %, 300 draws)", "FRAX", "gain over FRAX")
    return _table(heads[: 2 if len(told) == 1 else 4], rows)


def _classes(measured: Measured) -> Iterator[str]:
    """Show who was taken for what, where targets exclude each other."""
    targets = measured.recipe.TARGETS
    if targets[0].unit:
        return
    truth = np.stack([target.truth(measured.seen.labels) for target in targets], axis=1)
    judged = np.isfinite(truth).all(axis=1) & np.isfinite(measured.scores).all(axis=1)
    if len(targets) < 2 or not judged.any() or not (truth[judged].sum(axis=1) == 1).all():
        return
    true, taken = truth[judged].argmax(axis=1), measured.scores[judged].argmax(axis=1)
    names = [target.finding for target in targets]
    yield f"<h2>Classes</h2><p>Accuracy {np.mean(true == taken):.3f}: the highest score wins.</p>"
    rows = [
        (name, *(int(((true == i) & (taken == j)).sum()) for j in range(len(names))))
        for i, name in enumerate(names)
    ]
    yield _table(("true, taken for", *names), rows)


def _beside_the_paper(measured: Measured, cohort: str) -> Iterator[str]:
    card = named(measured.weights.model).CARD
    yield "<h2>Beside the paper</h2>"
    ours = [
        (f"{e.finding}: AUC {e.auc}", "ours", f"{cohort}, {e.patients} patients")
        for e in measured.evaluations()
    ]
    theirs = [(claim.text, "the paper's authors", claim.source) for claim in card.claims]
    yield _table(("figure", "measured by", "on whom, or where it says so"), [*ours, *theirs])
    yield (
        "<p class=small>The authors measured their own network on their own patients. Neither is "
        "ours, so the figures are not to be compared as if one were better.</p>"
    )


def _looked_at(measured: Measured) -> Iterator[str]:
    """Show the mean heat, then the cases that were judged most wrongly."""
    images = _images(measured)
    if images is None:
        return
    column, target = measured.answered[0]
    scores = measured.scores[:, column]
    heats, truth = _heats(measured), target.truth(measured.seen.labels)
    yield "<h2>Where it looked</h2>"
    if heats is not None:
        means = [
            (f"mean of {int(of.sum())} {name}", images[of].mean(axis=0), heats[of].mean(axis=0))
            for name, of in (("with it", truth > 0), ("without it", truth == 0))
            if of.any()
        ]
        yield "<p class=small>Mean heat, each case's hottest spot being 1.</p>"
        yield charts.pictures(means)
    yield "<h2>Cases to look at</h2><p class=small>Row: of the cohort's table, the first is 0.</p>"
    for name, order, of in (
        ("with it and scored lowest", scores, truth > 0),
        ("without it and scored highest", -scores, truth == 0),
    ):
        worst = [i for i in np.argsort(order) if of[i] and np.isfinite(scores[i])][:_LOOKED_AT]
        if worst:
            shown = [
                (_caption(measured, i, scores[i]), images[i], None if heats is None else heats[i])
                for i in worst
            ]
            yield f"<h3>{name}</h3>" + charts.pictures(shown)


def _caption(measured: Measured, i: int, score: float) -> str:
    # the table says who that is; a report travels further than its cohort
    site = str(measured.seen.rows["site"][i])
    return f"row {measured.seen.rows['row'][i]} {site} score {score:.2f}"


def _images(measured: Measured) -> NDArray[np.float32] | None:
    """Return a picture of each case, of the first input that is one; slices by their middle."""
    for array in measured.seen.arrays.values():
        if array.ndim >= 4:
            flat = array
            while flat.ndim > 3:
                flat = flat[:, flat.shape[1] // 2]
            return flat.astype(np.float32)
    return None


def _heats(measured: Measured) -> NDArray[np.float32] | None:
    if measured.recipe.HEAT is None:
        return None
    network, output = measured.recipe.HEAT
    heat = np.nan_to_num(np.asarray(measured.outputs[network][output], np.float32))
    if heat.ndim == 4:
        # of the slice that the picture is
        heat = heat[:, heat.shape[1] // 2]
    hottest = heat.max(axis=(1, 2), keepdims=True)
    return np.asarray(heat / np.where(hottest > 0, hottest, 1), np.float32)


def _left_out(measured: Measured) -> Iterator[str]:
    out = measured.seen.left_out
    if len(out):
        yield "<h2>Left out</h2>"
        yield _table(("reason", "rows"), list(out["reason"].value_counts().items()))


def _note(text: str) -> str:
    return f"<p class=note><strong>{escape(text)}</strong></p>"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    lines = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    top = f"<tr>{titles}</tr>" if any(head) else ""
    return f"<table>{top}{lines}</table>"
