"""A model's card in Markdown: whom it is for, what the paper claims, what these weights are."""

from collections.abc import Iterator, Sequence

from engines.cards import Card, TrainedOn, Weights
from engines.lab.evaluation import Evaluation
from engines.likeness import KEY


def card_page(
    card: Card, weights: Weights, figures: Sequence[tuple[str, bool, Evaluation]] = ()
) -> str:
    """Write the card of some weights.

    Parameters
    ----------
    card : Card
        The model's.
    weights : Weights
        Whose manifest is told.
    figures : sequence of (cohort, simulated, Evaluation)
        Measured by whoever runs this; each says on whom.
    """
    return "\n".join([*_head(card, weights), *_claims(card), *_weights(weights), *_ours(figures)])


def _head(card: Card, weights: Weights) -> Iterator[str]:
    yield f"# {card.model}: {card.title}\n"
    if weights.trained_on is TrainedOn.SIMULATED:
        yield "**Trained on simulated patients: for research, never for clinical use.**\n"
    yield f"A re-implementation after {card.paper}. Reads: {card.exam}.\n"
    yield "A score below its threshold rules nothing out.\n"


def _claims(card: Card) -> Iterator[str]:
    yield "## What the paper reports [paper]\n"
    yield "By its authors, with their network on their patients; not the performance of these.\n"
    yield from (f"- {claim.text} ({claim.source})" for claim in card.claims)
    yield "\n## Where this differs [ours]\n"
    yield from (f"- {deviation}" for deviation in card.deviations)


def _weights(weights: Weights) -> Iterator[str]:
    yield "\n## These weights\n"
    yield f"- Version {weights.version}, SHA-256 `{weights.sha256}`"
    yield f"- Trained on: {weights.training}"
    for finding, point in weights.operating_points.items():
        yield f"- Threshold of {finding}: {point.threshold:.4f}; {point.source}"
        for group in point.groups:
            ages = f"{group.from_age_years:g} to {group.to_age_years:g} years"
            yield f"  - {group.sex or 'both sexes'}, {ages}: {group.threshold:.4f}"
    shown = {name: value for name, value in weights.parameters.items() if name != KEY}
    yield from (f"- {name}: {value}" for name, value in shown.items())
    if likeness := weights.parameters.get(KEY):
        yield f"- Images further than {likeness['most']} from the training's are refused: "
        yield f"  {likeness['source']}"


def _ours(figures: Sequence[tuple[str, bool, Evaluation]]) -> Iterator[str]:
    if not figures:
        yield "\nNothing was measured with these weights here.\n"
        return
    yield "\n## Measured here [ours]\n"
    yield "95 % intervals: DeLong's for the AUC, Wilson's for the others.\n"
    yield "| on whom | finding | patients, positive | AUC | sensitivity | specificity |"
    yield "|---|---|---|---|---|---|"
    for cohort, simulated, found in figures:
        whom = f"{cohort}, simulated" if simulated and "virtual" not in cohort else cohort
        cells = [f"{found.patients}, {found.positive}", found.auc]
        cells += [found.sensitivity, found.specificity]
        yield f"| {whom} | {found.finding} | " + " | ".join(map(str, cells)) + " |"
    yield ""
