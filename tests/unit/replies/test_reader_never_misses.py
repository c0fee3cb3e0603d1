"""What must never be missed, and the look-alikes that must not set it off."""

from datetime import datetime

import pytest

from forbear_replies import Action, Label, Reader
from forbear_replies.labels import Lang

NOW = datetime.fromisoformat("2025-06-10T10:15:00-05:00")


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader.load()


def labels_of(reader: Reader, text: str, *, channel: str = "sms", offered: bool = False) -> frozenset[Label]:
    return reader.read(text, lang=None, channel=channel, received_at=NOW, offered_letters=offered).labels


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "stop please",
        "Stpo",
        "unsubscribe",
        "退订",
        "TD",
        "alto",
        "BAJA",
        "ya basta",
        "STOP!!! 🛑",
        "退訂",
        "lose my number",
        "take me off your list",
        "how do I get these texts to stop",
        "no me manden más mensajes",
        "不要再给我发短信了",
        "唔好再打嚟",
        "could someone turn off your alerts for me",
        "would it be possible that these calls come to an end",
        "messages to this phone are no longer wanted",
        "啲短訊收晒佢",
        "别往俺这儿打了",
        "S T O P",
        "Q.U.I.T",
        "b a j a por fabor",
        "我封了一个号你们换个号继续传，这种信息我拒收",
        "a este cel ya no escriban, mejor una carta",
    ],
)
def test_a_revocation_in_any_words_is_an_opt_out(reader: Reader, text: str) -> None:
    """Keywords, misspellings and plain sentences in four languages; definitions of the reply labels, section 3."""
    assert Label.OPT_OUT in labels_of(reader, text)


@pytest.mark.parametrize(
    "text",
    [
        "it rained non stop all week",
        "I want to cancel my autopay",
        "at the end of the month I get paid",
        "llovió sin parar",
        "房子停电了两天",
        "please don't stop sending the reminders",
        "the bus stop moved",
        "我要取消自动扣款",
        "quit calling the front desk, my boss answers",
        "I never asked you to end the emails",
        "no me llamen a la fábrica",
        "no me llame a cada rato",
        "no me corten los avisos",
        "les hablo cuando deje de llover",
        "别打到我们工地",
        "千万别把短信提醒停了",
        "代扣怎么取消",
        "别把短信给我掐了，我全靠它",
        "no me las corten, por teléfono sí entiendo",
    ],
)
def test_a_text_that_only_contains_the_word_is_no_opt_out(reader: Reader, text: str) -> None:
    """The twin of the revocations: the same words in another sense."""
    assert Label.OPT_OUT not in labels_of(reader, text)


@pytest.mark.parametrize(
    "text", ["cease and desist", "leave me alone", "déjenme en paz", "不要再以任何方式联系我", "stop harassing me"]
)
def test_a_cease_demand_is_an_opt_out_too(reader: Reader, text: str) -> None:
    """``cease_all`` never stands without ``opt_out``."""
    assert {Label.CEASE_ALL, Label.OPT_OUT} <= labels_of(reader, text)


@pytest.mark.parametrize(
    "text",
    [
        "I want to kill myself",
        "my kids are better off without me",
        "lol guess i'll just kms",
        "ya no quiero vivir",
        "不想活了",
        "bought the rope today",
        "死了一了百了",
        "me quiero morir",
        "好想瞓低以後都唔使再醒",
        "this is goodbye, tell my kids i love them",
        "I don't see why I should go on with any of it",
        "不如跟我妈一起走算了",
        "把瓦斯打開就好了",
        "anoche me corté las venas, ¿me pueden esperar?",
        "i cut my wrists on sunday, is there more time",
    ],
)
def test_distress_goes_to_a_person_at_once(reader: Reader, text: str) -> None:
    """Plain, joking and indirect wordings; the action is the most urgent one there is."""
    reading = reader.read(text, lang=None, channel="sms", received_at=NOW)

    assert Label.DISTRESS in reading.labels
    assert reading.action is Action.HELP_PERSON
    assert reading.needs_person


@pytest.mark.parametrize("text", ["I'm dying to be done with this loan", "my phone died", "累死了", "me muero de risa"])
def test_an_idiom_is_no_distress(reader: Reader, text: str) -> None:
    """The twin: everyday idioms of dying."""
    assert Label.DISTRESS not in labels_of(reader, text)


def test_a_single_letter_counts_only_where_it_was_offered(reader: Reader) -> None:
    """T and R unsubscribe where the message said so."""
    assert Label.OPT_OUT in labels_of(reader, "T", offered=True)
    assert Label.OPT_OUT not in labels_of(reader, "R", offered=False)


def test_a_quoted_footer_is_not_the_sender_speaking(reader: Reader) -> None:
    """Only what stands above the quotation counts."""
    text = "Who are you exactly?\n\nOn Mon, Jun 9, 2025, Home Loans wrote:\n> Reply STOP to opt out of these notices."

    assert Label.OPT_OUT not in labels_of(reader, text, channel="email")


@pytest.mark.parametrize(
    "text",
    [
        "I'll try to pay Friday",
        "can I pay Friday?",
        "if you waive the fee I'll pay today",
        "cuando pueda les pago",
        "周五还行吗",
        "as soon as I can",
        "I will make every effort to pay Friday",
        "haré todo lo que pueda para el viernes",
    ],
)
def test_a_hedge_is_no_promise(reader: Reader, text: str) -> None:
    """Hedges, questions, conditions and open events are never promises."""
    assert Label.PROMISE_TO_PAY not in labels_of(reader, text)


REFUSALS = [
    ("don't call, text me", "sms", frozenset({Label.CHANNEL_PREFERENCE})),
    ("don't call, text me", "voice", frozenset({Label.CHANNEL_PREFERENCE, Label.OPT_OUT})),
    ("no more texts, send a letter", "sms", frozenset({Label.CHANNEL_PREFERENCE, Label.OPT_OUT})),
    ("please turn the text alerts back on", "sms", frozenset({Label.CHANNEL_PREFERENCE})),
]


@pytest.mark.parametrize(("text", "channel", "expected"), REFUSALS)
def test_refusing_a_channel_revokes_only_the_one_it_came_on(
    reader: Reader, text: str, channel: str, expected: frozenset[Label]
) -> None:
    """The same words revoke consent on a call and state a preference in a text message."""
    assert expected == labels_of(reader, text, channel=channel)


@pytest.mark.parametrize("words", ["no me escriban más", "ya no me manden mensajes", "no quiero mensajes"])
@pytest.mark.parametrize("on_record", ["en", "es", "zh-Hans", None])
def test_a_stop_is_heard_in_another_language_than_that_on_record(
    reader: Reader, words: str, on_record: str | None
) -> None:
    """Too few words to tell the language: a portfolio that says English for everybody must not hide a stop."""
    assert Label.OPT_OUT in reader.read(words, lang=on_record, channel="sms", received_at=NOW).labels


def test_a_limit_said_in_english_is_not_read_in_spanish(reader: Reader) -> None:
    """The twin: what speaks the language on record is read in it."""
    assert Lang.EN is reader.read("no texts after 9", lang="en", channel="sms", received_at=NOW).lang


@pytest.mark.parametrize(
    "text",
    [
        "have an agent call me please, your robot keeps mishearing",
        "请让真人打给我，机器听不懂我说的",
        "que me llame una persona, por favor",
    ],
)
def test_a_call_from_a_person_is_no_wish_for_calls_in_general(reader: Reader, text: str) -> None:
    """A one-time request to be rung is ``human_request`` alone; it must not turn the borrower's channel to voice."""
    assert {Label.HUMAN_REQUEST} == labels_of(reader, text)
