"""The same line on Redis and PostgreSQL, as a hospital runs it."""

import films
import pytest
from line import MODEL, running_line
from peers import dcmsend, storescu, wait_for


@pytest.fixture(scope="module")
def line(tmp_path_factory, orthanc, redis_server, postgres_server):
    urls = {"broker_url": redis_server.url, "database_url": postgres_server.new_database()}
    with running_line(tmp_path_factory.mktemp("ours"), orthanc, **urls) as running:
        yield running


@pytest.fixture(scope="module")
def film(line, tmp_path_factory):
    film = films.film(seed=11)
    line.send(storescu, films.write(tmp_path_factory.mktemp("film"), film))
    return film


def test_a_film_ends_as_sr_and_picture_in_the_pacs(line, film):
    story = line.system.delivered(film.StudyInstanceUID)
    assert story["state"] == "screened"
    assert len(line.stored(film.StudyInstanceUID)) == 2


def test_the_embedded_ledger_is_not_used(line, film):
    assert list(line.system.home.rglob("*.db")) == []


def test_a_resend_produces_no_second_result(line, film, tmp_path):
    line.system.delivered(film.StudyInstanceUID)
    line.send(dcmsend, films.write(tmp_path, film))
    line.settle()
    assert len(line.stored(film.StudyInstanceUID)) == 2


def test_several_films_at_once_all_come_back(line, tmp_path):
    batch = [films.film(seed) for seed in range(12, 18)]
    for film in batch:
        films.write(tmp_path, film)
    line.send(dcmsend, tmp_path)
    for film in batch:
        line.system.delivered(film.StudyInstanceUID)


def test_status_counts_what_came_and_what_became_of_it(line, film):
    line.settle()
    status = line.system.status()
    assert status["series"]["total"] == sum(status["series"]["by_state"].values())
    wait_for("all to be sent", lambda: line.system.status()["deliveries"]["pending"] == 0)


def test_what_was_skipped_is_screened_when_asked_for_again(line, tmp_path):
    film = films.film(seed=18)
    line.system.cli("models", "stage", MODEL, "off")
    line.send(storescu, films.write(tmp_path, film))
    skipped = line.system.ended(film.StudyInstanceUID)
    assert (skipped["state"], skipped["reason"]) == ("skipped", "no-model")
    line.system.cli("models", "stage", MODEL, "research")
    assert "1 series" in line.system.cli("retry", film.SeriesInstanceUID)
    assert line.system.delivered(film.StudyInstanceUID)["state"] == "screened"
    assert "has not ended" in line.system.run("retry", "1.2.3").stderr
