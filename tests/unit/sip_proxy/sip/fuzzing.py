"""Coverage-guided fuzzing with atheris: `python -m tests.unit.sip_proxy.sip.fuzzing message -runs=1000000`.

What comes after the name of a target goes to libFuzzer. A finding ends the process with a traceback and leaves the
octets in `crash-*`.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["sip_proxy"]):
    from tests.unit.sip_proxy.sip import fuzz_checks

TARGETS: dict[str, tuple[Callable[[bytes], None], list[bytes]]] = {
    "message": (fuzz_checks.check_message, fuzz_checks.SEEDS),
    "description": (fuzz_checks.check_description, [fuzz_checks.OFFER]),
    "parts": (fuzz_checks.check_parts, [fuzz_checks.PARTS]),
    "credentials": (fuzz_checks.check_credentials, [fuzz_checks.CREDENTIALS]),
    "shown": (fuzz_checks.check_shown, fuzz_checks.SEEDS),
}


def main() -> None:
    check, seeds = TARGETS[sys.argv[1]]
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds):
            (Path(corpus) / str(number)).write_bytes(seed)
        atheris.Setup([sys.argv[0], *sys.argv[2:], corpus], check)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
