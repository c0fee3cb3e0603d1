"""The linter as a teacher: what must be there, what must not be said, in every language, with its source."""

from __future__ import annotations

import pytest

from forbear_domain.messages import Occasion, Severity, lint, lint_voicemail
from forbear_domain.messages.lint import _rules
from forbear_domain.model import Channel
from forbear_domain.policy import load_packs

BRAND = "Harbor Home Loans"
GOOD = {
    "en": f"This is {BRAND}, a debt collector. We have not received $10.00 yet. Reply STOP to opt out.",
    "es": f"Somos {BRAND}, cobrador de deudas. Aun no hemos recibido $10.00. Responda ALTO para no recibir mas.",
    "zh-Hans": f"【{BRAND}】我们是债务催收机构。您有$10.00尚未到账。回复TD退订",
    "zh-Hant": f"【{BRAND}】我們是債務催收機構。您有$10.00尚未入帳。回覆TD退訂",
}
OCCASION = Occasion(BRAND)


def found(text: str, language: str, occasion: Occasion = OCCASION, subject: str = "") -> list[str]:
    """Return the rules that an SMS breaks."""
    return [one.rule for one in lint(text, Channel.SMS, language, subject=subject, occasion=occasion)]


@pytest.mark.parametrize("language", sorted(GOOD))
def test_a_good_message_has_no_finding(language: str) -> None:
    """The twin of every test below."""
    assert found(GOOD[language], language) == []


@pytest.mark.parametrize(
    ("language", "words", "rule"),
    [
        ("en", "You will be arrested.", "REGF-18-FALSE"),
        ("en", "We will garnish your wages.", "REGF-18-FALSE"),
        ("en", "We'll start a foreclosure.", "REGF-18-FALSE"),
        ("en", "We will sue you.", "REGF-18-FALSE"),
        ("en", "This is the court calling.", "REGF-18-FALSE"),
        ("en", "This is fraud.", "REGF-18-FALSE"),
        ("en", "Final notice: act now!", "REGF-14A-CUMUL"),
        ("en", "You missed a delivery.", "REGF-18-FALSE"),
        ("en", "We will tell your employer.", "REGF-14-PUBLISH"),
        ("en", "Take another loan to pay.", "CN-BAN"),
        ("en", "Don't be stupid.", "REGF-14D-ABUSE"),
        ("es", "Irá a la cárcel.", "REGF-18-FALSE"),
        ("es", "Vamos a embargar su casa.", "REGF-18-FALSE"),
        ("es", "Último aviso.", "REGF-14A-CUMUL"),
        ("es", "Vamos a llamar a su jefe.", "REGF-14-PUBLISH"),
        ("es", "Su paquete le espera.", "REGF-18-FALSE"),
        ("zh-Hans", "否则将拘留您。", "REGF-18-FALSE"),
        ("zh-Hans", "我们将起诉您。", "REGF-18-FALSE"),
        ("zh-Hans", "这里是法院。", "REGF-18-FALSE"),
        ("zh-Hans", "请立即处理。", "REGF-14A-CUMUL"),
        ("zh-Hans", "我们会联系您的家人。", "REGF-14-PUBLISH"),
        ("zh-Hans", "您可以再借一笔。", "CN-BAN"),
        ("zh-Hant", "我們將起訴您。", "REGF-18-FALSE"),
        ("zh-Hant", "最後通知。", "REGF-14A-CUMUL"),
        ("zh-Hant", "您有快遞。", "REGF-18-FALSE"),
        ("en", "Pay now even if you dispute the debt.", "REGF-38-DISPUTE"),
        ("en", "The debt is time-barred, but please pay.", "REGF-26-TIMEBAR"),
        ("en", "You could sell your car.", "UK-CONC73"),
        ("en", "Call 1-900-555-0100.", "UK-CONC79"),
        ("es", "Pague aunque dispute la deuda.", "REGF-38-DISPUTE"),
        ("es", "La deuda está prescrita.", "REGF-26-TIMEBAR"),
        ("es", "Pague el total hoy.", "UK-CONC73"),
        ("es", "Se aplica una comisión de cobranza.", "UK-CONC79"),
        ("es", "Usted es un ladrón.", "REGF-18-FALSE"),
        ("es", "Le habla el juzgado.", "REGF-18-FALSE"),
        ("es", "Pida prestado a un amigo.", "CN-BAN"),
        ("es", "No sea idiota.", "REGF-14D-ABUSE"),
        ("zh-Hans", "您无权提出异议。", "REGF-38-DISPUTE"),
        ("zh-Hans", "已过诉讼时效。", "REGF-26-TIMEBAR"),
        ("zh-Hans", "请一次性还清。", "UK-CONC73"),
        ("zh-Hans", "另收手续费。", "UK-CONC79"),
        ("zh-Hans", "您是老赖。", "REGF-18-FALSE"),
        ("zh-Hans", "您有包裹。", "REGF-18-FALSE"),
        ("zh-Hans", "不要脸。", "REGF-14D-ABUSE"),
        ("zh-Hant", "您無權提出異議。", "REGF-38-DISPUTE"),
        ("zh-Hant", "請一次性還清。", "UK-CONC73"),
        ("zh-Hant", "另收手續費。", "UK-CONC79"),
        ("zh-Hant", "否則將逮捕您。", "REGF-18-FALSE"),
        ("zh-Hant", "這裡是警察。", "REGF-18-FALSE"),
        ("zh-Hant", "您是老賴。", "REGF-18-FALSE"),
        ("zh-Hant", "我們會通知您的親友。", "REGF-14-PUBLISH"),
        ("zh-Hant", "您可以借新還舊。", "CN-BAN"),
        ("zh-Hant", "不要臉。", "REGF-14D-ABUSE"),
    ],
)
def test_what_must_not_be_said_is_found_with_its_rule(language: str, words: str, rule: str) -> None:
    """Threats, false urgency, pretexts, shame, new loans (12 CFR 1006.14, 1006.18; China: CBA guide)."""
    assert rule in found(f"{words} {GOOD[language]}" if language in ("en", "es") else GOOD[language] + words, language)


@pytest.mark.parametrize(
    "words",
    [
        "We hope your weekend is calm.",
        "Our issue desk is open.",
        "The seasoned team answers.",
        "Please pursue it with us.",
    ],
)
def test_words_inside_other_words_are_not_found(words: str) -> None:
    """The linter reads words, not letters."""
    assert found(f"{words} {GOOD['en']}", "en") == []


@pytest.mark.parametrize(
    ("language", "gone", "rule"),
    [
        ("en", " Reply STOP to opt out.", "REGF-6E-OPTOUT"),
        ("es", " Responda ALTO para no recibir mas.", "REGF-6E-OPTOUT"),
        ("zh-Hans", "回复TD退订", "REGF-6E-OPTOUT"),
        ("zh-Hant", "回覆TD退訂", "REGF-6E-OPTOUT"),
        ("en", ", a debt collector", "REGF-18E-DISC"),
        ("es", ", cobrador de deudas", "REGF-18E-DISC"),
        ("zh-Hans", "我们是债务催收机构。", "REGF-18E-DISC"),
        ("en", BRAND, "REGF-18-FALSE"),
        ("zh-Hans", f"【{BRAND}】", "CN-IDENTIFY"),
    ],
)
def test_what_must_be_there_is_missed(language: str, gone: str, rule: str) -> None:
    """Opt-out, disclosure, identity and signature, each found missing in each language."""
    assert rule in found(GOOD[language].replace(gone, ""), language)


def test_the_first_message_of_a_collector_says_why_it_collects_information() -> None:
    """12 CFR 1006.18(e)(1): once, in the first communication; a lender in its own name need not."""
    first, lender = Occasion(BRAND, is_first=True), Occasion(BRAND, actor="creditor", is_first=True)

    assert found(GOOD["en"], "en", first) == ["REGF-18E-DISC"]
    assert found(GOOD["en"], "en", lender) == []


@pytest.mark.parametrize(
    ("language", "subject"),
    [
        ("en", "Your overdue payment"),
        ("en", "You owe $10"),
        ("es", "Su deuda"),
        ("zh-Hans", "您的欠款"),
        ("zh-Hant", "還款提醒"),
    ],
)
def test_a_subject_shows_no_debt(language: str, subject: str) -> None:
    """What stands on a locked screen is read by others."""
    text = GOOD[language]

    assert [one.rule for one in lint(text, Channel.EMAIL, language, subject=subject, occasion=OCCASION)] == [
        "REGF-22F-MEDIA"
    ]
    assert lint(text, Channel.EMAIL, language, subject=f"A note from {BRAND}", occasion=OCCASION) == []


def test_a_private_message_speaks_of_no_money() -> None:
    """Before the identity is clear there is no debt (12 CFR 1006.6(d)(1))."""
    private = Occasion(BRAND, frame="private")

    assert found(f"This is {BRAND}. You owe $5. Reply STOP to opt out.", "en", private) == ["REGF-6D1-THIRD"]
    assert found(f"This is {BRAND}. Is that you? Reply STOP to opt out.", "en", private) == []


def test_a_long_sms_is_only_advised_against() -> None:
    """Length is a question of kindness and cost, not of law."""
    findings = lint(GOOD["en"] + " word" * 100, Channel.SMS, "en", occasion=OCCASION)

    assert [one.severity for one in findings] == [Severity.SHOULD]


def test_a_finding_explains_itself_in_plain_words() -> None:
    """What, which words, which rule, which source, what instead: this is how collectors are trained."""
    finding = lint("You will be arrested. " + GOOD["en"], Channel.SMS, "en", occasion=OCCASION)[0]

    assert str(finding) == (
        "must: it threatens arrest or prison; nobody is arrested for a debt ('arrest') [REGF-18-FALSE, "
        "12 CFR 1006.18(b)(3)]. Say what the person can do: answer, ask for another date, speak with someone."
    )


def test_every_rule_of_the_linter_has_a_source() -> None:
    """No rule without a page that it comes from."""
    forbidden, named = _rules()

    assert all(rule.source and rule.says and rule.rule for rule in [*forbidden, *named.values()])


LCM = "Hello. This is Jordan Lee from Harbor Home Loans. Please call us back at +1 212 555 0123. Thank you."


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (LCM, ""),
        ("Good morning, this is Jordan Lee from Harbor Home Loans. Please return our call at 212-555-0123.", ""),
        (LCM.replace("Harbor Home Loans", "us"), "does not name the business"),
        (LCM.replace("Jordan Lee", "me"), "does not name a natural person to ask for"),
        (LCM.replace("+1 212 555 0123", ""), "does not give a number to call"),
        (LCM.replace("Please call us back at", "Our number is"), "does not ask for a call back"),
        (LCM + " It is about your account.", "says more than a voicemail may"),
        (LCM + " It is urgent.", "says more than a voicemail may"),
    ],
)
def test_a_voicemail_is_limited_content_or_says_why_not(text: str, says: str) -> None:
    """12 CFR 1006.2(j): four things must be there, a closed list may be, nothing else."""
    findings = lint_voicemail(text, "en", brand="Harbor Home Loans", contact_person="Jordan Lee")

    assert says in " ".join(one.what for one in findings)
    assert bool(findings) == bool(says)


def test_a_voicemail_of_a_telling_name_is_not_limited_content() -> None:
    """12 CFR 1006.2(j)(1)(i): a business name that does not show that it collects debts."""
    text = LCM.replace("Harbor Home Loans", "Quick Debt Recovery")

    assert lint_voicemail(text, "en", brand="Quick Debt Recovery", contact_person="Jordan Lee")


def test_every_rule_that_the_linter_names_stands_in_a_pack() -> None:
    """A finding leads to its source: `forbear policy packs --why RULE`."""
    forbidden, others = _rules()
    named = {one.rule for one in (*forbidden, *others.values())}

    assert set() == named - load_packs().rule_ids
