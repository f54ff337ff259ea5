"""The product's own phone, on pjsua2."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.e2e.phones.line import Line, RealPhone
from tests.requirements import require_phones
from vqm_local.phone import Phone, PhoneCall, phone_in


class Pjsua2:
    def __init__(self, phone: Phone, line: Line) -> None:
        self._phone = phone
        self._line = line
        self._made: PhoneCall | None = None

    @property
    def talking(self) -> bool:
        return any(call.now.answered and not call.now.ended for call in self._calls())

    async def dial(self, number: str) -> None:
        self._made = await self._phone.call(f"sip:{number}@{self._line.server}")

    async def hang_up(self) -> None:
        for call in self._calls():
            await call.hangup()

    def _calls(self) -> list[PhoneCall]:
        return [*self._phone.incoming, *([self._made] if self._made else [])]


@asynccontextmanager
async def pjsua2(line: Line, folder: Path) -> AsyncIterator[RealPhone]:
    require_phones()
    async with phone_in(folder) as phone:
        await phone.play(440)
        await phone.answer_all()
        await phone.account(line.server, line.user, line.password, transport=line.transport, authority=line.authority)
        yield Pjsua2(phone, line)
