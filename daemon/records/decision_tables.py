"""The tables of what administrators decide: our titles, how far models go, which weights live."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from daemon.records.tables import AET, Table


class OwnTitle(Table):
    """An AE title of ours, and the rules for what is sent to it.

    The title of the setting ``aet`` needs no row. One that is removed keeps its rules for what came
    by it, and is answered to no more.
    """

    __tablename__ = "own_title"

    aet: Mapped[str] = mapped_column(AET, primary_key=True)
    purpose: Mapped[str] = mapped_column(String(200))
    # names of those that look; none: all of them
    models: Mapped[list[str]] = mapped_column(JSON)
    # how far results go at most, whatever the stage of their model
    stage: Mapped[str]
    # none: as the setting says
    min_age_years: Mapped[int | None]
    accept_derived_primary: Mapped[bool | None]
    # the address of ours at which alone it is answered; none: at every one
    host: Mapped[str | None]
    removed_at: Mapped[datetime | None]


class Reveal(Table):
    """Who let which weights of a model go live, on which validation report; never changed."""

    __tablename__ = "reveal"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    model: Mapped[str] = mapped_column(index=True)
    version: Mapped[str]
    weights_sha256: Mapped[str] = mapped_column(String(64))
    # the file as it was attached, and its hash
    report: Mapped[str]
    report_sha256: Mapped[str] = mapped_column(String(64))
    # what it says of itself: cohort, patients, figures
    told: Mapped[dict[str, Any]]
    # who answers for it, and who was signed in
    person: Mapped[str] = mapped_column(String(128))
    given_by: Mapped[str] = mapped_column(String(64))
    why: Mapped[str]


class ModelStage(Table):
    """The stage an admin has given a model; a model without a row is in shadow."""

    __tablename__ = "model_stage"

    model: Mapped[str] = mapped_column(primary_key=True)
    stage: Mapped[str]
