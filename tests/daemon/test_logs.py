"""Logs as JSON: one object a line, with the keys that the text has."""

import json
import logging
import subprocess
import sys

import pytest

from daemon import logs


@pytest.fixture
def lines(caplog, monkeypatch):
    caplog.set_level("INFO")
    monkeypatch.setattr(caplog.handler, "formatter", logs.JsonLines())
    return lambda: [json.loads(line) for line in caplog.text.splitlines()]


@pytest.mark.parametrize(("style", "begin"), [("json", '{"time": '), ("text", "20")])
def test_the_setting_chooses(style, begin):
    program = (
        f"import logging; from daemon import logs; logs.set_up('INFO', {style!r}); "
        "logging.getLogger('daemon.x').info('event=settled')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stderr.startswith(begin) and "settled" in ran.stderr


def test_an_event_has_its_keys(lines):
    logging.getLogger("daemon.intake").info("event=settled series=%s images=%d", "1.2.3", 7)
    [line] = lines()
    assert (line["event"], line["series"], line["images"]) == ("settled", "1.2.3", "7")
    assert (line["level"], line["logger"]) == ("INFO", "daemon.intake")
    assert line["time"].endswith("+00:00")


@pytest.mark.parametrize("why", ['it\'s away: "no" = yes', "two\nlines", ""])
def test_a_value_with_blanks_quotes_and_line_ends_comes_whole(lines, why):
    logging.getLogger("daemon.x").warning("event=waiting why=%r again_in_s=%.1f", why, 2)
    [line] = lines()
    assert (line["why"], line["again_in_s"]) == (why, "2.0")


def test_what_is_no_event_of_ours_is_a_message(lines):
    logging.getLogger("somebody").warning("came to a=1 %s", "end")
    assert lines()[0]["message"] == "came to a=1 end"


def test_an_error_is_named_without_its_words(lines):
    try:
        raise ValueError("Secret^Person")
    except ValueError:
        logging.getLogger("daemon.x").exception("event=broke")
    [line] = lines()
    assert line["error"].startswith("ValueError at ") and "Secret" not in json.dumps(line)
