"""Settings that are right one by one and wrong together, or name what is not there."""

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from daemon.errors import ConfigError
from daemon.settings import Settings
from engines.ct_attenuation import tables
from engines.ct_attenuation.muscle_index import CUTOFFS

LEAST_TOKEN = 32
"""Letters of what hosts show each other: nobody guesses that (ours)."""


def refuse(settings: Settings) -> None:
    """Raise ConfigError, one line that says which setting, for what cannot be meant."""
    _refuse_crossed_levels(settings)
    if settings.weights and not settings.weights.is_dir():
        # never the reference weights in their place, unnoticed
        raise ConfigError(f"setting 'weights': {settings.weights} is no folder")
    _refuse_half_tls(settings)
    _refuse_unknown_tables(settings)
    _refuse_open_site(settings)
    _refuse_half_provider(settings)
    _refuse_open_files(settings)
    _refuse_crossed_destination(settings)
    if settings.broker_url.startswith("sentinel://") != bool(settings.broker_master):
        raise ConfigError(
            "setting 'broker_master': sentinel:// in broker_url needs it, others none"
        )


def _refuse_crossed_levels(settings: Settings) -> None:
    wary = settings.wary_free_mib or 2 * settings.min_free_mib
    if wary < settings.min_free_mib:
        raise ConfigError("setting 'wary_free_mib': it is less than min_free_mib")
    if 0 < settings.resume_free_mib < wary:
        raise ConfigError(f"setting 'resume_free_mib': less than {wary}, where senders are refused")


def _refuse_half_tls(settings: Settings) -> None:
    """Refuse settings that would open another door than the one an admin meant."""
    if settings.tls_port is None:
        if settings.tls_only:
            raise ConfigError("setting 'tls_port': tls_only leaves no port without it")
        return
    if settings.tls_certificate is None:
        raise ConfigError("setting 'tls_certificate': tls_port needs one")
    if settings.tls_mutual and settings.tls_ca is None:
        raise ConfigError("setting 'tls_ca': who vouches for peers? (or tls_mutual = false)")
    if settings.tls_port == settings.port and not settings.tls_only:
        raise ConfigError("setting 'tls_port': the plain port has that number")


def _refuse_open_site(settings: Settings) -> None:
    """Refuse to send passwords and patients over a network in the clear."""
    if settings.web_port and not (_is_loopback(settings.web_host) or settings.web_secured):
        raise ConfigError(
            f"setting 'web_host': {settings.web_host} is reached from other hosts, so the site "
            "needs TLS there: set web_certificate, or web_behind_proxy = true if a proxy adds it"
        )


def _refuse_half_provider(settings: Settings) -> None:
    """Refuse what would let nobody in, or send secrets in the clear."""
    for key in ("oidc_issuer", "web_address"):
        address = urlsplit(getattr(settings, key))
        here = address.scheme == "http" and _is_loopback(address.hostname or "")
        if address.geturl() and not (address.hostname and (address.scheme == "https" or here)):
            raise ConfigError(f"setting {key!r}: begin with https://")
    needed = ("oidc_client_id", "oidc_rights", "web_address") if settings.oidc_issuer else ()
    missing = [key for key in needed if not getattr(settings, key)]
    if missing:
        raise ConfigError(f"setting {missing[0]!r}: oidc_issuer needs it")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refuse_unknown_tables(settings: Settings) -> None:
    """Refuse what a CT would only fail on later."""
    chosen: dict[str, tuple[str, Iterable[str]]] = {
        "ct_bands": (settings.ct_bands, tables.BANDS),
        "ct_muscle_cutoffs": (settings.ct_muscle_cutoffs, CUTOFFS),
    }
    for key, (name, known) in chosen.items():
        if name not in known:
            raise ConfigError(f"setting {key!r}: {name!r} is none of {', '.join(known)}")
    unknown = sorted(set(settings.ct_phase_correction_hu) - set(tables.PHASES))
    if unknown:
        phases = ", ".join(tables.PHASES)
        raise ConfigError(f"setting 'ct_phase_correction_hu': {unknown[0]!r} is none of {phases}")


def _refuse_open_files(settings: Settings) -> None:
    """Refuse to hand patients to strangers, or to ask for them in the clear."""
    if (settings.files_port or _remote(settings)) and len(settings.files_token) < LEAST_TOKEN:
        raise ConfigError(f"setting 'files_token': {LEAST_TOKEN} letters or more, at all hosts")
    if settings.files_port and not settings.host_name:
        raise ConfigError("setting 'host_name': files_port needs it, for the others to name us")
    beyond = settings.files_port and not _is_loopback(settings.files_host)
    if beyond and settings.tls_certificate is None:
        raise ConfigError(
            "setting 'files_host': reached from other hosts, it needs tls_certificate"
        )
    for name, address in _remote(settings).items():
        there = urlsplit(address)
        here = there.scheme == "http" and _is_loopback(there.hostname or "")
        if not (there.hostname and (there.scheme == "https" or here)):
            raise ConfigError(f"setting 'holders': {name!r} is a folder, or begins with https://")


def _refuse_crossed_destination(settings: Settings) -> None:
    """Refuse to have studies of years ago sent where they would be screened, or in the clear."""
    if not settings.earlier_move_aet:
        return
    wrong = {
        "it needs earlier_from": not settings.earlier_from,
        "it is aet, where all that comes is screened": settings.earlier_move_aet == settings.aet,
        "what comes there is not encrypted, so not beside tls_only": settings.tls_only,
    }
    for why, holds in wrong.items():
        if holds:
            raise ConfigError(f"setting 'earlier_move_aet': {why}")
    if settings.earlier_move_port in (settings.port, settings.tls_port):
        raise ConfigError("setting 'earlier_move_port': the listener has that number")


def _remote(settings: Settings) -> dict[str, str]:
    return {name: where for name, where in settings.holders.items() if not where.startswith("/")}
