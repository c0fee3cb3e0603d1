"""The linter: reads a message as a compliance officer would, and explains in plain words what is wrong and why.

It finds what must be there and is not (who writes, how to opt out, that it comes from a debt collector, the signature
of a Chinese SMS) and what must not be said or implied (threats, false urgency, pretexts, shame). The wording it looks
for stands in `lint_rules.toml`, with the source of each rule. It only finds wording: that a text is clean is decided by
the person who approves it, which is why texts are locked by their hash.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from forbear_domain.messages.catalogue import Catalogue, Rendered, Version
from forbear_domain.messages.plain import day, money
from forbear_domain.messages.segments import segments
from forbear_domain.messages.slots import Addressee, recipient_slots
from forbear_domain.model import Channel

SMS_PARTS_MAX = 2  # of what we write ourselves; a first message of a collector may need one more


class Severity(StrEnum):
    """How bad a finding is."""

    MUST = "must"  # it may not be approved like this
    SHOULD = "should"  # it may, but a person should look


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `rule` names the rule of the policy packs, `found` the words that gave rise to it."""

    severity: Severity
    rule: str
    source: str
    what: str
    found: str = ""
    instead: str = ""

    def __str__(self) -> str:
        words = f" ({self.found!r})" if self.found else ""
        advice = f" {self.instead}" if self.instead else ""
        return f"{self.severity}: it {self.what}{words} [{self.rule}, {self.source}].{advice}"


@dataclass(frozen=True, slots=True)
class _Rule:
    rule: str
    source: str
    says: str
    instead: str
    patterns: Mapping[str, re.Pattern[str]]

    def search(self, text: str, language: str) -> str:
        match = self.patterns[language[:2]].search(text)
        return match.group(0).strip() if match else ""

    def finding(self, found: str = "") -> Finding:
        return Finding(Severity.MUST, self.rule, self.source, self.says, found, self.instead)


@cache
def _rules() -> tuple[tuple[_Rule, ...], dict[str, _Rule]]:
    """Return the forbidden things and, by name, the other rules."""
    text = files("forbear_domain.messages").joinpath("lint_rules.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    named = {"subject": data["subject"], "private": data["private"], **data["present"]}
    return tuple(_rule(one) for one in data["forbidden"]), {name: _rule(one) for name, one in named.items()}


def _rule(data: Mapping[str, Any]) -> _Rule:
    patterns = {
        language: re.compile("|".join(data[language]), re.IGNORECASE | re.DOTALL) for language in ("en", "es", "zh")
    }
    return _Rule(data["rule"], data["source"], data["says"], data.get("instead", ""), patterns)


@dataclass(frozen=True, slots=True)
class Occasion:
    """For whom and when a message is meant, as far as its wording hangs on it.

    `brand` is the true name of the sender; where it is empty the name is not looked for. `frame` is "debt", "private"
    (nobody's debt may show) or "final" (only confirms or apologises, so there is nothing to opt out of).
    """

    brand: str = ""
    actor: str = "collector"
    frame: str = "debt"
    is_first: bool = False

    @property
    def is_collectors(self) -> bool:
        """Return whether the sender must say that it is a debt collector."""
        return self.actor not in ("creditor", "servicer")


def lint(
    text: str, channel: Channel, language: str, *, subject: str = "", occasion: Occasion = Occasion()
) -> list[Finding]:
    """Return what is wrong with a message, worst first; an empty list means that nothing was found."""
    forbidden, named = _rules()
    plain = text.replace("’", "'")
    unnamed = plain.replace(occasion.brand, "") if occasion.brand else plain
    found = [rule.finding(words) for rule in forbidden if (words := rule.search(f"{subject}\n{plain}", language))]
    if words := named["subject"].search(subject.replace(occasion.brand or "\0", ""), language):
        found.append(named["subject"].finding(words))
    if occasion.frame == "debt":
        found += _disclosed(plain, language, named, occasion)
    elif words := named["private"].search(unnamed, language):
        found.append(named["private"].finding(words))
    if occasion.frame != "final" and not named["opt_out"].search(plain, language):
        found.append(named["opt_out"].finding())
    found += _identified(plain, channel, language, occasion.brand)
    if channel is Channel.SMS:
        found += _sized(plain, SMS_PARTS_MAX + (occasion.is_first and occasion.is_collectors))
    return sorted(found, key=lambda one: one.severity)


def _disclosed(text: str, language: str, named: Mapping[str, _Rule], occasion: Occasion) -> Iterator[Finding]:
    if occasion.is_collectors and not named["collector"].search(text, language):
        yield named["collector"].finding()
    if occasion.is_collectors and occasion.is_first and not named["first"].search(text, language):
        yield named["first"].finding()


def _identified(text: str, channel: Channel, language: str, brand: str) -> Iterator[Finding]:
    if channel is Channel.SMS and language.startswith("zh") and not re.match(r"【[^【】]{2,30}】", text):
        yield Finding(
            Severity.MUST,
            "CN-IDENTIFY",
            "carriers in mainland China; CBA guide of 2026",
            "does not begin with the sender's signature in 【】",
            instead="Put the registered short name first: 【某某银行】.",
        )
    if brand and brand not in text:
        yield Finding(
            Severity.MUST,
            "REGF-18-FALSE",
            "12 CFR 1006.18(c)(4); China: CN-IDENTIFY",
            "does not say who sends it",
            instead="Use the name under which the borrower knows the lender.",
        )


def _sized(text: str, parts_max: int) -> Iterator[Finding]:
    parts = segments(text)
    if parts > parts_max:
        yield Finding(
            Severity.SHOULD,
            "HOUSE-SMS-PARTS",
            "house rule: an SMS is short",
            f"takes {parts} parts; {parts_max} are enough",
            instead="Leave out what an answer or the page can say.",
        )


# The limited-content message: what it must hold, and the words that it may hold besides. Nothing else is allowed.
_LCM_SOURCE = "12 CFR 1006.2(j)"
_LCM_REPLY = re.compile(
    r"call (us |me )?back|return (our|my|this) call|ll[aá]m(e|enos)|回电|回電|致电|致電", re.IGNORECASE
)
_LCM_NUMBER = re.compile(r"(?:\+?\d[\s().-]*){7,15}")
_LCM_ALLOWED = {
    "en": "hello hi good morning afternoon evening this is my name i am calling from with of please call us me back "
    "return our at to the on any representative representatives speak reply thank you thanks mr ms mrs dear and or "
    "between am pm monday tuesday wednesday thursday friday saturday sunday today message for it a",
    "es": "hola buenos días buenas tardes noches le habla llama soy de por favor llámenos llame llámeme al a nuestro "
    "número gracias con cualquier representante y o entre la las el lunes martes miércoles jueves viernes sábado "
    "domingo señor señora un mensaje para",
}
_LCM_ALLOWED_ZH = re.compile(
    "您好|你好|早上好|下午好|晚上好|我是|我们是|我們是|这里是|這裡是|的|请|請|回电|回電|致电|致電|给我们|給我們|联系|聯絡|"
    "任何一位|客服|同事|谢谢|謝謝|先生|女士|周[一二三四五六日]|上午|下午|点|點|到|至|或"
)


def lint_voicemail(text: str, language: str, *, brand: str, contact_person: str, addressee: str = "") -> list[Finding]:
    """Return why a text is no limited-content message; an empty list means that it is one.

    It must hold a business name that does not show debt collection, a request to call back, the name of a natural
    person and a number. It may hold a greeting, date and time, times to call, and that any representative can answer.
    Anything more makes it a communication, with all duties of one. Source: 12 CFR 1006.2(j) and its comments.
    """
    wants = {
        "does not name the business": bool(brand) and brand in text,
        "does not name a natural person to ask for": bool(contact_person) and contact_person in text,
        "does not ask for a call back": bool(_LCM_REPLY.search(text)),
        "does not give a number to call": bool(_LCM_NUMBER.search(text)),
    }
    found = [what for what, is_there in wants.items() if not is_there]
    if re.search(r"collect|recover|debt|cobr|deuda|催|债|債", brand, re.IGNORECASE):
        found.append("names a business whose name shows that it collects debts")
    rest = text
    for known in filter(None, (brand, contact_person, addressee)):
        rest = rest.replace(known, " ")
    extra = _beyond(_LCM_NUMBER.sub(" ", rest), language)
    findings = [Finding(Severity.MUST, "REGF-2J-LCM", _LCM_SOURCE, what) for what in found]
    if extra:
        words = " ".join(extra[:8])
        findings.append(Finding(Severity.MUST, "REGF-2J-LCM", _LCM_SOURCE, "says more than a voicemail may", words))
    return findings


def _beyond(text: str, language: str) -> list[str]:
    """Return the words that a limited-content message may not hold."""
    if language.startswith("zh"):
        return re.findall(r"\w+", _LCM_ALLOWED_ZH.sub(" ", text))
    allowed = set(_LCM_ALLOWED[language].split())
    return [word for word in re.findall(r"[^\W\d_]+", text) if word.casefold() not in allowed]


SAMPLE_BRAND, SAMPLE_PERSON, SAMPLE_NUMBER = "Harbor Home Loans", "Jordan Lee", "+12125550123"
_SAMPLE_LINK = "https://pay.example.com/p/" + "A1b2C3d4E5f6G7h8I9j0" * 2 + "abc"
_SAMPLE_OPTIONS = {
    "en": ("pay on May 14 instead", "3 parts of $204.14 from May 1"),
    "es": ("pagar el 14 de mayo", "3 partes de $204.14 desde el 1 de mayo"),
    "zh-Hans": ("延至5月14日", "5月1日起分3笔$204.14"),
    "zh-Hant": ("延至5月14日", "5月1日起分3筆$204.14"),
}


def sample(version: Version, actor: str, *, is_first: bool) -> dict[str, str]:
    """Return slots of usual length for one text, so that it can be shown, linted and counted."""
    language = version.language
    slots = recipient_slots(
        Addressee(
            given_name="Alejandra",
            brand=SAMPLE_BRAND,
            actor=actor,
            language=language,
            channel=version.channel,
            currency="USD",
            past_due_minor=1_612_40,
            balance_minor=184_200_12,
            instalment_minor=1_612_40,
            page_url=_SAMPLE_LINK,
            unsubscribe_url=_SAMPLE_LINK.replace("/p/", "/u/"),
            sender=SAMPLE_NUMBER,
            is_first=is_first,
            contact_person=SAMPLE_PERSON,
            regions=("US-NY",),
        )
    )
    one, two = _SAMPLE_OPTIONS[language]
    amount, when = money(1_612_40, "USD", language), day(date(2026, 9, 28), language)
    return slots | {
        "option_1": one,
        "option_2": two,
        "promise_amount": amount,
        "next_amount": amount,
        "promise_date": when,
        "due_date": when,
    }


def lint_catalogue(catalogue: Catalogue, actors: Iterable[str] = ("collector", "creditor")) -> dict[str, list[Finding]]:
    """Return the findings of every text that has any, by its name; each is read as first and as later message."""
    found: dict[str, list[Finding]] = {}
    for version in catalogue:
        for actor in actors:
            for is_first in (True, False):
                slots = sample(version, actor, is_first=is_first)
                rendered = catalogue.render(version.template, version.channel, version.language, slots)
                for finding in _lint_rendered(rendered, version, actor, is_first=is_first):
                    known = found.setdefault(version.name, [])
                    if finding not in known:
                        known.append(finding)
    return found


def _lint_rendered(rendered: Rendered, version: Version, actor: str, *, is_first: bool) -> list[Finding]:
    language, occasion = version.language, Occasion(SAMPLE_BRAND, actor, version.frame, is_first)
    found = lint(rendered.text, version.channel, language, subject=rendered.subject, occasion=occasion)
    if version.channel is Channel.VOICE:
        private = _rules()[1]["private"]
        words = private.search(rendered.steps["greeting"].replace(SAMPLE_BRAND, ""), language)
        found += [private.finding(words)] if words else []
        found += lint_voicemail(rendered.steps["voicemail"], language, brand=SAMPLE_BRAND, contact_person=SAMPLE_PERSON)
    return found
