"""Amounts, days, hours, channels and languages as the definitions of the reply labels resolve them (section 4)."""

from datetime import datetime
from typing import Any

import pytest

from forbear_replies import Label
from forbear_replies.extraction import extract
from forbear_replies.language import is_cantonese
from forbear_replies.reader import prepare

TUESDAY = datetime.fromisoformat("2025-06-10T10:15:00-05:00")
PROMISE, PAID = Label.PROMISE_TO_PAY, Label.ALREADY_PAID
TIME, CHANNEL, LANGUAGE = Label.TIME_PREFERENCE, Label.CHANNEL_PREFERENCE, Label.LANGUAGE_REQUEST

CASES = [
    ("i can send three fifty on friday", PROMISE, "en", {"amount": 350, "currency": "USD", "date": "2025-06-13"}),
    (
        "twelve hundred by the end of the month",
        PROMISE,
        "en",
        {"amount": 1200, "currency": "USD", "date": "2025-06-30"},
    ),
    ("I'll pay $1,250.50 on July 3rd", PROMISE, "en", {"amount": 1250.5, "currency": "USD", "date": "2025-07-03"}),
    ("paying 2k the 5th of next month", PROMISE, "en", {"amount": 2000, "currency": "USD", "date": "2025-07-05"}),
    (
        "I will pay one thousand two hundred and fifty dollars next tuesday",
        PROMISE,
        "en",
        {"amount": 1250, "currency": "USD", "date": "2025-06-17"},
    ),
    ("sent 500 two days ago, check 1043", PAID, "en", {"amount": 500, "currency": "USD", "date": "2025-06-08"}),
    ("paid last night", PAID, "en", {"date": "2025-06-09"}),
    ("I paid 900 on Monday", PAID, "en", {"amount": 900, "currency": "USD", "date": "2025-06-09"}),
    ("my check for 640.12 cleared May 28", PAID, "en", {"amount": 640.12, "currency": "USD", "date": "2025-05-28"}),
    ("half on friday half on the 20th", PROMISE, "en", {"date": "2025-06-13"}),
    ("I'll pay the 15th, 300 of it", PROMISE, "en", {"amount": 300, "currency": "USD", "date": "2025-06-15"}),
    ("will pay after New Year", PROMISE, "en", {}),
    ("i'll pay in two weeks", PROMISE, "en", {"date": "2025-06-24"}),
    (
        "I can't pay right now but I get paid on the twentieth and I'll send four hundred",
        PROMISE,
        "en",
        {"amount": 400, "currency": "USD", "date": "2025-06-20"},
    ),
    (
        "your late fee of $45 is wrong but I'm sending 1,115 Friday",
        PROMISE,
        "en",
        {"amount": 1115, "currency": "USD", "date": "2025-06-13"},
    ),
    ("ok 1/2 the 15th", PROMISE, "en", {"date": "2025-06-15"}),
    ("liquidé el 20", PAID, "es", {"date": "2025-05-20"}),
    ("les pago mil doscientos el viernes", PROMISE, "es", {"amount": 1200, "currency": "USD", "date": "2025-06-13"}),
    (
        "el lunes en la mañana deposito quinientos cincuenta",
        PROMISE,
        "es",
        {"amount": 550, "currency": "USD", "date": "2025-06-16"},
    ),
    ("mañana les doy 2 mil", PROMISE, "es", {"amount": 2000, "currency": "USD", "date": "2025-06-11"}),
    ("el 5 del mes que viene pago", PROMISE, "es", {"date": "2025-07-05"}),
    (
        "el próximo viernes le mando 300 dólares",
        PROMISE,
        "es",
        {"amount": 300, "currency": "USD", "date": "2025-06-13"},
    ),
    ("pagué 250 el viernes pasado", PAID, "es", {"amount": 250, "currency": "USD", "date": "2025-06-06"}),
    ("en quince días le pago", PROMISE, "es", {"date": "2025-06-25"}),
    ("esta mañana deposité", PAID, "es", {"date": "2025-06-10"}),
    ("下周五还一万五", PROMISE, "zh-Hans", {"amount": 15000, "currency": "CNY", "date": "2025-06-20"}),
    ("1.5万月底还", PROMISE, "zh-Hans", {"amount": 15000, "currency": "CNY", "date": "2025-06-30"}),
    ("两千五后天打过去", PROMISE, "zh-Hans", {"amount": 2500, "currency": "CNY", "date": "2025-06-12"}),
    ("下个月5号还3000", PROMISE, "zh-Hans", {"amount": 3000, "currency": "CNY", "date": "2025-07-05"}),
    ("上周五转了八百块", PAID, "zh-Hans", {"amount": 800, "currency": "CNY", "date": "2025-06-06"}),
    ("１５号还５０００元", PROMISE, "zh-Hans", {"amount": 5000, "currency": "CNY", "date": "2025-06-15"}),
    ("聽日過數HK$6,500", PROMISE, "zh-Hant", {"amount": 6500, "currency": "HKD", "date": "2025-06-11"}),
    ("下禮拜五匯一萬二", PROMISE, "zh-Hant", {"amount": 12000, "currency": "TWD", "date": "2025-06-20"}),
    ("民國114年6月25日繳清", PROMISE, "zh-Hant", {"date": "2025-06-25"}),
    ("今晚過五千蚊畀你", PROMISE, "zh-Hant", {"amount": 5000, "currency": "HKD", "date": "2025-06-10"}),
    ("call me after 6", TIME, "en", {"not_before": "18:00"}),
    ("dont call before 9am or after 8pm", TIME, "en", {"not_before": "09:00", "not_after": "20:00"}),
    ("home by 7, call then", TIME, "en", {"not_before": "19:00"}),
    ("evenings are best", TIME, "en", {"not_before": "18:00"}),
    ("not in the morning please", TIME, "en", {"not_before": "12:00"}),
    ("mornings only", TIME, "en", {"not_after": "12:00"}),
    ("call tomorrow at 3", TIME, "en", {"not_before": "15:00", "days": ["wed"]}),
    ("no calls on sundays", TIME, "en", {"days": ["mon", "tue", "wed", "thu", "fri", "sat"]}),
    ("i work nights, call after 2", TIME, "en", {"not_before": "14:00"}),
    (
        "weekdays between 5 and 7 pm",
        TIME,
        "en",
        {"not_before": "17:00", "not_after": "19:00", "days": ["mon", "tue", "wed", "thu", "fri"]},
    ),
    ("I can't talk right now I'm driving", TIME, "en", {}),
    ("not after 8", TIME, "en", {"not_after": "20:00"}),
    (
        "monday through thursday after five thirty",
        TIME,
        "en",
        {"not_before": "17:30", "days": ["mon", "tue", "wed", "thu"]},
    ),
    ("im asleep until noon", TIME, "en", {"not_before": "12:00"}),
    ("quit calling me at work", TIME, "en", {}),
    ("afternoons work", TIME, "en", {"not_before": "12:00", "not_after": "18:00"}),
    ("10 to 2 is fine", TIME, "en", {"not_before": "10:00", "not_after": "14:00"}),
    ("llámeme después de las 6", TIME, "es", {"not_before": "18:00"}),
    ("en la tarde por favor", TIME, "es", {"not_before": "12:00", "not_after": "18:00"}),
    ("no me llamen antes de las diez", TIME, "es", {"not_before": "10:00"}),
    ("entre las 4 y las 6", TIME, "es", {"not_before": "16:00", "not_after": "18:00"}),
    ("solo los sábados por la mañana", TIME, "es", {"not_after": "12:00", "days": ["sat"]}),
    ("no me llamen los domingos", TIME, "es", {"days": ["mon", "tue", "wed", "thu", "fri", "sat"]}),
    ("después de las cinco y media", TIME, "es", {"not_before": "17:30"}),
    ("晚上八点以后打", TIME, "zh-Hans", {"not_before": "20:00"}),
    ("上午别打", TIME, "zh-Hans", {"not_before": "12:00"}),
    ("六点半以后再打", TIME, "zh-Hans", {"not_before": "18:30"}),
    ("周末再打", TIME, "zh-Hans", {"days": ["sat", "sun"]}),
    ("9点前别打", TIME, "zh-Hans", {"not_before": "09:00"}),
    ("下午2点到5点有空", TIME, "zh-Hans", {"not_before": "14:00", "not_after": "17:00"}),
    ("明天上午打给我", TIME, "zh-Hans", {"not_after": "12:00", "days": ["wed"]}),
    ("返工唔好打", TIME, "zh-Hant", {}),
    ("晚上9點之後不要打", TIME, "zh-Hant", {"not_after": "21:00"}),
    ("周一到周五下班后", TIME, "zh-Hans", {"days": ["mon", "tue", "wed", "thu", "fri"]}),
    ("don't call, text me", CHANNEL, "en", {"channel": "sms"}),
    ("no texts just email", CHANNEL, "en", {"channel": "email"}),
    ("call me instead of texting", CHANNEL, "en", {"channel": "voice"}),
    ("put it in writing", CHANNEL, "en", {"channel": "mail"}),
    ("quit calling this phone and text me instead", CHANNEL, "en", {"channel": "sms"}),
    ("寄到我的email", CHANNEL, "zh-Hant", {"channel": "email"}),
    ("START", CHANNEL, "en", {"channel": "sms"}),
    ("mándenmelo por correo a mi casa", CHANNEL, "es", {"channel": "mail"}),
    ("no llamen mejor por correo electrónico", CHANNEL, "es", {"channel": "email"}),
    ("别打电话发微信", CHANNEL, "zh-Hans", {"channel": "wechat"}),
    ("我去网点面谈", CHANNEL, "zh-Hans", {"channel": "in_person"}),
    ("I don't speak English, Spanish please", LANGUAGE, "en", {"language": "es"}),
    ("看不懂英文", LANGUAGE, "zh-Hans", {"language": "zh"}),
    ("no entiendo inglés", LANGUAGE, "es", {"language": "es"}),
]


@pytest.mark.parametrize(("text", "label", "lang", "expected"), CASES, ids=[case[0] for case in CASES])
def test_the_facts_of_a_reply_are_extracted(text: str, label: Label, lang: str, expected: dict[str, Any]) -> None:
    """Each case is a reply received on Tuesday 2025-06-10; only the facts named are given."""
    prepared = prepare(text, lang)

    found = extract(
        prepared.folded,
        frozenset({label}),
        lang=prepared.lang,
        channel="sms",
        received_at=TUESDAY,
        is_cantonese=is_cantonese(prepared.own),
    )

    assert expected == {name: value for name, value in found.as_json().items() if value is not None}
