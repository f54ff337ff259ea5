"""What somebody may do here: roles, and the scopes that narrow an API token down. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

Role = Literal["admin", "viewer"]
Scope = Literal["read", "write", "admin", "metrics"]

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")  # RFC 9110 9.2.1

OF_ROLE: Mapping[Role, frozenset[Scope]] = {
    "admin": frozenset({"read", "write", "admin", "metrics"}),
    "viewer": frozenset({"read", "metrics"}),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a signed-in user, or a token that a user made. `scopes`: what both the role and the token allow."""

    username: str
    role: Role
    scopes: frozenset[Scope]
    session: str | None = None  # its id
    token: str | None = None  # its name

    @classmethod
    def of_session(cls, username: str, role: Role, session: str) -> "Caller":
        """A user at a browser may do all that his role allows."""
        return cls(username, role, OF_ROLE[role], session=session)

    @classmethod
    def of_token(cls, username: str, role: Role, token: str, scopes: Collection[Scope]) -> "Caller":
        """A token may do what it was made for, as long as the role of its maker allows that."""
        return cls(username, role, OF_ROLE[role].intersection(scopes), token=token)

    def refusal(self, *scopes: Scope) -> str | None:
        """Why this caller, who needs one of the scopes, is refused; None: he is not."""
        if self.scopes.intersection(scopes):
            return None
        needed = " or ".join(scopes)
        return f"this needs a token with the scope {needed}" if self.token else "this needs the role admin"


@dataclass(frozen=True, slots=True)
class Origin:
    """Who does something, and from where, for the audit log. No user: this program, or a stranger."""

    username: str | None = None
    address: str | None = None
    token: str | None = None


HERE = Origin()  # this program by itself
