"""Which streams of a capture carry the same packets on several paths: both sides of a proxy, a NAT, a router."""

from collections.abc import Sequence

from rtp_analyzer.taps.capture.calls import Call
from rtp_analyzer.taps.capture.tables import FinishedStream
from shared.events.calls import Party


def media_of(streams: Sequence[FinishedStream]) -> list[int]:
    """For each stream, in the order of their beginnings, the index of the first with its packets, maybe itself."""
    # A digest covers sequence number, timestamp and payload: with the SSRC, one alone is proof.
    owners: dict[tuple[int, int], list[int]] = {}
    media: list[int] = []
    for index, stream in enumerate(streams):
        ssrc = int(stream.flow["ssrc"])
        samples = [(ssrc, int(sample)) for sample in stream.flow["samples"] if sample]
        original = next(
            (owner for key in samples for owner in owners.get(key, ()) if not _answers(streams[owner], stream)), index
        )
        media.append(original)
        if original == index:
            for key in samples:
                owners.setdefault(key, []).append(index)
    return media


def whose(stream: FinishedStream) -> tuple[Call | None, Party | None]:
    """The call of a stream, and who sends the medium: the other one than he who asked for it where it goes."""
    ends = [(stream.target, stream.target.sender if stream.target else None)]
    ends.append((stream.source, stream.source.party if stream.source else None))
    call = next((end.call for end, _ in ends if end), None)
    return call, next((party for end, party in ends if end and party), None)


def _answers(one: FinishedStream, other: FinishedStream) -> bool:
    """Whether they run in opposite directions: then the same packets are an echo, which is a medium of its own."""
    senders = whose(one)[1], whose(other)[1]
    if None not in senders:
        return senders[0] != senders[1]
    return all(
        one.flow[f"{end}_{part}"] == other.flow[f"{opposite}_{part}"]
        for end, opposite in (("source", "target"), ("target", "source"))
        for part in ("high", "low", "port")
    )
