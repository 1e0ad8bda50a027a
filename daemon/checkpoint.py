"""Where pynetdicom's reactor stands still while another thread asks and waits for the answer."""

import threading

from pynetdicom.association import Association

LOOK_S = 0.1


class Unpaced(Association):
    """An association whose ``_is_paused`` nobody has to wait for.

    Either no reactor runs beside it, or its :class:`Checkpoint` has waited already. pynetdicom 3.0
    serves N-EVENT-REPORT in a thread of its own, which ends with ``_is_paused = False``, whatever
    the reactor does: whoever asks or releases just then would wait for ever.
    """

    _is_paused = property(lambda _self: True, lambda _self, _value: None)


def stand_still(assoc: Association) -> None:
    """Have threads that ask over an association of ours wait until its reactor truly stands."""
    assoc.__class__ = Unpaced
    assoc._reactor_checkpoint = Checkpoint(assoc)  # type: ignore[assignment]


class Checkpoint:
    """In place of ``Association._reactor_checkpoint``: cleared only when the reactor does stand.

    ``Association.send_*`` clears an event and looks whether ``_is_paused`` is true. It still is
    while a reactor that was let go a moment ago has not run yet (pynetdicom 3.0, `_run_reactor`):
    the reactor then takes the answer away as an unexpected message, and who asked waits in vain.
    Seen on busy machines between two C-STOREs of one association.

    Parameters
    ----------
    reactor : threading.Thread
        The one that waits here: the association itself.
    """

    def __init__(self, reactor: threading.Thread) -> None:
        self._reactor = reactor
        self._turn = threading.Condition()
        self._is_open = True
        self._stands = False

    def is_set(self) -> bool:
        return self._is_open

    def set(self) -> None:
        """Let the reactor go on."""
        with self._turn:
            self._is_open = True
            self._turn.notify_all()

    def clear(self) -> None:
        """Stop the reactor and return when it stands here, or is no more."""
        with self._turn:
            self._is_open = False
            if threading.current_thread() is not self._reactor:
                while not self._stands and self._reactor.is_alive():
                    self._turn.wait(LOOK_S)

    def wait(self) -> None:
        """Stand here, in the reactor's thread, as long as nobody lets it go on."""
        with self._turn:
            self._stands = True
            self._turn.notify_all()
            self._turn.wait_for(self.is_set)
            self._stands = False
