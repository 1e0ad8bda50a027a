"""The identity provider (OpenID Connect Core 1.0): the way there, and who comes back from it.

Authorization code flow with PKCE (RFC 7636). The browser holds one secret in a cookie; state,
nonce and code verifier are derived from it, so nothing is kept here meanwhile, and an answer that
was begun in another browser is none of ours.
"""

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import URLError
from urllib.parse import quote, urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

from daemon.invitations import origin
from daemon.records.people import key_of
from daemon.records.people_tables import Right
from daemon.settings import Settings

RETURN = "/sign-in/return"
WELL_KNOWN = "/.well-known/openid-configuration"
ASK_S = 10
LONGEST_ANSWER = 1 << 20
LEEWAY_S = 60
SIGNED = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""With what an ID token may be signed: by the provider's key alone, never by our own secret."""


class ProviderError(Exception):
    """The provider let nobody in, or cannot be understood; in words without anybody's name."""


class Stray(ProviderError):
    """Not the answer to what this browser asked: any page can send one, so none is written down."""


@dataclass(frozen=True)
class Known:
    """Whom the provider knows: a hash that is the person's for ever, a name, and the right here."""

    federated: str
    name: str
    right: Right | None


class _NoWayOn(HTTPRedirectHandler):
    """A provider answers itself: nothing of ours goes where it might send it."""

    def redirect_request(self, *_: Any) -> None:
        return None


def way_there(settings: Settings, secret: str) -> str:
    """Return where the browser asks the provider to let a person in.

    Parameters
    ----------
    settings : Settings
        With an ``oidc_issuer``.
    secret : str
        The browser's, in a cookie of ours.

    Raises
    ------
    ProviderError
        If the provider does not say where that is.
    """
    from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    found = prepare_grant_uri(
        _said(_metadata(settings), "authorization_endpoint"),
        settings.oidc_client_id,
        "code",
        redirect_uri=origin(settings) + RETURN,
        scope=settings.oidc_scope,
        state=_derived(secret, "state"),
        nonce=_derived(secret, "nonce"),
        code_challenge=create_s256_code_challenge(_derived(secret, "verifier")),
        code_challenge_method="S256",
    )
    return str(found)


def who_comes(settings: Settings, secret: str, answer: Mapping[str, str]) -> Known:
    """Return whom the provider let in.

    Parameters
    ----------
    settings : Settings
        With an ``oidc_issuer``.
    secret : str
        The browser's, in a cookie of ours.
    answer : mapping
        The query with which the browser came back.

    Raises
    ------
    ProviderError
        If it let nobody in, or another than who was sent there from this browser.
    """
    state = answer.get("state", "").encode()
    if not secret or not hmac.compare_digest(state, _derived(secret, "state").encode()):
        raise Stray("the sign-in was not begun in this browser, or is over")
    if answer.get("iss", settings.oidc_issuer) != settings.oidc_issuer:
        raise ProviderError("another provider answered")
    if not answer.get("code"):
        raise ProviderError("the provider said no")
    metadata = _metadata(settings)
    token = _exchanged(settings, metadata, answer["code"], _derived(secret, "verifier"))
    keys = _asked(_said(metadata, "jwks_uri"))
    return _known(settings, _claims(settings, token, keys, _derived(secret, "nonce")))


def _derived(secret: str, purpose: str) -> str:
    return hmac.digest(secret.encode(), purpose.encode(), "sha256").hex()


def _metadata(settings: Settings) -> dict[str, Any]:
    found = _asked(settings.oidc_issuer.rstrip("/") + WELL_KNOWN)
    if found.get("issuer") != settings.oidc_issuer:
        raise ProviderError("the provider calls itself by another name than oidc_issuer")
    return found


def _said(metadata: Mapping[str, Any], key: str) -> str:
    """Return an address of the provider; in the clear only if the provider itself is."""
    found, scheme = str(metadata.get(key, "")), str(metadata["issuer"]).partition(":")[0]
    if not found.startswith((f"{scheme}://", "https://")):
        raise ProviderError(f"the provider names no safe {key}")
    return found


def _exchanged(
    settings: Settings, metadata: Mapping[str, Any], code: str, verifier: str
) -> dict[str, Any]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": origin(settings) + RETURN,
        "client_id": settings.oidc_client_id,
        "code_verifier": verifier,
    }
    headers = {}
    if settings.oidc_client_secret:
        both = settings.oidc_client_id, settings.oidc_client_secret
        plain = ":".join(quote(one, safe="") for one in both)
        basic = base64.b64encode(plain.encode()).decode()
        headers["Authorization"] = f"Basic {basic}"
    return _asked(_said(metadata, "token_endpoint"), urlencode(form).encode(), headers)


def _asked(
    url: str, form: bytes | None = None, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    request = Request(url, form, {"Accept": "application/json", **(headers or {})})
    try:
        with build_opener(_NoWayOn).open(request, timeout=ASK_S) as answer:
            found = json.loads(answer.read(LONGEST_ANSWER))
    except (URLError, OSError, ValueError) as error:
        why = getattr(error, "reason", None) or type(error).__name__
        raise ProviderError(f"the provider does not answer as it should: {why}") from None
    if not isinstance(found, dict):
        raise ProviderError("the provider does not answer as it should")
    return found


def _claims(settings: Settings, token: Mapping[str, Any], keys: Any, nonce: str) -> dict[str, Any]:
    """Return what an ID token says that holds (OpenID Connect Core 3.1.3.7)."""
    from authlib.oidc.core import CodeIDToken
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    try:
        told = jwt.decode(str(token["id_token"]), KeySet.import_key_set(keys), list(SIGNED))
        holds = CodeIDToken(
            told.claims,
            told.header,
            {
                "iss": {"essential": True, "value": settings.oidc_issuer},
                "aud": {"essential": True, "value": settings.oidc_client_id},
            },
            {
                "nonce": nonce,
                "client_id": settings.oidc_client_id,
                "access_token": token.get("access_token"),
            },
        )
        holds.validate(leeway=LEEWAY_S)
    except (JoseError, KeyError, TypeError, ValueError) as error:
        raise ProviderError(f"its ID token does not hold: {type(error).__name__}") from None
    return dict(holds)


def _known(settings: Settings, claims: Mapping[str, Any]) -> Known:
    groups = _looked_up(claims, settings.oidc_right_claim)
    theirs = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
    rights = [Right(right) for group, right in settings.oidc_rights.items() if group in theirs]
    return Known(
        key_of(f"{claims['iss']} {claims['sub']}"),
        str(_looked_up(claims, settings.oidc_name_claim) or ""),
        max(rights, key=lambda right: right.rank, default=None),
    )


def _looked_up(claims: Mapping[str, Any], name: str) -> Any:
    """Return a claim; ``realm_access.roles`` is one inside another."""
    if name in claims:
        return claims[name]
    outer, dot, inner = name.partition(".")
    within = claims.get(outer) if dot else None
    return _looked_up(within, inner) if isinstance(within, Mapping) else None
