"""Tables of accounts, as spreadsheets save them and as somebody with bad intentions might."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.account_csv import COLUMNS, ERRORS_TOLD, LINES_MAX, read_table


def only_error(text: str | bytes) -> tuple[int, str]:
    table = read_table(text if isinstance(text, bytes) else text.encode())
    assert len(table.errors) == 1
    return table.errors[0].line, table.errors[0].detail


def test_a_table_says_what_each_account_is_to_be():
    text = (
        "name,password,users,transports,max_calls,allowed_prefixes\r\n"
        'office," a secret, with a comma","050 051",tls,2,"050;+39"\r\n'
        "\r\n"
        "garden,,,,,\r\n"
    )

    table = read_table(text.encode())

    assert table.errors == ()
    [(first_line, office), (second_line, garden)] = table.accounts
    assert (first_line, second_line) == (2, 4)
    assert (office.password, office.users) == (" a secret, with a comma", ("050", "051"))
    assert (office.transports, office.max_calls, office.allowed_prefixes) == (("tls",), 2, ("050", "+39"))
    assert (garden.name, garden.password, garden.rights_said()) == ("garden", None, {})


@pytest.mark.parametrize(
    "text", ["\ufeffname;users\noffice;050\n", "NAME, users\noffice, 050", "users,name\n050,office"]
)
def test_tables_of_other_programs_are_read_as_well(text):
    [(_, account)] = read_table(text.encode()).accounts

    assert (account.name, account.users) == ("office", ("050",))


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("", 1, "names the columns"),
        ("office,secret\n", 1, "names the columns"),
        ("name,pasword\nx,y\n", 1, "'pasword'"),
        ("name,name\nx,y\n", 1, "twice"),
        ("name\na\nb c\n", 3, "name"),
        ("name,password\nok,long enough\nb,short\n", 3, "password"),
        ("name,password\noffice1234,office1234\n", 2, "the password is a name"),
        ("name,max_calls\na,-1\n", 2, "max_calls"),
        ("name,max_calls\na,many\n", 2, "max_calls"),
        ("name,transports\na,sctp\n", 2, "transports"),
        ("name\na,b\n", 2, "2 fields, but 1 columns"),
        ("name,users\n,050\n", 2, "name"),
        ("name\na\nb\na\n", 4, "the same as in line 2"),
        ('name,users\n"a\nb",050\nc,"0\n50"\nd e,\n', 2, "name"),
        ('name\na\n"b\n', 3, "unexpected end of data"),
        (b"name\na\n\xe9\n", 3, "UTF-8"),
        ("name\n" + "a\n" * LINES_MAX, LINES_MAX + 1, "more than"),
    ],
)
def test_what_cannot_be_taken_is_told_with_its_line(text, line, word):
    first = read_table(text if isinstance(text, bytes) else text.encode()).errors[0]

    assert first.line == line
    assert word in first.detail


def test_a_line_after_a_field_with_line_breaks_is_counted_as_an_editor_does():
    assert only_error('name,users\na,"050\n051\n"\nb c,\n')[0] == 5


def test_a_bad_password_is_not_repeated():
    assert "hunter" not in only_error("name,password\na,hunter2\n")[1]


def test_not_more_errors_are_told_than_anybody_reads():
    assert len(read_table(("name\n" + "b c\n" * 500).encode()).errors) == ERRORS_TOLD


@given(
    st.binary(max_size=300) | st.text(max_size=300).map(lambda text: ("name,users\n" + text).encode("utf-8", "replace"))
)
def test_any_octets_are_a_table_or_errors_with_lines(octets):
    table = read_table(octets)

    lines = octets.count(b"\n") + octets.count(b"\r") + 1
    assert all(1 <= error.line <= lines for error in table.errors)
    assert len({account.name for _, account in table.accounts}) == len(table.accounts)


CELLS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20)


@given(st.lists(st.lists(CELLS, min_size=len(COLUMNS), max_size=len(COLUMNS)), max_size=5))
def test_every_line_of_a_well_formed_table_is_an_account_or_an_error_or_empty(rows):
    written = io.StringIO()
    csv.writer(written).writerows([COLUMNS, *rows])

    table = read_table(written.getvalue().encode())

    filled = [row for row in rows if any(cell.strip() for cell in row)]
    assert len(table.accounts) + len(table.errors) >= len(filled)
    assert len(table.accounts) <= len(filled)
