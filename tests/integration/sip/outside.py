"""A proxy between devices and a carrier of one or several servers that the DNS lists."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from tests.conftest import BrokerProcess
from tests.integration.sip.carrier import DOMAIN, USERS, Carrier
from tests.integration.sip.conftest import System, running
from tests.integration.sip.name_server import NameServer
from tests.integration.sip.phone import Phone

USER = "0501234567"
AOR = f"{USER}@{DOMAIN}"
KEY = f"vqm:registration:{AOR}"


class Outside:
    """A proxy with a carrier behind it."""

    def __init__(self, system: System, carriers: Sequence[Carrier], names: NameServer) -> None:
        self.system = system
        self.carriers = carriers
        self.names = names

    @property
    def carrier(self) -> Carrier:
        return self.carriers[0]

    async def device(self, user: str = USER, **more: Any) -> Phone:
        phone = await self.system.phone(user, USERS[user], **more)
        phone.domain = DOMAIN
        return phone

    async def registered(self, user: str = USER) -> Phone:
        phone = await self.device(user)
        assert (await phone.register()).status == 200
        return phone


@asynccontextmanager
async def outside(broker: BrokerProcess, servers: int = 1, **changes: Any) -> AsyncIterator[Outside]:
    """Servers that the DNS lists in order."""
    async with AsyncExitStack() as stack:
        carriers = [await stack.enter_async_context(Carrier()) for _ in range(servers)]
        records = [f"{at} 0 {carrier.port} sbc.{DOMAIN}." for at, carrier in enumerate(carriers)]
        zone = {(f"_sip._udp.{DOMAIN}", "SRV"): tuple(records), (f"sbc.{DOMAIN}", "A"): ("127.0.0.1",)}
        names = await stack.enter_async_context(NameServer(zone))
        settings = {"carriers": DOMAIN, "dns_servers": str(names.address), **changes}
        system = await stack.enter_async_context(running(broker, **settings))
        for carrier in carriers:
            carrier.proxy = system.app.address
        yield Outside(system, carriers, names)
