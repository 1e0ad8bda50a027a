"""Tokens: one's own, and for an administrator everybody's. They are made on the site alone."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from daemon.web.api.bearer import Viewer
from daemon.web.api.shapes import Problem, TokenTold
from daemon.web.token_deeds import revoke_token, tokens_of

router = APIRouter(tags=["tokens"])

NONE: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "No such token"}}


@router.get("/tokens", response_model=list[TokenTold])
def list_tokens(request: Request, who: Viewer) -> Any:
    """List the tokens of the token's person; with the right of an administrator, everybody's."""
    keys = TokenTold.model_fields
    return [{key: getattr(token, key) for key in keys} for token in tokens_of(request, who)]


@router.delete("/tokens/{token_id}", status_code=204, responses=NONE)
def delete_token(
    request: Request, who: Viewer, token_id: Annotated[str, Path(examples=["5b2e9c0d41aa"])]
) -> None:
    """Revoke a token, be it this one; it opens nothing from now on."""
    revoke_token(request, who, token_id)
