"""What a request may say about a SIP account."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.accounts import AccountRights
from shared.events import Transport

PASSWORD_SHORTEST = 8  # for devices that cannot do more; those that we make have 20
# No blanks or signs that end a word in SIP or have to be escaped in a path; a name may look like an address.
NAME_PATTERN = r"^[A-Za-z0-9+*_][A-Za-z0-9+*_.@~-]*$"
USER_PATTERN = r"^[A-Za-z0-9+*_][A-Za-z0-9+*_.~-]*$"

Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=128, examples=["office"])]
User = Annotated[str, Field(pattern=USER_PATTERN, max_length=128)]
Prefix = Annotated[str, Field(pattern=r"^[0-9A-Za-z+*#]+$", max_length=32)]
Calls = Annotated[int, Field(ge=0, le=1_000_000)]


class AccountBody(BaseModel):
    """An account as it is to be; a password is only ever given, never shown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    password: str | None = Field(
        default=None,
        min_length=PASSWORD_SHORTEST,
        max_length=256,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="null: the one it has, or what `generate_password` makes",
    )
    generate_password: bool = Field(default=False, description="make a new one, which is in the answer, once")
    users: tuple[User, ...] = Field(
        default=(),
        max_length=100,
        description="of the addresses of record that it may register; empty: its own name, up to an `@`",
        examples=[["050", "051"]],
    )
    transports: tuple[Transport, ...] = Field(default=("udp", "tcp", "tls"), min_length=1, max_length=3)
    max_calls: Calls | None = Field(default=None, description="at once, as the caller; null: any number")
    max_calls_per_day: Calls | None = Field(default=None, description="a day of UTC; null: any number")
    allowed_prefixes: tuple[Prefix, ...] = Field(
        default=(),
        max_length=100,
        description="how numbers may begin that are no user or extension here; empty: no such number goes anywhere",
    )

    @model_validator(mode="after")
    def _has_one_password(self) -> Self:
        if self.password is not None and self.generate_password:
            raise ValueError("either password or generate_password")
        return self

    @staticmethod
    def right_names() -> frozenset[str]:
        """The fields that say what the account may do."""
        return frozenset(AccountRights.model_fields)

    def rights(self) -> dict[str, Any]:
        """All that it may do, said or not."""
        return {name: getattr(self, name) for name in self.right_names()}

    def rights_said(self) -> dict[str, Any]:
        """What is said of it."""
        return {name: value for name, value in self.rights().items() if name in self.model_fields_set}


class NewAccount(AccountBody):
    """An account with its name."""

    name: Name = Field(description="digest user name")

    @model_validator(mode="after")
    def _is_no_guess(self) -> Self:
        if self.password is not None and self.password.lower() in (self.name.lower(), *self.users):
            raise ValueError("the password is a name")
        return self
