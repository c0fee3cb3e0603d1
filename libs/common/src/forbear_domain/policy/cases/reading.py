"""From the situation of a case to `Facts`: what is said is taken over, what is not said counts as satisfied."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from forbear_domain.policy.calendar import add_months
from forbear_domain.policy.cases import words
from forbear_domain.policy.cases.states import disputed, moratorium_of, noticed
from forbear_domain.policy.cases.vocabulary import (
    ADDRESS_KINDS,
    LONG_AGO,
    STATES_OF_FLAGS,
    Table,
    address_key,
    consent_kinds,
    day_instant,
    inconvenience,
    instant,
    offset_zone,
    purpose_named,
    reassigned,
    recipient_of,
    route_of,
    zones_of_evidence,
)
from forbear_domain.policy.facts import (
    Actor,
    Address,
    AddressKind,
    CallResult,
    Channel,
    Consent,
    ConsentKind,
    Debt,
    Direction,
    Facts,
    Inconvenience,
    MessageMarks,
    PastContact,
    Place,
    Purpose,
    Recipient,
    ReplyToken,
    Route,
    Suppression,
    SuppressionKind,
)

REPLY_RULES = ("REGF-6B1-REPLY1", "REGF-6B2-ATTY")  # which ask whether the consumer's message may be answered


@dataclass(frozen=True, slots=True)
class Reader:
    """One case: its situation and which rule it asks about."""

    situation: Table
    rule: str
    jurisdiction: str

    def section(self, name: str) -> Table:
        """A nested table; empty where the case has none."""
        value = self.situation.get(name)
        return value if isinstance(value, Mapping) else {}

    @property
    def proposed(self) -> Table:
        """What is about to be done; without one, the last outgoing event stands for it."""
        for name in ("proposed", "sms", "event"):
            if self.section(name).get("at"):
                return self.section(name)
        return self.history[-1] if self._asks_about_past() else self.section("proposed")

    @property
    def history(self) -> list[Table]:
        """The events before what is proposed."""
        return list(self.situation.get("history") or ())

    def _asks_about_past(self) -> bool:
        """Whether the question is how harassing the calls already made were."""
        return self.rule == "REGF-14A-CUMUL" and bool(self.history) and not self.section("proposed")

    @property
    def at(self) -> datetime | None:
        """When it would be done."""
        text = self.proposed.get("at")
        return instant(text) if text else None

    def facts(self) -> Facts:
        """Everything the engine needs to decide about the proposed contact."""
        at = self.at or LONG_AGO
        past = self.past()
        purpose = self.purpose(past)
        recipient, person = recipient_of(self.proposed.get("to"))
        return Facts(
            actor=self.actor(),
            channel=self.channel(),
            place=self.place(),
            debts=self.debts(),
            purpose=purpose,
            address=self.address(),
            recipient=recipient if not self.consents_to_third_party() else Recipient.CONSUMER,
            person=person,
            past=past,
            consents=tuple(self.consents(past, at)),
            suppressions=tuple(self.suppressions(at)),
            inconvenient=tuple(self.inconvenient()),
            replies_due=self.replies_due(past),
            message=self.message(purpose, recipient),
            known_at=self.section("consumer").get("known_current_place"),
            told_of_agency=self.told_of_agency(),
            reachable=bool(self.situation.get("debtor_reachable", recipient is Recipient.CONSUMER)),
            notices=self.notices_given(),
        )

    def actor(self) -> Actor:
        """In which role the sender of the case collects; the collector where nothing is said."""
        name = str(self.situation.get("actor", ""))
        if "servicer" in name or "mortgage_administrator" in name or "mortgage_lender" in name:
            return Actor.COLLECTING_SERVICER if "fdcpa" in name else Actor.SERVICER
        return Actor.CREDITOR if name in ("creditor", "original_creditor", "lender", "bank") else Actor.COLLECTOR

    def channel(self) -> Channel:
        """By which medium; the workplace's phone is still a phone."""
        name = self.proposed.get("channel", "sms" if self.section("sms") else "voice_call")
        return Channel(name)

    def place(self) -> Place:
        """All zones of the evidence; else the stated zone, else the offset in which the case gives its instant."""
        consumer = self.section("consumer")
        if "location_evidence" in consumer:
            evidence = consumer["location_evidence"] or ()
            zones = {zone for one in evidence for zone in zones_of_evidence(one)}
        else:
            zones = {consumer.get("tz") or offset_zone(str(self.proposed.get("at", "")))}
        return Place(frozenset(zones), frozenset({self.jurisdiction}))

    def debts(self) -> tuple[Debt, ...]:
        """The debts the proposed contact is about, with what the case tells of them."""
        told = {one["id"]: one for one in self.situation.get("debts", ()) if isinstance(one, Mapping)}
        wanted = self.proposed.get("debts") or list(told) or ["D1"]
        usual = "mortgage" if "mortgage" in str(self.situation.get("actor", "")) else "other"
        return tuple(Debt(name, told.get(name, {}).get("type", usual), self.account_of(name)) for name in wanted)

    def account_of(self, debt: str) -> str | None:
        """Student loans under one servicing account count as one debt."""
        for one in self.situation.get("debts", ()):
            if isinstance(one, Mapping) and one.get("id") == debt and one.get("type") == "student_loan":
                return one.get("servicing_account")
        return None

    def past(self) -> tuple[PastContact, ...]:
        """The history, in the order of the case."""
        events = self.history[:-1] if self._asks_about_past() else self.history
        return tuple(self.past_contact(one) for one in events)

    def past_contact(self, one: Table) -> PastContact:
        """One event of the history."""
        recipient, person = recipient_of(one.get("to"))
        channel = Channel(one.get("channel", "voice_call"))
        calls = channel in (Channel.VOICE, Channel.RINGLESS_VOICEMAIL)
        result = CallResult(one["result"]) if "result" in one else CallResult.UNKNOWN if calls else CallResult.DELIVERED
        debts = one.get("discussed") or one.get("debts") or ()
        sender, ours = one.get("by") or one.get("collector"), self.proposed.get("by") or self.proposed.get("collector")
        return PastContact(
            at=instant(one["at"]),
            channel=channel,
            direction=Direction(one.get("direction", "out")),
            result=result,
            debts=tuple(dict.fromkeys(self.account_of(debt) or debt for debt in debts)),
            address=address_key(one),
            address_kind=ADDRESS_KINDS.get(str(one.get("to")), AddressKind.OTHER),
            recipient=recipient,
            person=person,
            purpose=Purpose.REPLY if one.get("in_reply_to") else purpose_named(str(one.get("purpose", ""))),
            by_us=sender is None or sender == ours or sender == "this_collector",
        )

    def purpose(self, past: tuple[PastContact, ...]) -> Purpose:
        """Why the contact is made; an answer only where the case says so or the call is the consumer's own."""
        named = purpose_named(str(self.proposed.get("purpose", "")))
        body = str(self.proposed.get("body", ""))
        stopped = "opt_out_at" in self.situation or any("opt_out" in str(one.get("kind")) for one in self.notices())
        if stopped and words.looks_like_confirmation(body):
            return Purpose.OPT_OUT_CONFIRMATION
        if self.section("sms").get("kind") in ("promotional", "marketing"):
            return Purpose.SOLICITATION
        if named is not Purpose.REMINDER or self.proposed.get("purpose"):
            return named
        if self.proposed.get("in_reply_to") or self.proposed.get("to") == "same_call" or self.in_session():
            return Purpose.REPLY
        recipient, _ = recipient_of(self.proposed.get("to"))
        if any(token.channel is self.channel() for token in self.replies_due(past)) and self.rule in REPLY_RULES:
            return Purpose.REPLY
        return Purpose.LOCATION if recipient is Recipient.CONTACT_PERSON and self.jurisdiction == "CN" else named

    def in_session(self) -> bool:
        """Whether the consumer is using our portal or app at this moment."""
        tables = (self.proposed, self.situation, self.section("consumer"))
        return any(
            bool(value) and re.search(r"using|logged|navigat|session|initiated", name) is not None
            for table in tables
            for name, value in table.items()
        )

    def replies_due(self, past: tuple[PastContact, ...]) -> tuple[ReplyToken, ...]:
        """Messages of the consumer that nobody has answered yet in their medium."""
        answered: dict[Channel, datetime] = {}
        for one in past:
            if one.direction is Direction.OUT:
                answered[one.channel] = max(one.at, answered.get(one.channel, one.at))
        due = [
            ReplyToken(one.channel, one.at)
            for one in past
            if one.direction is Direction.IN and one.at > answered.get(one.channel, LONG_AGO)
        ]
        if self.in_session():
            due.append(ReplyToken(self.channel(), LONG_AGO))
        return tuple(due)

    def address(self) -> Address:
        """The address to be used, with the kind the case tells."""
        to = str(self.proposed.get("to", ""))
        kind = ADDRESS_KINDS.get(to, AddressKind.OTHER)
        if kind is AddressKind.OTHER and self.proposed.get("address_kind"):
            kind = ADDRESS_KINDS.get(str(self.proposed["address_kind"]), kind)
        if kind is AddressKind.OTHER and self.channel() is Channel.MAIL:
            kind = AddressKind.HOME_ADDRESS
        return Address(address_key(self.proposed), kind)

    def consents_to_third_party(self) -> bool:
        """Whether the consumer agreed that we talk to somebody else."""
        return any("third" in str(one.get("kind", "")) for one in self.situation.get("consents", ()))

    def consents(self, past: tuple[PastContact, ...], at: datetime) -> Iterable[Consent]:
        """Stated consents; where a rule on consent is not asked about and nothing is said, it is satisfied."""
        checks = [instant(one["at"]) for one in self.situation.get("db_checks") or () if not reassigned(one)]
        fresh = max(checks, default=None)
        for one in self.situation.get("consents") or ():
            yield from self._consent(one, fresh)
        for one in past:
            if one.direction is Direction.IN and one.channel in (Channel.SMS, Channel.EMAIL):
                kind = ConsentKind.SMS if one.channel is Channel.SMS else ConsentKind.EMAIL
                yield Consent(kind, one.at, Route.CONSUMER_USED, fresh_at=fresh)
        basis = str(self.proposed.get("email_basis", ""))
        if basis and "6d4ii" not in basis.replace("6d4iii", ""):
            yield Consent(ConsentKind.EMAIL, LONG_AGO, Route.PRIOR_COLLECTOR if "iii" in basis else Route.CONSUMER_USED)
        if (
            not self.situation.get("consents")
            and "consents" not in self.situation
            and not self.rule.startswith(("REGF-6D", "REGF-22F"))
        ):
            yield Consent(ConsentKind.SMS, at - timedelta(1), Route.DIRECT)
            yield Consent(ConsentKind.EMAIL, at - timedelta(1), Route.DIRECT)

    def _consent(self, one: Table, fresh: datetime | None) -> Iterable[Consent]:
        if one.get("revoked") is True or one.get("withdrawn") is True:
            return
        ends = [
            one.get(name) for name in ("until", "expires", "expires_at", "valid_until", "revoked_at", "withdrawn_at")
        ]
        until = min((instant(end, end_of_day=True) for end in ends if end), default=None)
        given = instant(one["at"]) if one.get("at") else LONG_AGO
        renewed = max(
            [
                when
                for when in (fresh, *(instant(one[name]) for name in ("renewed_at", "renewed") if one.get(name)))
                if when
            ],
            default=None,
        )
        for kind in consent_kinds(str(one.get("kind", "")), self.jurisdiction):
            yield Consent(kind, given, route_of(str(one.get("given_to", ""))), "", renewed, until)

    def suppressions(self, at: datetime) -> Iterable[Suppression]:
        """All states the case tells of."""
        consumer = self.section("consumer")
        yield from words.suppressions_of(consumer.get("statements") or (), LONG_AGO)
        yield from noticed(self.notices(), self.situation)
        yield from disputed(self.situation)
        yield from moratorium_of(self.section("moratorium"))
        yield from self._represented(consumer)
        yield from self._learned()
        for flag in [*(consumer.get("flags") or ()), *(name for name, value in consumer.items() if value is True)]:
            for pattern, kind in STATES_OF_FLAGS:
                if re.search(pattern, str(flag)):
                    yield Suppression(kind, LONG_AGO)
        deferral = consumer.get("deferral") or self.section("deferral")
        if deferral:
            start = date.fromisoformat(str(deferral.get("confirmed") or deferral.get("start"))[:10])
            months = int(deferral.get("months", 3))
            yield Suppression(SuppressionKind.DEFERRAL, day_instant(start), day_instant(add_months(start, months)))
        stopped = (
            self.situation.get("opt_out_at")
            or self.section("opt_out").get("at")
            or self.situation.get("unsubscribe_post_at")
        )
        if stopped:
            yield Suppression(SuppressionKind.ADDRESS_OPT_OUT, instant(stopped))
        if self.situation.get("contact_person_refused"):
            yield Suppression(SuppressionKind.PERSON_REFUSED, LONG_AGO)
        del at

    def _represented(self, consumer: Table) -> Iterable[Suppression]:
        if not consumer.get("represented"):
            return
        findable = consumer.get("attorney_contact_known", True) or consumer.get("attorney_contact_findable", False)
        freed = any(
            consumer.get(name) for name in ("attorney_unresponsive", "attorney_consents", "representation_ended")
        )
        if findable and not freed:
            for debt in consumer.get("represented_on") or [""]:
                yield Suppression(SuppressionKind.ATTORNEY, LONG_AGO, debt=str(debt))

    def _learned(self) -> Iterable[Suppression]:
        """What others told about an address: anybody's report is knowledge."""
        for fact in self.situation.get("facts") or ():
            text = str(fact.get("learned") or fact.get("says") or "")
            since = instant(fact["at"]) if fact.get("at") else LONG_AGO
            keys = {address_key(one) for one in (*self.situation.get("history", ()), self.proposed)} - {""}
            named = [key for key in keys if key in text] or ([""] if not keys else [])
            shared = re.search(r"read|see|reach|someone else|share|other person|not (?:the|their)", text)
            kind = (
                SuppressionKind.WRONG_PARTY
                if re.search(r"belongs|not the consumer|wrong", text)
                else SuppressionKind.LEAKED_ADDRESS
            )
            if shared or kind is SuppressionKind.WRONG_PARTY:
                yield from (Suppression(kind, since, address=key) for key in named)

    def inconvenient(self) -> Iterable[Inconvenience]:
        """Stated times and places, and what is known of the consumer's day."""
        consumer = self.section("consumer")
        for preference in consumer.get("preferences") or ():
            if any(preference.get(name) for name in ("withdrawn", "revoked", "lifted", "ended")):
                continue
            stated = preference.get("inconvenient") or ()
            for one in [stated] if isinstance(stated, Mapping) else stated:
                yield inconvenience(one)
        yield from words.known_times(consumer.get("known") or ())
        yield from words.places_of(consumer.get("statements") or ())

    def notices(self) -> list[Table]:
        """Notices of the consumer."""
        return [one for one in self.situation.get("notices") or () if isinstance(one, Mapping)]

    def message(self, purpose: Purpose, recipient: Recipient) -> MessageMarks:
        """Marks of the message; what the case does not say about it is in order."""
        body = str(self.proposed.get("body") or self.proposed.get("script") or "")
        line_ok = bool(self.proposed.get("opt_out_notice", True))
        if self.rule == "REGF-6E-OPTOUT" and body:
            line_ok = words.opt_out_line_ok(body)
        reveals = words.mentions_debt(body) if body else bool(self.proposed.get("reveals_debt", False))
        return MessageMarks(
            opt_out_line=line_ok,
            promotional=purpose is Purpose.OPT_OUT_CONFIRMATION and not words.confirms_only(body),
            confirms_only=words.confirms_only(body),
            reveals_debt=reveals
            or (recipient is not Recipient.CONSUMER and "collect" in str(self.proposed.get("purpose", ""))),
            faults=("REGF-14A-CUMUL",) if "abuse" in words.faults_of(str(self.proposed.get("content", ""))) else (),
        )

    def told_of_agency(self) -> bool:
        """Whether the debtor knew of the outside agency; satisfied where nothing is said."""
        if "debtor_notified_before" in self.situation:
            return bool(self.situation["debtor_notified_before"])
        if self.situation.get("outsourced") and "written_notice" in self.situation:
            return bool(self.situation["written_notice"])
        notice = self.section("transfer")
        return bool(notice.get("notice_sent", notice.get("notice", True)))

    def notices_given(self) -> frozenset[str]:
        """The District's mailed notice, given before the contact unless the case says otherwise."""
        mailed = self.situation.get("written_notice_m2A_mailed", "2000-01-01")
        before = bool(mailed) and (self.at is None or day_instant(date.fromisoformat(str(mailed)[:10])) <= self.at)
        return frozenset({"US-DC-3814"}) if before else frozenset()
