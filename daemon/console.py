"""How the admin's command shows things to a person."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.tree import Tree

from engines.contract import number_of

MARKS = {"ok": "[green]ok[/]", "warn": "[yellow]warn[/]", "fail": "[bold red]fail[/]"}


WIDE = 140


def stdout() -> Console:
    """Return the console; wide where no terminal sets a width, as in a file."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDE)


def table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows that share their keys."""
    if not rows:
        stdout().print("none")
        return
    shown = Table(*rows[0], box=None, header_style="bold")
    for row in rows:
        shown.add_row(*("" if value is None else str(value) for value in row.values()))
    stdout().print(shown)


def capacity(told: Mapping[str, Any]) -> None:
    """Print what was measured, then what is needed."""
    console, seen, peak = stdout(), told["measured"], told["busiest_hour"]
    console.print(
        f"measured on {seen['studies']} studies, {seen['since']} to {seen['until']}: "
        f"{seen['images_a_study']} images, {seen['mib_a_study']} MiB and "
        f"{seen['rows_a_study']} rows a study"
    )
    for exam, case in seen["cases"].items():
        console.print(f"  {exam}: {case['a_study']} cases a study, {case['seconds']} s each")
    rate = f"{seen['listener_images_a_s']} images/s, {seen['listener_mib_a_s']} MiB/s"
    seen_to_take = rate if seen["listener_images_a_s"] else "nothing that tells: no series of many"
    console.print(f"a listener was seen to take {seen_to_take}; it may take more: make bench")
    table(
        [
            {
                "busiest hour": f"{peak['images_a_s']} images/s, {peak['mib_a_s']} MiB/s",
                "listeners": told["listeners"],
                "workers": f"{told['workers']} ({told['slots']} slots)",
                "GPUs": told["gpus"] or "none measured",
                f"disk, {told['disk_days']:g} days": f"{told['disk_gib']} GiB",
                "rows a day": told["rows_a_day"],
                "ledger a year": f"{told['ledger_gib_a_year'] or '?'} GiB",
            }
        ]
    )


def peers(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the peers; of a fingerprint as much as tells two apart."""
    shown = [{**row, "tls_fingerprint": row["tls_fingerprint"][:12]} for row in rows]
    table(shown)


def checks(found: Sequence[Mapping[str, str]]) -> None:
    """Print what ``check`` found."""
    shown = Table(box=None, show_header=False)
    for finding in found:
        shown.add_row(MARKS[finding["state"]], finding["what"], finding["words"])
    stdout().print(shown)


def status(numbers: Mapping[str, Any]) -> None:
    """Print the counts, then what waits, then what needs a person."""
    console = stdout()
    series, deliveries = numbers["series"], numbers["deliveries"]
    states = ", ".join(f"{count} {state}" for state, count in series["by_state"].items() if count)
    console.print(f"{numbers['instances']} images in {series['total']} series: {states or 'none'}")
    console.print(f"{numbers['flagged']} flagged, {numbers['set_aside']} files set aside")
    sent = ", ".join(f"{count} {state}" for state, count in deliveries.items() if count)
    console.print(f"deliveries: {sent or 'none'}")
    console.print(f"disk: {numbers['disk']['why']}")
    said = ", ".join(f"{n} {step}" for step, n in numbers["confirmations"].items() if n)
    if said:
        console.print(f"of those sent: {said}")
    asked = ", ".join(f"{n} {state}" for state, n in numbers["commitments"].items() if n)
    if asked:
        console.print(f"storage commitment asked of us: {asked}")
    _lines(console, "why", [_reason(row) for row in numbers["reasons"]])
    beside = [
        f"{row['series']:>5}  {row['model']}: {row['reason']}"
        for row in numbers["failed_beside_others"]
    ]
    _lines(console, "failed, while another model of the exam has a result", beside)
    _lines(console, "oldest that waits", [_waits(*item) for item in numbers["oldest"].items()])
    _lines(console, "parked deliveries", [_parked(row) for row in numbers["parked_deliveries"]])
    _lines(console, "parked commitments", [_unheard(row) for row in numbers["parked_commitments"]])
    refused = [f"{row['at'][:19]}  {row['why']}" for row in numbers["refused_associations"]]
    _lines(console, "refused associations", refused)


def _lines(console: Console, title: str, lines: Sequence[str]) -> None:
    if lines:
        console.print(f"\n[bold]{title}[/]")
        for line in lines:
            console.print(f"  {line}", markup=False)


def _reason(row: Mapping[str, Any]) -> str:
    return f"{row['series']:>5}  {row['state']}: {row['reason']}"


def _waits(stage: str, item: Mapping[str, Any]) -> str:
    facts = ", ".join(f"{key} {value}" for key, value in item.items() if value is not None)
    return f"{stage}: {facts}"


def _parked(row: Mapping[str, Any]) -> str:
    return f"{row['objects']:>5}  to {row['aet']}: {row['detail']}"


def _unheard(row: Mapping[str, Any]) -> str:
    return f"{row['requests']:>5}  of {row['aet']}: {row['detail']}"


def audit(found: Mapping[str, Any]) -> None:
    """Print the totals, then what does not add up."""
    console = stdout()
    for what, count in found["totals"].items():
        console.print(f"{count:>9}  {what}")
    _lines(console, "does not add up", found["problems"])
    if not found["problems"]:
        console.print("\nall of it adds up")


def study(story: Mapping[str, Any]) -> None:
    """Print one study's story as a tree."""
    tree = Tree(f"study {story['StudyInstanceUID']}")
    for series in story["series"]:
        exam = series["exam"] or "no exam"
        why = f": {series['reason']}, {series['detail']}" if series["reason"] else ""
        branch = tree.add(
            f"series {series['SeriesInstanceUID']} ({series['modality']}, {exam}) "
            f"[bold]{series['state']}[/]{why}"
        )
        ours = f" to our title {series['called_aet']}" if series["called_aet"] else ""
        _received(branch, series["received"], ours)
        for asked in series["commitments"]:
            branch.add(
                f"storage commitment for {asked['images']} images asked by {asked['aet']}: "
                f"{asked['state']}, {asked['refused']} refused"
            )
        for result in series["results"]:
            _result(branch, result)
        events = branch.add("what happened")
        for event in series["events"]:
            why = " ".join(filter(None, (event["aet"], event["reason"], event["detail"])))
            events.add(f"{event['at'][:19]} {event['kind']} {why}")
    stdout().print(tree)


def _received(branch: Tree, received: Sequence[Mapping[str, Any]], ours: str) -> None:
    senders = sorted({image["calling_aet"] for image in received})
    branch.add(f"{len(received)} images from {', '.join(senders)}{ours}")


def _result(branch: Tree, result: Mapping[str, Any]) -> None:
    now = "" if result["current"] else " (replaced)"
    said = "flagged" if result["flagged"] else "not flagged"
    if result["state"] != "screened":
        said = f"{result['state']}: {result['reason']}, {result['detail']}"
    if result.get("retracted_at"):
        said += f", retracted {result['retracted_at'][:19]}: {result['retracted_why']}"
    leaf = branch.add(
        f"{result['model']} {result['version']}, stage {result['stage']}{now}: [bold]{said}[/]"
    )
    for finding in result["findings"]:
        held = f"{number_of(finding)} (threshold {number_of(finding, 'threshold')})"
        leaf.add(f"{finding['name']}, {finding['site']}: {held}")
    for made in result["objects"]:
        sent = leaf.add(f"{made['kind']} {made['SOPInstanceUID']}")
        for delivery in made["deliveries"]:
            told = (delivery["status"], delivery["confirmation"], delivery["detail"])
            words = " ".join(filter(None, told))
            sent.add(f"{delivery['aet']}: {delivery['state']} {words}")
