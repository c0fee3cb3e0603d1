"""The borrower's self-service page: ways out, a day to pay on, wishes, and the way to leave. GET changes nothing.

Whoever holds the link may choose a way out or leave; the link proves the address it was sent to, no more. Figures are
shown only after the last four digits of a phone number on file were given, and only where the link did not come to that
very phone. Mail scanners and previews fetch pages but never post, so only a post counts as a response.
"""

from __future__ import annotations

import hmac
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from forbear_chassis.postgres import Connection, Pool
from forbear_domain.arrangements import PROMISE_DAYS_MAX, Option, offers
from forbear_domain.messages import day, money
from forbear_domain.model import Channel, ResponseKind, SuppressionKind
from forbear_replies import Label
from response_tracker import borrower_time, words
from response_tracker.by_button import carry_out
from response_tracker.decision import ACTS, CONFIRMATIONS, HARDSHIP_DAYS, Bar, Decision, Scope
from response_tracker.duties import Reason
from response_tracker.enact import put_on_table
from response_tracker.events import Event, Kind, name_event
from response_tracker.forms import read_form
from response_tracker.heard import Heard, current, hear
from response_tracker.model import NO_WISH, Attempt, PromiseTerms, Wish, leaves_an_hour
from response_tracker.store import attempts, events

DIGITS = 4
TRIES_A_DAY_MAX = 5
CALL_DAYS_MAX = 14  # how far ahead a call by a person can be asked for
CALL_HOURS = range(9, 20)  # of the borrower's clock: calls begin within them, well inside every lawful window
SORRY = "Sorry · Lo sentimos · 抱歉"
_CHANNELS = {channel.label: channel for channel in Channel}
_LEAVE = Decision(bars=(Bar(SuppressionKind.OPT_OUT, Scope.ADDRESS),), responses=(ResponseKind.OPTED_OUT,))

_DISPUTED = ACTS[Label.DISPUTE]
_DISPUTE = Decision(
    bars=(_DISPUTED.bar,) if _DISPUTED.bar else (),
    cases=(Reason.DISPUTE,),
    responses=(ResponseKind.HANDED_OVER,),
    answer=_DISPUTED.answer,
)


class Act(Enum):
    """What can be posted on the page; the value is that of the button."""

    DEFERRAL = "deferral"
    INSTALMENTS = "instalments"
    PROMISE = "promise"
    WISH = "wish"
    HARDSHIP = "hardship"
    DISPUTE = "dispute"
    PERSON = "person"
    CALL = "call"
    LEAVE = "leave"
    IDENTIFY = "identify"


OPTION_OF = {Act.DEFERRAL: Option.DEFERRAL, Act.INSTALMENTS: Option.INSTALMENTS}


@dataclass(frozen=True, slots=True)
class View:
    """What the page shows. `texts` are in the borrower's language; figures are empty unless the person is known."""

    language: str
    texts: Mapping[str, str]
    brand: str
    serial: int
    notice: str = ""
    is_failed: bool = False
    asks_identity: bool = False
    has_options: bool = False
    payment_url: str = ""
    figures: Mapping[str, str] = field(default_factory=dict)
    day_first: str = ""
    day_last: str = ""
    call_last: str = ""
    call_hours: Sequence[int] = CALL_HOURS


class Page:
    """Shows the page and acts on what is posted."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._texts: dict[str, dict[str, str]] = tomllib.loads(
            resources.files("response_tracker.pages").joinpath("texts.toml").read_text(encoding="utf-8")
        )
        self._environment = Environment(
            loader=PackageLoader("response_tracker", "pages"), autoescape=True, undefined=StrictUndefined
        )

    async def show(
        self, of: Attempt, now: datetime, *, notice: str = "", is_failed: bool = False, is_known: bool = False
    ) -> bytes:
        """Return the page as HTML. Changes nothing."""
        async with self._pool.acquire() as connection:
            view = await self._view(connection, of, now, is_known=is_known)
        return self._render("page.html", replace(view, notice=notice, is_failed=is_failed))

    def sorry(self, text: str) -> bytes:
        """Return a page that says one thing in all our languages, for it is not known which one is read."""
        notices = {language: texts[text] for language, texts in self._texts.items()}
        return (
            self._environment.get_template("sorry.html")
            .render(language="en", brand=SORRY, notice="", notices=notices)
            .encode()
        )

    async def is_known(self, of: Attempt, form: Mapping[str, str], now: datetime) -> bool:
        """Return whether somebody gave the last digits of a phone on file; only a few tries a day count."""
        async with self._pool.acquire() as connection:
            ends = await _proofs(connection, of)
            tries = await events.count_kind(connection, of.id, Kind.PAGE, now - timedelta(days=1), b"act=identify")
        given = form.get("digits", "").strip().encode()
        return tries <= TRIES_A_DAY_MAX and any(hmac.compare_digest(given, end.encode()) for end in sorted(ends))

    async def notice(self, of: Attempt, act: Act, *, is_failed: bool) -> str:
        """Return the sentence that says what was done, in the borrower's language."""
        async with self._pool.acquire() as connection:
            language = words.speak((await current(connection, of)).language)
        texts = self._texts[language]
        return texts.get(f"failed_{act.value}", texts["failed"]) if is_failed else texts[f"done_{act.value}"]

    async def confirm_leave(self, of: Attempt, *, is_done: bool) -> bytes:
        """Return the page of the unsubscribe link: a button, or that it is done. Changes nothing."""
        async with self._pool.acquire() as connection:
            snapshot = await current(connection, of)
        language = words.speak(snapshot.language)
        texts = self._texts[language]
        notice = texts["done_leave"] if is_done else ""
        return self._render("leave.html", View(language, texts, snapshot.brand, 0, notice))

    async def act(self, connection: Connection, event: Event, of: Attempt) -> str:
        """Act on what was posted and return the fate of the event."""
        form = read_form(event.body)
        act = read_act(form)
        if act is None:
            return "unreadable"
        heard = await hear(connection, event, of, source="page", is_direct=True)
        if act is Act.IDENTIFY:
            return "recorded"
        if act is Act.HARDSHIP:
            return await _offer(connection, heard)
        if act in OPTION_OF:
            return await _choose(connection, heard, OPTION_OF[act])
        decision = _decide(act, form, heard)
        if decision is None:
            return "unreadable"
        return await carry_out(connection, heard, decision)

    async def _view(self, connection: Connection, of: Attempt, now: datetime, *, is_known: bool) -> View:
        snapshot = await current(connection, of)
        language = words.speak(snapshot.language)
        today = borrower_time.today(now, snapshot.zone)
        computed = offers(snapshot.terms, today)
        figures: dict[str, str] = {}
        if is_known:
            figures["past_due"] = money(snapshot.terms.past_due_minor, snapshot.terms.currency, language)
            for offer in computed:
                figures[offer.option.name.lower()] = "; ".join(
                    f"{money(part.amount_minor, offer.currency, language)}, {day(part.due_on, language)}"
                    for part in offer.schedule
                )
        return View(
            language=language,
            texts=self._texts[language],
            brand=snapshot.brand,
            serial=await events.count_kind(connection, of.id, Kind.PAGE, of.send_at),
            asks_identity=not is_known and bool(await _proofs(connection, of)),
            has_options=bool(computed),
            payment_url=snapshot.payment_url,
            figures=figures,
            day_first=today.isoformat(),
            day_last=(today + timedelta(days=PROMISE_DAYS_MAX)).isoformat(),
            call_last=(today + timedelta(days=CALL_DAYS_MAX)).isoformat(),
        )

    def _render(self, template: str, view: View) -> bytes:
        values: dict[str, Any] = {name: getattr(view, name) for name in View.__dataclass_fields__}
        return self._environment.get_template(template).render(**values).encode()


async def _offer(connection: Connection, heard: Heard) -> str:
    """Somebody cannot pay: reminders stop, and the options go out; where there is none, a person takes over."""
    has_options = bool(offers(heard.snapshot.terms, heard.today))
    decision = Decision(
        bars=(Bar(SuppressionKind.HARDSHIP, Scope.BORROWER, HARDSHIP_DAYS),),
        cases=() if has_options else (Reason.NO_OFFER,),
        responses=(ResponseKind.HARDSHIP,),
        answer="options.offered" if has_options else "handover.person",
        is_offering=has_options,
        pause_days=HARDSHIP_DAYS,
    )
    return await carry_out(connection, heard, decision)


async def _choose(connection: Connection, heard: Heard, choice: Option) -> str:
    await put_on_table(connection, heard)
    chosen = Decision(responses=(ResponseKind.ARRANGED,), answer=CONFIRMATIONS[choice], choice=choice)
    return await carry_out(connection, heard, chosen)


async def _proofs(connection: Connection, of: Attempt) -> set[str]:
    """Return the endings that prove who somebody is: of phones on file, but not of the one the link came to."""
    ends = await attempts.phone_ends(connection, of.tenant_id, of.borrower_id, DIGITS)
    return ends if of.channel is Channel.EMAIL else ends - {of.address[-DIGITS:]}


def read_act(form: Mapping[str, str]) -> Act | None:
    """Return what was posted, or None."""
    return next((act for act in Act if act.value == form.get("act")), None)


def page_event(of: Attempt, body: bytes, form: Mapping[str, str], at: datetime) -> Event:
    """Name a post: the page numbers its forms, so that a double click is one act and a change of mind another."""
    names = ("serial", "act", "day", "hour", "channel", "start", "end", "language", "digits")
    key = "&".join(f"{name}={form.get(name, '')}" for name in names)
    return Event(name_event(Kind.PAGE, of.id.hex, key), Kind.PAGE, of.id, body, at)


def _decide(act: Act, form: Mapping[str, str], heard: Heard) -> Decision | None:
    if act is Act.LEAVE:
        return _LEAVE
    if act is Act.PERSON:
        return Decision(cases=(Reason.HUMAN_REQUEST,), responses=(ResponseKind.HANDED_OVER,), answer="handover.person")
    if act is Act.DISPUTE:
        return _DISPUTE
    if act is Act.WISH:
        wish = _wish(form)
        return Decision(wish=wish, answer="preference.noted") if wish else None
    if act is Act.CALL:
        call_at = _call_at(form, heard)
        return Decision(call_at=call_at, responses=(ResponseKind.HANDED_OVER,)) if call_at else None
    due_on = _day(form.get("day", ""))
    if due_on is None or not heard.today <= due_on <= heard.today + timedelta(days=PROMISE_DAYS_MAX):
        return None
    terms = PromiseTerms(due_on, None, heard.snapshot.terms.currency)
    return Decision(responses=(ResponseKind.PROMISED,), answer="promise.thanks", promise=terms)


def _call_at(form: Mapping[str, str], heard: Heard) -> datetime | None:
    """Return when a call by a person is asked for: an hour of the borrower's clock that has not begun yet."""
    day, hour = _day(form.get("day", "")), _hour(form.get("hour", ""), CALL_HOURS[0], CALL_HOURS[-1])
    if day is None or hour is None or day > heard.today + timedelta(days=CALL_DAYS_MAX):
        return None
    call_at = datetime.combine(day, time(hour), heard.snapshot.zone).astimezone(UTC)
    return call_at if call_at > heard.at else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _wish(form: Mapping[str, str]) -> Wish:
    """Return what is wished; nothing where the hours contradict each other."""
    language = form.get("language", "")
    start, end = _hour(form.get("start", ""), 0, 23), _hour(form.get("end", ""), 1, 24)
    if not leaves_an_hour(start, end):
        return NO_WISH
    return Wish(
        channel=_CHANNELS.get(form.get("channel", "")),
        hour_start=start,
        hour_end=end,
        language=language if language in words.LANGUAGES else "",
    )


def _hour(text: str, low: int, high: int) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 2 and low <= int(text) <= high else None
