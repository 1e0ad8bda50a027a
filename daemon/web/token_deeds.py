"""What is done with tokens, from a page or by a call: made on a page alone, revoked by either."""

from fastapi import Request

from daemon.records import tokens
from daemon.records.people_tables import Right, Token
from daemon.records.tokens import Fresh
from daemon.records.visits import Visitor
from daemon.said import Said
from daemon.web.guard import Refused, ledger_of, note

LABEL_MOST = 64


def tokens_of(request: Request, who: Visitor) -> list[Token]:
    """Return the tokens somebody may see: one's own; an administrator, everybody's."""
    all_of_them = who.right is Right.ADMINISTRATOR
    return tokens.everyone(ledger_of(request), None if all_of_them else who.name)


def make_token(request: Request, who: Visitor, asked: dict[str, str]) -> str:
    """Make a token for oneself; return its secret, to be shown once."""
    label, right, days = (asked.get(key, "").strip() for key in ("label", "right", "days"))
    if not label or len(label) > LABEL_MOST or not label.isprintable():
        raise Refused(
            Said("Say what the token is for, in at most {most} characters.", most=LABEL_MOST), 400
        )
    if right not in list(Right) or not who.right.includes(Right(right)):
        raise Refused("Choose a right that is yours.", 400)
    if not (days.isdecimal() and 1 <= int(days[:9]) <= tokens.DAYS_MOST):
        raise Refused(Said("Days: 1 to {most}.", most=tokens.DAYS_MOST), 400)
    fresh = Fresh(who.name, label, Right(right), int(days))
    note(request, who, "token made", fresh.id, detail=f"{label}, {right}, {fresh.days} days")
    return tokens.make(ledger_of(request), fresh)


def revoke_token(request: Request, who: Visitor, token_id: str) -> None:
    """Revoke a token at once; that of another person, an administrator may alone."""
    seen = {token.id: token for token in tokens_of(request, who)}
    if token_id not in seen:
        raise Refused("There is no such token.", 404)
    token = seen[token_id]
    note(request, who, "token revoked", token_id, detail=f"of {token.person}")
    tokens.revoke(ledger_of(request), token)
