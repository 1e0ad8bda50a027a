"""Studies are found by Patient ID and Accession Number, of which the ledger keeps keyed hashes."""

import stat
from multiprocessing.pool import ThreadPool

import films
import pytest
from sqlalchemy import text

from daemon import header
from daemon.errors import ConfigError
from daemon.pseudonyms import FILE, Pseudonyms
from daemon.records import arrivals, search
from daemon.records.search import Wanted

BOTH = ("PatientID", "AccessionNumber")


@pytest.fixture
def pseudonyms(tmp_path):
    return Pseudonyms(tmp_path)


def test_the_same_number_has_the_same_hash_however_it_is_typed(pseudonyms):
    first = pseudonyms.of("PatientID", "phi-4711")
    assert first and len(first) == 32
    assert {pseudonyms.of("PatientID", typed) for typed in (" PHI-4711", "Phi-4711 ")} == {first}
    assert pseudonyms.of("PatientID", "0815  A") == pseudonyms.of("PatientID", "0815 a")


def test_another_number_another_element_and_another_home_have_other_hashes(pseudonyms, tmp_path):
    (tmp_path / "other").mkdir()
    others = Pseudonyms(tmp_path / "other")
    said = [pseudonyms.of("PatientID", "1"), pseudonyms.of("PatientID", "01")]
    said += [pseudonyms.of("AccessionNumber", "1"), others.of("PatientID", "1")]
    assert len(set(said)) == 4


def test_nothing_has_no_hash(pseudonyms):
    assert {pseudonyms.of("PatientID", empty) for empty in ("", "  ", "\u3000")} == {None}


def test_the_key_is_made_once_for_its_owner_alone_and_never_half(tmp_path):
    with ThreadPool(8) as pool:
        said = pool.map(lambda _: Pseudonyms(tmp_path).of("PatientID", "1"), range(32))
    assert len(set(said)) == 1
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_a_key_that_is_damaged_is_not_replaced_in_silence(tmp_path):
    (tmp_path / FILE).write_bytes(b"short")
    with pytest.raises(ConfigError, match="damaged"):
        Pseudonyms(tmp_path)


@pytest.mark.parametrize(
    ("value", "read"),
    [(b"A1", "A1"), (b"M\xfcller 7", "Müller 7"), ("Müller".encode(), "Müller"), (b"1\\2", "1\\2")],
)
def test_an_odd_patient_id_makes_no_header_unreadable(tmp_path, value, read):
    path = films.write(tmp_path, films.film(1, PatientID="#" * len(value)))
    path.write_bytes(path.read_bytes().replace(b"#" * len(value), value, 1))
    values = header.look(path, (*BOTH, "SOPInstanceUID")).values
    assert values["PatientID"] == read and values["AccessionNumber"].startswith("V")
    assert path.stem == values["SOPInstanceUID"]


def test_a_search_by_either_finds_its_studies_alone_and_by_its_index(ledger, make_arrival):
    for number in range(40):
        one = make_arrival(f"1.2.{number}", f"1.2.{number}.1")
        keys = {"patient_key": f"{number // 2:032x}", "accession_key": f"{number:032x}"}
        arrivals.index(
            ledger, [type(one)(**{**vars(one), **keys, "StudyInstanceUID": f"1.{number}"})]
        )
    by_patient = search.studies(ledger, Wanted(patient_key=f"{3:032x}"))
    assert {one.StudyInstanceUID for one in by_patient} == {"1.6", "1.7"}
    both = Wanted(patient_key=f"{3:032x}", accession_key=f"{7:032x}")
    assert [one.StudyInstanceUID for one in search.studies(ledger, both)] == ["1.7"]
    assert search.studies(ledger, Wanted(accession_key="f" * 32)) == []
    assert "series_by_patient" in _plan(ledger, "patient_key")
    assert "series_by_accession" in _plan(ledger, "accession_key")


def _plan(ledger, column):
    """Return how the database would look, were the table large."""
    sqlite = ledger.engine.dialect.name == "sqlite"
    query = f"SELECT * FROM series WHERE {column} = 'x' ORDER BY first_at DESC LIMIT 50"
    with ledger.engine.begin() as connection:
        if not sqlite:
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        rows = connection.execute(text(f"EXPLAIN {'QUERY PLAN ' if sqlite else ''}{query}"))
        return " ".join(str(row) for row in rows)
