"""The people of the site: added with a link, given a right, let back in, removed."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from daemon.invitations import NAME
from daemon.records import people
from daemon.records.people_tables import Person
from daemon.web.api.bearer import Administrator
from daemon.web.api.shapes import Link, PersonTold, PersonWish, Problem
from daemon.web.deeds import give_link, person_of, remove_person, set_person
from daemon.web.guard import ledger_of

router = APIRouter(tags=["people"])

NewName = Annotated[
    str,
    Path(
        description="Name with which the person signs in",
        examples=["ada"],
        pattern=f"^{NAME.pattern}$",
    ),
]
Name = Annotated[str, Path(description="Name with which the person signs in", examples=["ada"])]
NOBODY: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "It cannot be done; the sentence says why"},
    404: {"model": Problem, "description": "Nobody of that name"},
}


@router.get("/people", response_model=list[PersonTold])
def list_people(request: Request, who: Administrator) -> Any:
    """List who may sign in."""
    return [_told(person) for person in people.everyone(ledger_of(request))]


def _told(person: Person) -> dict[str, Any]:
    plain = {key: getattr(person, key) for key in ("name", "right", "created_at", "locked_until")}
    known = {"has_password": bool(person.password_hash), "by_provider": bool(person.federated)}
    return plain | known


@router.put("/people/{name}", response_model=Link, responses=NOBODY)
def put_person(request: Request, who: Administrator, name: NewName, wish: PersonWish) -> Any:
    """Add a person, or change what one may do; who has no password yet gets a link."""
    return {"link": set_person(request, who, name, wish.right)}


@router.post("/people/{name}/link", response_model=Link, responses=NOBODY)
def link(request: Request, who: Administrator, name: Name) -> Any:
    """Give a link for a new password, and forget wrong ones."""
    return {"link": give_link(request, who, name)}


@router.delete("/people/{name}", status_code=204, responses=NOBODY)
def delete_person(request: Request, who: Administrator, name: Name) -> None:
    """Remove a person; visits and tokens end at once, what was done stays in the trail."""
    remove_person(request, who, person_of(request, name).name)
