"""How the scanners of the Internet show themselves: by the name they give, and by what is always in their messages."""

import re
from collections.abc import Iterable

from sip_proxy.sip.message import Request

# Parts of User-Agent values, in any case: SIPVicious, sipcli, sippts, and what toll thieves are built with.
AGENTS = (
    "friendly-scanner",
    "sipvicious",
    "sipcli",
    "VaxSIPUserAgent",
    "pplsip",
    "siparmyknife",
    "sip-scan",
    "sipscan",
    "sundayddr",
)
# svmap, also when it was told to give another name: From "sipvicious"<sip:100@1.1.1.1>
_is_svmap_from = re.compile(r'[ \t]*+"?sipvicious"?|(?:[^<]*+<)?+sips?:100@1\.1\.1\.1(?![.0-9])', re.I).match


class ScannerSigns:
    """What to look for."""

    def __init__(self, agents: Iterable[str]) -> None:
        self._agents = tuple(agent.lower() for agent in agents)

    def sign_of(self, request: Request) -> str | None:
        """What gives this request away as a scanner's; None for an honest one."""
        name = (request.headers.get("User-Agent") or "").lower()
        for agent in self._agents:
            if agent in name:
                return f"User-Agent {agent}"
        return "From of svmap" if _is_svmap_from(request.headers.get("From") or "") else None
