"""The admin's command: what it prints, what it refuses, and with which exit code."""

import json
import sys

import pytest
from peers import free_port

from daemon import cli
from daemon.demo.standin import StandInPacs
from engines.engine_records import write_record


@pytest.fixture
def osteoscreen(tmp_path, monkeypatch, capsys):
    """Return what runs the command on a home of its own: (exit code, stdout, stderr)."""
    monkeypatch.setenv("OSTEOSCREEN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OSTEOSCREEN_PORT", str(free_port()))
    monkeypatch.setenv("OSTEOSCREEN_HOST", "127.0.0.1")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(cli.os, "umask", lambda _: 0)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["osteoscreen", *arguments])
        with pytest.raises(SystemExit) as ending:
            cli.main()
        said = capsys.readouterr()
        return ending.value.code or 0, said.out, said.err

    return run


def test_help_teaches_a_first_day(osteoscreen):
    code, out, _ = osteoscreen("--help")
    assert code == 0
    for command in ("peers", "models", "serve", "status", "show", "push", "check", "migrate"):
        assert command in out


def test_a_peer_is_added_changed_listed_and_removed(osteoscreen):
    assert osteoscreen("peers", "add", "CR1", "10.0.0.5", "104", "--sends")[0] == 0
    osteoscreen("peers", "add", "CR1", "10.0.0.6", "104", "--sends", "--sr", "enhanced")
    code, out, _ = osteoscreen("peers", "list", "--json")
    assert code == 0
    assert json.loads(out) == [
        {
            "aet": "CR1",
            "host": "10.0.0.6",
            "port": 104,
            "sends": True,
            "results": "none",
            "role": "research",
            "sr": "enhanced",
            "commits": False,
            "answers_find": False,
            "tls": False,
            "tls_fingerprint": "",
            "tls_name": True,
            "only_from_host": False,
        }
    ]
    assert osteoscreen("peers", "remove", "CR1")[0] == 0
    assert osteoscreen("peers", "remove", "CR1")[0] == 2


@pytest.mark.parametrize(
    "aet", ["SEVENTEEN_LETTERS", "BACK\\SLASH", " PADDED", "ÄTITLE", "", "A\tB"]
)
def test_what_is_no_ae_title_is_refused(osteoscreen, aet):
    code, _, err = osteoscreen("peers", "add", aet, "h", "104")
    assert code == 2
    assert "AE title" in err


def test_a_peer_is_bound_to_its_host_and_pinned_to_its_certificate(osteoscreen):
    fingerprint = "sha256 Fingerprint=" + ":".join(["AB"] * 32)
    how = ("--sends", "--tls-fingerprint", fingerprint, "--no-tls-name", "--only-from-host")
    code, out, _ = osteoscreen("peers", "add", "CT2", "10.0.0.7", "104", *how)
    assert code == 0 and "by TLS from this host alone" in out
    [row] = json.loads(osteoscreen("peers", "list", "--json")[1])
    assert (row["tls"], row["tls_fingerprint"]) == (True, "ab" * 32)
    assert (row["tls_name"], row["only_from_host"]) == (False, True)
    code, _, err = osteoscreen("peers", "add", "CT2", "h", "104", "--tls-fingerprint", "AB:CD")
    assert code == 2 and "openssl x509" in err


def test_peers_echo_says_what_is_wrong(osteoscreen, tmp_path):
    port = free_port()
    osteoscreen("peers", "add", "PACS", "127.0.0.1", str(port))
    code, _, err = osteoscreen("peers", "echo", "PACS")
    assert code == 1 and "does not answer" in err
    pacs = StandInPacs("PACS", port, tmp_path)
    try:
        assert osteoscreen("peers", "echo", "PACS")[:2] == (0, "PACS answered\n")
    finally:
        pacs.stop()
    code, _, err = osteoscreen("peers", "echo", "NOBODY")
    assert code == 2 and "peers add NOBODY" in err


def test_a_model_moves_between_stages_but_never_to_live_on_simulated_weights(osteoscreen):
    def stage():
        return json.loads(osteoscreen("models", "list", "--json")[1])[0]["stage"]

    assert stage() == "shadow"
    assert osteoscreen("models", "stage", "cxr_osporscreen", "research")[0] == 0
    assert stage() == "research"
    code, _, err = osteoscreen("models", "stage", "cxr_osporscreen", "live")
    assert code == 2 and "simulated patients" in err
    assert stage() == "research"
    assert osteoscreen("models", "stage", "nothing", "off")[0] == 2


def test_status_of_an_empty_system_adds_up_to_nothing(osteoscreen):
    told = json.loads(osteoscreen("status", "--json")[1])
    assert told["series"]["total"] == 0
    assert set(told["series"]["by_state"]) == {
        "receiving",
        "queued",
        "screening",
        "screened",
        "skipped",
        "failed",
        "parked",
    }


def test_show_of_an_unknown_study_says_so(osteoscreen):
    code, _, err = osteoscreen("show", "1.2.3")
    assert code == 2 and "1.2.3" in err


def test_check_passes_on_a_fresh_home_and_fails_when_a_receiver_is_away(osteoscreen):
    assert osteoscreen("check")[0] == 0
    osteoscreen("peers", "add", "PACS", "127.0.0.1", str(free_port()), "--results", "all")
    code, out, _ = osteoscreen("check", "--json")
    [failed] = [finding for finding in json.loads(out) if finding["state"] == "fail"]
    assert (code, failed["what"]) == (1, "peer PACS")


def test_what_runs_a_model_and_what_was_refused_is_told(osteoscreen, tmp_path):
    refused = {"candidate": "tensorrt:fp16", "why": "at most 2e-02 off", "fault": True}
    lacking = {"candidate": "onnxruntime-cuda:fp32", "why": "no GPU", "fault": False}
    served = {"runtime": "ONNX Runtime 1.31 CPU FP32", "refused": [refused, lacking]}
    home = tmp_path / "home"
    write_record(home / "engines", "hip_vit", {"hip_vit": served})
    rows = json.loads(osteoscreen("models", "list", "--json")[1])
    row = next(row for row in rows if row["model"] == "hip_vit")
    assert row["runs_on"] == "ONNX Runtime 1.31 CPU FP32" and row["problem"] is None
    assert "tensorrt:fp16 refused for hip_vit: at most 2e-02 off" in row["refused"]
    assert "no GPU" not in row["refused"]
    code, out, _ = osteoscreen("check", "--json")
    told = [one for one in json.loads(out) if one["what"] == "model hip_vit"]
    assert code == 0 and [one["state"] for one in told] == ["ok", "warn"]
    write_record(home / "engines", "hip_vit", {"hip_vit": served}, "it went wrong")
    code, out, _ = osteoscreen("check", "--json")
    told = [one for one in json.loads(out) if one["what"] == "model hip_vit"]
    assert code == 1 and told[0]["state"] == "fail" and "it went wrong" in told[0]["words"]


def test_check_says_who_else_owns_our_package_names(osteoscreen, monkeypatch):
    from daemon import checks

    monkeypatch.setattr(
        checks, "packages_distributions", lambda: {"daemon": ["osteoscreen", "python-daemon"]}
    )
    code, out, _ = osteoscreen("check")
    assert code == 1 and "python-daemon" in out


def test_push_to_nobody_says_what_to_look_at(osteoscreen, tmp_path):
    (tmp_path / "notes.txt").write_text("not DICOM")
    code, _, err = osteoscreen("push", str(tmp_path / "notes.txt"))
    assert code == 1 and "0 of 0" in err


def test_a_wrong_setting_ends_in_one_line(osteoscreen, monkeypatch):
    monkeypatch.setenv("OSTEOSCREEN_PROT", "104")
    code, out, err = osteoscreen("status")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1 and "OSTEOSCREEN_PROT" in err


def test_a_database_that_cannot_be_reached_ends_in_one_line(osteoscreen, monkeypatch):
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    monkeypatch.setenv("OSTEOSCREEN_DATABASE_URL", url)
    code, _, err = osteoscreen("status")
    assert code == 2 and err.startswith("osteoscreen: database:")
