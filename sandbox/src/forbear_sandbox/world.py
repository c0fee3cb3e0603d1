"""The world, put together: providers, people and census, in one event loop."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from datetime import datetime
from email.message import EmailMessage
from hashlib import sha256
from pathlib import Path

from aiohttp import web

from forbear_chassis.settings import split_address
from forbear_sandbox import mailbox
from forbear_sandbox.bank import Bank
from forbear_sandbox.browser import Browser
from forbear_sandbox.callbacks import Callbacks
from forbear_sandbox.census import Census, Contact
from forbear_sandbox.clock_server import Coordinator
from forbear_sandbox.faults import Faults
from forbear_sandbox.gateway_api import GatewayAccount, GatewayApi
from forbear_sandbox.lots import Lots
from forbear_sandbox.people import Mail, MailFate
from forbear_sandbox.population import Outlets, Population
from forbear_sandbox.portfolio_file import read_rows
from forbear_sandbox.smtp_server import SmtpServer
from forbear_sandbox.traffic import Agenda, Traffic, WorldTime
from forbear_sandbox.twilio_api import TwilioApi
from forbear_sandbox.twilio_delivery import Outside
from forbear_sandbox.twilio_rules import Account

SHUTDOWN_S = 1.0
DEFAULT_SENDER = "+18005550100"


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """What the command line says."""

    twilio: str
    smtp: str
    control: str
    clock: str = ""
    start: datetime | None = None
    expect: tuple[str, ...] = ()
    seed: int = 1
    portfolio: Path | None = None
    data_dir: Path | None = None
    tracker_url: str = "http://127.0.0.1:8082"
    tracker_smtp: str = "127.0.0.1:2526"
    account_sid: str = ""
    auth_token: str = ""
    senders: tuple[str, ...] = ()
    all_receipts: bool = True
    bare: bool = False
    gateway: str = ""  # host:port of the second SMS gateway; empty: there is none
    gateway_senders: tuple[str, ...] = ()


class World:
    """Holds the parts, starts and stops them."""

    def __init__(self, settings: WorldSettings) -> None:
        self._settings = settings
        self.time = WorldTime(settings.start)
        self.agenda = Agenda()
        self.traffic = Traffic()
        self.census = Census(settings.data_dir / "census.jsonl" if settings.data_dir else None)
        self.faults = Faults(Lots("world", settings.seed))
        self.callbacks = Callbacks(settings.auth_token)
        self.bank = Bank(self.callbacks)
        self.browser = Browser(self.callbacks)
        self.population = Population(self.time, self.agenda, self.census, settings.seed)
        self.first_sender = settings.senders[0] if settings.senders else DEFAULT_SENDER
        self._outside = self._make_outside()
        self._api = self._make_api()
        self._gateway = self._make_gateway()
        self._mail = SmtpServer(self.time, self.traffic, self.faults, self._judge, self._take_mail)
        outlets = Outlets(self._receive_text, self._send_mail, self.bank.pay, self.browser)
        self.population.connect(outlets)
        if settings.portfolio is not None:
            self.population.settle(read_rows(settings.portfolio))
        self.coordinator = (
            Coordinator(self.time, self.agenda, self.traffic, settings.expect) if self.time.is_stepped else None
        )
        self._runners: list[web.BaseRunner] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Listen everywhere."""
        # A request whose client has gone is over: one that hangs must not hold the time for ever.
        provider = web.Server(self._api.handle, handler_cancellation=True, access_log=None)
        await self.serve(web.ServerRunner(provider), self._settings.twilio)
        if self._settings.gateway:
            gateway = web.Server(self._gateway.handle, handler_cancellation=True, access_log=None)
            await self.serve(web.ServerRunner(gateway), self._settings.gateway)
        await self._mail.start(*split_address(self._settings.smtp))
        if self.coordinator is not None:
            await self.coordinator.start(*split_address(self._settings.clock))
            self._tasks.append(asyncio.create_task(self.coordinator.run(), name="coordinator"))
        else:
            self._tasks.append(asyncio.create_task(self._run_agenda(), name="agenda"))

    async def stop(self) -> None:
        """Close everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.coordinator is not None:
            await self.coordinator.close()
        await self._mail.close()
        for runner in self._runners:
            await runner.cleanup()
        await self.callbacks.close()

    async def serve(self, runner: web.BaseRunner, address: str) -> None:
        """Listen with `runner` at "host:port" until the world stops."""
        await runner.setup()
        host, port = split_address(address)
        await web.TCPSite(runner, host, port, shutdown_timeout=SHUTDOWN_S).start()
        self._runners.append(runner)

    def state(self) -> dict[str, object]:
        """Return what the control API shows."""
        clock = None if self.coordinator is None else self.coordinator.state()
        return {
            "now": self.time.now(),
            "clock": None if clock is None else {**asdict(clock), "is_stalled": clock.is_stalled},
            "is_reached": clock is None or clock.is_reached,
            "agenda": len(self.agenda),
            "in_flight": self.traffic.in_flight,
            "failures": self.traffic.failures,
            "failing": self.callbacks.failing,
            "contacts": len(self.census.contacts),
            "mails": self._mail.mails,
            "borrowers": len(self.population.by_ref),
            "payments_unreported": self.bank.unreported,
            "payments_rejected": self.bank.rejected,
            "links_refused": self.browser.refused,
        }

    def _make_outside(self) -> Outside:
        settings = self._settings
        return Outside(
            self.time, self.agenda, self.traffic, self.census, self.faults, self.callbacks,
            people=None if settings.bare else self.population, all_receipts=settings.all_receipts,
        )  # fmt: skip

    def _make_api(self) -> TwilioApi:
        settings = self._settings
        account = Account(settings.account_sid, settings.auth_token, frozenset(settings.senders))
        return TwilioApi(account, self._outside, f"{settings.tracker_url}/twilio/message")

    def _make_gateway(self) -> GatewayApi:
        settings, token = self._settings, self._settings.auth_token
        inbound_url = f"{settings.tracker_url}/gateway/vonage_sms/message"
        senders = frozenset(settings.gateway_senders)
        return GatewayApi(GatewayAccount("sandbox1", token, f"{token}-sig", senders, inbound_url), self._outside)

    async def _receive_text(self, sender: str, to: str, body: str) -> None:
        """Take a borrower's text at the provider whose number it was written to."""
        api = self._gateway if to in self._settings.gateway_senders else self._api
        await api.receive_text(sender, to, body)

    def _judge(self, recipient: str) -> MailFate:
        return MailFate() if self._settings.bare else self.population.mail_fate(recipient, self.time.now())

    def _take_mail(self, mail: Mail) -> None:
        if self._settings.bare:
            return
        who, digest = self.population.who(mail.recipient), sha256(mail.raw).hexdigest()
        self.census.reached(
            Contact(
                mail.at, "email", mailbox.message_id_of(mail), mailbox.attempt_of(mail), mail.envelope_sender,
                mail.recipient, who.borrower, who.zone, digest, who.is_talking,
            )
        )  # fmt: skip
        self.population.on_mail(mail)

    async def _send_mail(self, message: EmailMessage, envelope_sender: str) -> None:
        await mailbox.post(message, envelope_sender, *split_address(self._settings.tracker_smtp))

    async def _run_agenda(self) -> None:
        """Perform events in real time."""
        while True:
            self.agenda.added.clear()
            due = self.agenda.next_at
            wait_s = None if due is None else max(0.0, (due - self.time.now()).total_seconds())
            try:
                async with asyncio.timeout(wait_s):
                    await self.agenda.added.wait()
            except TimeoutError:
                for entry in self.agenda.take_due(self.time.now()):
                    self.traffic.spawn(entry.perform(), entry.key)
