"""The demonstration: three real phones register with the running system and keep calling, one over a bad line."""

import asyncio
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.accounts import SEEDED
from vqm_local.impair import Address, Line, impaired_line
from vqm_local.phone import Phone, PhoneDied, PhoneError, phone_in
from vqm_local.settings import LocalSettings

Say = Callable[[str], None]

CLEAN, BEHIND_THE_LINE, ANSWERING = "gateway-test", "gateway-monitor", "welcome-gw"
TONES_HZ = {CLEAN: 440, BEHIND_THE_LINE: 620, ANSWERING: 350}  # in the middle of the telephone band
CALL_S = 25.0
STAGGER_S = 2.0  # between the calls of a round, so that the eye can follow
PAUSE_S = 5.0  # between two rounds


@dataclass(frozen=True, slots=True)
class Plan:
    """One call of the demonstration. `loses`: the line loses every so many-th packet (None: a clean line)."""

    caller: str
    callee: str
    loses: int | None = None

    def __str__(self) -> str:
        line = "a clean line: no loss, the best MOS" if self.loses is None else self._bad_line()
        return f"{self.caller} calls {CALLEES.get(self.callee, self.callee)} over {line}"

    def _bad_line(self) -> str:
        percent = 100 / (self.loses or 1)
        return f"a line that loses every {self.loses}th packet: {percent:g} % loss of what it sends, none the other way"


CALLEES = {"999": "999 (echo)", "998": "998 (tone)"}
ROUNDS = (
    (Plan(CLEAN, "999"), Plan(BEHIND_THE_LINE, ANSWERING, loses=20)),
    (Plan(CLEAN, ANSWERING), Plan(BEHIND_THE_LINE, "999", loses=50)),
    (Plan(CLEAN, "998"), Plan(BEHIND_THE_LINE, ANSWERING, loses=10)),
    (Plan(CLEAN, ANSWERING), Plan(BEHIND_THE_LINE, "998", loses=100)),
)


async def demonstrate(settings: LocalSettings, say: Say, *, once: bool = False, call_s: float = CALL_S) -> None:
    """Calls until cancelled, or one round only. Each step is told by `say`.

    Raises:
        PhoneError: the phones cannot be started or cannot register.
    """
    server = Address(settings.advertised_address(), settings.sip_port)
    _check_address(server.host)
    async with Office.opened(server) as office:
        say(f"Three phones registered: {', '.join(TONES_HZ)}. Watch the calls on the dashboard.")
        round_number = 0
        while True:
            await office.play_round(ROUNDS[round_number % len(ROUNDS)], call_s, say)
            if once:
                return
            round_number += 1
            await asyncio.sleep(PAUSE_S)


class Office:
    """The phones, and the bad line that one of them is behind."""

    def __init__(self, server: Address, phones: dict[str, Phone], line: Line) -> None:
        self._server = server
        self._phones = phones
        self._line = line

    @classmethod
    @asynccontextmanager
    async def opened(cls, server: Address) -> AsyncIterator["Office"]:
        """The phones, registered; one of them answers every call."""
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vqm-phones-")))
            line = await stack.enter_async_context(impaired_line(server))
            phones = {}
            for user, password in SEEDED:
                phone = await stack.enter_async_context(phone_in(folder / user, address=server.host))
                await phone.play(TONES_HZ[user])
                via = str(line.address) if user == BEHIND_THE_LINE else None
                await phone.account(str(server), user, password, via=via)
                phones[user] = phone
            await phones[ANSWERING].answer_all()
            yield cls(server, phones, line)

    async def play_round(self, plans: tuple[Plan, ...], call_s: float, say: Say) -> None:
        """Makes these calls at almost the same time and returns when all are over.

        Raises:
            PhoneDied: one of the phones is gone.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for number, plan in enumerate(plans):
                    group.create_task(self._play(plan, number * STAGGER_S, call_s, say))
        except ExceptionGroup as group_of_one:
            raise group_of_one.exceptions[0] from None

    async def _play(self, plan: Plan, delay_s: float, call_s: float, say: Say) -> None:
        await asyncio.sleep(delay_s)
        say(f"  {plan}")
        if plan.caller == BEHIND_THE_LINE:
            self._line.loss.nth = plan.loses
        phone = self._phones[plan.caller]
        try:
            call = await phone.call(f"sip:{plan.callee}@{self._server}")
            await call.answered()
            await asyncio.sleep(call_s)
            await call.hangup()
        except PhoneDied:
            raise
        except PhoneError as error:  # a refused call is worth a line; the next one may work
            say(f"  {plan.caller} could not call {plan.callee}: {error}")


def _check_address(host: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            raise PhoneError(
                f"The phones of the demonstration run on this machine, which does not have the address {host}:"
                " VQM_PUBLIC_ADDRESS must be one of its own for that"
            ) from None
