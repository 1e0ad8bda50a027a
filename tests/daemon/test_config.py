"""Settings: read once, wrong ones refused in one line before a port opens."""

import re
import tomllib
from pathlib import Path

import pytest

from daemon import config
from daemon.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "deploy" / "osteoscreen.example.toml"

# the file shows one for each of these, and none is the default
UNSET = {
    "weights",
    "tls_port",
    "tls_certificate",
    "tls_key",
    "tls_ca",
    "web_certificate",
    "web_key",
}


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for name in list(config.os.environ):
        if name.startswith(config.PREFIX):
            monkeypatch.delenv(name)


def test_the_environment_wins_over_the_file(tmp_path, monkeypatch):
    (tmp_path / config.FILE).write_text('port = 104\naet = "FROM_FILE"\n')
    monkeypatch.setenv("OSTEOSCREEN_PORT", "11113")
    settings = config.load(tmp_path)
    assert (settings.port, settings.aet) == (11113, "FROM_FILE")


def test_a_secret_may_come_from_a_file_the_environment_names(tmp_path, monkeypatch):
    (tmp_path / "secret").write_text("postgresql://u:p@db/osteo\n")
    monkeypatch.setenv("OSTEOSCREEN_DATABASE_URL_FILE", str(tmp_path / "secret"))
    assert config.load(tmp_path).ledger_url == "postgresql://u:p@db/osteo"


def test_a_named_file_that_cannot_be_read_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("OSTEOSCREEN_BROKER_URL_FILE", str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match="OSTEOSCREEN_BROKER_URL_FILE"):
        config.load(tmp_path)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("prot = 104", "prot"),
        ("port = 0", "port"),
        ('aet = "SEVENTEEN_LETTERS"', "aet"),
        ('aet = "BACK\\\\SLASH"', "aet"),
        ('log_level = "LOUD"', "log_level"),
        ("port = ", "osteoscreen.toml"),
    ],
)
def test_a_wrong_line_in_the_file_is_named(tmp_path, line, named):
    (tmp_path / config.FILE).write_text(line + "\n")
    with pytest.raises(ConfigError, match=named):
        config.load(tmp_path)


def test_an_unknown_environment_variable_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("OSTEOSCREEN_PROT", "104")
    with pytest.raises(ConfigError, match="OSTEOSCREEN_PROT"):
        config.load(tmp_path)


def test_the_example_file_names_every_setting_with_its_default(tmp_path):
    shown = re.sub(r"^# (\w+ = )", r"\1", EXAMPLE.read_text(), flags=re.MULTILINE)
    example = tomllib.loads(shown)
    for name in UNSET:
        example.pop(name)
    (tmp_path / config.FILE).write_text("\n".join(f"{k} = {v!r}" for k, v in example.items()))
    defaults = config.load(tmp_path / "elsewhere")
    assert set(example) == set(config.Settings.model_fields) - {"home", *UNSET}
    assert {name: getattr(defaults, name) for name in example} == example


def test_weights_that_are_not_there_are_an_error_and_never_replaced_unnoticed(tmp_path):
    (tmp_path / config.FILE).write_text(f'weights = "{tmp_path / "nowhere"}"\n')
    with pytest.raises(ConfigError, match="weights"):
        config.load(tmp_path)


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ("tls_only = true", "tls_port"),
        ("tls_port = 2762", "tls_certificate"),
        ('tls_port = 2762\ntls_certificate = "c"', "tls_ca"),
        ('tls_port = 11112\ntls_certificate = "c"\ntls_ca = "a"', "tls_port"),
    ],
)
def test_half_a_tls_is_refused(tmp_path, lines, named):
    (tmp_path / config.FILE).write_text(lines + "\n")
    with pytest.raises(ConfigError, match=f"setting '{named}'"):
        config.load(tmp_path)


PRIORS = 'earlier_from = "PACS"\nearlier_move_aet = "PRIORS"\n'


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ('earlier_move_aet = "PRIORS"', "earlier_move_aet.*earlier_from"),
        (f'{PRIORS}aet = "PRIORS"', "earlier_move_aet.*aet"),
        (f"{PRIORS}earlier_move_port = 11112", "earlier_move_port"),
        (
            f'{PRIORS}tls_only = true\ntls_port = 2762\ntls_certificate = "c"\ntls_ca = "a"',
            "earlier_move_aet.*tls_only",
        ),
    ],
)
def test_a_destination_where_studies_would_be_screened_or_read_is_refused(tmp_path, lines, named):
    (tmp_path / config.FILE).write_text(lines + "\n")
    with pytest.raises(ConfigError, match=named):
        config.load(tmp_path)
    (tmp_path / config.FILE).write_text(PRIORS)
    assert config.load(tmp_path).earlier_move_port == 11113


def test_home_cannot_be_set_where_it_would_be_ignored(tmp_path, monkeypatch):
    (tmp_path / config.FILE).write_text('home = "/elsewhere"\n')
    with pytest.raises(ConfigError, match="home"):
        config.load(tmp_path)
    monkeypatch.setenv("OSTEOSCREEN_HOME_FILE", str(tmp_path))
    with pytest.raises(ConfigError, match="OSTEOSCREEN_HOME_FILE"):
        config.load(tmp_path / "other")
