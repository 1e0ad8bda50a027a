"""A sentence for a person that knows how it was made, so that it can be said otherwise."""

from typing import Any, Self


class Said(str):
    """English to whoever reads it as text; its ``msgid`` is what a catalogue is asked for.

    Parameters
    ----------
    msgid : str
        The sentence, with ``{name}`` where a fact stands.
    **facts
        What stands there; never a patient's identity.
    """

    msgid: str
    facts: dict[str, Any]

    def __new__(cls, msgid: str, **facts: Any) -> Self:
        """Say it in English."""
        made = super().__new__(cls, msgid.format(**facts))
        made.msgid, made.facts = msgid, facts
        return made
