"""Retrieve studies, series, instances and their metadata; for who shows the hosts' token."""

import hmac
import json
import uuid
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from daemon.holdings import place_of
from daemon.records import holding
from daemon.records.ledger import Ledger, LedgerError
from daemon.retrieving import ROOT
from daemon.settings import Settings
from daemon.spool import PLAIN_UID
from daemon.wado import accepting
from daemon.wado.accepting import ANY_SYNTAX, DICOM, JSON, MULTIPART, Taken

PIECE = 1 << 20
PARTIAL = 206
PLAIN = (ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)
"""What is written anew as Explicit VR Little Endian without touching a pixel."""
LEVELS = ("study", "series", "instance")


class Refused(Exception):
    """An answer that is no object."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def make_app(settings: Settings, ledger: Ledger) -> Starlette:
    """Return the application of this host's files."""
    paths = [
        "/studies/{study}",
        "/studies/{study}/series/{series}",
        "/studies/{study}/series/{series}/instances/{instance}",
    ]
    routes = []
    for path in paths:
        routes.append(Route(f"{ROOT}{path}", retrieve))
        routes.append(Route(f"{ROOT}{path}/metadata", metadata))
    app = Starlette(routes=routes, exception_handlers={Refused: _say, LedgerError: _away})
    app.state.settings, app.state.ledger = settings, ledger
    return app


def retrieve(request: Request) -> Response:
    """Answer Retrieve Study, Series or Instance with the files that lie here (PS3.18 10.4.1.1.1).

    Status 206 says that other hosts hold more of it.
    """
    files, status = _files(request)
    single = len(request.path_params) == len(LEVELS)
    forms = accepting.dicom(request.headers.get("accept", ""), single)
    syntaxes = [_syntax_of(file) for file in files]
    form = next((one for one in forms if all(_can_be(one, syntax) for syntax in syntaxes)), None)
    if form is None:
        kept = ", ".join(sorted(set(syntaxes)))
        raise Refused(406, f"kept in transfer syntax {kept}; ask for {DICOM}; transfer-syntax=*")
    if not form.multipart:
        body, kind = _body(files[0], form), f"{DICOM}; transfer-syntax={syntaxes[0]}"
        return StreamingResponse(body, status, media_type=kind)
    boundary = uuid.uuid4().hex
    kind = f'{MULTIPART}; type="{DICOM}"; boundary={boundary}'
    return StreamingResponse(_parts(files, form, boundary), status, media_type=kind)


def metadata(request: Request) -> Response:
    """Answer Retrieve Metadata: all but pixels, as the DICOM JSON model (PS3.18 10.4.1.1.2)."""
    if not accepting.json(request.headers.get("accept", "")):
        raise Refused(406, f"metadata come as {JSON}")
    files, status = _files(request)
    told = [_json(file) for file in files]
    return Response(json.dumps(told), status, media_type=JSON)


def _files(request: Request) -> tuple[list[Path], int]:
    """Return what lies here of what is asked for, and the status that says whether that is all."""
    settings: Settings = request.app.state.settings
    shown = request.headers.get("authorization", "")
    if not hmac.compare_digest(shown.encode(), f"Bearer {settings.files_token}".encode()):
        raise Refused(401, "show the hosts' files_token")
    uids = [request.path_params[level] for level in LEVELS if level in request.path_params]
    if not all(PLAIN_UID.fullmatch(uid) for uid in uids):
        raise Refused(400, "no UID")
    known = holding.of_resource(request.app.state.ledger, uids)
    mine = [one for one in known if one.holder in settings.here]
    files = [file for one in mine if (file := place_of(settings.home, one)).exists()]
    if not files:
        raise Refused(404, "nothing of it lies here")
    return files, 200 if len(files) == len(known) else PARTIAL


def _syntax_of(file: Path) -> str:
    return str(dcmread(file, stop_before_pixels=True, specific_tags=[]).file_meta.TransferSyntaxUID)


def _can_be(form: Taken, kept: str) -> bool:
    if form.transfer_syntax in (ANY_SYNTAX, kept):
        return True
    return form.transfer_syntax == ExplicitVRLittleEndian and kept in PLAIN


def _parts(files: Sequence[Path], form: Taken, boundary: str) -> Iterator[bytes]:
    """Give the parts of a multipart answer (RFC 2387)."""
    for file in files:
        yield f"--{boundary}\r\nContent-Type: {DICOM}\r\n\r\n".encode()
        yield from _body(file, form)
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()


def _body(file: Path, form: Taken) -> Iterator[bytes]:
    """Give a file as it lies, or written anew where its transfer syntax is not taken."""
    if form.transfer_syntax in (ANY_SYNTAX, _syntax_of(file)):
        with file.open("rb") as stored:
            while piece := stored.read(PIECE):
                yield piece
        return
    ds, out = dcmread(file), BytesIO()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.save_as(out, implicit_vr=False, little_endian=True)
    yield out.getvalue()


def _json(file: Path) -> dict[str, Any]:
    ds = dcmread(file, stop_before_pixels=True)
    return dict(ds.to_json_dict(suppress_invalid_tags=True))


def _say(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused), "it is registered for nothing else"
    asks = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    return PlainTextResponse(f"{error}\n", error.status, asks)


def _away(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("the ledger does not answer\n", 503, {"Retry-After": "5"})
