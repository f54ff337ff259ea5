"""`python -m rtp_analyzer` relays and measures; `python -m rtp_analyzer warm-up` only compiles what that needs."""

import argparse
import asyncio
from collections.abc import Coroutine, Sequence

from rtp_analyzer.settings import RtpAnalyzerSettings
from rtp_analyzer.warm_up import warm_up
from shared.service import run
from shared.settings import load


def main(arguments: Sequence[str] | None = None) -> None:
    """The service, or one of its commands."""
    parser = argparse.ArgumentParser(prog="rtp_analyzer", description=__doc__)
    parser.add_argument("command", nargs="?", choices=("serve", "warm-up"), default="serve")
    if parser.parse_args(arguments).command == "warm-up":
        warm_up()
        return
    settings = load(RtpAnalyzerSettings)
    leaving = asyncio.Event()
    run("rtp-analyzer", settings, lambda: _serve(settings, leaving), leave=leaving.set)


def _serve(settings: RtpAnalyzerSettings, leaving: asyncio.Event) -> Coroutine[None, None, None]:
    # Not at the top: without a cache the import compiles for a while, and a wrong setting should be told at once.
    from rtp_analyzer.service import serve

    return serve(settings, leaving)


if __name__ == "__main__":
    main()
