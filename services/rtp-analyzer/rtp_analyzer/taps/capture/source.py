"""The bytes of a capture file, a buffer at a time: plain or gzipped, from a path or a pipe; its headers; its blocks."""

import gzip
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from rtp_analyzer.taps.capture.blocks import LARGEST_USED_BLOCK, SECTION_HEADER
from rtp_analyzer.taps.capture.errors import CaptureError
from rtp_analyzer.taps.capture.layout import INTERFACE, PCAP, PCAPNG, READER

BUFFER_BYTES: Final = LARGEST_USED_BLOCK  # small enough for a cache of the processor
MAX_INTERFACES: Final = 4096
_GZIP: Final = b"\x1f\x8b"
_PCAP_HEADER_BYTES: Final = 24
_MICROSECONDS: Final = 0xA1B2C3D4
_NANOSECONDS: Final = 0xA1B23C4D
_BYTE_ORDER: Final = 0x1A2B3C4D
_SECTION_BYTES: Final = 28
_LINK_TYPE_MASK: Final = 0x0FFF_FFFF  # above it: what the frame check sequence is
_DEFAULT_RESOLUTION: Final = 6
_END_OF_OPTIONS: Final = 0
_IF_TSRESOL: Final = 9
_IF_TSOFFSET: Final = 14
_MAX_OFFSET_S: Final = 1 << 32


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file, unpacked when it is gzipped. Raises CaptureError when it cannot be opened."""
    try:
        plain = path.open("rb", buffering=0)
    except OSError as error:
        raise CaptureError(f"cannot open {path}: {error.strerror}") from error
    with plain:
        if not is_zipped(plain):
            yield plain
            return
        with gzip.GzipFile(fileobj=plain) as unpacked:
            yield unpacked  # type: ignore[misc]  # a GzipFile is a BinaryIO but for its name


def is_zipped(file: BinaryIO) -> bool:
    """Whether a file that was just opened is gzipped. A pipe is taken as it comes."""
    if not file.seekable():
        return False
    head = file.read(len(_GZIP))
    file.seek(0)
    return head == _GZIP


class CaptureSource:
    """The buffer that `scan` works on, and what Python has to do about the format. `name` is for messages."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self._at_end = False
        self.data = np.zeros(BUFFER_BYTES, np.uint8)
        self.filled = 0
        self.bytes_read = 0
        self.ends_early = False
        self.reader = np.zeros(1, READER)[0]
        self.reader["first_ns"] = self.reader["last_ns"] = -1
        self.interfaces = np.zeros(MAX_INTERFACES, INTERFACE)
        self._begin()

    def refill(self) -> bool:
        """Drops what was used and reads on; false at the end of the file."""
        self._close_gap()
        before = self.bytes_read
        while self.reader["skip"] > 0 and not self._at_end:
            self._read_more()
            skipped = min(int(self.reader["skip"]), self.filled)
            self.reader["skip"] -= skipped
            self.reader["at"] = skipped
            self._close_gap()
        if not self._at_end and self.filled < BUFFER_BYTES:
            self._read_more()
        return self.bytes_read > before

    @property
    def truncated(self) -> bool:
        """At the end of the file: whether it was cut off within a packet."""
        return self.ends_early or self.filled > self.reader["at"] or self.reader["skip"] > 0

    def read_block(self) -> bool | None:
        """Takes in the section header or interface description at hand: true; false: it is damaged; None: read on."""
        at = int(self.reader["at"])
        raw = self.data[at : self.filled].tobytes()
        (kind,) = struct.unpack_from("<I", raw)
        length = self._open_section(raw) if kind == SECTION_HEADER else self._describe_interface(raw)
        if length is None or length > LARGEST_USED_BLOCK or length < 0:
            return False
        if length > len(raw):
            return None
        self.reader["at"] = at + length
        return True

    def _begin(self) -> None:
        while self.filled < _SECTION_BYTES and self.refill():
            pass
        head = self.data[: self.filled].tobytes()
        if not head:
            raise CaptureError(f"{self._name} is empty")
        if len(head) >= 4 and struct.unpack_from("<I", head)[0] == SECTION_HEADER:
            self.reader["format"] = PCAPNG
            if self.read_block() is not True:
                raise CaptureError(f"{self._name} begins like pcapng, but its first block is damaged")
            return
        for order in "<>":
            if len(head) >= 4 and struct.unpack_from(f"{order}I", head)[0] in (_MICROSECONDS, _NANOSECONDS):
                self._begin_pcap(head, order)
                return
        raise CaptureError(f"{self._name} is no capture: neither pcap nor pcapng")

    def _begin_pcap(self, head: bytes, order: str) -> None:
        if len(head) < _PCAP_HEADER_BYTES:
            raise CaptureError(f"{self._name} ends within the header of a pcap file")
        magic, _, _, _, _, snap_length, link_type = struct.unpack_from(f"{order}IHHiIII", head)
        self.reader["format"] = PCAP
        self.reader["big_endian"] = order == ">"
        self.reader["at"] = _PCAP_HEADER_BYTES
        self.reader["interfaces"] = 1
        interface = self.interfaces[0]
        interface["link_type"] = link_type & 0xFFFF
        interface["snap_length"] = snap_length
        interface["multiplier"] = 1 if magic == _NANOSECONDS else 1000
        interface["divisor"] = 1
        interface["shift"] = -1

    def _open_section(self, raw: bytes) -> int | None:
        if len(raw) < _SECTION_BYTES:
            return _SECTION_BYTES
        order = "<" if struct.unpack_from("<I", raw, 8)[0] == _BYTE_ORDER else ">"
        length, magic, major = struct.unpack_from(f"{order}IIH", raw, 4)
        if magic != _BYTE_ORDER or major != 1 or length < _SECTION_BYTES or length % 4:
            return None
        self.reader["big_endian"] = order == ">"
        self.reader["first_interface"] = self.reader["interfaces"] = 0
        return int(length)

    def _describe_interface(self, raw: bytes) -> int | None:
        """A block that is whole: `next_frame` saw to that."""
        order = ">" if self.reader["big_endian"] else "<"
        length, link_type, _, snap_length = struct.unpack_from(f"{order}IHHI", raw, 4) if len(raw) >= 16 else (0,) * 4
        number = int(self.reader["interfaces"])
        if length < 20 or number >= MAX_INTERFACES:
            return None
        interface = self.interfaces[number]
        interface["link_type"] = link_type
        interface["snap_length"] = snap_length
        options = dict(_options(raw[16 : length - 4], order))
        resolution = options.get(_IF_TSRESOL, bytes([_DEFAULT_RESOLUTION]))[:1]
        if not resolution or not _set_resolution(interface, resolution[0]):
            return None
        offset = options.get(_IF_TSOFFSET, b"")
        seconds = struct.unpack(f"{order}q", offset)[0] if len(offset) == 8 else 0
        interface["offset_ns"] = max(-_MAX_OFFSET_S, min(seconds, _MAX_OFFSET_S)) * 1_000_000_000
        self.reader["interfaces"] += 1
        return int(length)

    def _close_gap(self) -> None:
        at = int(self.reader["at"])
        if at:
            self.data[: self.filled - at] = self.data[at : self.filled]
            self.filled -= at
            self.reader["at"] = 0

    def _read_more(self) -> None:
        try:
            count = self._file.readinto(self.data[self.filled :].data)  # type: ignore[attr-defined]  # typeshed: not every BinaryIO
        except EOFError:  # within the last gzip member
            count, self.ends_early = 0, True
        except (OSError, zlib.error) as error:
            raise CaptureError(f"cannot read {self._name}: {error}") from error
        self._at_end = not count
        self.filled += count or 0
        self.bytes_read += count or 0


def _options(raw: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """The options of a block (draft-ietf-opsawg-pcapng 3.5)."""
    at = 0
    while at + 4 <= len(raw):
        code, length = struct.unpack_from(f"{order}HH", raw, at)
        if code == _END_OF_OPTIONS:
            return
        yield code, raw[at + 4 : at + 4 + length]
        at += 4 + (length + 3) // 4 * 4


def _set_resolution(interface: np.void, resolution: int) -> bool:
    """if_tsresol: ticks a second are 10 to the power of it, or 2 when the top bit is set."""
    exponent = resolution & 0x7F
    interface["multiplier"] = interface["divisor"] = 1
    interface["shift"] = -1
    if resolution & 0x80:
        interface["shift"] = exponent
        return exponent < 64
    if exponent <= 9:
        interface["multiplier"] = 10 ** (9 - exponent)
        return True
    if exponent <= 18:
        interface["divisor"] = 10 ** (exponent - 9)
        return True
    return False
