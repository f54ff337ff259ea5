"""Writes docs/events.md from the event classes: `python -m shared.events.document > docs/events.md`."""

import json
import sys
import types
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from shared.events.base import Event
from shared.events.streams import STREAMS, Stream

HEAD = """# Events

<!-- Generated from the classes in shared/shared/events by `make events-doc`; a test compares. Do not edit. -->

Everything that the services tell each other travels on these Redis streams. An entry has the short fields `type`,
`call_id` (where there is a call) and `at` (seconds since 1970), and the whole event as JSON in `data`:

    redis-cli XREVRANGE vqm:calls + - COUNT 1

A reader ignores fields that it does not know. Fields may be added, always with a
default; a changed meaning is a new type.
What every consumer group has handled is trimmed after the time given; what a group still needs is kept up to the cap.

| stream | written by | read by | carries | kept | cap |
|---|---|---|---|---|---|
"""


STATE = """
Beside the streams there is live state, JSON documents that expire unless their owner renews them (not the accounts):

| key | owner | content |
|---|---|---|
| `vqm:accounts`, `vqm:accounts:version` | api | SIP accounts by digest user name, with HA1; what changes with them |
| `vqm:registration:<aor>` | sip-proxy | the contacts bound to an address of record |
| `vqm:expiries` | sip-proxy | addresses of record by the moment when their next contact runs out, a sorted set |
| `vqm:nonce:<nonce>:<account>` | sip-proxy | which uses of a digest nonce there were; expires with the nonce |
| `vqm:gateway:<aor>:<contact>` | sip-proxy | whether a contact answers probes; expires an hour after the last |
| `vqm:call:<id>` | sip-proxy | a running call, so that a restarted proxy can end it properly |
| `vqm:dialog:<id>` | sip-proxy | a subscription that a REFER outside of a call opened; expires an hour after that |
| `vqm:proxy:<instance>` | sip-proxy | the addresses of one that lives; expires after 3 s |
| `vqm:proxies`, `vqm:proxy-addresses` | sip-proxy | the names of all, and every address that one of them has or had |
| `vqm:ban:<address>` | sip-proxy, operators | an address that is not answered; `SET` bans, `DEL` lifts |
| `vqm:quota:<account>`, `vqm:quota:<account>:<day>` | sip-proxy | its calls now by the end of their leases, and today |
| `vqm:known:<address>` | sip-proxy | somebody has signed in from there within 30 days |
| `vqm:worker:<id>` | rtp-analyzer | address, port range, capacity and load of a relay worker; expires after 5 s |
| `vqm:ports:<worker>`, `vqm:leases:<worker>` | rtp-analyzer | RTP ports that are free, and those on their way to use |
| `vqm:opened:<media_id>` | rtp-analyzer | the worker has opened the ports; the proxy waits for it |
| `vqm:assignments:<worker>` | sip-proxy | what the worker relays now, for a worker that restarts |
| `vqm:heartbeat:<service>:<instance>` | each service | it lives, since when, and its counters; expires after 5 s |
"""


def document() -> str:
    """The whole page."""
    rows = [
        f"| `{s.key}` | {s.written_by} | {s.read_by} | {s.about} | {s.keep_s} s | {s.hard_cap} entries |\n"
        for s in STREAMS
    ]
    values: dict[str, type[BaseModel]] = {}
    sections = [_section(stream, values) for stream in STREAMS]
    parts = [f"### {name}\n\n{_doc(cls)}\n\n{_fields(cls, values)}\n" for name, cls in _settled(values)]
    return HEAD + "".join(rows) + STATE + "\n" + "\n".join(sections) + "\n## Parts of events\n\n" + "\n".join(parts)


def _settled(values: dict[str, type[BaseModel]]) -> list[tuple[str, type[BaseModel]]]:
    """All parts, also those that only other parts have."""
    done: set[str] = set()
    while pending := [name for name in values if name not in done]:
        for name in pending:
            _fields(values[name], values)
            done.add(name)
    return sorted(values.items())


def _section(stream: Stream, values: dict[str, type[BaseModel]]) -> str:
    events = [f"### {cls.__name__}\n\n{_doc(cls)}\n\n{_fields(cls, values)}\n" for cls in stream.events]
    return f"## {stream.key}\n\n" + "\n".join(events)


def _doc(cls: type[BaseModel]) -> str:
    return " ".join((cls.__doc__ or "").split())


def _fields(cls: type[BaseModel], values: dict[str, type[BaseModel]]) -> str:
    lines = ["| field | type | default | meaning |", "|---|---|---|---|"]
    for name, field in cls.model_fields.items():
        if name == "type" and issubclass(cls, Event):
            continue
        default = "" if field.is_required() else f"`{_literal(field.get_default(call_default_factory=True))}`"
        lines.append(f"| `{name}` | {_type(field.annotation, values)} | {default} | {field.description or ''} |")
    return "\n".join(lines)


def _literal(value: object) -> str:
    return json.dumps(value)


def _type(annotation: Any, values: dict[str, type[BaseModel]]) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " \\| ".join(f'"{argument}"' for argument in arguments)
    if origin in (Union, types.UnionType):
        return " \\| ".join(_type(argument, values) for argument in arguments)
    if origin is tuple:
        return f"list of {_type(arguments[0], values)}"
    if origin is not None:  # Annotated
        return _type(arguments[0], values)
    if annotation is type(None):
        return "null"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        values[annotation.__name__] = annotation
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    return {"str": "text", "int": "integer", "float": "number", "bool": "true/false"}[annotation.__name__]


if __name__ == "__main__":
    sys.stdout.write(document())
