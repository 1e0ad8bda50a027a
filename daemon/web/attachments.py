"""The fields of a form with a file (RFC 7578), read by what Python has for mail."""

from email.parser import BytesParser
from email.policy import HTTP


def fields_of(kind: str, body: bytes) -> dict[str, str]:
    """Return the fields of a ``multipart/form-data`` body, files as their text.

    Raises
    ------
    ValueError
        If it is none, or a file is no text in UTF-8.
    """
    head = f"Content-Type: {kind}\r\n\r\n".encode("ascii", "strict")
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    if not message.is_multipart():
        raise ValueError("no multipart body")
    found = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(content, bytes):
            raise ValueError("a part without a name")
        found[name] = content.decode("utf-8")
    return found
