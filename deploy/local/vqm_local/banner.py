"""What the person at the terminal sees: news while it starts and runs, and the panel once everything is up."""

import ipaddress
from collections.abc import Callable

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from shared.accounts import SEEDED
from vqm_local.certificates import CA_CERTIFICATE
from vqm_local.system import System, first_password

EXTENSIONS = {
    "999": "echo: you hear yourself",
    "998": "tone: 1004 Hz, and what you send is measured",
    "997": "echo with loss and jitter added on the way back: does your phone see them?",
    "996": "listens for 10 s, then speaks the quality it measured",
}


def teller(console: Console) -> Callable[[str, str], None]:
    """A way to print (program, sentence) lines."""

    def say(program: str, sentence: str) -> None:
        # No markup: what services print is data.
        console.print(Text.assemble((f"{program:>12} ", "bold yellow"), sentence), soft_wrap=True)

    return say


def panel(system: System) -> Panel:
    """Where everything is, how to sign in, and what to dial."""
    address = system.settings.advertised_address()
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for title, lines in _rows(system, address).items():
        table.add_row(title, Text("\n").join(Text(line) for line in lines))
    return Panel(
        table, title="VoIP Quality Monitor is running", subtitle="Ctrl-C stops it", border_style="green", expand=False
    )


def _rows(system: System, address: str) -> dict[str, list[str]]:
    return {
        "Dashboard": _dashboards(system, address),
        "Sign in": [_sign_in(system)],
        "SIP server": _sip_servers(system, address),
        "Accounts": _accounts(system),
        "Dial": [f"{number}  {what}" for number, what in EXTENSIONS.items()],
        "Look inside": [f"redis-cli {_redis_cli_option(system.redis_url)} XREVRANGE vqm:calls + - COUNT 5"],
        "Logs": [str(system.log_dir)],
    }


def _sip_servers(system: System, address: str) -> list[str]:
    plain = f"{address}:{system.settings.sip_port} (UDP and TCP)"
    folder = system.settings.tls_dir
    if not system.settings.speaks_tls:
        return [plain]
    trust = f", devices trust {folder / CA_CERTIFICATE}" if (folder / CA_CERTIFICATE).exists() else ""
    return [plain, f"{address}:{system.settings.sips_port} (TLS{trust})"]


def _accounts(system: System) -> list[str]:
    if system.settings.sip_accounts_file is not None:
        return [f"those of {system.settings.sip_accounts_file}"]
    return [
        *(f"{name} / {password}" for name, password in SEEDED),
        "(until somebody changes them on the page Accounts)",
    ]


def _dashboards(system: System, address: str) -> list[str]:
    local = f"http://localhost:{system.settings.http_port}"
    bind = ipaddress.ip_address(system.settings.bind)
    if bind.is_loopback or address.startswith("127."):
        return [local if str(bind) == "127.0.0.1" or bind.is_unspecified else system.url]
    elsewhere = f"http://{address}:{system.settings.http_port}"
    return [local, f"{elsewhere} from other machines"] if bind.is_unspecified else [elsewhere]


def _sign_in(system: System) -> str:
    if system.settings.admin_password is not None:
        return "admin, with the password of VQM_ADMIN_PASSWORD"
    password = first_password(system.data_dir)
    return f"admin / {password}" if password else "admin, with the password you already used"


def _redis_cli_option(url: str) -> str:
    return f"-s {url.removeprefix('unix://')}" if url.startswith("unix://") else f"-u {url}"
