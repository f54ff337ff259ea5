"""What every phone program of these tests is told, and what every one of them can do."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shared.events.base import Transport


@dataclass(frozen=True, slots=True)
class Line:
    """The account of a phone and the way to its server."""

    user: str
    password: str
    transport: Transport
    host: str
    port: int
    authority: Path  # whose signature the server's certificate must bear

    @property
    def server(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def route(self) -> str:
        """The server as a phone writes it whose outbound proxy it is."""
        return f"sip:{self.server};transport={self.transport}"


class RealPhone(Protocol):
    """A registered phone. It answers every call, and says a tone in it."""

    @property
    def talking(self) -> bool:
        """Whether it is in a call that was answered."""

    async def dial(self, number: str) -> None: ...

    async def hang_up(self) -> None: ...
