"""Whatever is sent, or lies in the spool, ends indexed or aside; the intake lives on."""

import struct
from collections import Counter
from pathlib import Path

import pydicom
import pytest
from faults.site import pids
from faults.taken import asides, at_rest, taking
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peers import run_sender, wait_for
from pydicom.uid import ExplicitVRLittleEndian

from daemon import config, schema
from daemon.audit import audit
from daemon.intake import Intake
from daemon.records import summary
from daemon.spool import Spool

SHARED = Path(__file__).parents[3] / "shared" / "data"
MOST_MIB = 300


def real_files():
    """Return the odd files beside the checkout, where there are any, and those of pydicom."""
    shared = [path for path in (SHARED / "odd").rglob("*") if path.is_file()]
    # its own function for this would go to the network for files that are not here
    pydicoms = (Path(pydicom.__file__).parent / "data" / "test_files").rglob("*.dcm")
    return [*shared, *(path for path in pydicoms if path.is_file())]


def peak_mib(pid):
    told = Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in told.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) // 1024


def test_every_odd_file_that_is_sent_or_found_is_accounted_for(tmp_path):
    files = real_files()
    with taking(tmp_path / "ours", volume_settle_s=0.5, radiograph_settle_s=0.5) as system:
        words = f"daemon.part intake --home {system.home}"
        [intake] = wait_for("the intake", lambda: pids(words))
        how = ["--no-halt", "--decompress-never", "-aet", "CT1", "-aec", system.aet]
        run_sender("dcmsend", *how, "127.0.0.1", str(system.port), *files)
        sent = at_rest(system)
        assert sent["instances"] > 20
        # what DCMTK refuses to send is found in the spool
        spool = Spool(system.home / "spool")
        for path in files:
            spool.put(b"", path.read_bytes())
        told = at_rest(system)
        assert told["set_aside"] >= sent["set_aside"]
        assert told["series"]["total"] == sum(told["series"]["by_state"].values())
        assert pids(words) == [intake]
        assert peak_mib(intake) < MOST_MIB
        kept = []
        audit(_settings(system), system.ledger, kept.append)
        assert len({one["SOPInstanceUID"] for one in kept}) == told["instances"]
        assert all(row.reason and row.detail for row in asides(system))
        assert system.audit() == []


def _settings(system):
    return config.Settings(home=system.home)


class NoBell:
    """A doorbell that nobody hears."""

    def screen(self, *_):
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return an intake in this process, which any escaping exception would end."""
    ours = config.Settings(home=tmp_path_factory.mktemp("ours"), volume_settle_s=1e-9)
    schema.migrate(ours)
    ledger = schema.open_ledger(ours)
    spool = Spool(ours.spool)
    spool.prepare()
    yield spool, Intake(ours, ledger, NoBell()), ledger
    ledger.close()


def heads():
    """Return the beginnings of real files, pixels left out."""
    found = []
    for path in real_files():
        content = path.read_bytes()
        if len(content) < 20_000:
            found.append(content)
    return found


@st.composite
def mutated(draw):
    """Draw a real file that was cut, patched, or stuffed."""
    content = bytearray(draw(st.sampled_from(HEADS)))
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, max(0, len(content) - 1)))
        how = draw(st.sampled_from(("cut", "patch", "stuff", "promise", "flip")))
        if how == "cut":
            del content[at:]
        elif how == "patch":
            content[at : at + 4] = draw(st.binary(min_size=1, max_size=4))
        elif how == "stuff":
            content[at:at] = draw(st.binary(max_size=64))
        elif how == "promise":
            content[at : at + 4] = b"\xff\xff\xff" + bytes([draw(st.sampled_from((0x7F, 0xFF)))])
        elif content:
            content[at] ^= 1 << draw(st.integers(0, 7))
    return bytes(content)


HEADS = heads()
UIDS = st.one_of(
    st.text(max_size=70),
    st.sampled_from(
        [
            "../../x",
            "1.2/3",
            "1.2\\1.3",
            "1.2\0.3",
            "..",
            ".",
            "",
            "1." * 40,
            "/etc/passwd",
            "1.2\n",
        ]
    ),
    st.from_regex(r"[0-9.]{1,64}", fullmatch=True),
)


def element(group, number, vr, value):
    value += b"\0" * (len(value) % 2)
    return struct.pack("<HH2sH", group, number, vr, len(value)) + value


@st.composite
def named(draw):
    """Draw an object whose identifiers and sender are whatever somebody may write."""
    uid = UIDS.map(lambda text: text.encode("utf-8", "replace"))
    meta = element(2, 0x10, b"UI", ExplicitVRLittleEndian.encode())
    meta += element(2, 0x16, b"AE", draw(st.binary(max_size=20)))
    head = bytes(128) + b"DICM" + element(2, 0, b"UL", struct.pack("<L", len(meta))) + meta
    return head + b"".join(
        (
            element(8, 0x16, b"UI", b"1.2.840.10008.5.1.4.1.1.2"),
            element(8, 0x18, b"UI", draw(uid)),
            element(8, 0x60, b"CS", draw(st.binary(max_size=20))),
            element(0x20, 0x0D, b"UI", draw(uid)),
            element(0x20, 0x0E, b"UI", draw(uid)),
        )
    )


def takes(site, content):
    """Let the intake have one file; it must end indexed, spare or aside, and nothing else moves."""
    spool, intake, ledger = site
    file = spool.put(b"", content)
    intake.turn()
    assert not list(spool.incoming.iterdir())
    lying = Counter(path.parent.parent.name for path in spool.kept.rglob("*.dcm"))
    told = summary.status(ledger)
    assert told["instances"] == lying.total()
    assert told["set_aside"] == len(list(spool.aside.iterdir()))
    if (spool.aside / file.name).exists():
        assert (spool.aside / file.name).read_bytes() == content


@pytest.fixture
def many(long):
    """Return how many examples to try."""
    return 5000 if long else 60


def _tried(strategy, site, many):
    @settings(max_examples=many, deadline=None, suppress_health_check=list(HealthCheck))
    @given(content=strategy)
    def each(content):
        takes(site, content)

    each()


def test_no_mutated_header_ends_the_intake(site, many):
    _tried(mutated(), site, many)


def test_no_identifier_ends_the_intake_or_leaves_the_spool(site, many):
    _tried(named(), site, many)


def test_no_garbage_ends_the_intake(site, many):
    prefix = st.sampled_from([b"", bytes(128) + b"DICM", bytes(128) + b"DICM\2\0\0\0UL\4\0"])
    _tried(st.builds(bytes.__add__, prefix, st.binary(max_size=600)), site, many)


def test_the_ledger_and_the_disk_agree_after_all_of_this(site):
    spool, intake, ledger = site
    intake.turn()
    assert audit(config.Settings(home=spool.incoming.parents[1]), ledger)["problems"] == []
