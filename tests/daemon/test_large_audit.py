"""An audit holds a page of a ledger in memory, not the ledger."""

import gc
import json
import sys
import tracemalloc
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from daemon import config, schema
from daemon.audit import audit
from daemon.cli import app
from daemon.records.ledger import insert_all, now
from daemon.records.tables import Instance, Series

A_SERIES = 100


def site(home, images):
    """Return settings and a ledger of so many images, all of them purged."""
    settings = config.Settings(home=home)
    ledger = schema.ready_ledger(settings)
    at = now() - timedelta(days=60)
    gone = {"purged_by": "keep_days_skipped", "purged_at": at}
    series = [
        {
            "SeriesInstanceUID": f"1.2.{number}", "StudyInstanceUID": f"1.2.{number}.0",
            "modality": "OT", "state": "skipped", "reason": "exam-not-screened",
            "images": A_SERIES, "first_at": at, "opened_at": at, "last_at": at, "ended_at": at,
            "purged_at": at,
        }
        for number in range(images // A_SERIES)
    ]  # fmt: skip
    instances = [
        {
            "SOPInstanceUID": f"1.3.{number}", "SOPClassUID": "1.2", "sha256": "0" * 64,
            "SeriesInstanceUID": f"1.2.{number // A_SERIES}", "TransferSyntaxUID": "1.2",
            "calling_aet": "CT1", "received_at": at, "size_bytes": 1, **gone,
        }
        for number in range(images)
    ]  # fmt: skip
    with ledger.write() as session:
        insert_all(session, Series, series)
        insert_all(session, Instance, instances)
    return settings, ledger


def room_for_names():
    """Let the interpreter's table of names grow now, and not by megabytes while it is measured."""
    names = [sys.intern(f"name {number}") for number in range(300_000)]
    del names


def peak_of(home, images):
    """Return the most memory that an audit took, in bytes, and what it found."""
    settings, ledger = site(home, images)
    told = []

    # what is held counts, not what waits for the collector
    room_for_names()
    usual = gc.get_threshold()
    gc.collect()
    gc.set_threshold(200, 2, 2)
    tracemalloc.start()
    found = audit(settings, ledger, lambda _story: told.append(None))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    gc.set_threshold(*usual)
    ledger.close()
    assert found["problems"] == []
    assert (len(told), found["totals"]["objects purged"]) == (images, images)
    return peak


def test_five_times_the_images_take_the_same_memory(tmp_path):
    # other tables of the interpreter and its libraries grow to their size before it is measured
    peak_of(tmp_path / "first", 10_000)
    few, many = peak_of(tmp_path / "few", 2000), peak_of(tmp_path / "many", 10_000)
    assert many < 1.3 * few


@pytest.mark.parametrize("images", [0, 200])
def test_as_json_it_is_one_document_that_names_every_object(tmp_path, images):
    _, ledger = site(tmp_path, images)
    ledger.close()
    told = json.loads(CliRunner().invoke(app, ["audit", "--json", "--home", str(tmp_path)]).stdout)
    assert list(told) == ["objects", "totals", "problems"]
    assert len({one["SOPInstanceUID"] for one in told["objects"]}) == images
