"""A verdict in plain English, for the command line, the API and logs. The page says the same in its own languages."""

from collections.abc import Mapping
from typing import Final

from shared.events.calls import Party
from shared.events.verdict import Finding, Rating

_RATINGS: Final[Mapping[Rating, str]] = {
    "good": "The call is good.",
    "fair": "The call is fair: some will not be satisfied.",
    "poor": "The call is poor.",
    "unknown": "Nothing can be said of this call's quality.",
}
_CULPRITS: Final = {
    "caller_access": "between the caller and this monitor",
    "callee_access": "between this monitor and the callee",
    "caller_device": "in the caller's device",
    "callee_device": "in the callee's device",
    "monitor": "in this monitor itself, which is overloaded",
    "codec": "in the codec",
    "unknown": "at a place that the evidence does not show",
}
_MISSING_UNKNOWN: Final = (
    "Nothing is heard from the {direction}: no packet of it arrives. Look for a firewall, or a false address in its "
    "SDP."
)
_PROBLEMS: Final = {
    "missing": "Nothing is heard from the {direction}: its packets come from another address than it said. Look at the "
    "NAT {where}.",
    "loss": "{value:.1f} % of what the {direction} says is lost {where}.",
    "late": "{value:.1f} % of what the {direction} says comes too late to be played: jitter {where}.",
    "delay": "What the {direction} says arrives {value:.0f} ms late: delay {where}.",
    "clock": "The clock of what the {direction} sends is off by {value:.0f} ppm: a fault {where}.",
    "codec": "The codec of the {direction} costs much of its quality by itself.",
    "silent": "The {direction} sends packets without any sound, for {value:.0f} s: a fault {where}.",
    "clipped": "The {direction} is too loud: {value:.1f} % of its sound is clipped {where}.",
}
_UNSEEN: Final = "What reached the {party} after this monitor is not known: its device does not say (no RTCP)."


def in_words(rating: Rating, findings: tuple[Finding, ...], unseen: tuple[Party, ...]) -> str:
    """The verdict as a few sentences."""
    sentences = [_RATINGS[rating], *map(_sentence, findings)]
    if rating != "unknown":
        sentences += [_UNSEEN.format(party=party) for party in unseen]
    return " ".join(sentences)


def _sentence(finding: Finding) -> str:
    known = finding.problem != "missing" or finding.culprit != "unknown"
    return (_PROBLEMS[finding.problem] if known else _MISSING_UNKNOWN).format(
        direction=finding.direction,
        where=_CULPRITS[finding.culprit],
        value=finding.evidence[0].value if finding.evidence else 0.0,
    )
