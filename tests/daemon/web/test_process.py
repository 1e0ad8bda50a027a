"""The process of the site: where it may listen, how it begins, and that nobody misses it."""

import os
import re
import signal

import httpx
import pytest
from browsing import PASSWORD, Browser
from faults.site import pids
from ours import Osteoscreen
from peers import LOOPBACK, answers, echoscu, free_port, wait_for

from daemon import config
from daemon.errors import ConfigError


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "site.example"])
def test_beyond_this_host_the_site_wants_tls_or_a_proxy_that_adds_it(tmp_path, monkeypatch, host):
    monkeypatch.setenv("OSTEOSCREEN_WEB_HOST", host)
    with pytest.raises(ConfigError, match="web_behind_proxy"):
        config.load(tmp_path)
    for setting, value in (("WEB_BEHIND_PROXY", "true"), ("WEB_CERTIFICATE", "/x.pem")):
        with monkeypatch.context() as set_too:
            set_too.setenv(f"OSTEOSCREEN_{setting}", value)
            assert config.load(tmp_path).web_host == host
    monkeypatch.setenv("OSTEOSCREEN_WEB_PORT", "0")
    assert config.load(tmp_path).web_port == 0


def test_on_this_host_it_needs_neither(tmp_path, monkeypatch):
    for host in ("127.0.0.1", "::1", "localhost"):
        monkeypatch.setenv("OSTEOSCREEN_WEB_HOST", host)
        assert not config.load(tmp_path).web_secured


def test_serve_prints_a_link_that_works_and_brings_a_killed_site_back(tmp_path):
    place = free_port()
    origin = f"http://{LOOPBACK}:{place}"
    modality = ["MODALITY", LOOPBACK, "11119", "--sends"]
    settings = {"web_port": place, "listener_processes": 1}
    ours = Osteoscreen(tmp_path, [modality], only="listener,web", **settings)
    with ours as system:
        link = wait_for("the link", lambda: re.search(r"link=(\S+)", system.logs()))[1]
        wait_for("the site", lambda: answers(place))
        browser, path = Browser(origin), link.removeprefix(origin)
        browser.send(path, path, password=PASSWORD, again=PASSWORD)
        assert "No peer receives results yet" in browser.sign_in("admin").text
        listener = pids(f"daemon.part listener --home {system.home}")
        [site] = pids(f"daemon.web --home {system.home}")
        os.kill(site, signal.SIGKILL)
        wait_for("its death", lambda: not answers(place))
        assert echoscu(system.port, system.aet)[0] == 0
        wait_for("the site again", lambda: answers(place))
        assert pids(f"daemon.part listener --home {system.home}") == listener
        assert browser.get("/").url.path == "/"
        assert httpx.get(f"{origin}/health").text == "ok\n"
        said = system.logs()
        assert "event=died part=web" in said and said.count("link=") == 1
        assert system.cli("web-link", "ada").startswith(f"{origin}/welcome/")
