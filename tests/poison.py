"""Files that end or hang the process that opens them, in a worker alone, with no help from it.

Python runs a module named sitecustomize at its start where one is on its path. Ours adds an audit
hook: a worker that opens a poisoned file crashes, hangs or eats memory in the middle of its work.
"""

import os
from pathlib import Path

HOOK = """
import ctypes, os, select, sys, threading, time

if "FAKETIME_TIMESTAMP_FILE" in os.environ:
    # libfaketime 0.9.10 answers EINVAL to the call behind time.sleep
    time.sleep = lambda seconds: select.select([], [], [], seconds)

def segfault():
    ctypes.string_at(0)

def hang():
    time.sleep(3600)

def hang_in_c():
    # PyDLL keeps the interpreter's lock: no other thread of the process runs either
    ctypes.PyDLL(None).sleep(3600)

def hog():
    kept = []
    while True:
        kept.append(bytearray(64 << 20))

def crawl():
    time.sleep(3)

def poison(path):
    folder = os.environ["POISON"]
    for name in os.listdir(folder):
        what, _, uid = name.partition("-")
        if uid in path and not path.startswith(folder):
            globals()[what]()

inside = threading.local()

def hook(event, arguments):
    if event == "open" and not hasattr(inside, "hook"):
        inside.hook = True
        try:
            poison(str(arguments[0]))
        finally:
            del inside.hook

if "workers" in sys.orig_argv:
    sys.addaudithook(hook)
"""


class Poison:
    """A folder that says which file does what to a worker that opens it."""

    def __init__(self, folder: Path) -> None:
        self.folder, hooks = folder / "poison", folder / "hooks"
        self.folder.mkdir(parents=True)
        hooks.mkdir()
        (hooks / "sitecustomize.py").write_text(HOOK)
        paths = [str(hooks), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.environment = {"POISON": str(self.folder), "PYTHONPATH": os.pathsep.join(paths)}

    def put(self, what: str, uid: str) -> None:
        """Let whoever opens a file named by that UID ``segfault``, ``hang``, ``hog`` and so on."""
        (self.folder / f"{what}-{uid}").touch()
