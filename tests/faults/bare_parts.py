"""Parts of ours with nobody to start them again: a part that ends is a fault of its own.

``python bare_parts.py HOME ADDRESS PORT PART...``
"""

import signal
import socket
import subprocess
import sys

MODULES = {
    "listener": ("daemon.part", "listener"),
    "intake": ("daemon.part", "intake"),
    "files": ("daemon.wado",),
}


told: list[int] = []


def main(home: str, address: str, port: str, *parts: str) -> None:
    children = []
    for part in parts:
        command = [sys.executable, "-m", *MODULES.get(part, ("workers", part)), "--home", home]
        descriptors: tuple[int, ...] = ()
        if part == "listener":
            descriptors = (socket.create_server((address, int(port)), backlog=64).detach(),)
            command += ["--socket", str(descriptors[0])]
        children.append(subprocess.Popen(command, pass_fds=descriptors))
    while not told:
        signal.pause()
    for child in children:
        child.terminate()
    for child in children:
        child.wait(10)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
    main(*sys.argv[1:])
