"""What became of a study, read from its story in the ledger."""

from collections.abc import Mapping
from typing import Any

from daemon.records.tables import ENDS, DeliveryState, SeriesState

OVER = (DeliveryState.SENT, DeliveryState.PARKED, DeliveryState.DROPPED)


def is_over(story: Mapping[str, Any] | None) -> bool:
    """Tell whether every series has ended and every delivery is over."""
    return story is not None and all(
        series["state"] in ENDS
        and all(delivery["state"] in OVER for delivery in deliveries(series))
        for series in story["series"]
    )


def deliveries(series: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each delivery of a series' results, with the kind and the UID of its object."""
    return [
        {**delivery, "kind": made["kind"], "SOPInstanceUID": made["SOPInstanceUID"]}
        for result in series["results"]
        for made in result["objects"]
        for delivery in made["deliveries"]
    ]


def current_result(series: Mapping[str, Any]) -> dict[str, Any]:
    """Return the first result that stands, empty if there is none."""
    return next(iter(current_results(series)), {})


def current_results(series: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the results that stand, one a model."""
    return [dict(result) for result in series["results"] if result["current"]]


def is_taken_back(series: Mapping[str, Any]) -> bool:
    """Tell whether a person took back what was last said of a series.

    Of one that is parked nothing was said since its last image.
    """
    retracted = any(result["retracted_at"] for result in current_results(series))
    return retracted and series["state"] != SeriesState.PARKED


def outcome(series: Mapping[str, Any]) -> str:
    """Return ``flagged``, ``not flagged``, or the state with its reason.

    Of several models' results one that is flagged counts, else one that is not; a model that could
    not read the images says nothing of them.
    """
    results = current_results(series)
    screened = [result for result in results if result["state"] == "screened"]
    if screened:
        return "flagged" if any(result["flagged"] for result in screened) else "not flagged"
    told = results[0] if results else series
    return f"{told['state']}: {told.get('reason')}"
