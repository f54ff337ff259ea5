"""What is a password and a user name here."""

import pytest

from api.passwords import LONGEST, is_username, weakness


@pytest.mark.parametrize(
    "password", ["kettle-violin-93", "una frase che ricordo", "\u00fcber-\u5bc6\u78bc-\U0001f511-sicher", "a1b2c" * 20]
)
def test_length_is_what_counts(password):
    assert weakness("marta", password) is None


@pytest.mark.parametrize(
    "password", ["", "short", "elevenchars", "a" * 16, "ab" * 8, "Marta2026Marta", "abcde" * LONGEST]
)
def test_what_is_guessed_first_is_refused(password):
    assert weakness("marta", password) is not None


def test_user_names_have_one_way_of_writing():
    assert all(map(is_username, ["admin", "m.rossi@example.com", "0", "a" * 64]))
    assert not any(map(is_username, ["", "Admin", "a b", ".a", "a" * 65, "\u0430dmin", "admin\n", "a\0", "\ud800"]))
