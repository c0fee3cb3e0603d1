"""What the engine may know about one proposed contact: plain frozen values, built from rows by whoever asks.

Every instant is an aware `datetime` in UTC, every calendar value a `date`; nothing here reads a clock.
A fact that is missing is never taken as permission: no zone or no jurisdiction means no contact.
"""

from dataclasses import field
from datetime import date, datetime, time
from enum import StrEnum

from forbear_domain.values import value


class Actor(StrEnum):
    """In which legal role the sender collects."""

    COLLECTOR = "collector"  # a debt collector under the FDCPA, or any outside agency
    CREDITOR = "creditor"  # a lender collecting in its own name
    SERVICER = "servicer"  # a mortgage servicer outside the FDCPA
    COLLECTING_SERVICER = "collecting_servicer"  # a mortgage servicer that is an FDCPA debt collector too


class Channel(StrEnum):
    """By which medium; the planner uses the first three."""

    SMS = "sms"
    EMAIL = "email"
    VOICE = "voice_call"
    RINGLESS_VOICEMAIL = "ringless_voicemail"
    MAIL = "mail"
    POSTCARD = "postcard"
    PORTAL = "portal"
    APP_PUSH = "app_push"
    SOCIAL_PRIVATE = "social_private"
    SOCIAL_PUBLIC = "social_public"
    IN_PERSON = "in_person"
    WORKPLACE = "workplace"


class Purpose(StrEnum):
    """Why we contact; exceptions of the rules hang on it."""

    REMINDER = "reminder"
    PROMISE_FOLLOW_UP = "promise_follow_up"
    CONFIRMATION = "confirmation"  # puts in writing what the consumer just agreed to or asked for in a call
    REPLY = "reply"  # answers a message of the consumer and spends a reply token
    OPT_OUT_CONFIRMATION = "opt_out_confirmation"
    CONSENT_REQUEST = "consent_request"
    DUTY_LIVE_CONTACT = "duty_live_contact"  # Regulation X 1024.39(a)
    DUTY_NOTICE = "duty_notice"  # Regulation X 1024.39(b) to (d)
    LEGAL_NOTICE = "legal_notice"  # a notice that law or the contract's terms require
    REQUIRED_DISCLOSURE = "required_disclosure"  # Regulation F 1006.42
    STATEMENT = "statement"  # periodic statement, ARM and force-placed insurance notices
    EFFORTS_ENDED = "efforts_ended"
    REMEDY_NOTICE = "remedy_notice"  # may or will invoke a specified remedy
    VERIFICATION = "verification"  # answers a dispute
    LITIGATION = "litigation"  # court-ordered, or settles active litigation
    REQUESTED_INFORMATION = "requested_information"
    URGENT_HARM = "urgent_harm"  # avoids harm to the consumer outside our control
    LOCATION = "location"  # asks a third party for location information
    SOLICITATION = "solicitation"
    UNRELATED_ALERT = "unrelated_alert"  # fraud alert and the like: not about the debt
    CARE = "care"  # names a crisis line to whoever just wrote of despair, and nothing else


class Recipient(StrEnum):
    """Whom the contact is for."""

    CONSUMER = "consumer"  # with everyone the rule treats alike: spouse, guardian, executor
    GUARANTOR = "guarantor"
    HOUSEHOLD = "household"
    CONTACT_PERSON = "contact_person"
    THIRD_PARTY = "third_party"
    EMPLOYER = "employer"
    CONSUMERS_ATTORNEY = "consumers_attorney"
    CREDITORS_ATTORNEY = "creditors_attorney"
    CREDITOR = "creditor"
    REPORTING_AGENCY = "reporting_agency"


class AddressKind(StrEnum):
    """What sort of address is used; some are tied to a place."""

    MOBILE = "mobile"
    LANDLINE = "landline"
    EMAIL = "email"
    WORK_PHONE = "work_phone"
    WORK_EMAIL = "work_email"
    HOME_ADDRESS = "home_address"
    OTHER = "other"


class Direction(StrEnum):
    """Who began the contact."""

    OUT = "out"
    IN = "in"


class CallResult(StrEnum):
    """How a past contact ended, finely enough for every counter of the rules."""

    CONVERSATION = "answered_conversation"
    DROPPED = "answered_dropped"
    NO_ANSWER = "ring_no_answer"
    VOICEMAIL = "voicemail_left"
    VOICEMAIL_FULL = "voicemail_full"
    VOICEMAIL_NO_RING = "voicemail_greeting_no_ring"
    BUSY = "busy"
    NOT_IN_SERVICE = "not_in_service"
    NO_CONNECTION = "no_connection_no_message_possible"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    UNKNOWN = "unknown"  # counts as if it had reached the person


class ConsentKind(StrEnum):
    """To what the consumer agreed, or on which basis an address may be used."""

    SMS = "sms"
    EMAIL = "email"
    VOICE = "voice"
    ROBOCALL = "robocall"  # autodialled, artificial or prerecorded voice to a mobile
    ADDITIONAL_CALLS = "additional_calls"
    THIS_TIME = "this_time"  # contact at an otherwise barred time
    MARKETING = "marketing"


class Route(StrEnum):
    """How a consent or a basis came about (Regulation F 1006.6(d)(4) and (5))."""

    CONSUMER_USED = "consumer_used"
    DIRECT = "direct"
    CREDITOR_NOTICE = "creditor_notice"
    PRIOR_COLLECTOR = "prior_collector"
    TRANSACTION = "transaction"  # number given to the creditor in the transaction
    TO_ANOTHER = "to_another"  # given to a creditor or an earlier collector: does not carry over


class SuppressionKind(StrEnum):
    """States that bar contact until they are lifted."""

    ADDRESS_OPT_OUT = "address_opt_out"
    MEDIUM_STOP = "medium_stop"
    CEASE = "cease"
    ATTORNEY = "attorney"
    BANKRUPTCY = "bankruptcy"
    DECEASED = "deceased"
    WRONG_PARTY = "wrong_party"
    LEAKED_ADDRESS = "leaked_address"  # someone else is known to read it
    WORK_BARRED = "work_barred"
    DISPUTE = "dispute"
    IDENTITY_THEFT = "identity_theft"
    MILITARY = "military"
    MORATORIUM = "moratorium"
    DEFERRAL = "deferral"
    BEREAVEMENT = "bereavement"
    DISTRESS = "distress"
    HARDSHIP = "hardship"
    PROMISE = "promise"
    PAID = "paid"
    TENANT_HOLD = "tenant_hold"
    PERSON_REFUSED = "person_refused"  # a contact person wants to be left alone
    SHARED_ADDRESS = "shared_address"  # another borrower of ours is to be reached there too


@value(frozen=True)
class Evidence:
    """One indication of where the borrower is: an address, an area code, the borrower's own word."""

    kind: str
    zones: frozenset[str] = frozenset()
    jurisdictions: frozenset[str] = frozenset()


@value(frozen=True)
class Place:
    """Everywhere the borrower may be: each contact must be lawful in all of it. Empty means no contact."""

    zones: frozenset[str]
    jurisdictions: frozenset[str]

    @classmethod
    def from_evidence(cls, *evidence: Evidence) -> "Place":
        """The union of all evidence, because any one of it may be the true one."""
        return cls(
            zones=frozenset().union(*(one.zones for one in evidence)),
            jurisdictions=frozenset().union(*(one.jurisdictions for one in evidence)),
        )


@value(frozen=True)
class Debt:
    """One debt the contact is about; `account` joins debts that count as one (student loans)."""

    id: str
    kind: str = "other"  # "mortgage", "first_mortgage", "credit_card", "student_loan", "medical" ...
    account: str | None = None

    @property
    def key(self) -> str:
        """What contacts are counted against; `PastContact.debts` and `Suppression.debt` hold such keys."""
        return self.account or self.id


@value(frozen=True)
class Address:
    """The address to be used; `key` is any stable id of it (a hash does), never shown."""

    key: str = ""
    kind: AddressKind = AddressKind.OTHER


@value(frozen=True)
class PastContact:
    """One earlier contact or attempt in either direction, whoever of our principal's senders made it."""

    at: datetime
    channel: Channel
    direction: Direction = Direction.OUT
    result: CallResult = CallResult.UNKNOWN
    debts: tuple[str, ...] = ()  # `Debt.key` of the debts it is counted against; empty means every debt
    address: str = ""
    address_kind: AddressKind = AddressKind.OTHER
    recipient: Recipient = Recipient.CONSUMER
    person: str = ""  # which third party, when there are several
    purpose: Purpose = Purpose.REMINDER
    by_us: bool = True  # False: another sender of the same principal


@value(frozen=True)
class Consent:
    """An agreement or a documented basis; `fresh_at` is the latest text, renewal or reassigned-number check."""

    kind: ConsentKind
    at: datetime
    route: Route = Route.DIRECT
    address: str = ""  # empty: any address of the kind
    fresh_at: datetime | None = None
    until: datetime | None = None


@value(frozen=True)
class Suppression:
    """One barring state; `address`, `channel` and `debt` narrow it, None or empty means all of them."""

    kind: SuppressionKind
    since: datetime
    until: datetime | None = None
    address: str = ""
    channel: Channel | None = None
    debt: str = ""


@value(frozen=True)
class Inconvenience:
    """A time or place the consumer called inconvenient, in the consumer's own local time."""

    weekdays: frozenset[int] = frozenset(range(7))  # Monday is 0
    starts: time = time(0, 0)
    ends: time | None = None  # exclusive; None means to the end of the day
    until_on: date | None = None  # last day on which it holds
    place: str | None = None  # "home", "work": bars media tied to it instead of a time
    channel: Channel | None = None


@value(frozen=True)
class ReplyToken:
    """A message of the consumer that has not been answered yet: one answer in the same medium is due."""

    channel: Channel
    received_at: datetime
    address: str = ""


@value(frozen=True)
class MessageMarks:
    """What is known of the text itself; the template's approval and the linter set these."""

    opt_out_line: bool = True
    identifies_sender: bool = True
    disclosed: bool = True  # the debt-collector disclosure of this communication
    promotional: bool = False
    artificial_voice: bool = False
    autodialled: bool = False
    confirms_only: bool = True  # an opt-out confirmation that contains nothing else
    cares_only: bool = False  # the approved message of care, word for word, with nothing filled in from outside
    reveals_debt: bool = True  # to whoever reads or hears it
    faults: tuple[str, ...] = ()  # rule ids the linter says it breaks


@value(frozen=True)
class Delinquency:
    """Dates of one mortgage debt from which the duties of Regulation X are derived."""

    debt: str
    due_on: date
    live_contact_on: date | None = None  # last live contact or good-faith effort for this due date
    notice_on: date | None = None  # last written early-intervention notice
    exempt: bool = False  # performing under an option, bankruptcy, cease


@value(frozen=True)
class Facts:
    """Everything `decide` looks at, for one proposed contact with one borrower."""

    actor: Actor
    channel: Channel
    place: Place
    debts: tuple[Debt, ...]
    purpose: Purpose = Purpose.REMINDER
    address: Address = field(default_factory=Address)
    recipient: Recipient = Recipient.CONSUMER
    person: str = ""
    past: tuple[PastContact, ...] = ()
    consents: tuple[Consent, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    inconvenient: tuple[Inconvenience, ...] = ()
    replies_due: tuple[ReplyToken, ...] = ()
    despair_heard: tuple[ReplyToken, ...] = ()  # what was read as words of despair; each with its address
    message: MessageMarks = field(default_factory=MessageMarks)
    delinquencies: tuple[Delinquency, ...] = ()
    holidays: frozenset[date] = frozenset()  # public holidays at the borrower's place
    known_at: str | None = None  # "home", "work": where the borrower is known to be now
    told_of_agency: bool = True  # notice of outsourcing given, where a rule asks for it
    reachable: bool = True  # the borrower can be reached: contact persons stay out of bounds
    notices: frozenset[str] = frozenset()  # rule ids of written notices that were given beforehand
