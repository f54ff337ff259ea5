"""Bodies of several parts (RFC 2046 5.1, RFC 5621): one part found and replaced, the others kept octet for octet."""

import re
from dataclasses import dataclass

MAX_PARTS = 16  # devices send two or three; whoever sends more does not want to be read

_find_boundary = re.compile(rb';[ \t]*+boundary[ \t]*+=[ \t]*+(?:"([^"\\\r\n]{1,70})"|([^\s;"]{1,70}+))', re.I).search
_content_length = re.compile(rb"(\r\n(?:content-length|l)[ \t]*+:[ \t]*+)[0-9]++(?=[ \t]*+\r\n)", re.I).sub


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A part in its surroundings."""

    before: bytes
    header: bytes  # of the part, from the line end of its delimiter to its empty line
    content: bytes
    after: bytes

    def replaced_by(self, content: bytes) -> bytes:
        """The whole body with other content in this part."""
        header = _content_length(rb"\g<1>%d" % len(content), self.header)
        return self.before + header + content + self.after


def find_part(body: bytes, content_type: str, wanted: str) -> Enclosed | None:
    """The first part of the media type `wanted` that describes the session; None also for what is no sound multipart.

    `content_type` is the value of the message's Content-Type.
    """
    found = _find_boundary(content_type.encode("utf-8", "surrogateescape"))
    if found is None:
        return None
    delimiter = b"\r\n--" + (found[1] or found[2])
    text = b"\r\n" + body  # the first delimiter needs no line end before it
    at = text.find(delimiter)
    for _ in range(MAX_PARTS):
        start = at + len(delimiter)
        end = text.find(delimiter, start)
        if at < 0 or end < 0 or text.startswith(b"--", start):
            return None
        part = _part(text, start, end)
        if part is not None and _is_wanted(part.header, wanted.encode()):
            return part
        at = end
    return None


def _part(text: bytes, start: int, end: int) -> Enclosed | None:
    """None for a part without header fields, or whose delimiter is only the beginning of a longer line."""
    line_end = text.find(b"\r\n", start, end)
    blank = text.find(b"\r\n\r\n", start, end)
    if blank < 0 or text[start:line_end].strip(b" \t"):
        return None
    return Enclosed(text[2:line_end], text[line_end : blank + 4], text[blank + 4 : end], text[end:])


def _is_wanted(header: bytes, wanted: bytes) -> bool:
    fields: dict[bytes, bytes] = {}
    for line in header.split(b"\r\n"):
        name, _, value = line.partition(b":")
        fields.setdefault(name.strip(b" \t").lower(), value.partition(b";")[0].strip(b" \t").lower())
    return (
        fields.get(b"content-type", fields.get(b"c")) == wanted
        and fields.get(b"content-disposition", b"session") == b"session"  # RFC 3959 has another kind of sessions
        and fields.get(b"content-transfer-encoding", b"binary") in (b"7bit", b"8bit", b"binary")
        and not {b"content-encoding", b"e"} & fields.keys()
    )
