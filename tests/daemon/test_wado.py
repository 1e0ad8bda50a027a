"""Our files over WADO-RS, asked for by dicomweb-client and by hand (PS3.18 10.4)."""

from hashlib import sha256
from io import BytesIO

import httpx
import pytest
from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless
from separate_homes import TOKEN, part10, two_hosts

from daemon import config, schema
from daemon.holdings import Holdings
from daemon.records.ledger import now
from daemon.records.results import MadeObject, add_object
from daemon.records.tables import Screening, SeriesState
from daemon.wado import accepting
from daemon.wado.accepting import Taken

IMPLICIT, PACKED = (
    part10(sop="1.2.4.1", series="1.2.4", syntax=ImplicitVRLittleEndian),
    part10(sop="1.2.5.1", series="1.2.5", syntax=JPEG2000Lossless),
)
PLAIN = [part10(sop=f"1.2.3.{number}") for number in (1, 2)]
AS_STORED = (("application/dicom", "*"),)
OURS = part10(sop="1.2.9.1", series="1.2.9", Modality="SR")


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """Host a, which holds all but one image of the study, at work."""
    folder = tmp_path_factory.mktemp("hosts")
    url = f"sqlite:///{folder}/ledger.db"
    schema.migrate(config.load(folder / "a").model_copy(update={"database_url": url}))
    a, b = two_hosts(folder, url)
    a.receive(*PLAIN, IMPLICIT, PACKED)
    b.receive(part10(sop="1.2.6.1", series="1.2.6"))
    for one in (a, b):
        one.intake.index_arrived()
    _make(a)
    with a.up():
        yield a
    a.ledger.close()
    b.ledger.close()


def _make(host):
    """Let host a have made a result."""
    (host.settings.outbox / "1.2.9.1.dcm").write_bytes(OURS)
    with host.ledger.write() as session:
        row = Screening(SeriesInstanceUID="1.2.3", model="m", flagged=True, current=True)
        row.version, row.weights_sha256, row.key, row.stage, row.result = "1", "0", "k", "live", {}
        row.state, row.analysed_at = SeriesState.SCREENED, now()
        session.add(row)
        session.flush()
        digest = sha256(OURS).hexdigest()
        add_object(session, row.id, MadeObject("1.2.9.1", "1.2", "1.2.9", "SR", digest, (), "a"))


@pytest.fixture
def client(host):
    shown = {"Authorization": f"Bearer {TOKEN}"}
    return DICOMwebClient(f"{host.address}/dicom-web", headers=shown)


def ask(host, path, accept="*/*", token=TOKEN):
    shown = {"Authorization": f"Bearer {token}", "Accept": accept}
    return httpx.get(f"{host.address}/dicom-web/studies/{path}", headers=shown)


def bytes_of(ds):
    out = BytesIO()
    ds.save_as(out)
    return out.getvalue()


def test_dicomweb_client_retrieves_a_series_as_it_was_received(client):
    got = client.retrieve_series("1.2", "1.2.3", media_types=AS_STORED)
    assert sorted(map(bytes_of, got)) == sorted(PLAIN)


def test_dicomweb_client_retrieves_an_instance_in_the_default_transfer_syntax(client):
    default = (("application/dicom", str(ExplicitVRLittleEndian)),)
    plain = client.retrieve_instance("1.2", "1.2.3", "1.2.3.1", media_types=default)
    assert bytes_of(plain) == PLAIN[0]
    anew = client.retrieve_instance("1.2", "1.2.4", "1.2.4.1", media_types=default)
    assert anew.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert anew == dcmread(BytesIO(IMPLICIT))


def test_dicomweb_client_retrieves_a_study_with_what_we_made_of_it(client):
    got = client.retrieve_study("1.2", media_types=AS_STORED)
    assert sorted(map(bytes_of, got)) == sorted([*PLAIN, IMPLICIT, PACKED, OURS])


def test_dicomweb_client_retrieves_metadata(client):
    told = client.retrieve_series_metadata("1.2", "1.2.3")
    assert {one["00080018"]["Value"][0] for one in told} == {"1.2.3.1", "1.2.3.2"}
    assert client.retrieve_instance_metadata("1.2", "1.2.3", "1.2.3.1")["00080060"]["Value"] == [
        "DX"
    ]


def test_a_study_of_which_other_hosts_hold_some_is_partial(host):
    every = 'multipart/related; type="application/dicom"; transfer-syntax=*'
    assert ask(host, "1.2", every).status_code == 206
    assert ask(host, "1.2/series/1.2.3", every).status_code == 200
    assert ask(host, "1.2/series/1.2.6", every).status_code == 404


@pytest.mark.parametrize("token", ["x", "x" * 32, f"{TOKEN}x"])
def test_nobody_is_served_without_the_token(host, token):
    answer = ask(host, "1.2/series/1.2.3", token=token)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert b"DICM" not in answer.content


def test_what_cannot_be_given_as_asked_is_refused_with_the_way_out(host):
    packed = ask(host, "1.2/series/1.2.5", 'multipart/related; type="application/dicom"')
    assert packed.status_code == 406
    assert "ask for application/dicom; transfer-syntax=*" in packed.text
    assert ask(host, "1.2/series/1.2.3", "image/png").status_code == 406
    assert ask(host, "1.2/series/1.2.3/metadata", "application/dicom+xml").status_code == 406
    assert ask(host, "1.2/series/..%2F1").status_code in (400, 404)


def test_one_instance_may_come_without_parts_around_it(host):
    answer = ask(host, "1.2/series/1.2.5/instances/1.2.5.1", "application/dicom; transfer-syntax=*")
    assert answer.content == PACKED
    assert (
        answer.headers["content-type"] == f"application/dicom; transfer-syntax={JPEG2000Lossless}"
    )


@pytest.mark.parametrize(
    ("accept", "single", "taken"),
    [
        ("", False, [Taken(True)]),
        ("multipart/related", False, [Taken(True)]),
        ('multipart/related; type="image/jpeg", */*;q=0.1', False, [Taken(True)]),
        ("application/dicom", False, []),
        ("application/dicom;transfer-syntax=1.2", True, [Taken(False, "1.2")]),
        ("multipart/related;q=0", False, []),
        (
            "application/dicom;q=0.5, multipart/related; type=application/dicom; transfer-syntax=*",
            True,
            [Taken(True, "*"), Taken(False)],
        ),
        ("*/*;q=high", False, []),
    ],
)
def test_the_accept_header_is_read_as_the_standard_writes_it(accept, single, taken):
    assert accepting.dicom(accept, single) == taken


def test_another_host_gets_what_this_one_made_and_what_it_received(host):
    other = host.settings.model_copy(update={"host_name": "c", "holders": {"a": host.address}})
    holdings = Holdings(other, host.ledger)
    assert holdings.made("1.2.9.1") == OURS
    assert holdings.made("1.2.9.2") is None
    with holdings.received("1.2.5", "1.2.5.1") as file:
        assert file is not None and file.read_bytes() == PACKED
