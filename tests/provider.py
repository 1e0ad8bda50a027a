"""A small OpenID Connect provider on a loopback port, made of Authlib's own server part."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request, grants
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from peers import LOOPBACK

CLIENT, SECRET = "osteoscreen", "a secret/with+signs"


class Client(ClientMixin):
    """The site, as it is registered."""

    def __init__(self, redirect_uri: str) -> None:
        self.redirect_uri = redirect_uri

    def get_client_id(self):
        return CLIENT

    def get_default_redirect_uri(self):
        return self.redirect_uri

    def get_allowed_scope(self, scope):
        return scope

    def check_redirect_uri(self, redirect_uri):
        return redirect_uri == self.redirect_uri

    def check_client_secret(self, client_secret):
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method, endpoint):
        return method == "client_secret_basic"

    def check_response_type(self, response_type):
        return response_type == "code"

    def check_grant_type(self, grant_type):
        return grant_type == "authorization_code"


class Code:
    """A code that was given out, with what it was asked for."""

    def __init__(self, request: OAuth2Request, user: Any) -> None:
        asked = request.payload.data
        self.user, self.scope, self.nonce = user, asked["scope"], asked.get("nonce")
        self.redirect_uri = asked["redirect_uri"]
        self.code_challenge = asked["code_challenge"]
        self.code_challenge_method = asked["code_challenge_method"]

    def get_redirect_uri(self):
        return self.redirect_uri

    def get_scope(self):
        return self.scope

    def get_nonce(self):
        return self.nonce

    def get_auth_time(self):
        return None

    get_acr = get_amr = get_auth_time


class CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

    def save_authorization_code(self, code, request):
        self.server.codes[code] = Code(request, request.user)

    def query_authorization_code(self, code, client):
        return self.server.codes.get(code)

    def delete_authorization_code(self, authorization_code):
        kept = self.server.codes.items()
        self.server.codes = {code: one for code, one in kept if one is not authorization_code}

    def authenticate_user(self, authorization_code):
        return authorization_code.user


class OpenID(OpenIDCode):
    def __init__(self, provider: "Provider") -> None:
        super().__init__(require_nonce=True)
        self.provider = provider

    def exists_nonce(self, nonce, request):
        return False

    def get_client_claims(self, client):
        return {"iss": self.provider.issuer, "aud": [CLIENT]}

    def generate_user_info(self, user, scope):
        return user

    def encode_id_token(self, token, request):
        honest = super().encode_id_token(token, request)
        return self.provider.tamper(honest)

    def get_client_algorithm(self, client):
        return "RS256"

    def get_encode_header(self, client):
        return {"alg": "RS256", "kid": self.provider.key.kid}

    def resolve_client_private_key(self, client):
        return self.provider.key


class Provider(AuthorizationServer):
    """Lets in whoever ``user`` says, without a question; ``tamper`` falsifies its ID tokens."""

    def __init__(self, issuer: str, redirect_uri: str) -> None:
        super().__init__(scopes_supported=["openid", "profile"])
        self.issuer, self.client, self.codes = issuer, Client(redirect_uri), {}
        self.key = RSAKey.generate_key(2048, {"use": "sig"}, auto_kid=True)
        self.user: dict[str, Any] | None = None
        self.tamper: Callable[[str], str] = lambda token: token
        self.asked: list[dict[str, str]] = []
        self.register_grant(CodeGrant, [OpenID(self), CodeChallenge(required=True)])
        self.register_token_generator("default", self.token)

    def token(self, scope="", **_):
        return {"access_token": "opaque", "token_type": "Bearer", "scope": scope}

    def signed(self, claims: dict[str, Any], key: Any = None, alg: str = "RS256") -> str:
        return jwt.encode({"alg": alg, "kid": self.key.kid}, claims, key or self.key, [alg])

    def falsified(self, **changed: Any) -> None:
        """Sign other claims than the honest ones from now on."""

        def tamper(token):
            honest = jwt.decode(token, self.key, ["RS256"]).claims
            merged = {**honest, **changed}
            return self.signed({key: value for key, value in merged.items() if value is not None})

        self.tamper = tamper

    def query_client(self, client_id):
        return self.client if client_id == CLIENT else None

    def save_token(self, token, request):
        return None

    def send_signal(self, *_, **__):
        return None

    def create_oauth2_request(self, request):
        method, path, form, headers = request
        # Authlib wants TLS; on loopback there is none to be had
        made = OAuth2Request(method, f"https://provider{path}", headers=headers)
        made.payload = BasicOAuth2Payload(form or dict(parse_qsl(urlsplit(path).query)))
        made._body = form
        return made

    def handle_response(self, status, body, headers):
        return status, body, headers

    def answer(self, method: str, path: str, form: dict[str, str], headers: Any) -> Any:
        request = method, path, form, headers
        match urlsplit(path).path:
            case "/.well-known/openid-configuration":
                ends = {
                    f"{one}_endpoint": f"{self.issuer}/{one}" for one in ("authorization", "token")
                }
                return 200, {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks", **ends}, []
            case "/jwks":
                return 200, KeySet([self.key]).as_dict(private=False), []
            case "/authorization":
                self.asked.append(dict(parse_qsl(urlsplit(path).query)))
                grant = self.get_consent_grant(request, self.user)
                return self.create_authorization_response(request, self.user, grant)
            case "/token":
                return self.create_token_response(request)
        return 404, {}, []


def _handler(provider: Callable[[], Provider]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.reply(provider().answer("GET", self.path, {}, self.headers))

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = dict(parse_qsl(body))
            self.reply(provider().answer("POST", self.path, form, self.headers))

        def reply(self, answer):
            status, body, headers = answer
            text = json.dumps(body).encode() if isinstance(body, dict) else str(body).encode()
            self.send_response(status)
            for key, value in headers:
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            return None

    return Handler


@contextlib.contextmanager
def running_provider(redirect_uri: str) -> Iterator[Provider]:
    """Serve a provider that knows the site by its address of return."""
    found: list[Provider] = []
    server = ThreadingHTTPServer((LOOPBACK, 0), _handler(lambda: found[0]))
    found.append(Provider(f"http://{LOOPBACK}:{server.server_port}", redirect_uri))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found[0]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
