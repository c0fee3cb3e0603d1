"""The closed vocabularies of reading: what a reply can mean, and what the tracker does about it.

Every name here crosses the wire, lands in tables and in metrics; none may change its meaning.
"""

from enum import StrEnum


class Label(StrEnum):
    """One intent of a reply; a reply carries one or more."""

    OPT_OUT = "opt_out"
    CEASE_ALL = "cease_all"
    WRONG_PARTY = "wrong_party"
    DECEASED = "deceased"
    DISPUTE = "dispute"
    ALREADY_PAID = "already_paid"
    PROMISE_TO_PAY = "promise_to_pay"
    HARDSHIP = "hardship"
    PLAN_REQUEST = "plan_request"
    ATTORNEY = "attorney"
    BANKRUPTCY = "bankruptcy"
    MILITARY = "military"
    TIME_PREFERENCE = "time_preference"
    CHANNEL_PREFERENCE = "channel_preference"
    QUESTION_BALANCE = "question_balance"
    QUESTION_HOW_TO_PAY = "question_how_to_pay"
    IDENTITY_DOUBT = "identity_doubt"
    HUMAN_REQUEST = "human_request"
    LANGUAGE_REQUEST = "language_request"
    DISTRESS = "distress"
    HOSTILE = "hostile"
    ACKNOWLEDGEMENT = "acknowledgement"
    OTHER = "other"


# These two say "nothing else was said", so they never stand beside another label.
EXCLUSIVE = (Label.ACKNOWLEDGEMENT, Label.OTHER)

# What must never be missed: for these the reader prefers a false alarm to a miss.
NEVER_MISSED = (Label.DISTRESS, Label.OPT_OUT, Label.CEASE_ALL)


class Action(StrEnum):
    """What the tracker does about a reply, most urgent first."""

    HELP_PERSON = "help_person"  # someone may be in danger: a person, at once
    SUPPRESS_ALL = "suppress_all"  # every address of the borrower
    SUPPRESS_CHANNEL = "suppress_channel"  # the channel the reply came on
    SUPPRESS_ADDRESS = "suppress_address"  # this address does not lead to the borrower
    PAUSE = "pause"  # law or decency forbids reminders until a person has looked
    HAND_OVER = "hand_over"  # a person answers: asked for, hostile, or the reader is not sure
    RECORD_PROMISE = "record_promise"
    CHECK_PAYMENT = "check_payment"
    OFFER_OPTIONS = "offer_options"
    KEEP_PREFERENCE = "keep_preference"
    ANSWER_TEMPLATE = "answer_template"
    NOTHING = "nothing"


ACTION_OF: dict[Label, Action] = {
    Label.DISTRESS: Action.HELP_PERSON,
    Label.CEASE_ALL: Action.SUPPRESS_ALL,
    Label.OPT_OUT: Action.SUPPRESS_CHANNEL,
    Label.WRONG_PARTY: Action.SUPPRESS_ADDRESS,
    Label.DECEASED: Action.PAUSE,
    Label.ATTORNEY: Action.PAUSE,
    Label.BANKRUPTCY: Action.PAUSE,
    Label.MILITARY: Action.PAUSE,
    Label.DISPUTE: Action.PAUSE,
    Label.HOSTILE: Action.HAND_OVER,
    Label.HUMAN_REQUEST: Action.HAND_OVER,
    Label.PROMISE_TO_PAY: Action.RECORD_PROMISE,
    Label.ALREADY_PAID: Action.CHECK_PAYMENT,
    Label.HARDSHIP: Action.OFFER_OPTIONS,
    Label.PLAN_REQUEST: Action.OFFER_OPTIONS,
    Label.TIME_PREFERENCE: Action.KEEP_PREFERENCE,
    Label.CHANNEL_PREFERENCE: Action.KEEP_PREFERENCE,
    Label.LANGUAGE_REQUEST: Action.KEEP_PREFERENCE,
    Label.QUESTION_BALANCE: Action.ANSWER_TEMPLATE,
    Label.QUESTION_HOW_TO_PAY: Action.ANSWER_TEMPLATE,
    Label.IDENTITY_DOUBT: Action.ANSWER_TEMPLATE,
    Label.ACKNOWLEDGEMENT: Action.NOTHING,
    Label.OTHER: Action.HAND_OVER,
}

URGENCY: tuple[Action, ...] = tuple(Action)


class WantedChannel(StrEnum):
    """A channel that a borrower can ask for (wider than what Forbear sends on)."""

    SMS = "sms"
    EMAIL = "email"
    VOICE = "voice"
    MAIL = "mail"
    WHATSAPP = "whatsapp"
    WECHAT = "wechat"
    LINE = "line"
    IN_PERSON = "in_person"
    PORTAL = "portal"


class Lang(StrEnum):
    """The languages that replies are read in."""

    EN = "en"
    ZH_HANS = "zh-Hans"
    ZH_HANT = "zh-Hant"
    ES = "es"

    @property
    def family(self) -> str:
        """The lexicon that reads this language: ``en``, ``es`` or ``zh`` (both scripts are folded into one)."""
        return self.value[:2]
