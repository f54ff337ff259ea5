"""What the demonstration plays: calls that can be made, told in words that are true."""

import pytest

from shared.accounts import SEEDED
from sip_proxy.extensions.extensions import EXTENSIONS
from vqm_local.demo import CLEAN, ROUNDS, TONES_HZ, Plan, demonstrate
from vqm_local.phone import PhoneError
from vqm_local.settings import LocalSettings

ACCOUNTS = {name for name, _ in SEEDED}
PLANS = [plan for plans in ROUNDS for plan in plans]


@pytest.mark.parametrize("plan", PLANS, ids=str)
def test_every_caller_has_a_phone_and_every_callee_answers(plan):
    assert plan.caller in ACCOUNTS
    assert plan.callee in ACCOUNTS | set(EXTENSIONS)
    assert plan.caller != plan.callee


def test_the_first_round_has_a_clean_call_and_one_that_loses_every_20th_packet():
    assert sorted(plan.loses or 0 for plan in ROUNDS[0]) == [0, 20]


def test_only_the_phone_behind_the_bad_line_loses_packets():
    assert all((plan.loses is None) == (plan.caller == CLEAN) for plan in PLANS)


def test_every_account_says_a_tone_of_its_own():
    assert set(TONES_HZ) == ACCOUNTS
    assert len(set(TONES_HZ.values())) == len(ACCOUNTS)


def test_the_words_say_how_much_is_lost():
    assert "5 % loss" in str(Plan("a", "b", loses=20))
    assert "no loss" in str(Plan("a", "999"))


async def test_an_address_that_is_not_of_this_machine_is_refused_with_the_setting_to_change():
    settings = LocalSettings(public_address="203.0.113.7")  # RFC 5737: documentation

    with pytest.raises(PhoneError, match=r"203\.0\.113\.7.*VQM_PUBLIC_ADDRESS"):
        await demonstrate(settings, lambda sentence: None)
