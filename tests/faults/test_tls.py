"""TLS with real peers: who is heard, who is called, and what an admin is told when it fails."""

import contextlib
import dataclasses
import itertools
import json
import os
import shutil
import socket
import ssl
import struct
import subprocess
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from bench.payloads import make
from bench.sender import ASSOCIATE_AC, Association, _associate_request, encode_pdus
from faults.traffic import SLICE
from modality import Modality, asked_for, shadow
from ours import Osteoscreen
from peers import LOOPBACK, DcmtkStorescp, Orthanc, echoscu, free_port, run_sender, wait_for
from pki import Authority
from programs import find_program
from pydicom import Dataset, dcmread
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE, _config
from pynetdicom.sop_class import Verification

from daemon import certificates, config, scu, tls
from daemon.callers import Hosts, obstacle
from daemon.errors import ConfigError, DeliveryError, PeerGone
from daemon.handshake import Porch, Terms
from daemon.networks import plain_ip
from daemon.records import peers as ledger_peers
from daemon.records import summary
from daemon.records.tables import Peer
from daemon.turns import TurnsSocket
from daemon.wire import Wire

CR = "1.2.840.10008.5.1.4.1.1.1"


class Hospital:
    """Its authority, another one, and the certificates of a day."""

    def __init__(self, folder):
        folder.mkdir()
        self.root = Authority(folder, "Hospital Root")
        self.stranger = Authority(folder, "Another Root")
        self.ours = self.root.issue("osteoscreen")
        self.modality = self.root.issue("modality")
        self.expired = self.root.issue("expired", days=-1)
        self.nameless = self.root.issue("nameless", names="")
        self.foreign = self.stranger.issue("foreign")


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    return Hospital(tmp_path_factory.mktemp("pki") / "made")


class Site(Osteoscreen):
    """Our listener with a plain and a TLS port, its peers set straight in the ledger."""

    def __init__(self, folder, hospital, **settings):
        self.tls_port, self.hospital = free_port(), hospital
        folder.mkdir(exist_ok=True)
        self.certificate = Path(shutil.copy(hospital.ours.certificate, folder / "ours.pem"))
        self.key = Path(shutil.copy(hospital.ours.key, folder / "ours.key"))
        place = {
            "tls_port": self.tls_port,
            "tls_certificate": self.certificate,
            "tls_key": self.key,
            "tls_ca": hospital.root.anchor,
            "listener_processes": 1,
        }
        super().__init__(folder, **({"only": "listener"} | place | settings))

    def allow(self, aet, host=LOOPBACK, **how):
        peer = {
            "sends": True,
            "results": "none",
            "role": "research",
            "sr_class": "1.2",
            "port": 104,
        }
        unsecured = {"tls": False, "tls_fingerprint": "", "tls_named": True, "bound": False}
        both = peer | unsecured | how
        ledger_peers.add(self.ledger, Peer(aet=aet, host=host, **both))

    def told(self, words):
        """Wait until an admin is told so."""
        return wait_for(f"{words!r} in the status", lambda: self._told(words))

    def _told(self, words):
        rows = summary.status(self.ledger)["refused_associations"]
        return [row["why"] for row in rows if words in row["why"]]

    def echo(self, *options, calling="CR1", port=None):
        titles = ["-to", "10", "-aet", calling, "-aec", self.aet]
        return run_sender("echoscu", *titles, *options, LOOPBACK, str(port or self.tls_port))

    def hears(self, calling, port=None, **how):
        """Say whether an association in that name is accepted."""
        ae = AE(ae_title=calling)
        ae.add_requested_context(Verification)
        assoc = ae.associate(LOOPBACK, port or self.port, ae_title=self.aet, **how)
        heard = assoc.is_established
        if heard:
            assoc.release()
        return heard

    def shown(self):
        """Return the fingerprint of the certificate that the TLS port shows now."""
        context = self.hospital.modality.context(None)
        with (
            socket.create_connection((LOOPBACK, self.tls_port), 10) as plain,
            context.wrap_socket(plain) as secured,
        ):
            return tls.fingerprint(secured.getpeercert(binary_form=True))


@pytest.fixture(scope="module")
def site(tmp_path_factory, hospital):
    made = Site(tmp_path_factory.mktemp("tls") / "site", hospital)
    with made as running:
        running.allow("CR1")
        wait_for("CR1 to be known", lambda: running.hears("CR1"))
        yield running


@pytest.fixture
def film(tmp_path):
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = CR, generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.PatientName, ds.Modality = "Secret^Anna", "CR"
    ds.PixelData = os.urandom(1 << 20)
    ds["PixelData"].VR = "OW"
    ds.ensure_file_meta()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.save_as(tmp_path / "film.dcm", enforce_file_format=True)
    return tmp_path / "film.dcm"


def store(site, film, *options):
    titles = ["-to", "10", "-aet", "CR1", "-aec", site.aet]
    return run_sender("storescu", *titles, *options, LOOPBACK, str(site.tls_port), film)


def is_kept(site, film):
    sent = dcmread(film)
    [kept] = [
        path for path in site.received() if dcmread(path).SOPInstanceUID == sent.SOPInstanceUID
    ]
    return dcmread(kept).PixelData == sent.PixelData and dcmread(kept) == sent


def test_an_image_sent_by_tls_is_kept_as_sent(site, hospital, film):
    rc, said = store(site, film, *hospital.modality.dcmtk(hospital.root.anchor))
    assert rc == 0, said
    assert is_kept(site, film)


def test_the_public_path_serves_tls_as_well(tmp_path, hospital, film):
    with Site(tmp_path / "site", hospital, straight_path="false") as site:
        site.allow("CR1", tls=True, tls_fingerprint=hospital.modality.fingerprint)
        known = hospital.modality.dcmtk(hospital.root.anchor)
        wait_for("CR1 to be known", lambda: site.echo(*known)[0] == 0)
        with socket.create_connection((LOOPBACK, site.tls_port)) as slow:
            rc, said = store(site, film, *known)
            assert rc == 0, said
            assert is_open(slow)
        assert is_kept(site, film)
        assert echoscu(site.port, site.aet, "CR1")[0] != 0
        site.told("peer CR1 called in the clear")
        assert "event=public-path" in site.logs()


class TlsOrthanc(Orthanc):
    """A PACS that hears and calls by TLS alone."""

    def __init__(self, folder, certificate, trusted, site):
        super().__init__(folder)
        self.tls = {
            "DicomTlsEnabled": True,
            "DicomTlsCertificate": str(certificate.certificate),
            "DicomTlsPrivateKey": str(certificate.key),
            "DicomTlsTrustedCertificates": str(trusted),
            "DicomModalities": {
                "us": {
                    "AET": site.aet,
                    "Host": LOOPBACK,
                    "Port": site.tls_port,
                    "UseDicomTls": True,
                }
            },
        }

    def sends(self, instance):
        """Have it send an object to us; say whether we took it."""
        where = f"http://{LOOPBACK}:{self.http_port}/modalities/us/store"
        request = urllib.request.Request(where, instance.encode(), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return json.load(reply)["FailedInstancesCount"] == 0
        except urllib.error.HTTPError:
            return False

    def command(self):
        program, path = super().command()
        settings = json.loads(Path(path).read_text())
        Path(path).write_text(json.dumps(settings | self.tls))
        return [program, path]


def test_a_pacs_takes_from_us_and_sends_to_us_by_tls(tmp_path, site, hospital, settings, film):
    with TlsOrthanc(tmp_path / "pacs", hospital.modality, hospital.root.anchor, site) as pacs:
        site.allow(pacs.aet, tls=True)
        peer = Peer(aet=pacs.aet, host=LOOPBACK, port=pacs.port, tls=True)
        peer.tls_fingerprint, peer.tls_named = "", True
        address = scu.address_of(settings, peer, 10)
        known = Terms(settings, hospital.modality.fingerprint)
        for each in (address, dataclasses.replace(address, tls=known)):
            scu.echo(each)
        [answer] = scu.store(address, [dcmread(film)])
        assert answer.stored
        [instance] = pacs.instances()
        wait_for("the PACS to be known", lambda: pacs.sends(instance))
        assert is_kept(site, film)


class TlsAssociation(Association):
    """An association whose TLS connection the test can break."""

    def __init__(self, site, context):
        self.plain = socket.create_connection((LOOPBACK, site.tls_port), 20)
        self.broken = self.plain.dup()
        self._socket = context.wrap_socket(self.plain)
        self._socket.sendall(_associate_request(site.aet, "CR1", SLICE.sop_class))
        assert self._read_pdu()[0] == ASSOCIATE_AC

    def send(self, pdus):
        self._socket.sendall(pdus)


def test_an_object_that_is_cut_off_within_tls_leaves_nothing(site, hospital):
    context = hospital.modality.context(hospital.root.anchor)
    [whole, cut] = make(dataclasses.replace(SLICE, rows=512, columns=512), 2)
    pdus = encode_pdus(cut, 16384)
    before = len(site.received())
    for way in ("garbage between the records", "the end of TCP alone", "a reset"):
        association = TlsAssociation(site, context)
        association.send(pdus[: len(pdus) // 2])
        if way.startswith("garbage"):
            association.broken.sendall(os.urandom(100))
        elif way.startswith("a reset"):
            linger = struct.pack("ii", 1, 0)
            association.broken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        # whoever reads garbage may have hung up already
        with contextlib.suppress(OSError):
            association.broken.shutdown(socket.SHUT_WR)
        association._socket.close()
        association.broken.close()
    association = TlsAssociation(site, context)
    association.store(encode_pdus(whole, 16384))
    association.release()
    wait_for("no half of an object", lambda: not list((site.home / "spool").rglob("*.part")))
    assert len(site.received()) == before + 1


class Watched:
    """Stands before OpenSSL's connection and sees who is in it together."""

    def __init__(self, connection):
        self.connection, self.inside, self.together = connection, 0, 0

    def read(self, *arguments):
        return self.watch(self.connection.read, arguments)

    def write(self, *arguments):
        return self.watch(self.connection.write, arguments)

    def watch(self, act, arguments):
        self.inside += 1
        self.together = max(self.together, self.inside)
        try:
            return act(*arguments)
        finally:
            self.inside -= 1


def test_a_report_may_go_out_while_an_image_comes_in(hospital, settings):
    """Both ends read in one thread and write in another, as storage commitment does."""
    contexts = tls.server_context(settings), hospital.modality.context(hospital.root.anchor)
    contexts[1].sslsocket_class = TurnsSocket
    much = os.urandom(1 << 20) * 16

    def shaken(context, sock, server_side):
        secured = context.wrap_socket(sock, server_side=server_side)
        secured.settimeout(20)
        return secured

    def heard(sock):
        content, buffer = bytearray(), memoryview(bytearray(64 << 10))
        while len(content) < len(much):
            content += buffer[: sock.recv_into(buffer)]
        return bytes(content)

    ours, theirs = socket.socketpair()
    with ThreadPoolExecutor(4) as threads:
        ends = [
            threads.submit(shaken, contexts[0], ours, True),
            threads.submit(shaken, contexts[1], theirs, False),
        ]
        ends = [end.result() for end in ends]
        watched = [Watched(end._sslobj) for end in ends]
        for end, watch in zip(ends, watched, strict=True):
            end._sslobj = watch
        reads = [threads.submit(heard, end) for end in ends]
        writes = [threads.submit(end.sendall, much) for end in ends]
        assert [done.result() for done in writes] == [None, None]
        assert [read.result() == much for read in reads] == [True, True]
        assert [watch.together for watch in watched] == [1, 1]
        ends[0].settimeout(0.2)
        with pytest.raises(TimeoutError):
            ends[0].recv(1)
        for end in ends:
            end.close()


def test_what_has_come_by_tls_is_never_read_as_it_came_though_its_sender_is_shown_out(
    hospital, settings
):
    contexts = tls.server_context(settings), hospital.modality.context(hospital.root.anchor)
    ours, theirs = socket.socketpair()
    with ThreadPoolExecutor(1) as threads:
        peer = threads.submit(contexts[1].wrap_socket, theirs)
        wire = Wire(contexts[0].wrap_socket(ours, server_side=True), 5.0)
        with wire, peer.result() as sender:
            sender.sendall(b"an image")
            wire.show_out()
            with contextlib.suppress(PeerGone):
                assert wire.exactly(8) == b"an image"
            with pytest.raises(PeerGone):
                wire.exactly(1)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(site, hospital, version):
    context = hospital.modality.context(hospital.root.anchor)
    context.minimum_version = context.maximum_version = version
    assert site.hears("CR1", site.tls_port, tls_args=(context, None))


@pytest.mark.parametrize("option", ["-tls1", "-tls1_1"])
def test_older_tls_is_refused(site, option):
    command = [find_program("openssl"), "s_client", option, "-cipher", "DEFAULT:@SECLEVEL=0"]
    where = ["-connect", f"{LOOPBACK}:{site.tls_port}"]
    ran = subprocess.run(
        [*command, *where], input="", capture_output=True, text=True, check=False, timeout=30
    )
    assert ran.returncode != 0 and "alert protocol version" in ran.stderr
    site.told("it speaks no TLS 1.2 or 1.3")


def test_a_weak_cipher_suite_is_refused(site, hospital):
    context = hospital.modality.context(hospital.root.anchor)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AES+SHA1:@SECLEVEL=0")
    assert not site.hears("CR1", site.tls_port, tls_args=(context, None))
    site.told("none of the cipher suites of BCP 195")


def test_a_peer_without_a_certificate_is_refused(site, hospital):
    anonymous = ssl.create_default_context(cafile=hospital.root.anchor)
    assert not site.hears("CR1", site.tls_port, tls_args=(anonymous, "localhost"))
    site.told("it showed no certificate")


@pytest.mark.parametrize(
    ("whose", "words"),
    [("foreign", "an authority that is not in tls_ca"), ("expired", "has expired")],
)
def test_a_peer_with_a_bad_certificate_is_refused_in_words(site, hospital, whose, words):
    rc, said = site.echo(*getattr(hospital, whose).dcmtk(hospital.root.anchor))
    assert rc != 0, said
    site.told(words)


def test_plain_dicom_on_the_tls_port_is_told_as_what_it_is(site):
    rc, _ = site.echo()
    assert rc != 0
    [why] = site.told("plain DICOM")
    assert why == f"a peer at {LOOPBACK} spoke plain DICOM to the TLS port {site.tls_port}"
    assert why in site.logs()


def test_tls_on_the_plain_port_is_told_as_what_it_is(site, hospital):
    rc, _ = site.echo(*hospital.modality.dcmtk(hospital.root.anchor), port=site.port)
    assert rc != 0
    site.told(f"a peer at {LOOPBACK} spoke TLS to the plain port {site.port}")


def test_peers_that_are_slow_to_shake_hands_hold_up_nobody(site, hospital, film):
    with contextlib.ExitStack() as stack:
        slow = [socket.create_connection((LOOPBACK, site.tls_port)) for _ in range(40)]
        for position, sock in enumerate(slow):
            stack.enter_context(sock)
            # half of them say nothing at all, half begin a ClientHello and stop
            sock.sendall(b"\x16\x03\x01\x02\x00\x01" if position % 2 else b"")
        rc, said = store(site, film, *hospital.modality.dcmtk(hospital.root.anchor))
        assert rc == 0, said
        assert echoscu(site.port, site.aet, "CR1")[0] == 0
        assert all(is_open(sock) for sock in slow)


def is_open(sock):
    sock.setblocking(False)
    try:
        return sock.recv(1) != b""
    except BlockingIOError:
        return True


def test_whoever_does_not_finish_the_handshake_is_let_go(hospital, settings, monkeypatch):
    monkeypatch.setattr("daemon.handshake.WITHIN_S", 0.5)
    told = []
    by_tls = settings.model_copy(update={"tls_port": 2762})
    porch = Porch(2762, tls.Certificates(by_tls), 4, told.append)
    for words in (b"", b"\x16\x03\x01\x02\x00\x01"):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(words)
            assert porch.admit(ours, "10.0.0.9") is None
    assert told == ["a peer at 10.0.0.9 did not finish the TLS handshake within 0.5 s"] * 2


def test_one_address_cannot_hold_more_handshakes_open_than_associations(monkeypatch):
    monkeypatch.setattr("daemon.handshake.WITHIN_S", 3.0)
    told = []
    porch = Porch(2762, None, 4, told.append)
    pairs = [socket.socketpair() for _ in range(6)]
    one_address = [(client, "10.0.0.9") for client, _ in pairs[:5]]
    with ThreadPoolExecutor(len(pairs)) as threads:
        waiting = [threads.submit(porch.admit, *each) for each in one_address]
        wait_for("the fifth to be let go", lambda: told)
        assert told == [
            "a peer at 10.0.0.9 is one too many of those that wait to begin (max_associations)"
        ]
        pairs[5][1].sendall(b"\x01")
        assert porch.admit(pairs[5][0], "10.0.0.10") is pairs[5][0]
        # let go as well, in time
        assert [each.result() for each in waiting] == [None] * 5
    assert set(told[1:]) == {"a peer at 10.0.0.9 said nothing within 3 s"}
    for sock in itertools.chain(*pairs):
        sock.close()


def test_a_new_certificate_is_shown_without_a_restart_and_a_broken_one_never(site, hospital):
    assert site.shown() == hospital.ours.fingerprint
    new = hospital.root.issue("renewed")
    shutil.copy(new.certificate, site.certificate)
    # between the two copies they do not fit together: the old one is shown
    assert site.shown() == hospital.ours.fingerprint
    shutil.copy(new.key, site.key)
    wait_for("the new certificate", lambda: site.shown() == new.fingerprint)
    site.certificate.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n")
    wait_for("the log to say so", lambda: "the old one stays" in shown_and_logs(site))
    assert site.shown() == new.fingerprint
    ran = site.run("check", "--json")
    said = {one["what"]: one for one in json.loads(ran.stdout)}
    assert said["TLS certificate"]["state"] == "fail"
    assert "a listener that runs keeps the one it has" in said["TLS certificate"]["words"]
    shutil.copy(new.certificate, site.certificate)


def shown_and_logs(site):
    site.shown()
    return site.logs()


def test_a_peer_marked_tls_is_not_heard_in_the_clear(site, hospital):
    site.allow("CT3", tls=True)
    context = hospital.modality.context(hospital.root.anchor)
    by_tls = {"port": site.tls_port, "tls_args": (context, None)}
    wait_for("CT3 to be known", lambda: site.hears("CT3", **by_tls))
    assert not site.hears("CT3")
    site.told("peer CT3 called in the clear, it may call by TLS alone")


def test_a_peer_known_by_its_certificate_is_not_heard_with_another(site, hospital):
    site.allow("CT4", tls=True, tls_fingerprint=hospital.modality.fingerprint)
    own = hospital.modality.context(hospital.root.anchor)
    wait_for("CT4", lambda: site.hears("CT4", site.tls_port, tls_args=(own, None)))
    other = hospital.nameless.context(hospital.root.anchor)
    assert not site.hears("CT4", site.tls_port, tls_args=(other, None))
    site.told("peer CT4 showed another certificate than the one it is known by")


def test_a_bound_peer_is_heard_from_its_host_alone(site):
    site.allow("CT2", LOOPBACK, bound=True)
    site.allow("CT5", "localhost", bound=True)
    site.allow("CT6", "ct6.invalid", bound=True)
    wait_for("CT2 to be known", lambda: site.hears("CT2"))
    assert not site.hears("CT2", bind_address=("127.0.0.2", 0))
    site.told("peer CT2 called from 127.0.0.2, it is bound to 127.0.0.1")
    wait_for("CT5 to be known", lambda: site.hears("CT5"))
    assert not site.hears("CT5", bind_address=("127.0.0.2", 0))
    site.told("peer CT5 called from 127.0.0.2, it is bound to localhost (127.0.0.1")
    assert not site.hears("CT6")
    site.told("it is bound to ct6.invalid (no address found for it)")


def test_host_names_are_looked_up_once_and_their_old_addresses_kept(monkeypatch):
    answers, asked = [[(0, 0, 0, "", ("10.0.0.7", 0))]], []

    def look_up(host, *_args, **_how):
        asked.append(host)
        if answers:
            return answers.pop()
        raise socket.gaierror(-2, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    hosts = Hosts()
    seven = frozenset({plain_ip("10.0.0.7")})
    assert [hosts.addresses("ct2"), hosts.addresses("ct2")] == [seven, seven]
    assert asked == ["ct2"]
    monkeypatch.setattr("daemon.callers.ADDRESSES_FRESH_S", 0.0)
    hosts._hosts["ct2"].look_at = 0.0
    assert hosts.addresses("ct2") == seven
    wait_for("a second look", lambda: len(asked) > 1)
    assert hosts.addresses("ct2") == seven


def test_an_ipv4_address_that_came_over_ipv6_is_the_same_address():
    assert plain_ip("::ffff:10.0.0.7") == plain_ip("10.0.0.7")
    assert plain_ip("fe80::1%eth0") == plain_ip("fe80::1")


def test_with_tls_alone_the_plain_port_is_closed_and_our_own_commands_still_work(
    tmp_path, hospital, film
):
    class Secure(Site):
        def is_ready(self):
            with socket.socket() as sock:
                return sock.connect_ex((LOOPBACK, self.tls_port)) == 0

    anybody = {"tls_only": "true", "tls_mutual": "false"}
    with Secure(tmp_path / "site", hospital, **anybody) as site:
        with socket.socket() as sock:
            assert sock.connect_ex((LOOPBACK, site.port)) != 0
        site.cli("push", str(film))
        assert len(site.received()) == 1
        # mutual authentication was given up here: a peer without a certificate is heard
        site.allow("CR1")
        anonymous = ssl.create_default_context(cafile=hospital.root.anchor)
        by_tls = {"tls_args": (anonymous, "localhost")}
        wait_for("CR1 to be known", lambda: site.hears("CR1", site.tls_port, **by_tls))


# the other way: we call


class TlsStorescp(DcmtkStorescp):
    """DCMTK's receiver behind TLS."""

    def __init__(self, folder, certificate, *options):
        super().__init__(folder)
        self.tls = [*certificate.dcmtk(), *options]

    def command(self):
        program, *rest = super().command()
        return [program, *self.tls, *rest]


@pytest.fixture
def settings(tmp_path, hospital, monkeypatch):
    monkeypatch.setenv("OSTEOSCREEN_TLS_CERTIFICATE", str(hospital.ours.certificate))
    monkeypatch.setenv("OSTEOSCREEN_TLS_KEY", str(hospital.ours.key))
    monkeypatch.setenv("OSTEOSCREEN_TLS_CA", str(hospital.root.anchor))
    return config.load(tmp_path / "home")


def address(peer, settings, **terms):
    terms = Terms(settings, **terms)
    return scu.Address(peer.aet, LOOPBACK, peer.port, "OSTEOSCREEN", 5, terms)


def why_not(address):
    with pytest.raises(DeliveryError) as failed:
        scu.echo(address)
    return failed.value.detail


def test_a_result_goes_to_a_peer_by_tls(tmp_path, hospital, settings, film):
    site = Site(tmp_path / "site", hospital)
    trusting = ("+cf", str(hospital.root.anchor))
    with TlsStorescp(tmp_path / "pacs", hospital.modality, *trusting) as pacs:
        site.home.mkdir(parents=True)
        site.cli("peers", "add", pacs.aet, LOOPBACK, str(pacs.port), "--results", "all", "--tls")
        assert "answered" in site.cli("peers", "echo", pacs.aet)
        peer = ledger_peers.named(site.ledger, pacs.aet)
        [answer] = scu.store(scu.address_of(settings, peer), [dcmread(film)])
        assert answer.stored and len(pacs.files()) == 1
    site.ledger.close()


def test_a_report_of_commitment_goes_back_by_tls(tmp_path, hospital, monkeypatch):
    monkeypatch.setattr(_config, "UNRESTRICTED_STORAGE_SERVICE", False)
    quick = {"sweep_s": 0.3, "delivery_backoff_s": 0.3, "lease_s": 4}
    with Site(tmp_path / "site", hospital, only="", **quick) as site:
        modality = Modality(site.tls_port, free_port())
        modality.calls_by = hospital.modality.context(hospital.root.anchor)
        modality.hears_by = hospital.modality.server_context(hospital.root.anchor)
        site.allow(modality.aet, tls=True, port=modality.port)
        by_tls = {"tls_args": (modality.calls_by, None)}
        wait_for("it to be known", lambda: site.hears(modality.aet, site.tls_port, **by_tls))
        ds = shadow()
        with modality.calling() as assoc:
            assert assoc.send_c_store(ds).Status == 0
            assert modality.ask(assoc, asked_for([ds]))[0] == 0
            wait_for("the report on this association", lambda: modality.heard)
        with modality.listening():
            with modality.calling() as assoc:
                assert modality.ask(assoc, asked_for([ds]))[0] == 0
            wait_for("the report on one of ours", lambda: modality.elsewhere)
        for _, committed, failed in (*modality.heard, *modality.elsewhere):
            assert (committed, failed) == ([ds.SOPInstanceUID], {})


def test_whoever_a_peer_is_must_be_vouched_for_or_pinned(tmp_path, hospital, settings):
    trusting = ("+cf", str(hospital.root.anchor))
    with TlsStorescp(tmp_path / "nameless", hospital.nameless, *trusting) as pacs:
        assert "for another address" in why_not(address(pacs, settings))
        scu.echo(address(pacs, settings, named=False))
        scu.echo(address(pacs, settings, fingerprint=hospital.nameless.fingerprint))
        said = why_not(address(pacs, settings, fingerprint=hospital.ours.fingerprint))
        assert "another certificate than the one pinned" in said
    with TlsStorescp(tmp_path / "foreign", hospital.foreign, *trusting) as pacs:
        assert "authority that is not in tls_ca" in why_not(address(pacs, settings))
        scu.echo(address(pacs, settings, fingerprint=hospital.foreign.fingerprint))
    with TlsStorescp(tmp_path / "expired", hospital.expired, *trusting) as pacs:
        assert "has expired" in why_not(address(pacs, settings))


def test_a_peer_that_speaks_no_tls_is_said_to(tmp_path, settings):
    with DcmtkStorescp(tmp_path / "plain") as pacs:
        assert "TLS at this port" in why_not(address(pacs, settings))


def test_a_peer_that_wants_tls_and_is_called_in_the_clear_is_said_to(tmp_path, hospital):
    with TlsStorescp(tmp_path / "pacs", hospital.modality, "-ic") as pacs:
        in_the_clear = scu.Address(pacs.aet, LOOPBACK, pacs.port, "OSTEOSCREEN", 5)
        assert "does it want TLS" in why_not(in_the_clear)


def test_a_peer_that_wants_our_certificate_or_another_is_said_to(tmp_path, hospital, settings):
    trusting = ("+cf", str(hospital.root.anchor))
    with TlsStorescp(tmp_path / "pacs", hospital.modality, *trusting) as pacs:
        bare = settings.model_copy(update={"tls_certificate": None, "tls_key": None})
        assert "client certificate" in why_not(address(pacs, bare))
    trusting = ("+cf", str(hospital.stranger.anchor))
    with TlsStorescp(tmp_path / "stern", hospital.modality, *trusting) as pacs:
        assert "refuses our certificate" in why_not(address(pacs, settings))


def test_a_peer_that_is_away_is_away_by_tls_too(settings):
    nobody = scu.Address("PACS", LOOPBACK, free_port(), "OSTEOSCREEN", 2, Terms(settings))
    assert "does not answer" in why_not(nobody)


# what check says


def said(settings, **files):
    found = certificates.findings(settings.model_copy(update=files))
    return {what: (state, words) for what, state, words in found}


def test_check_says_how_long_our_certificate_holds(hospital, settings):
    assert said(settings)["TLS certificate"][0] == "ok"
    soon = hospital.root.issue("soon", days=10)
    state, words = said(settings, tls_certificate=soon.certificate, tls_key=soon.key)[
        "TLS certificate"
    ]
    assert state == "warn" and "9 days only" in words
    gone = hospital.expired
    state, words = said(settings, tls_certificate=gone.certificate, tls_key=gone.key)[
        "TLS certificate"
    ]
    assert state == "fail" and "has expired" in words


def test_check_says_which_file_cannot_be_used(tmp_path, hospital, settings):
    state, words = said(settings, tls_key=hospital.modality.key)["TLS certificate"]
    assert state == "fail" and "is not the key of" in words
    state, words = said(settings, tls_certificate=tmp_path / "nowhere")["TLS certificate"]
    assert state == "fail" and "No such file" in words
    (tmp_path / "locked.key").write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    state, words = said(settings, tls_key=tmp_path / "locked.key")["TLS certificate"]
    assert state == "fail" and "has a passphrase" in words
    state, words = said(settings, tls_ca=tmp_path / "nowhere")["TLS authorities"]
    assert state == "fail"
    open_key = Path(shutil.copy(hospital.ours.key, tmp_path / "open.key"))
    open_key.chmod(0o644)
    assert said(settings, tls_key=open_key)["TLS key"][0] == "warn"


def test_check_says_what_keeps_a_peer_from_being_heard(settings):
    marked = Peer(aet="CT7", host=LOOPBACK, port=104, sends=True, tls=True, bound=False)
    assert obstacle(settings, marked) == "may call by TLS alone, and tls_port is not set"
    bound = Peer(aet="CT8", host="ct8.invalid", port=104, sends=True, tls=False, bound=True)
    assert obstacle(settings, bound) == "is bound to ct8.invalid, which has no address"
    bound.host = LOOPBACK
    assert obstacle(settings, bound) == ""


def test_a_listener_does_not_start_without_a_usable_certificate(hospital, settings):
    with pytest.raises(ConfigError, match="is not the key of"):
        tls.server_context(settings.model_copy(update={"tls_key": hospital.modality.key}))
