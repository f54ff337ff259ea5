"""`python -m vqm_local run|demo`: checks, starts the whole system, says where it is, and stops it on Ctrl-C.
`python -m vqm_local certs [NAME ...]`: makes the certificate of SIP over TLS, for these names too."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence

from rich.console import Console

from shared.settings import load
from vqm_local.banner import panel, teller
from vqm_local.broker import NoBroker
from vqm_local.certificates import CA_CERTIFICATE, SERVER_CERTIFICATE, make_certificates, own_names
from vqm_local.preflight import CannotStart, check_phones, check_ports, sole_user_of
from vqm_local.process import die_with_parent
from vqm_local.settings import LocalSettings, adopt_dotenv
from vqm_local.system import StartFailed, System

DEMO_PAUSE_S = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs until stopped; returns the exit code: 0 when stopped by the user, 1 when it could not start."""
    options = _parser().parse_args(arguments)
    if options.tied:
        die_with_parent()
    adopt_dotenv()
    settings = load(LocalSettings)
    console = Console(highlight=False)
    try:
        if options.command == "certs":
            _make_certificates(settings, options.names, console)
            return 0
        if options.command == "demo":
            check_phones()
        with sole_user_of(settings.data_dir.expanduser().resolve()):
            check_ports(settings)
            if settings.speaks_tls and not (settings.tls_dir / SERVER_CERTIFICATE).exists():
                _make_certificates(settings, [], console)
            asyncio.run(_run(settings, console, demo=options.command == "demo"))
    except (CannotStart, NoBroker, StartFailed) as error:
        Console(stderr=True, highlight=False, style="bold red").print(str(error), markup=False, soft_wrap=True)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="vqm_local", description=__doc__)
    parser.add_argument(
        "command", choices=("run", "demo", "certs"), help="demo: also makes real calls, one of them impaired"
    )
    parser.add_argument("names", nargs="*", help="certs: host names and addresses that devices call this machine")
    parser.add_argument("--tied", action="store_true", help="stop when the program that started this one ends")
    return parser


def _make_certificates(settings: LocalSettings, names: Sequence[str], console: Console) -> None:
    folder, names = settings.tls_dir, [*own_names(settings), *names]
    try:
        make_certificates(folder, names)
    except OSError as error:
        raise CannotStart(
            f"No certificate can be written to {folder} ({error.strerror}): choose another folder: "
            "VQM_TLS_DIR=~/vqm-certs, or do without TLS: VQM_SIP_TRANSPORTS=udp,tcp"
        ) from None
    console.print(f"{folder / SERVER_CERTIFICATE} is for {', '.join(names)}", markup=False, soft_wrap=True)
    console.print(f"devices have to trust {folder / CA_CERTIFICATE}", markup=False, soft_wrap=True)


async def _run(settings: LocalSettings, console: Console, *, demo: bool) -> None:
    system = System(settings, teller(console))
    living = asyncio.create_task(_live(system, console, demo=demo), name="system")
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if living.cancelling():
            console.print("Ending everything now.")
            system.kill()
        else:
            console.print("Stopping; once more ends everything at once.")
            living.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    await asyncio.wait([living])
    if not living.cancelled():
        living.result()


async def _live(system: System, console: Console, *, demo: bool) -> None:
    with console.status("Starting …"):
        await system.start()
    try:
        console.print(panel(system))
        if demo:
            await _demonstrate(system, console)
        await asyncio.Event().wait()
    finally:
        await system.stop()


async def _demonstrate(system: System, console: Console) -> None:
    from vqm_local.demo import demonstrate  # not before they are asked for: they need pjsua2
    from vqm_local.phone import PhoneError

    def say(sentence: str) -> None:
        console.print(sentence, markup=False, soft_wrap=True)

    while True:
        try:
            await demonstrate(system.settings, say)
        except PhoneError as error:
            say(f"The demo calls stopped: {error}. They start again in {DEMO_PAUSE_S:g} s.")
            await asyncio.sleep(DEMO_PAUSE_S)


if __name__ == "__main__":
    sys.exit(main())
