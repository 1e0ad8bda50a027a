"""Our own AE titles: each is answered to, and what is sent to it has rules of its own."""

import json

import pytest
from kept_site import Site
from listening import ListenerHere
from peers import wait_for
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from daemon import config, header, scu, titles
from daemon.callers import Callers
from daemon.errors import ConfigError, DeliveryError
from daemon.intake import READ
from daemon.records import own_titles, peers
from daemon.records.ledger import Ledger
from daemon.records.tables import Peer, Series, Stage

CHEST, HIP = "cxr_osporscreen", "hip_vit"


def title(aet="TRIAL", **rules):
    made = titles.blank(aet)
    for name, value in rules.items():
        setattr(made, name, value)
    return made


def state_of(ledger, uid="1.2.3"):
    with ledger.read() as session:
        return session.get(Series, uid)


def sent(called, calling="CR1"):
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1.1", "1.2.3.1"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2", "1.2.3"
    ds.ensure_file_meta()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    return ds


@pytest.mark.parametrize("straight", ["true", "false"])
def test_a_title_is_answered_to_at_once_and_the_image_keeps_which(tmp_path, monkeypatch, straight):
    ours = ListenerHere(tmp_path, monkeypatch, straight_path=straight)
    with pytest.raises(DeliveryError, match=r"[Cc]alled"):
        scu.echo(ours.address(called="TRIAL"))
    titles.put(ours.settings, ours.ledger, title())
    wait_for("the title to be known", lambda: ours.hears(ours.address(called="TRIAL")))
    [answer] = scu.store(ours.address(called="TRIAL"), [sent("TRIAL")])
    assert answer.stored
    [file] = ours.spool.arrived()
    assert header.look(file, READ).called_aet == "TRIAL"
    titles.remove(ours.settings, ours.ledger, "TRIAL")
    wait_for("the title to be forgotten", lambda: not ours.hears(ours.address(called="TRIAL")))
    scu.echo(ours.address())
    told = wait_for("the refusal to be told", ours.refusals)
    assert told[0] == "peer CR1 called us TRIAL, we are OSTEOSCREEN"
    ours.stop()


def test_who_begins_without_the_ledger_answers_to_the_titles_of_before(settings, ledger, tmp_path):
    titles.put(settings, ledger, title())
    assert Callers(settings, ledger).misnomer("CR1", "TRIAL", "127.0.0.1") == ""
    away = Ledger(f"sqlite:///{tmp_path}/nowhere/ledger.db")
    peers.add(ledger, Peer(aet="CR1", host="h", port=1, sends=True, results="none",
                           role="research", sr_class="1.2"))  # fmt: skip
    assert Callers(settings, ledger).misnomer("CR1", "TRIAL", "127.0.0.1") == ""
    assert Callers(settings, away).misnomer("CR1", "TRIAL", "127.0.0.1") == ""
    assert "we are OSTEOSCREEN, TRIAL" in Callers(settings, away).misnomer(
        "CR1", "OTHER", "127.0.0.1"
    )
    away.close()


def test_rules_are_the_titles_where_it_has_some_else_the_settings(settings, ledger):
    titles.put(settings, ledger, title(min_age_years=65, stage="research", models=[CHEST]))
    today = titles.today(settings, ledger)
    trial, usual = today.of("TRIAL"), today.of("OSTEOSCREEN")
    assert (trial.rules.min_age_years, usual.rules.min_age_years) == (65, 50)
    assert trial.rules.accept_derived_primary is False
    assert trial.stage_of(CHEST, Stage.LIVE) is Stage.RESEARCH
    assert trial.stage_of(CHEST, Stage.SHADOW) is Stage.SHADOW
    assert trial.stage_of(HIP, Stage.LIVE) is Stage.OFF
    assert usual.stage_of(HIP, Stage.LIVE) is Stage.LIVE
    assert today.of(None).rules == settings.rules


def test_a_removed_title_keeps_its_rules_for_what_came_by_it(settings, ledger):
    titles.put(settings, ledger, title(stage="shadow"))
    titles.remove(settings, ledger, "TRIAL")
    assert titles.today(settings, ledger).of("TRIAL").most is Stage.SHADOW
    assert own_titles.answered(ledger) == []
    with pytest.raises(ConfigError, match="no title of ours"):
        titles.remove(settings, ledger, "TRIAL")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"aet": "A" * 17}, "1 to 16"),
        ({"aet": "CR1"}, "is a peer"),
        ({"models": ["best"]}, "no model best"),
        ({"min_age_years": 121}, "0 to 120"),
    ],
)
def test_what_can_be_no_title_is_refused_in_words(settings, ledger, wrong, why):
    peers.add(ledger, Peer(aet="CR1", host="h", port=1, sends=True, results="none",
                           role="research", sr_class="1.2"))  # fmt: skip
    with pytest.raises(ConfigError, match=why):
        titles.put(settings, ledger, title(**wrong))
    with pytest.raises(ConfigError, match="which stays"):
        titles.remove(settings, ledger, "OSTEOSCREEN")


@pytest.mark.parametrize("called", ["TRIAL", "OSTEOSCREEN"])
def test_a_series_is_judged_by_the_title_it_was_sent_to(settings, ledger, called):
    site = Site(settings, ledger)
    titles.put(settings, ledger, title(models=[HIP]))
    site.receive(ReceivingApplicationEntityTitle=called)
    site.intake.turn()
    series = state_of(ledger)
    assert series.called_aet == called
    if called == "TRIAL":
        assert (series.state, series.reason) == ("skipped", "no-model")
        assert series.detail == "no model for cxr is switched on for what is sent to TRIAL"
    else:
        assert series.state == "queued"


def test_the_command_adds_lists_and_removes(tmp_path, monkeypatch, capsys):
    from typer.testing import CliRunner

    from daemon.cli import app

    def typed(*words):
        return CliRunner().invoke(app, ["titles", *words, "--home", str(tmp_path / "home")])

    assert typed("add", "TRIAL", "--stage", "research", "--min-age-years", "65").exit_code == 0
    assert typed("add", "TRIAL", "--model", "best").exit_code == 1
    told = json.loads(typed("list", "--json").stdout)
    assert [(one["aet"], one["min_age_years"]) for one in told] == [
        ("OSTEOSCREEN", None),
        ("TRIAL", 65),
    ]
    assert typed("remove", "TRIAL").exit_code == 0
    settings = config.load(tmp_path / "home")
    assert [one["aet"] for one in json.loads(typed("list", "--json").stdout)] == [settings.aet]
