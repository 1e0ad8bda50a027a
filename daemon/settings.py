"""What can be set, and where each value comes from; :mod:`daemon.config` reads it."""

import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from daemon.errors import ConfigError
from daemon.networks import ALL_IPV4, read_hosts, read_networks
from engines.candidates import ORDER, read_batches, read_order
from engines.rules import Measuring, Rules, read_vessel_sequences

PREFIX = "OSTEOSCREEN_"
FILE = "osteoscreen.toml"

AETitle = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=16, pattern=r"^[ -\[\]-~]+$"),
]
"""An AE title (PS3.5 VR AE): 1 to 16 printable ASCII characters without backslash."""


def is_ae_title(text: str) -> bool:
    """Tell whether a text can be an AE title as it stands, without padding."""
    try:
        return TypeAdapter(AETitle).validate_python(text) == text
    except ValidationError:
        return False


EMBEDDED = "embedded://"


def read_exams(text: str) -> tuple[str, ...]:
    """Read examinations with commas between, all if none; raises ValueError for what is none."""
    # here: a command that screens nothing does without what decodes
    from engines.exams import Exam

    return tuple(Exam(word.strip()) for word in text.split(",") if word.strip()) or tuple(Exam)


def _readable(read: Callable[[str], object]) -> Callable[[str], str]:
    """Return a check that a text can be read; it stays a text."""

    def checked(text: str) -> str:
        read(text)
        return text

    return checked


class Settings(BaseSettings):
    """What an admin decides before the start; all that may change while running is in the ledger.

    Every field may be set in ``osteoscreen.toml`` by its name, or in the environment as
    ``OSTEOSCREEN_NAME``, or from a file named by ``OSTEOSCREEN_NAME_FILE`` (for secrets). The
    environment wins over the file.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix=PREFIX)

    home: Path = Field(description="folder of the ledger, the spool and the outbox")
    aet: AETitle = Field("OSTEOSCREEN", description="our AE title")
    host: Annotated[str, AfterValidator(_readable(read_hosts))] = Field(
        "0.0.0.0",
        description="addresses the listener binds to, with commas between; :: alone is all of IPv6 "
        "and IPv4",
    )
    port: int = Field(11112, ge=1, le=65535, description="port the listener binds to")
    tls_port: int | None = Field(None, ge=1, le=65535, description="port for TLS; unset: none")
    tls_only: bool = Field(False, description="leave the plain port closed, answer TLS alone")
    tls_certificate: Path | None = Field(None, description="our certificate and its chain, PEM")
    tls_key: Path | None = Field(
        None, description="its private key without passphrase, PEM; unset: in the same file"
    )
    tls_ca: Path | None = Field(None, description="who may vouch for peers: certificates, PEM")
    tls_mutual: bool = Field(True, description="a peer must show a certificate tls_ca vouches for")
    database_url: str = Field("", description="SQLAlchemy URL; empty: SQLite in home")
    broker_url: str = Field(EMBEDDED, description="Celery broker; embedded:// needs no server")
    broker_master: str = Field(
        "", description="name of the master, where broker_url names Redis Sentinels (sentinel://)"
    )
    listener_processes: int = Field(2, ge=1, le=32, description="processes sharing the port")
    max_associations: int = Field(64, ge=1, description="open associations per listener process")
    host_name: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._-]{0,64}$",
        description="name of this host, where several keep files of their own; empty: one does",
    )
    holders: dict[str, str] = Field(
        {},
        description="where files of the others are read, by name: a host's home as it is mounted "
        "here, or https://HOST:PORT of its files",
    )
    files_port: int = Field(
        0, ge=0, le=65535, description="port at which the others read our files; 0: none"
    )
    files_host: str = Field(
        "127.0.0.1", description="address of it; beyond this host it needs tls_certificate"
    )
    files_token: str = Field(
        "",
        description="what the hosts show each other there, 32 letters or more, the same at all "
        "(better in a file: ..._FILE)",
    )
    proxy_from: Annotated[str, AfterValidator(_readable(read_networks))] = Field(
        "",
        description="addresses or networks of load balancers that say for whom they speak (PROXY "
        "protocol); empty: none",
    )
    straight_path: bool = Field(
        True, description="carry images past pynetdicom's queues (off: its public path only)"
    )
    network_timeout_s: float = Field(60, gt=0, description="idle time after which we abort")
    min_free_mib: int = Field(512, ge=0, description="free disk below which we answer 0xA700")
    min_free_inodes: int = Field(1000, ge=0, description="free inodes below which we do the same")
    wary_free_mib: int = Field(
        0, ge=0, description="free disk below which no new sender is let in; 0: twice min_free_mib"
    )
    resume_free_mib: int = Field(
        0, ge=0, description="free disk from which images are taken again; 0: thrice min_free_mib"
    )
    purge_when_full: bool = Field(
        False,
        description="purge the longest finished series while less than resume_free_mib is free",
    )
    keep_days_screened: float = Field(0, ge=0, description="images of screened series; 0: for ever")
    keep_days_skipped: float = Field(0, ge=0, description="images of skipped series; 0: for ever")
    keep_days_failed: float = Field(0, ge=0, description="images of failed series; 0: for ever")
    keep_days_aside: float = Field(0, ge=0, description="files that were set aside; 0: for ever")
    keep_days_results: float = Field(
        0, ge=0, description="our objects after every receiver has them; 0: for ever"
    )
    keep_days_events: float = Field(0, ge=0, description="events in the ledger; 0: for ever")
    radiograph_settle_s: float = Field(0.5, gt=0, description="quiet time that ends a film series")
    volume_settle_s: float = Field(15, gt=0, description="quiet time that ends a CT or MR series")
    released_settle_s: float = Field(
        3,
        gt=0,
        description="quiet time that ends a CT series without holes that came over one association "
        "which its sender has released; no longer than volume_settle_s",
    )
    longest_settle_s: float = Field(
        900,
        gt=0,
        description="time after which a series is taken as it is, though images still come",
    )
    worker_exams: Annotated[str, AfterValidator(_readable(read_exams))] = Field(
        "", description="what workers of this host screen: cxr, hip, ct, mri; empty: all of them"
    )
    worker_threads: int = Field(2, ge=1, le=64, description="series screened at once per worker")
    engine_threads: int = Field(2, ge=1, le=64, description="CPU threads of one engine")
    engine_order: Annotated[str, AfterValidator(_readable(read_order))] = Field(
        ORDER, description="what may run a network, the first that is there and right does"
    )
    engine_profile: Annotated[str, AfterValidator(_readable(read_batches))] = Field(
        "1,8,32", description="smallest, usual and largest batch TensorRT builds for"
    )
    engine_recheck_s: float = Field(
        3600, ge=0, description="how often an engine runs its known cases again; 0: never"
    )
    engine_answer_s: float = Field(
        300, gt=0, description="time a case waits for its turn at the engines, then tried again"
    )
    batch_cases: int = Field(8, ge=1, le=256, description="cases that may share a batch")
    batch_wait_ms: float = Field(
        0, ge=0, le=1000, description="how long a case waits for others; 0: who waits already"
    )
    lease_s: float = Field(60, gt=1, description="time without a heartbeat that frees a series")
    stall_s: float = Field(300, gt=1, description="time without progress that ends a worker")
    worker_memory_mib: int = Field(0, ge=0, description="memory a worker may take; 0: no limit")
    max_attempts: int = Field(
        3, ge=2, description="tries before a series is parked, all but the first alone"
    )
    delivery_attempts: int = Field(
        180, ge=1, description="tries before a delivery is parked: a week by default"
    )
    delivery_backoff_s: float = Field(
        5, gt=0, description="first delay, doubled up to an hour; sweep_s at least"
    )
    commitment_wait_s: float = Field(
        600, gt=0, description="wait for objects not indexed yet, before a commitment is refused"
    )
    confirmation_wait_s: float = Field(
        600, gt=0, description="time a peer has to commit to a result before it is asked otherwise"
    )
    sweep_s: float = Field(5, gt=0, description="interval of the sweep that rings again")
    min_age_years: int = Field(50, ge=0, le=120, description="youngest age that is screened")
    accept_derived_primary: bool = Field(
        False, description="screen films that say DERIVED\\PRIMARY (your devices' own processing)"
    )
    ct_bands: str = Field("100-160", description="table of thresholds for L1 attenuation in CT")
    ct_phase_correction_hu: dict[str, float] = Field(
        {}, description="HU added in a contrast phase before a threshold is applied; empty: none"
    )
    ct_kvp_correction: dict[str, float] = Field(
        {}, description="factor at a tube voltage before a threshold is applied; empty: none"
    )
    ct_muscle_cutoffs: str = Field("derstine", description="table of cut-offs for muscle at L3")
    mri_vessel_sequences: Annotated[str, AfterValidator(_readable(read_vessel_sequences))] = Field(
        "",
        description="MR series on which vessels are measured, because yours show them: t1, t2, "
        "fluid; empty: none",
    )
    earlier_from: AETitle | Literal[""] = Field(
        "",
        description="AE title of the peer that is asked for earlier studies of a patient, where a "
        "model reads several visits (C-FIND, C-GET); empty: none is",
    )
    earlier_move_aet: AETitle | Literal[""] = Field(
        "",
        description="for a peer that answers no C-GET: AE title that it knows with this host and "
        "earlier_move_port, to which it sends such studies (C-MOVE); not aet; empty: C-GET",
    )
    earlier_move_port: int = Field(
        11113, ge=1, le=65535, description="port of that title, open while something is awaited"
    )
    segmentation: bool = Field(
        False, description="send the measured regions as DICOM SEG too, where a model has them"
    )
    weights: Path | None = Field(None, description="folder with the site's own model weights")
    web_port: int = Field(8411, ge=0, le=65535, description="port of the site; 0: no site")
    web_host: str = Field(
        "127.0.0.1", description="address the site binds to; beyond this host it needs TLS"
    )
    web_certificate: Path | None = Field(
        None, description="certificate and chain of the site, PEM; unset: no TLS"
    )
    web_key: Path | None = Field(
        None, description="its private key without passphrase, PEM; unset: in the same file"
    )
    web_behind_proxy: bool = Field(
        False, description="a proxy with TLS stands before the site, and nothing else reaches it"
    )
    web_idle_s: float = Field(1800, gt=0, description="time unused after which a visitor is out")
    web_visit_s: float = Field(
        43200, gt=0, description="time after which a visitor signs in again, however busy"
    )
    web_address: str = Field(
        "", description="the site as browsers reach it: https://NAME; empty: web_host and web_port"
    )
    oidc_issuer: str = Field("", description="OpenID Connect provider, https://...; empty: none")
    oidc_client_id: str = Field("", description="the site's name at the provider")
    oidc_client_secret: str = Field(
        "", description="its secret there; empty: none, PKCE alone (better in a file: ..._FILE)"
    )
    oidc_scope: str = Field("openid profile", description="what the provider is asked for")
    oidc_name_claim: str = Field("preferred_username", description="claim that names a person here")
    oidc_right_claim: str = Field("groups", description="claim with a person's groups or roles")
    oidc_rights: dict[str, Literal["viewer", "operator", "administrator"]] = Field(
        {}, description="right of each group or role; who is in none is not let in"
    )
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="log level")
    log_format: Literal["text", "json"] = Field(
        "text", description="text: key=value; json: an object a line, for a log collector"
    )

    @property
    def ledger_url(self) -> str:
        """The database's URL, the embedded default included."""
        return self.database_url or f"sqlite:///{self.home / 'ledger.db'}"

    @property
    def here(self) -> tuple[str, ...]:
        """Under which names the ledger has what lies in this home; the first is today's.

        What has no name came when there was one host: it lies here unless ``holders`` says where.
        """
        before = () if "" in self.holders or not self.host_name else ("",)
        return (self.host_name, *before)

    @property
    def exams(self) -> tuple[str, ...]:
        """What the workers of this host screen."""
        return read_exams(self.worker_exams)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every address that the listener binds to."""
        return read_hosts(self.host)

    @property
    def reachable_host(self) -> str:
        """Where a program on this host reaches our listener."""
        return "127.0.0.1" if ALL_IPV4 in self.hosts else self.hosts[0]

    @property
    def rules(self) -> Rules:
        """What the site has decided about whom to screen and how to measure."""
        measuring = Measuring(
            bands=self.ct_bands,
            muscle_cutoffs=self.ct_muscle_cutoffs,
            phase_correction_hu=self.ct_phase_correction_hu,
            kvp_correction=self.ct_kvp_correction,
        )
        return Rules(
            self.min_age_years,
            self.accept_derived_primary,
            measuring,
            read_vessel_sequences(self.mri_vessel_sequences),
        )

    @property
    def web_secured(self) -> bool:
        """Whether browsers reach the site by TLS."""
        return self.web_certificate is not None or self.web_behind_proxy

    @property
    def spool(self) -> Path:
        """Where received images lie."""
        return self.home / "spool"

    @property
    def engines(self) -> Path:
        """What is built of networks, and what serves them."""
        return self.home / "engines"

    @property
    def outbox(self) -> Path:
        """Where built results lie."""
        return self.home / "outbox"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: arguments, environment, files the environment names, our file."""
        secrets = InitSettingsSource(settings_cls, _values_from_named_files(settings_cls))
        home = init_settings()["home"]
        file = InitSettingsSource(settings_cls, _values_from_toml(Path(home) / FILE))
        return init_settings, env_settings, secrets, file


def _values_from_named_files(settings_cls: type[BaseSettings]) -> dict[str, Any]:
    values = {}
    for name in settings_cls.model_fields:
        path = os.environ.get(f"{PREFIX}{name.upper()}_FILE")
        if path:
            try:
                values[name] = Path(path).read_text().strip()
            except OSError as error:
                raise ConfigError(f"{PREFIX}{name.upper()}_FILE: {error}") from None
    return values


def _values_from_toml(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None
    if "home" in values:
        raise ConfigError(f"{path}: home is where this file lies; it cannot be set in it")
    return values
