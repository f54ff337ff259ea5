"""`python -m rtp_analyzer` relays and measures; its commands analyse a capture file, or only compile what is needed."""

import argparse
import asyncio
import sys
from collections.abc import Coroutine, Sequence

from rtp_analyzer.settings import RtpAnalyzerSettings
from rtp_analyzer.warm_up import warm_up
from shared.service import run
from shared.settings import load

_CAPTURE = """\
Finds the RTP streams in a pcap or pcapng file (also gzipped) and measures them as the live relay does. SIP in the
same file tells the codecs and the calls; without it, only the payload types that RFC 3551 numbers have a codec."""
_EPILOG = """\
Exit code: 0, also without any RTP; 2 when the file is no capture or is damaged (what came before the damage is shown).
How to take a capture and how to read the table: docs/captures.md."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The service, or one of its commands; returns the exit code."""
    given = _parser().parse_args(arguments)
    if given.command == "warm-up":
        warm_up()
    elif given.command == "capture":
        # Not at the top: without a cache the import compiles for a while, and the service has no use for it.
        from rtp_analyzer.taps.capture import command

        return command.run(given)
    else:
        settings = load(RtpAnalyzerSettings)
        leaving = asyncio.Event()
        run("rtp-analyzer", settings, lambda: _serve(settings, leaving), leave=leaving.set)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rtp_analyzer", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="command")
    commands.add_parser("serve", help="relay and measure; the default")
    commands.add_parser("warm-up", help="compile the packet loop ahead of the first start")
    capture = commands.add_parser(
        "capture",
        help="analyse a capture file",
        description=_CAPTURE,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    capture.add_argument("file", metavar="FILE", help="pcap or pcapng; - reads standard input")
    capture.add_argument(
        "--json", action="store_true", help="print one JSON document with everything that was measured"
    )
    capture.add_argument("--no-progress", action="store_true", help="no progress bar on the terminal")
    capture.add_argument(
        "--tell-progress", action="store_true", help="write `progress 0.42` lines to standard error, for programs"
    )
    return parser


def _serve(settings: RtpAnalyzerSettings, leaving: asyncio.Event) -> Coroutine[None, None, None]:
    # Not at the top: without a cache the import compiles for a while, and a wrong setting should be told at once.
    from rtp_analyzer.service import serve

    return serve(settings, leaving)


if __name__ == "__main__":
    sys.exit(main())
