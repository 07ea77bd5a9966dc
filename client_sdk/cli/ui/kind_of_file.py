"""The kind of a file that is none of those that are verified, in a few words and without its content."""

from client_sdk.texts import N_

__all__ = ["kind_of_file"]

# By the bytes that it begins with.
_BEGINNINGS = (
    (b"%PDF-", N_("a PDF")),
    (b"PK\x03\x04", N_("a workbook, a document or an archive (ZIP)")),
    (b"-----BEGIN ", N_("a certificate or a key (PEM)")),
    (b"\x89PNG", N_("a picture")),
    (b"\xff\xd8\xff", N_("a picture")),
    (b"{", N_("JSON")),
    (b"<", N_("a web page, or XML")),
)
# A text is known by its beginning.
_LOOKED_AT = 4_096


def kind_of_file(data: bytes) -> str:
    """Return what the bytes of a file are, as a text to be said."""
    if not data:
        return N_("nothing")
    for beginning, kind in _BEGINNINGS:
        if data.startswith(beginning):
            return kind
    begun = data[:_LOOKED_AT].decode(errors="ignore")
    # What is cut off at the end is one character at most.
    whole = len(begun.encode()) > min(len(data), _LOOKED_AT) - 4
    return N_("plain text") if whole and "\0" not in begun else N_("bytes of a form that is not known here")
