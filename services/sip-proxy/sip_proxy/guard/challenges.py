"""Which source was given which nonce: who answers with it has shown that he receives what is sent to his address."""

from collections import OrderedDict

MAX_NONCES = 10_000  # an answer comes within seconds; the oldest is forgotten first


class Challenges:
    """The nonces that this replica has given out of late."""

    def __init__(self) -> None:
        self._given: OrderedDict[str, str] = OrderedDict()

    def gave(self, nonce: str, source: str) -> None:
        self._given[nonce] = source
        if len(self._given) > MAX_NONCES:
            self._given.popitem(last=False)

    def proves(self, nonce: str | None, source: str) -> bool:
        """Over UDP a source can be forged, but who forges it does not see our challenge."""
        return nonce is not None and self._given.get(nonce) == source
