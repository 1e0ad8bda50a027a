"""The verdicts of the hospital side."""


class ConfigError(Exception):
    """Settings cannot be used; said in one line before any port opens."""


class LedgerAway(ConfigError):
    """The database cannot be reached now; it may be reached later."""


class PeersUnknown(Exception):
    """Nobody can say now who our peers are; whoever calls may be one."""


class TitleTaken(ConfigError):
    """An AE title is a peer's and cannot be ours, or the other way round."""


class NotHere(ConfigError):
    """An address is one at which we do not listen."""


class DeliveryError(Exception):
    """A peer did not take an object.

    Parameters
    ----------
    detail : str
        What happened, in the peer's own words where it gave any.
    hopeless : bool
        Whether trying again changes nothing until somebody does something.
    """

    def __init__(self, detail: str, hopeless: bool = False) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hopeless = hopeless


class SpoolFull(Exception):
    """The disk has less room than the site wants kept free; nothing was written."""


class PeerBroke(Exception):
    """A peer left the protocol or fell silent in the middle of it; the association is aborted."""


class PeerGone(PeerBroke):
    """The connection is no more; there is nobody left to tell."""


class HolderAway(Exception):
    """The host that holds an object does not give it now; it may later. Says which, and why."""
