"""Which stream carries which events, and how long each may grow."""

from dataclasses import dataclass

from shared.events import calls, flows, gateways, media, metrics, registrations, security, sip
from shared.events.base import Event


@dataclass(frozen=True, slots=True)
class Stream:
    """A Redis stream.

    Entries that every consumer group has handled are kept for `keep_s` seconds, for live readers and for people with
    redis-cli. Entries that a group still has to handle are kept until `hard_cap` entries wait.
    """

    key: str
    written_by: str
    read_by: str
    about: str
    events: tuple[type[Event], ...]
    keep_s: int = 3600
    hard_cap: int = 100_000
    urgent: bool = False  # somebody waits for what is on it


CALLS = Stream("vqm:calls", "sip-proxy", "api", "the life of each call", calls.CALLS)
REGISTRATIONS = Stream(
    "vqm:registrations", "sip-proxy", "api", "devices that come, stay and go", registrations.REGISTRATIONS
)
GATEWAYS = Stream("vqm:gateways", "sip-proxy", "api", "which devices answer probes, and how fast", gateways.GATEWAYS)
SECURITY = Stream("vqm:security", "sip-proxy", "api", "who knocks, and how", security.SECURITY)
SIP = Stream("vqm:sip", "sip-proxy", "api", "every SIP message, redacted: the ladder", sip.SIP, keep_s=600)
# An entry holds up to 100 slices, some 100 kB: the cap is 1 GB, half an hour of 500 calls without an api.
METRICS = Stream(
    "vqm:metrics", "rtp-analyzer", "api", "what the RTP says", metrics.METRICS, keep_s=120, hard_cap=10_000
)


def media_stream(worker: str) -> Stream:
    """The stream of one relay worker."""
    return Stream(f"vqm:media:{worker}", "sip-proxy", "rtp-analyzer", "what one worker has to relay", media.MEDIA)


def flow_stream(instance: str) -> Stream:
    """The stream of one sip-proxy. Messages are on it as they are, with digests: it is read at once, and kept short."""
    return Stream(
        f"vqm:flows:{instance}",
        "sip-proxy",
        "sip-proxy",
        "SIP to and from devices that are connected to this one",
        flows.FLOWS,
        keep_s=10,
        hard_cap=200,
        urgent=True,
    )


STREAMS = (
    CALLS,
    REGISTRATIONS,
    GATEWAYS,
    SECURITY,
    SIP,
    media_stream("<worker>"),
    flow_stream("<instance>"),
    METRICS,
)
