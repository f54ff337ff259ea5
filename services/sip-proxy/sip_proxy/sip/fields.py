"""The header fields of a message: an ordered list that keeps every field byte for byte until it is changed."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, TypeVar

from sip_proxy.sip.grammar import split_list

T = TypeVar("T")
# (lower-case long name, unfolded and stripped value, the field exactly as it goes on the wire, without its CRLF)
Field = tuple[str, str, str]

# The IANA registry of SIP header fields, compact form column.
COMPACT_FORMS = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
# Only these are comma-separated lists (RFC 3261 7.3.1 and the RFCs that define them). A comma in any other field,
# Date, the authentication fields and unknown ones above all, belongs to its value.
COMMA_LISTS = frozenset(
    {
        "accept",
        "accept-contact",
        "accept-encoding",
        "accept-language",
        "alert-info",
        "allow",
        "allow-events",
        "call-info",
        "contact",
        "content-encoding",
        "content-language",
        "diversion",
        "error-info",
        "history-info",
        "in-reply-to",
        "p-asserted-identity",
        "p-preferred-identity",
        "path",
        "proxy-require",
        "reason",
        "record-route",
        "reject-contact",
        "require",
        "route",
        "security-client",
        "security-server",
        "security-verify",
        "service-route",
        "supported",
        "unsupported",
        "via",
        "warning",
    }
)

# A second one of these makes a message ambiguous, and none may be picked silently (RFC 4475 3.3.8, 3.3.9).
SINGLE = ("call-id", "content-length", "content-type", "cseq", "expires", "from", "max-forwards", "to")


# The same few dozen names, in a few spellings, come with every message.
@lru_cache(maxsize=1024)
def header_key(name: str) -> str:
    """The name under which all spellings of a header field are found: long and in lower case."""
    name = name.lower()
    return COMPACT_FORMS[name] if len(name) == 1 and name in COMPACT_FORMS else name


class Headers:
    """A mutable list of fields. `copy()` is cheap: the fields are immutable and shared.

    Names match whatever their case and in compact or full form. Values given to it must be one line:
    a CR or LF is refused with ValueError, since it would forge further fields.
    """

    __slots__ = ("_fields", "_named", "_views")

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields: list[Field] = [_field(name, value) for name, value in fields]
        # The fields by key, made when first needed. Copies share it: it is replaced and never changed.
        self._named: dict[str, list[Field]] | None = None
        self._views: dict[str, Any] = {}

    @classmethod
    def from_fields(cls, fields: list[Field]) -> "Headers":
        """Takes over what the parser made."""
        headers = cls.__new__(cls)
        headers._fields = fields
        headers._named = None
        headers._views = {}
        return headers

    @classmethod
    def excerpt(cls, other: "Headers", keys: Iterable[str]) -> "Headers":
        """The fields of these (long, lower-case) names as they stand in another message, in the order of the names.
        Of what may be there but once the first is taken."""
        fields: list[Field] = []
        views: dict[str, Any] = {}
        named = other._by_key()
        for key in keys:
            found = named.get(key)
            if found is None:
                continue
            fields += found[:1] if key in SINGLE else found
            if key in other._views:
                views[key] = other._views[key]
        headers = cls.from_fields(fields)
        headers._views = views
        return headers

    def copy(self) -> "Headers":
        headers = Headers.from_fields(self._fields.copy())
        headers._named = self._named
        headers._views = self._views.copy()
        return headers

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """(name as written, value) in order; folded values are unfolded, lists are not split."""
        return ((raw.partition(":")[0].rstrip(" \t"), value) for _, value, raw in self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and header_key(name) in self._by_key()

    def raw_fields(self) -> list[str]:
        """Every field as it goes on the wire, without its CRLF."""
        return [raw for _, _, raw in self._fields]

    def extend_from(self, other: "Headers", name: str) -> None:
        """Appends the fields of that name as they stand in another message."""
        key = header_key(name)
        self._fields += other._by_key().get(key, ())
        self._changed(key)

    def repeated(self, keys: Iterable[str]) -> str | None:
        """The first of these (long, lower-case) names that has more than one field."""
        named = self._by_key()
        if len(named) == len(self._fields):
            return None
        for key in keys:
            if key in named and len(named[key]) > 1:
                return key
        return None

    def get(self, name: str) -> str | None:
        """The value of the first field of that name, not split."""
        fields = self._by_key().get(header_key(name))
        return None if fields is None else fields[0][1]

    def get_all(self, name: str) -> list[str]:
        """Every value in order; comma-separated lists are taken apart where the header field is one."""
        key = header_key(name)
        fields = self._by_key().get(key)
        if fields is None:
            return []
        if key in COMMA_LISTS:
            return [element for _, value, _ in fields for element in split_list(value)]
        return [value for _, value, _ in fields]

    def view(self, key: str, parse: Callable[["Headers"], T]) -> T:
        """The result of `parse`, remembered until a field of that name changes; a trailing `*` tells views apart."""
        views = self._views
        if key in views:
            known: T = views[key]
            return known
        view = views[key] = parse(self)
        return view

    def read(self, views: Iterable[tuple[str, Callable[["Headers"], object]]]) -> None:
        """Makes these views now, so that whoever asks later has them; raises what they raise."""
        known = self._views
        for key, parse in views:
            if key not in known:
                known[key] = parse(self)

    def remember(self, key: str, value: object) -> None:
        """Notes a view that whoever changed the field has at hand."""
        self._views[key] = value

    def set(self, name: str, value: str) -> None:
        """Replaces the first field of that name where it stands, drops the others; appends when there is none."""
        field = _field(name, value)
        key = field[0]
        at = self._index(key)
        if at is None:
            self._fields.append(field)
        else:
            self._fields[at] = field
            self._fields[at + 1 :] = [other for other in self._fields[at + 1 :] if other[0] != key]
        self._changed(key)

    def add(self, name: str, value: str) -> None:
        """Appends a field after all others."""
        field = _field(name, value)
        self._fields.append(field)
        self._changed(field[0])

    def prepend(self, name: str, value: str) -> None:
        """Puts a field before the first of that name, or before all others."""
        field = _field(name, value)
        self._fields.insert(self._index(field[0]) or 0, field)
        self._changed(field[0])

    def replace_first(self, name: str, value: str) -> None:
        """Replaces the first value (of a list field: its first element); raises KeyError when there is none."""
        if self._change_first(name, [value]) is None:
            raise KeyError(name)

    def remove_first(self, name: str) -> str | None:
        """Removes and returns the first value (of a list field: its first element); None when there is none."""
        return self._change_first(name, [])

    def remove(self, name: str) -> None:
        """Removes every field of that name."""
        key = header_key(name)
        if key in self._by_key():
            self._fields = [field for field in self._fields if field[0] != key]
            self._changed(key)

    def _change_first(self, name: str, replacement: list[str]) -> str | None:
        key = header_key(name)
        for at, (known, whole, raw) in enumerate(self._fields):
            # A list field may be empty: the first value is then in a later one.
            values = [] if known != key else split_list(whole) if key in COMMA_LISTS else [whole]
            if not values:
                continue
            written = raw.partition(":")[0].rstrip(" \t")
            remaining = [*replacement, *values[1:]]
            self._fields[at : at + 1] = [_field(written, ", ".join(remaining))] if remaining else []
            self._changed(key)
            return values[0]
        return None

    def _index(self, key: str) -> int | None:
        for at, field in enumerate(self._fields):
            if field[0] == key:
                return at
        return None

    def _by_key(self) -> dict[str, list[Field]]:
        named = self._named
        if named is None:
            named = self._named = {}
            for field in self._fields:
                key = field[0]
                if key in named:
                    named[key].append(field)
                else:
                    named[key] = [field]
        return named

    def _changed(self, key: str) -> None:
        """Forgets what was known of the fields of this name."""
        self._views.pop(key, None)
        self._views.pop(f"{key}*", None)
        if self._named is not None:
            self._named = self._named.copy()
            fields = [field for field in self._fields if field[0] == key]
            if fields:
                self._named[key] = fields
            else:
                self._named.pop(key, None)


def _field(name: str, value: str) -> Field:
    value = value.strip(" \t")
    line = f"{name}: {value}"
    if "\r" in line or "\n" in line:
        raise ValueError("a header field is one line")
    return (header_key(name), value, line)
