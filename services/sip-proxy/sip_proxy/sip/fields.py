"""The header fields of a message: an ordered list that keeps every field byte for byte until it is changed."""

from collections.abc import Callable, Iterable, Iterator
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


def header_key(name: str) -> str:
    """The name under which all spellings of a header field are found: long and in lower case."""
    name = name.lower()
    return COMPACT_FORMS[name] if len(name) == 1 and name in COMPACT_FORMS else name


class Headers:
    """A mutable list of fields. `copy()` is cheap: the fields are immutable and shared.

    Names match whatever their case and in compact or full form. Values given to it must be one line:
    a CR or LF is refused with ValueError, since it would forge further fields.
    """

    __slots__ = ("_fields", "_values", "_views")

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields: list[Field] = [_field(name, value) for name, value in fields]
        # Made from the fields when first needed, and dropped when they change.
        self._values: dict[str, list[str]] | None = None
        self._views: dict[str, Any] = {}

    @classmethod
    def from_fields(cls, fields: list[Field]) -> "Headers":
        """Takes over what the parser made."""
        headers = cls.__new__(cls)
        headers._fields = fields
        headers._values = None
        headers._views = {}
        return headers

    def copy(self) -> "Headers":
        headers = Headers.from_fields(self._fields.copy())
        headers._values = self._values
        headers._views = self._views.copy()
        return headers

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """(name as written, value) in order; folded values are unfolded, lists are not split."""
        return ((raw.partition(":")[0].rstrip(" \t"), value) for _, value, raw in self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def raw_fields(self) -> list[str]:
        """Every field as it goes on the wire, without its CRLF."""
        return [raw for _, _, raw in self._fields]

    def extend_from(self, other: "Headers", name: str, *, first_only: bool) -> None:
        """Appends the fields of that name as they stand in another message."""
        key = header_key(name)
        fields = [field for field in other._fields if field[0] == key]
        if first_only:
            del fields[1:]
        same = key in other._views and len(fields) == 1 and self._index(key) is None
        self._forget(key)
        if same:
            self._views[key] = other._views[key]
        self._fields.extend(fields)

    def repeated(self, keys: Iterable[str]) -> str | None:
        """The first of these (long, lower-case) names that has more than one field."""
        values = self._by_key()
        for key in keys:
            if key in values and len(values[key]) > 1:
                return key
        return None

    def get(self, name: str) -> str | None:
        """The value of the first field of that name, not split."""
        by_key = self._by_key()
        values = by_key.get(name) or by_key.get(header_key(name))
        return values[0] if values else None

    def get_all(self, name: str) -> list[str]:
        """Every value in order; comma-separated lists are taken apart where the header field is one."""
        key = header_key(name)
        values = self._by_key().get(key, ())
        if key in COMMA_LISTS:
            return [element for value in values for element in split_list(value)]
        return list(values)

    def view(self, key: str, parse: Callable[["Headers"], T]) -> T:
        """The result of `parse`, remembered until a field of that name changes; a trailing `*` tells views apart."""
        try:
            known: T = self._views[key]
        except KeyError:
            known = self._views[key] = parse(self)
        return known

    def remember(self, key: str, value: object) -> None:
        """Notes a view that whoever changed the field has at hand."""
        self._views[key] = value

    def set(self, name: str, value: str) -> None:
        """Replaces the first field of that name where it stands, drops the others; appends when there is none."""
        key = header_key(name)
        field = _field(name, value)
        at = self._index(key)
        self._forget(key)
        if at is None:
            self._fields.append(field)
            return
        self._fields[at] = field
        self._fields[at + 1 :] = [other for other in self._fields[at + 1 :] if other[0] != key]

    def add(self, name: str, value: str) -> None:
        """Appends a field after all others."""
        field = _field(name, value)
        self._forget(field[0])
        self._fields.append(field)

    def prepend(self, name: str, value: str) -> None:
        """Puts a field before the first of that name, or before all others."""
        field = _field(name, value)
        self._forget(field[0])
        self._fields.insert(self._index(field[0]) or 0, field)

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
        self._forget(key)
        self._fields = [field for field in self._fields if field[0] != key]

    def _change_first(self, name: str, replacement: list[str]) -> str | None:
        key = header_key(name)
        for at, (known, whole, raw) in enumerate(self._fields):
            # A list field may be empty: the first value is then in a later one.
            values = [] if known != key else split_list(whole) if key in COMMA_LISTS else [whole]
            if not values:
                continue
            self._forget(key)
            written = raw.partition(":")[0].rstrip(" \t")
            remaining = [*replacement, *values[1:]]
            self._fields[at : at + 1] = [_field(written, ", ".join(remaining))] if remaining else []
            return values[0]
        return None

    def _index(self, key: str) -> int | None:
        for at, field in enumerate(self._fields):
            if field[0] == key:
                return at
        return None

    def _by_key(self) -> dict[str, list[str]]:
        if self._values is None:
            values: dict[str, list[str]] = {}
            for key, value, _ in self._fields:
                if key in values:
                    values[key].append(value)
                else:
                    values[key] = [value]
            self._values = values
        return self._values

    def _forget(self, key: str) -> None:
        self._values = None
        self._views.pop(key, None)
        self._views.pop(f"{key}*", None)


def _field(name: str, value: str) -> Field:
    if "\r" in value or "\n" in value or "\r" in name or "\n" in name:
        raise ValueError("a header field is one line")
    value = value.strip(" \t")
    return (header_key(name), value, f"{name}: {value}")
