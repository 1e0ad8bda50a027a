"""The site on a real socket, and a browser that follows its forms."""

import contextlib
import re
import threading
import time
from collections.abc import Iterator
from html import unescape

import httpx
from argon2 import PasswordHasher
from peers import LOOPBACK

from daemon import turning
from daemon.records import people
from daemon.records.ledger import Ledger
from daemon.records.people_tables import Right
from daemon.settings import Settings
from daemon.web import passwords
from daemon.web.app import make_app

PASSWORD = "a horse reads films at night"
_HASHES: list[str] = []
# the shape of the real thing at a hundredth of its cost
passwords._HASHER = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)


@contextlib.contextmanager
def running_site(settings: Settings, ledger: Ledger, port: int = 0) -> Iterator[str]:
    """Serve the site in a thread, on a free port unless one is named; give its origin."""
    keys = settings.web_certificate, settings.web_key
    app = make_app(settings, ledger)
    server = turning.server_of(app, *keys, proxied=settings.web_behind_proxy)
    sock = turning.bound(LOOPBACK, port)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://{LOOPBACK}:{sock.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


class Browser:
    """What a person does: follows links, fills in the forms that a page has, and sends them."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        # given up before the server does: a busy machine may lose that race
        limits = httpx.Limits(keepalive_expiry=1)
        self.client = httpx.Client(
            base_url=origin, follow_redirects=True, timeout=60, limits=limits
        )

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path)

    def send(self, page: str, action: str, **fields: str) -> httpx.Response:
        """Send the form of a page that goes to an action, its hidden fields with it."""
        hidden = self.hidden(self.get(page).text, action)
        return self.client.post(action, data=hidden | fields)

    def hidden(self, text: str, action: str) -> dict[str, str]:
        for form in re.findall(r"<form.*?</form>", text, re.DOTALL):
            if f'action="{action}"' in unescape(form):
                found = re.findall(r'type="hidden" name="(\w+)"[^>]*? value="([^"]*)"', form)
                return {name: unescape(value) for name, value in found}
        raise AssertionError(f"no form for {action}")

    def key(self) -> str:
        """Return what this visitor's forms carry."""
        return self.hidden(self.get("/").text, "/sign-out")["form_key"]

    def sign_in(self, name: str, password: str = PASSWORD, **more: str) -> httpx.Response:
        return self.send("/sign-in", "/sign-in", name=name, password=password, **more)


def person(ledger: Ledger, right: Right, name: str = "") -> str:
    """Put somebody there who has followed a link; return the name."""
    if not _HASHES:
        _HASHES.append(passwords.hashed(PASSWORD))
    name = name or f"a-{right}"
    people.put(ledger, name, right)
    assert people.set_password(ledger, people.invite(ledger, name), _HASHES[0]) == name
    return name


def signed_in(origin: str, ledger: Ledger, right: Right) -> Browser:
    browser = Browser(origin)
    answer = browser.sign_in(person(ledger, right))
    assert answer.status_code == 200, answer.text
    return browser
