"""Places of destination networks are dealt so that no plan can ask for more, and none is wasted."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_scheduler.learning.slots import LawfulSlots
from contact_scheduler.planning.networks import Network, NetworkLimit, deal

HOURS = 24
SMS, EMAIL, VOICE = 0, 1, 2
MAIL_BIT, PHONE_BITS = 1 << 2, 1 << 1 | 1 << 3


def people(count: int) -> list[UUID]:
    """So many borrowers."""
    return [UUID(int=number + 1) for number in range(count)]


def network(limit: NetworkLimit, members: list[UUID], bits: int = MAIL_BIT, taken: list[int] | None = None) -> Network:
    """A network with its members; `taken` by other plans in the first hours."""
    return Network(limit, dict.fromkeys(members, bits), np.array(taken or [], dtype=np.int64))


def dealt(mask: np.ndarray, networks: list[Network], seed: int = 1, duties: tuple[int, ...] = ()) -> np.ndarray:
    """Deal, and return the slots of each borrower: [n, 3, hours]."""
    is_duty = np.isin(np.arange(len(mask)), duties)
    lots = np.random.default_rng(seed).random(len(mask))
    left = deal(LawfulSlots.from_dense(mask), people(len(mask)), is_duty, lots, networks)
    return left.patterns[left.pattern_of]


def everything(count: int) -> np.ndarray:
    """All channels and hours for everybody."""
    return np.ones((count, 3, HOURS), dtype=np.bool_)


def test_a_domain_of_500_a_day_gets_mails_for_500_of_10_000() -> None:
    """The others keep texts and calls, and whoever has a place has all lawful hours to choose from."""
    count = 10_000
    slots = dealt(everything(count), [network(NetworkLimit("example.com", 86_400, 500), people(count))])

    assert 500 == slots[:, EMAIL].any(axis=1).sum()
    assert {0, HOURS} == set(slots[:, EMAIL].sum(axis=1).tolist())
    assert slots[:, [SMS, VOICE]].all()


def test_a_limit_by_the_hour_is_dealt_round_and_round() -> None:
    """100 an hour for 600 borrowers: each hour is full, and everybody has four of the 24 hours."""
    slots = dealt(everything(600), [network(NetworkLimit("example.com", 3_600, 100), people(600))])

    assert {100} == set(slots[:, EMAIL].sum(axis=0).tolist())
    assert {4} == set(slots[:, EMAIL].sum(axis=1).tolist())


def test_where_there_is_room_for_all_nothing_changes() -> None:
    """The limit is as high as the number of its borrowers, and other people are not touched by it at all."""
    mask = everything(50)
    mask[::2, EMAIL, :9] = False
    limits = [NetworkLimit("example.com", 86_400, 30), NetworkLimit("example.com", 60, 1)]

    assert (mask == dealt(mask, [network(one, people(30)) for one in limits])).all()
    assert (mask == dealt(mask, [network(NetworkLimit("example.com", 60, 0), [])])).all()


def test_duties_come_first_then_those_who_can_be_reached_in_no_other_way() -> None:
    """Of ten places two go to duties and five to those with a mailbox only."""
    mask = everything(100)
    mask[40:45, [SMS, VOICE]] = False
    slots = dealt(mask, [network(NetworkLimit("example.com", 86_400, 10), people(100))], duties=(7, 93))

    has_mail = set(np.flatnonzero(slots[:, EMAIL].any(axis=1)).tolist())
    assert {7, 93, 40, 41, 42, 43, 44} < has_mail
    assert 10 == len(has_mail)


def test_another_day_other_borrowers_have_a_place() -> None:
    """The lots are new for each plan: half of the borrowers do not wait for ever."""
    domain = [network(NetworkLimit("example.com", 86_400, 50), people(100))]
    days = [dealt(everything(100), domain, seed=seed)[:, EMAIL].any(axis=1) for seed in range(12)]

    assert {50} == {int(day.sum()) for day in days}
    assert np.logical_or.reduce(days).all()


def test_what_other_plans_took_is_not_dealt_again() -> None:
    """Thirty of the fifty a day are taken, and all of the first hour's."""
    by_day = network(NetworkLimit("example.com", 86_400, 50), people(100), taken=[10, 20])
    by_hour = network(NetworkLimit("example.com", 3_600, 10), people(100), taken=[10, 4])

    assert 20 == dealt(everything(100), [by_day])[:, EMAIL].any(axis=1).sum()
    assert [0, 6, 10] == dealt(everything(100), [by_hour])[:, EMAIL].sum(axis=0)[:3].tolist()


def test_an_area_code_limits_texts_and_calls_together() -> None:
    """One place holds one borrower, on either channel; mail is not touched."""
    area = network(NetworkLimit("+1212", 3_600, 5), people(40), PHONE_BITS)
    slots = dealt(everything(40), [area])

    assert {5} == set(slots[:, [SMS, VOICE]].any(axis=1).sum(axis=0).tolist())
    assert (slots[:, SMS] == slots[:, VOICE]).all()
    assert slots[:, EMAIL].all()


@pytest.mark.parametrize(
    ("limit", "places", "stretches"),
    [
        (NetworkLimit("example.com", 1, 2), 7_200, 24),
        (NetworkLimit("example.com", 3_600, 9), 9, 24),
        (NetworkLimit("example.com", 5_400, 9), 9, 12),
        (NetworkLimit("example.com", 86_400, 9), 9, 1),
    ],
)
def test_a_stretch_is_counted_in_whole_hours(limit: NetworkLimit, places: int, stretches: int) -> None:
    """Shorter ones add up to an hour, others are rounded up, on the safe side."""
    free, stretch = network(limit, []).places(HOURS)

    assert [places] * stretches == free.tolist()
    assert stretches == len(set(stretch.tolist()))


@given(
    mask=st.integers(1, 60).flatmap(lambda n: st.binary(min_size=n * 9, max_size=n * 9)),
    limits=st.lists(st.tuples(st.sampled_from([60, 3_600, 10_800, 86_400]), st.integers(0, 40)), max_size=3),
    bits=st.sampled_from([MAIL_BIT, PHONE_BITS]),
    share=st.integers(0, 60),
    seed=st.integers(0, 99),
)
def test_no_choice_within_what_was_dealt_exceeds_a_limit_and_no_place_is_left_that_somebody_asked_for(
    mask: bytes, limits: list[tuple[int, int]], bits: int, share: int, seed: int
) -> None:
    """Whatever the hours, however limits meet: the deal only takes away, and takes no more than it must."""
    given_slots = np.unpackbits(np.frombuffer(mask, dtype=np.uint8)).reshape(-1, 3, HOURS).astype(np.bool_)
    members = people(len(given_slots))[:share]
    networks = [network(NetworkLimit("x", length_s, contacts), members, bits) for length_s, contacts in limits]
    slots = dealt(given_slots, networks, seed)
    inside = [channel for channel in (SMS, EMAIL, VOICE) if bits >> channel + 1 & 1]
    outside = [channel for channel in (SMS, EMAIL, VOICE) if channel not in inside]

    assert not (slots & ~given_slots).any()
    assert (slots[:, outside] == given_slots[:, outside]).all()
    assert (slots[share:] == given_slots[share:]).all()
    wanted, left = given_slots[:share, inside].any(axis=1), slots[:share, inside].any(axis=1)
    for one in networks:
        places, stretch = one.places(HOURS)
        for number, free in enumerate(places.tolist()):
            asked = int(wanted[:, stretch == number].any(axis=1).sum())
            got = int(left[:, stretch == number].any(axis=1).sum())
            assert got <= free
            if len(networks) == 1:
                assert min(asked, free) == got
