"""The shipped texts: complete, locked, lint-free, short; and what stops a message."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forbear_domain.messages import (
    LANGUAGES,
    Addressee,
    Catalogue,
    TemplateError,
    day,
    disclosure,
    lint_catalogue,
    money,
    recipient_slots,
)
from forbear_domain.messages import catalogue as catalogue_module
from forbear_domain.messages.catalogue import approved_lock, draft_catalogue, read_lock, templates_folder
from forbear_domain.messages.lint import sample
from forbear_domain.model import Channel

CATALOGUE = Catalogue.load()
TEMPLATES = {
    "reminder.gentle", "reminder.firm", "duty.live_contact", "offer.deferral", "offer.instalments", "options.offered",
    "option.deferral_confirmed", "option.instalments_confirmed", "promise.thanks", "promise.reminder", "promise.kept",
    "promise.missed", "arrangement.reminder", "arrangement.kept", "arrangement.missed", "opt_out.confirmed",
    "handover.person", "identity.verify", "care.distress", "answer.how_to_pay", "answer.balance_protected",
    "preference.noted", "follow_up.ask", "follow_up.help",
}  # fmt: skip
FOLDER = Path(catalogue_module.__file__).parent / "templates"


def slots(channel: Channel = Channel.SMS, language: str = "en", **changed: str) -> dict[str, str]:
    """Return usual slots of a reminder, with changes."""
    version = CATALOGUE.find("reminder.gentle", channel, language)
    return sample(version, "collector", is_first=False) | changed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the shipped templates that a test may change."""
    return Path(shutil.copytree(FOLDER, tmp_path / "templates"))


def test_every_template_is_there_in_every_channel_and_language() -> None:
    """Each template, 3 channels, 4 languages."""
    have = {(version.template, version.channel, version.language) for version in CATALOGUE}

    assert {(one, channel, language) for one in TEMPLATES for channel in Channel for language in LANGUAGES} == have


def test_every_shipped_text_passes_the_lint() -> None:
    """As first and as later message, of a collector and of a lender."""
    assert lint_catalogue(CATALOGUE, ("collector", "creditor", "servicer", "collecting_servicer")) == {}


@pytest.mark.parametrize("actor", ["creditor", "collector"])
def test_every_sms_takes_at_most_two_parts(actor: str) -> None:
    """With usual values; only the full disclosure of a collector's first message may take a third part."""
    for version in CATALOGUE:
        if version.channel is Channel.SMS:
            for is_first in (False, True):
                values = sample(version, actor, is_first=is_first)
                rendered = CATALOGUE.render(version.template, version.channel, version.language, values)
                assert rendered.parts <= 2 + (is_first and actor == "collector"), version.name


def test_nothing_about_the_debt_is_said_to_whoever_is_not_the_borrower() -> None:
    """Private and final texts use no slot that holds money, and no voice greeting or voicemail does."""
    money_slots = {"past_due", "balance", "instalment", "promise_amount", "next_amount", "disclosure"}
    for version in CATALOGUE:
        texts = {"greeting", "voicemail"} if version.frame == "debt" else set(version.texts)
        used = {slot for name in texts & set(version.texts) for slot in version.texts[name].slots}
        assert used & money_slots == set(), version.name


def test_a_rendered_text_names_template_version_and_hash() -> None:
    """What the ledger keeps: which text, in which version, by which hash."""
    rendered = CATALOGUE.render("reminder.gentle", Channel.SMS, "en", slots())

    version, sha256 = read_lock(templates_folder())["reminder.gentle/sms/en"]
    assert (rendered.template, rendered.language) == ("reminder.gentle", "en")
    assert (version, sha256) == (rendered.version, rendered.template_hash)


def test_mail_has_subject_text_and_html_from_one_source() -> None:
    """The same words in both parts, the link in both, and a way to stop in both."""
    values = slots(Channel.EMAIL)

    mail = CATALOGUE.render("reminder.gentle", Channel.EMAIL, "en", values)

    assert "Harbor Home Loans" in mail.subject
    for part in (mail.text, mail.html):
        assert values["page_url"] in part
        assert values["unsubscribe_url"] in part
        assert "has not reached us yet" in part
    assert '<html lang="en">' in mail.html


def test_a_call_names_no_debt_before_the_identity_is_clear() -> None:
    """The greeting asks who is there; amount and disclosure come in the statement, after it."""
    call = CATALOGUE.render("reminder.gentle", Channel.VOICE, "en", slots(Channel.VOICE))

    assert "debt" not in call.steps["greeting"]
    assert "$" not in call.steps["greeting"]
    assert "debt collector" in call.steps["statement"]
    assert call.text.startswith(call.steps["greeting"])


def test_no_voicemail_is_left_without_a_persons_name() -> None:
    """12 CFR 1006.2(j)(1)(iii): a limited-content message names a natural person; else it is none."""
    call = CATALOGUE.render("reminder.gentle", Channel.VOICE, "en", slots(Channel.VOICE, contact_person=""))

    assert call.steps["voicemail"] == ""


@pytest.mark.parametrize(
    ("template", "language", "changed"),
    [
        ("no.such", "en", {}),
        ("reminder.gentle", "fr", {}),
        ("reminder.gentle", "en", {"past_due": "<b>$5</b>"}),
        ("reminder.gentle", "en", {"past_due": ""}),
        ("reminder.gentle", "en", {"page_url": "javascript:alert(1)"}),
        ("reminder.gentle", "en", {"page_url": "https://pay.example.com/ x"}),
    ],
)
def test_what_is_unknown_or_cannot_be_made_harmless_stops_the_message(
    template: str, language: str, changed: dict[str, str]
) -> None:
    """Nothing goes out with a hole, in another language or with a value of another kind."""
    with pytest.raises(TemplateError):
        CATALOGUE.render(template, Channel.SMS, language, slots() | changed)


@pytest.mark.parametrize("channel", list(Channel))
def test_a_missing_slot_stops_the_message_and_is_named(channel: Channel) -> None:
    """The error names the slot and where to get it, and no value of the person."""
    values = slots(channel)
    version = CATALOGUE.find("reminder.gentle", channel, "en")
    for name in version.slots:
        less = {key: value for key, value in values.items() if key != name}
        with pytest.raises(TemplateError, match=f"slot '{name}' has no value") as stopped:
            CATALOGUE.render("reminder.gentle", channel, "en", less)
        assert "Alejandra" not in str(stopped.value)


def test_an_unknown_given_name_becomes_a_neutral_address() -> None:
    """A greeting without a name still reads well."""
    mail = CATALOGUE.render("reminder.gentle", Channel.EMAIL, "en", slots(Channel.EMAIL, given_name=""))

    assert mail.text.startswith("Hello valued customer,")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Ana", "Ana"),
        ("Ana-Lucía O’Brien", "Ana-Lucía O’Brien"),
        ("阿妮塔", "阿妮塔"),
        ("J. R.", "J. R."),
        ("Ana https://evil.example/x", "Ana evil. example x"),
        ("pay.example", "pay. example"),
        ("Ana\r\nBcc: eve", "Ana Bcc: eve"),
        ("<script>alert(1)</script>", "script alert(1) script"),
        ("{brand} {x}", "brand x"),
        ("【银行】", "银行"),
        ("a\u202egnp", "a gnp"),
        ("An\u200ba", "An a"),
        ("x" * 500, "x" * 60),
    ],
)
def test_a_name_carries_no_link_no_line_and_no_markup(value: str, expected: str) -> None:
    """What a borrower's file says of a name cannot become a link, a header, a slot or a signature (X3)."""
    mail = CATALOGUE.render("reminder.gentle", Channel.EMAIL, "en", slots(Channel.EMAIL, given_name=value))

    assert f"Hello {expected}," in mail.text


@settings(max_examples=300, deadline=None)
@given(value=st.text(max_size=80), language=st.sampled_from(LANGUAGES))
def test_no_value_changes_the_form_of_a_message(value: str, language: str) -> None:
    """Whatever stands in names: no new line in an SMS, no tag and no link in a mail, no slot left open."""
    values = slots(Channel.SMS, language, given_name=value, brand=value.strip() or "x", option_1=value or "x")
    try:
        sms = CATALOGUE.render("identity.verify", Channel.SMS, language, values)
        mail = CATALOGUE.render("options.offered", Channel.EMAIL, language, values)
        plain = CATALOGUE.render("options.offered", Channel.EMAIL, language, slots(Channel.SMS, language))
    except TemplateError:
        return

    assert "\n" not in sms.text
    assert "\r" not in sms.text + mail.subject
    assert mail.html.count("<") == plain.html.count("<")
    assert mail.html.count('"') == plain.html.count('"')
    assert mail.text.count("://") == plain.text.count("://")


def test_a_changed_text_stops_the_load_until_it_is_approved(folder: Path) -> None:
    """The lock holds the hash of each text; approving raises the version of what changed, and of nothing else."""
    file = folder / "reminder.gentle.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("A note from {brand}", "From {brand}"), encoding="utf-8")
    with pytest.raises(TemplateError, match=r"reminder\.gentle/email/en was changed since it was approved"):
        Catalogue.load(folder)

    lock, changed = approved_lock(folder)
    (folder / "templates.lock").write_text(lock, encoding="utf-8")

    assert changed == ["reminder.gentle/email/en"]
    approved = Catalogue.load(folder)
    assert approved.find("reminder.gentle", Channel.EMAIL, "en").number == 2
    assert approved.find("reminder.gentle", Channel.EMAIL, "es").number == 1


def test_a_changed_frame_changes_every_text_of_its_channel_and_language(folder: Path) -> None:
    """The opt-out line is part of what was approved in each message."""
    file = folder / "frames.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("Reply STOP to opt out.", ""), encoding="utf-8")

    _, changed = approved_lock(folder)

    assert len(changed) == 23  # 25 templates but for the two that only confirm
    assert {name.split("/", 1)[1] for name in changed} == {"sms/en"}


def test_an_added_or_removed_text_stops_the_load(folder: Path) -> None:
    """A file that nobody approved, and an approved text that is gone, are both seen."""
    (folder / "reminder.firm.toml").rename(folder / "reminder.soft.toml")
    with pytest.raises(TemplateError, match=r"reminder\.soft\.toml: id 'reminder\.firm' must be the file's name"):
        Catalogue.load(folder)

    (folder / "reminder.soft.toml").unlink()
    with pytest.raises(TemplateError, match="is approved but missing"):
        Catalogue.load(folder)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("{past_due}", "{past_dues}", "unknown slot past_dues"),
        ("{past_due}", "{past_due!r}", "braces are for slots"),
        ("{past_due}", "{", "braces are for slots"),
        ('frame = "debt"', 'frame = "loud"', "needs `about` and a `frame`"),
        ("[zh-Hant]", "[zh-TW]", "unknown zh-TW"),
        ('id = "', "id = ", "reminder.gentle.toml"),
        ('subject = "A note', 'topic = "A note', r"\[en\] lacks subject"),
    ],
)
def test_a_broken_template_is_named_with_its_fault(folder: Path, old: str, new: str, says: str) -> None:
    """The message says which file, and what to mend."""
    file = folder / "reminder.gentle.toml"
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")

    with pytest.raises(TemplateError, match=says):
        draft_catalogue(folder)


def test_a_broken_lock_is_named_by_its_line(folder: Path) -> None:
    """Nobody edits the lock by hand unseen."""
    lock = folder / "templates.lock"
    lock.write_text(lock.read_text(encoding="utf-8") + "x = 1\n", encoding="utf-8")

    with pytest.raises(TemplateError, match=r"templates\.lock, line 290"):
        Catalogue.load(folder)


@pytest.mark.parametrize(
    ("minor", "currency", "language", "expected"),
    [
        (61240, "USD", "en", "$612.40"),
        (123456789, "USD", "es", "$1,234,567.89"),
        (5, "USD", "en", "$0.05"),
        (61240, "CNY", "zh-Hans", "¥612.40"),
        (61240, "TWD", "zh-Hant", "NT$61,240"),
        (61240, "CHF", "en", "CHF 612.40"),
        (-100, "USD", "en", "-$1.00"),
    ],
)
def test_money_is_written_as_the_language_reads_it(minor: int, currency: str, language: str, expected: str) -> None:
    """Integers in minor units in, text out, and the text is accepted by a money slot."""
    assert expected == money(minor, currency, language)
    CATALOGUE.render("reminder.gentle", Channel.SMS, language, slots(language=language, past_due=expected))


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", "March 4"), ("es", "4 de marzo"), ("zh-Hans", "3月4日"), ("zh-Hant", "3月4日")],
)
def test_a_day_is_written_as_the_language_reads_it(language: str, expected: str) -> None:
    """Without a year, and accepted by a day slot."""
    assert expected == day(date(2026, 3, 4), language)
    CATALOGUE.render("promise.thanks", Channel.SMS, language, slots(language=language, promise_date=expected))


@pytest.mark.parametrize("language", LANGUAGES)
def test_only_a_lender_in_its_own_name_discloses_nothing(language: str) -> None:
    """An unknown actor is treated as a debt collector: the stricter reading."""
    lender = disclosure("creditor", "B", language, is_first=True)
    collector = disclosure("collector", "B", language, is_first=False)

    assert lender == disclosure("servicer", "B", language, is_first=False)
    assert collector == disclosure("who knows", "B", language, is_first=False)
    assert lender != collector
    assert len(disclosure("collector", "B", language, is_first=True)) > len(collector)


def test_slots_for_an_unknown_language_are_refused() -> None:
    """No message in a language that nobody approved."""
    with pytest.raises(TemplateError, match="language 'fr'"):
        recipient_slots(
            Addressee(
                given_name="", brand="B", actor="creditor", language="fr", channel=Channel.SMS, currency="EUR",
                past_due_minor=1, balance_minor=1, instalment_minor=1, page_url="", unsubscribe_url="", sender="",
            )
        )  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", Channel)
def test_who_doubts_us_is_told_how_to_check_without_a_number_or_a_link_to_trust(
    channel: Channel, language: str
) -> None:
    """A swindler's message could hold both: what to check with is what the borrower has already."""
    version = CATALOGUE.find("identity.verify", channel, language)
    body = " ".join(version.sources.values())

    assert any(word in body for word in ("letters", "cartas", "信函"))
    assert "{page_url}" not in body
    assert "://" not in body
    assert "private" == version.frame


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", Channel)
def test_somebody_in_distress_reads_of_a_person_and_a_crisis_line_and_no_word_of_money(
    channel: Channel, language: str
) -> None:
    """Care first: no amount, no page, no date, and the line that helps at any hour."""
    version = CATALOGUE.find("care.distress", channel, language)
    own = " ".join(version.sources[name] for name in ("sms", "email", "statement") if name in version.sources)

    assert "private" == version.frame
    assert not {"past_due", "balance", "instalment", "due_date", "page_url"} & set(version.slots)
    assert "crisis_help" in version.slots
    assert not re.search(r"pay|pag|付款|还款|還款|\$", own)
