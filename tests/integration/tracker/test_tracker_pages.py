"""Links: one-click unsubscribe by RFC 8058, and a page that is safe to prefetch and shows figures to the known only."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from forbear_domain.model import Channel
from tests.integration.tracker.tracker_stage import MAIL, PAST_DUE, World, leave_path, page_path

pytestmark = pytest.mark.needs_postgres


async def post(world: World, path: str, **form: str) -> tuple[int, str]:
    """Post a form of a page."""
    async with world.session.post(world.base_url + path, data=form) as reply:
        body = await reply.text()
    await world.pump()
    return reply.status, body


async def get(world: World, path: str) -> tuple[int, str]:
    """Fetch a page."""
    async with world.session.get(world.base_url + path) as reply:
        return reply.status, await reply.text()


async def test_one_click_unsubscribes_at_once_and_a_get_does_not(world: World) -> None:
    """RFC 8058: POST with List-Unsubscribe=One-Click, no cookies, no question; scanners that GET change nothing."""
    attempt = await world.attempt(channel=Channel.EMAIL)

    fetched, _ = await get(world, leave_path(attempt))
    events_after_get = await world.pool.fetchval("SELECT count(*) FROM event")
    posted, _ = await post(world, leave_path(attempt), **{"List-Unsubscribe": "One-Click"})

    assert [200, 200] == [fetched, posted]
    assert 0 == events_after_get
    assert ["OPT_OUT"] == world.suppression_kinds()
    assert MAIL == world.dispatcher.suppressions[0].address


async def test_one_click_while_the_dispatcher_is_away_asks_to_come_again(world: World) -> None:
    """Never 2xx before it is in force."""
    attempt = await world.attempt(channel=Channel.EMAIL)
    world.dispatcher.is_away = True

    async with world.session.post(world.base_url + leave_path(attempt), data={}) as reply:
        status = reply.status

    assert 503 == status


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "../etc", "A" * 5000])
async def test_a_token_that_we_did_not_make_shows_nothing(world: World, token: str) -> None:
    """404 for whatever was guessed."""
    await world.attempt()

    assert 404 == (await get(world, f"/p/{token}"))[0]
    assert 404 == (await get(world, f"/u/{token}"))[0]


async def test_whom_a_broken_link_or_a_bad_moment_meets_reads_a_sentence_in_their_language(world: World) -> None:
    """Not a word of ours: what happened and what to do, in all four, each marked for those who have it read out."""
    attempt = await world.attempt()
    world.dispatcher.is_away = True

    broken = await get(world, "/p/" + page_path(attempt).removeprefix("/p/")[:20])
    async with world.session.post(world.base_url + page_path(attempt), data={"act": "leave", "serial": "0"}) as reply:
        later = reply.status, await reply.text()
    world.dispatcher.is_away = False
    nothing = await post(world, page_path(attempt), act="no such act")

    assert (404, 503, 400) == (broken[0], later[0], nothing[0])
    for (_, body), words in ((broken, "open it from our message"), (later, "in a few minutes"), (nothing, "try again")):
        assert words in body
        assert all(f'<section lang="{language}">' in body for language in ("en", "es", "zh-Hans", "zh-Hant"))
        assert "<title>Sorry" in body
        assert "unknown_token" not in body


async def test_what_failed_is_told_apart_from_what_was_done(world: World) -> None:
    """By its role for those who hear it, by its look, and in the title, which is read first."""
    attempt = await world.attempt()

    _, failed = await post(world, page_path(attempt), act="call", day="2020-01-01", hour="9", serial="0")
    _, done = await post(world, page_path(attempt), act="person", serial="1")

    assert 'class="notice failed" role="alert"' in failed
    assert "<title>Please choose an hour" in failed
    assert 'class="notice" role="status"' in done
    assert "<title>A colleague will be in touch." in done


async def test_a_link_for_the_page_does_not_unsubscribe(world: World) -> None:
    """Tokens are bound to their purpose."""
    attempt = await world.attempt()

    status, _ = await post(world, page_path(attempt).replace("/p/", "/u/"))

    assert 404 == status


async def test_prefetching_the_page_changes_nothing_and_counts_as_nothing(world: World) -> None:
    """Previews and scanners fetch: no event, no response, no engagement."""
    attempt = await world.attempt()

    for _ in range(3):
        assert 200 == (await get(world, page_path(attempt)))[0]
    await world.pump()

    assert 0 == await world.pool.fetchval("SELECT count(*) FROM event")
    assert [] == world.scheduler.responses


@pytest.mark.parametrize(
    ("language", "word"),
    [("en", "Three smaller"), ("es", "Tres pagos"), ("zh-Hans", "分三次"), ("zh-Hant", "聯絡")],
)
async def test_the_page_speaks_the_borrowers_language_and_shows_no_figures(
    world: World, language: str, word: str
) -> None:
    """The link proves an address, not a person."""
    attempt = await world.attempt(language=language)

    _, body = await get(world, page_path(attempt))

    assert word in body
    assert not PAST_DUE.search(body)
    assert "Maria" not in body


async def test_figures_are_shown_to_who_knows_the_phone_on_file(world: World) -> None:
    """The link came by mail; the last four digits of the phone prove the person; wrong digits do not."""
    await world.attempt(1)
    attempt = await world.attempt(2, channel=Channel.EMAIL)

    _, wrong = await post(world, page_path(attempt), act="identify", digits="0000", serial="0")
    _, right = await post(world, page_path(attempt), act="identify", digits="0123", serial="1")

    assert "612.40" not in wrong
    assert "612.40" in right
    assert "$204.14" in right


async def test_digits_cannot_be_guessed(world: World) -> None:
    """After five tries a day even the right ones show nothing."""
    await world.attempt(1)
    attempt = await world.attempt(2, channel=Channel.EMAIL)
    for number in range(6):
        await post(world, page_path(attempt), act="identify", digits=f"{number:04d}", serial=str(number))

    _, body = await post(world, page_path(attempt), act="identify", digits="0123", serial="7")

    assert "612.40" not in body


async def test_the_phone_that_the_link_came_to_proves_nothing(world: World) -> None:
    """Whoever holds the phone knows its number: no question, no figures."""
    attempt = await world.attempt()

    _, body = await get(world, page_path(attempt))

    assert "digits" not in body


async def test_three_instalments_chosen_on_the_page_are_agreed_and_confirmed(world: World) -> None:
    """A double click is one act."""
    attempt = await world.attempt()

    for _ in range(2):
        status, body = await post(world, page_path(attempt), act="instalments", serial="0")

    assert 200 == status
    assert "three smaller payments" in body
    assert ["ARRANGEMENT"] == world.suppression_kinds()
    assert ["option.instalments_confirmed"] == world.templates()
    assert ["REPLIED", "ARRANGED"] == world.scheduler.kinds()


async def test_a_changed_mind_replaces_the_first_choice(world: World) -> None:
    """Deferral after instalments, and instalments again: three acts, one arrangement left."""
    attempt = await world.attempt()

    for serial, act in enumerate(("instalments", "deferral", "instalments")):
        await post(world, page_path(attempt), act=act, serial=str(serial))
        world.clock.advance(timedelta(minutes=1))

    states = await world.pool.fetch("SELECT option FROM arrangement WHERE state = 1")
    assert [2] == [row["option"] for row in states]


async def test_a_day_promised_on_the_page_pauses_reminders(world: World) -> None:
    """Within sixty days; another day is refused kindly."""
    attempt = await world.attempt()

    _, far = await post(world, page_path(attempt), act="promise", day="2027-01-01", serial="0")
    before = world.suppression_kinds()
    _, near = await post(world, page_path(attempt), act="promise", day="2026-03-09", serial="1")

    assert [] == before
    assert "We could not read that" in far
    assert "We noted the day" in near
    assert ["PROMISE"] == world.suppression_kinds()


async def test_wishes_and_leaving_by_the_page(world: World) -> None:
    """Language and hours are told to the scheduler; leaving bars the address."""
    attempt = await world.attempt()

    await post(world, page_path(attempt), act="wish", language="es", start="18", channel="email", serial="0")
    await post(world, page_path(attempt), act="leave", serial="1")

    wish = world.scheduler.responses[0]
    assert ("es", 18, 2) == (wish.preferred_language, wish.preferred_hour_start, wish.preferred_channel)
    assert ["INCONVENIENT_TIME", "OPT_OUT"] == world.suppression_kinds()


async def test_hours_that_contradict_each_other_hold_up_no_other_wish(world: World) -> None:
    """Not before eight at night, not after nine in the morning: the page says how to mend, and the next is kept."""
    attempt = await world.attempt()

    _, wrong = await post(world, page_path(attempt), act="wish", start="20", end="9", serial="0")
    _, nothing = await post(world, page_path(attempt), act="wish", serial="0")
    before = world.suppression_kinds(), list(world.scheduler.responses)
    _, right = await post(world, page_path(attempt), act="wish", start="9", end="20", serial="0")

    assert "must be earlier than" in wrong
    assert "choose at least one thing" in nothing
    assert ([], []) == before
    assert "We will keep to it" in right
    assert [(9, 20)] == [(one.preferred_hour_start, one.preferred_hour_end) for one in world.scheduler.responses]


@pytest.mark.parametrize(
    ("act", "suppression", "template", "responses", "cases"),
    [
        ("hardship", "HARDSHIP", "options.offered", ["REPLIED", "HARDSHIP"], []),
        ("dispute", "DISPUTE", "", ["REPLIED", "HANDED_OVER"], ["dispute", "verification"]),
    ],
)
async def test_what_can_be_said_in_a_reply_can_be_said_by_a_button(
    world: World, act: str, suppression: str, template: str, responses: list[str], cases: list[str]
) -> None:
    """In force before the page answers, told to the scheduler, answered in writing if law lets us; twice is once."""
    attempt = await world.attempt()

    for _ in range(2):
        status, _ = await post(world, page_path(attempt), act=act, serial="0")

    assert 200 == status
    assert [suppression] == world.suppression_kinds()
    assert ([template] if template else []) == world.templates()
    assert responses == world.scheduler.kinds()
    assert cases == await world.cases()


async def test_the_page_leads_to_the_lenders_page_to_pay_on_where_there_is_one(world: World) -> None:
    """A plain link to the lender: nothing of ours stands in between, and it is told nothing of where one came from."""
    attempt = await world.attempt(1)
    poor = await world.attempt(2, payment_url="")

    _, body = await get(world, page_path(attempt))
    _, without = await get(world, page_path(poor))

    assert '<a class="button" href="https://pay.example.com/harbor" rel="noreferrer noopener">' in body
    assert 'class="button" href' not in without


async def test_a_call_by_a_person_at_the_borrowers_hour_is_a_case_with_that_term(world: World) -> None:
    """On the borrower's clock; the machine leaves them in peace; twice is once."""
    attempt = await world.attempt()

    for _ in range(2):
        _, body = await post(world, page_path(attempt), act="call", day="2026-03-05", hour="18", serial="0")

    due_at = await world.pool.fetchval("SELECT due_at FROM hand_over WHERE reason = 'call_back'")
    assert "A colleague calls you then" in body
    assert ["call_back"] == await world.cases()
    assert datetime(2026, 3, 5, 19, tzinfo=ZoneInfo("America/New_York")) == due_at
    assert ["REPLIED", "HANDED_OVER"] == world.scheduler.kinds()


@pytest.mark.parametrize(
    ("day", "hour"),
    [("2026-03-01", "12"), ("2026-03-17", "12"), ("2026-03-05", "8"), ("2026-03-05", "20"), ("2026-03-05", "noon"),
     ("5 March", "12"), ("", "")],
)  # fmt: skip
async def test_a_call_at_no_decent_hour_is_asked_for_again(world: World, day: str, hour: str) -> None:
    """Past, too far off, before nine, at eight in the evening, or no time at all: nothing is opened."""
    attempt = await world.attempt()

    _, body = await post(world, page_path(attempt), act="call", day=day, hour=hour, serial="0")

    assert "Please choose an hour" in body
    assert [] == await world.cases()
