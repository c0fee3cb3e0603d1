"""The borrowers, as the providers meet them: who reads, answers, writes back, clicks, complains and pays.

Implements `people.People`. Reactions are put on the world's agenda, on a grid of a quarter of an hour (7, 22, 37 and 52
minutes past): a month then has a few thousand instants and not a million. Habits are in `habits`, words in
`replies_text`.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from email.message import EmailMessage
from functools import partial
from zoneinfo import ZoneInfoNotFoundError

from forbear_sandbox import mailbox, reading
from forbear_sandbox.borrower import Borrower, Wish, make_borrower
from forbear_sandbox.browser import Browser
from forbear_sandbox.census import Census
from forbear_sandbox.lots import Lots
from forbear_sandbox.people import Fate, Listener, Mail, MailFate, Who
from forbear_sandbox.telephone import Nobody, Person, nobody
from forbear_sandbox.traffic import Agenda, WorldTime

GRID = timedelta(minutes=15)
# Off the hour, where plans like to put their contacts: so that nobody reads and writes at the same instant.
GRID_START = datetime(2000, 1, 1, 0, 7, tzinfo=UTC)
# Mean delay of a reaction, and the most it may take.
DELAYS = {"sms": (timedelta(minutes=25), timedelta(hours=4)), "email": (timedelta(hours=1), timedelta(hours=10))}
COMPLAINS = 0.004  # of the engaged readers of mail who want no more of it
FILTERED = 0.003  # texts that the carrier takes for spam, 30007

SendText = Callable[[str, str, str], Awaitable[None]]
SendMail = Callable[[EmailMessage, str], Awaitable[None]]
Pay = Callable[[Borrower, int, datetime], Awaitable[None]]


@dataclass(slots=True)
class Outlets:
    """How borrowers reach the outside: by text, mail, browser and bank."""

    send_text: SendText  # sender, to, body
    send_mail: SendMail  # message, envelope sender
    pay: Pay
    browser: Browser


LEFT_ON = date(2025, 12, 1)  # when the numbers of wrong persons changed hands


class Population:
    """Everybody in the portfolio. A number or address that nobody has is a stranger: reached, counted, silent."""

    def __init__(self, time: WorldTime, agenda: Agenda, census: Census, seed: int) -> None:
        self._time = time
        self._agenda = agenda
        self._census = census
        self._lots = Lots("population", seed)
        self._outlets: Outlets | None = None
        self._by_address: dict[str, Borrower] = {}
        self.by_ref: dict[str, Borrower] = {}

    def connect(self, outlets: Outlets) -> None:
        """Say how reactions get out."""
        self._outlets = outlets

    def settle(self, rows: Iterable[Mapping[str, str]]) -> int:
        """Move the borrowers of a portfolio in; return how many. Those who pay by themselves get a day for it.

        Nobody lives behind a row that makes no sense: the import of the services rejects it, and says why.
        """
        count = 0
        for columns in rows:
            try:
                borrower = make_borrower(columns, self._lots)
            except (ArithmeticError, ValueError, ZoneInfoNotFoundError):
                continue
            self.by_ref[borrower.ref] = borrower
            for address in (borrower.mobile, borrower.landline, borrower.email):
                if address:
                    self._by_address[address] = borrower
            self._plan_own_payment(borrower)
            count += 1
        return count

    # What providers ask (people.People)

    def who(self, address: str) -> Who:
        """Return who has a number or address; all is empty for a stranger."""
        borrower = self._by_address.get(address.lower())
        if borrower is None:
            return Who()
        return Who(borrower.ref, borrower.habits.zone, borrower.is_talking(self._time.now()))

    def text_fate(self, to: str, at: datetime) -> Fate:
        """Return what the carrier does with a text."""
        borrower = self._by_address.get(to)
        if borrower is None:
            return Fate()
        if borrower.habits.carrier_code is not None:
            return Fate("undelivered", borrower.habits.carrier_code)
        return Fate("undelivered", 30007) if borrower.lots.happens(FILTERED, "filtered", at) else Fate()

    def left_on(self, number: str) -> date | None:
        """Return since when a number is somebody else's: those of wrong persons changed hands some months ago."""
        borrower = self._by_address.get(number)
        return LEFT_ON if borrower is not None and borrower.habits.is_wrong_person else None

    def on_text(self, to: str, sender: str, body: str) -> None:
        """Let somebody read a text."""
        borrower, now = self._by_address.get(to), self._time.now()
        if borrower is None:
            return
        self._hear_terms(borrower, body)
        if not borrower.engages("sms", now, body):
            return
        wish = borrower.wish("sms", now, body)
        link = reading.LINK.search(body)
        if link and wish.meaning in ("pay", "thanks", "balance", "how_to_pay"):
            self._react(borrower, "sms", "click", partial(self._click, borrower, link.group()))
        if wish.text:
            self._react(borrower, "sms", wish.meaning, partial(self._text_back, borrower, sender, wish.text))
        self._plan_wish(borrower, wish)

    def pick_up(self, to: str, sender: str) -> Listener:
        """Let a phone ring."""
        borrower, now = self._by_address.get(to), self._time.now()
        if borrower is None:
            return Nobody("no-answer")
        if not borrower.engages("voice", now, ""):
            return nobody(borrower, now)
        return Person(borrower, now, partial(self._keyed, borrower), partial(self._hear_terms, borrower))

    def mail_fate(self, recipient: str, at: datetime) -> MailFate:
        """Return what the recipient's server says: half of the dead mailboxes are refused at once, half bounce."""
        borrower = self._by_address.get(recipient.lower())
        if borrower is None:
            return MailFate()
        if borrower.habits.has_dead_mailbox:
            refuses = borrower.lots.happens(0.5, "refuses at once")
            return MailFate(550, "5.1.1 no such user") if refuses else MailFate(bounces=True)
        if borrower.lots.happens(0.004, "greylisted", at):
            return MailFate(451, "4.7.1 greylisted, try again later")
        return MailFate()

    def on_mail(self, mail: Mail) -> None:
        """Let somebody, or the program that guards them, find a mail."""
        borrower, now = self._by_address.get(mail.recipient.lower()), self._time.now()
        if borrower is None:
            return
        if borrower.habits.has_dead_mailbox:
            notice = mailbox.bounce(mail, mailbox.read(mail), now)
            self._react(borrower, "sms", "bounce", partial(self._mail_back, borrower, notice, ""))
            return
        opens = borrower.habits.opens_images and borrower.lots.happens(0.1, "opens", now)
        engages = borrower.engages("email", now, "")
        if not (opens or engages or borrower.habits.is_scanned or borrower.listens_for_terms):
            return
        letter = mailbox.read(mail)
        self._hear_terms(borrower, letter.text)
        if borrower.habits.is_scanned:
            self._react(borrower, "sms", "scan", partial(self._scan, borrower, letter))
        if letter.images and (opens or (engages and borrower.habits.opens_images)):
            self._react(borrower, "email", "open", partial(self._click, borrower, letter.images[0]))
        if engages:
            self._answer_mail(borrower, mail, letter)

    # What a test or a person may ask

    def say(self, ref: str, sender: str, text: str) -> Awaitable[None]:
        """Let a borrower text us these words now. Raises KeyError for an unknown reference."""
        return self._text_back(self.by_ref[ref], sender, text)

    # Reactions

    def _answer_mail(self, borrower: Borrower, mail: Mail, letter: mailbox.Letter) -> None:
        now = self._time.now()
        wish = borrower.wish("email", now, letter.text)
        if wish.meaning == "stop" and borrower.lots.happens(COMPLAINS * 25, "complains", now):
            notice = mailbox.complaint(mail, letter, now)
            self._react(borrower, "email", "complaint", partial(self._mail_back, borrower, notice, ""))
        elif wish.meaning == "stop" and letter.is_one_click and borrower.lots.happens(0.6, "one click", now):
            self._react(borrower, "email", "one_click", partial(self._unsubscribe, borrower, letter.unsubscribe_url))
        elif letter.links and (not wish.text or borrower.lots.happens(0.4, "clicks", now)):
            option = wish.meaning.removeprefix("option_") if wish.meaning.startswith("option_") else ""
            self._react(borrower, "email", "click", partial(self._click, borrower, letter.links[0], option))
        elif wish.text:
            message = mailbox.reply(letter, borrower.email, wish.text, now)
            action = partial(self._mail_back, borrower, message, borrower.email)
            self._react(borrower, "email", wish.meaning, action)
        self._plan_wish(borrower, wish)

    def _react(self, borrower: Borrower, pace: str, what: str, action: Callable[[], Awaitable[None]]) -> None:
        now = self._time.now()
        mean, longest = DELAYS[pace]
        delay = min(longest, -mean * math.log(1.0 - borrower.lots.uniform("delay", what, now)))

        async def perform() -> None:
            self._census.happened(self._time.now(), f"did.{what}", borrower.ref)
            await action()

        self._agenda.add(on_grid(now + delay), f"{borrower.ref} {what} {now}", perform)

    async def _text_back(self, borrower: Borrower, to: str, text: str) -> None:
        borrower.wrote_at = self._time.now()
        await self._out.send_text(borrower.mobile, to, text)

    async def _mail_back(self, borrower: Borrower, message: EmailMessage, envelope_sender: str) -> None:
        if envelope_sender:
            borrower.wrote_at = self._time.now()
        await self._out.send_mail(message, envelope_sender)

    async def _click(self, borrower: Borrower, url: str, option: str = "") -> None:
        await self._out.browser.visit(url, option)

    async def _scan(self, borrower: Borrower, letter: mailbox.Letter) -> None:
        for url in dict.fromkeys((*letter.links, letter.unsubscribe_url, *letter.images)):
            if url:
                await self._out.browser.visit(url, "")

    async def _unsubscribe(self, borrower: Borrower, url: str) -> None:
        await self._out.browser.unsubscribe(url)

    def _keyed(self, borrower: Borrower, meaning: str) -> None:
        self._census.happened(self._time.now(), f"did.{meaning}", borrower.ref, "voice")

    # Money

    def _hear_terms(self, borrower: Borrower, text: str) -> None:
        terms = borrower.take_terms(text, self._time.now())
        if terms is not None:
            self.plan_payment(borrower, *terms)

    def _plan_wish(self, borrower: Borrower, wish: Wish) -> None:
        if wish.pays_on is not None and wish.pays > 0:
            self.plan_payment(borrower, wish.pays_on, wish.pays)

    def _plan_own_payment(self, borrower: Borrower) -> None:
        days = borrower.habits.pays_by_itself_after_days
        if days < 365 and borrower.past_due > 0:
            self.plan_payment(borrower, borrower.today(self._time.now() + timedelta(days=days)), borrower.past_due)

    def plan_payment(self, borrower: Borrower, day: date, amount: int) -> None:
        """Let a borrower pay on a day; of two sums at one hour, the larger once."""
        hour = int(borrower.lots.between(9, 18, "hour", day))
        at = datetime.combine(day, time(hour), borrower.zone).astimezone(UTC)
        at = max(at, on_grid(self._time.now() + timedelta(seconds=1)))
        at = on_grid(at)
        if at not in borrower.to_pay:
            self._agenda.add(at, f"{borrower.ref} pays {day}", partial(self._pay, borrower, at))
        borrower.to_pay[at] = max(amount, borrower.to_pay.get(at, 0))

    async def _pay(self, borrower: Borrower, planned_at: datetime) -> None:
        now = self._time.now()
        amount = min(borrower.to_pay.pop(planned_at), borrower.owes(now))
        if amount <= 0:
            return
        borrower.payments.append((now, amount))
        self._census.happened(now, "did.pay", borrower.ref, str(amount))
        await self._out.pay(borrower, amount, now)

    @property
    def _out(self) -> Outlets:
        assert self._outlets is not None, "the population is not connected"
        return self._outlets


def on_grid(at: datetime) -> datetime:
    """Return the first instant of the grid that is not earlier."""
    past = (at - GRID_START) % GRID
    return at if not past else at + (GRID - past)
