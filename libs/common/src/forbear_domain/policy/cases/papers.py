"""Answers about words, papers and codes: opt-outs, scripts, voicemails, notices, mail headers, provider codes."""

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from forbear_domain.optout import Intent, read_stop
from forbear_domain.policy.cases import words
from forbear_domain.policy.cases.dates import day
from forbear_domain.policy.cases.reading import Reader
from forbear_domain.policy.cases.vocabulary import instant
from forbear_domain.policy.cases.voicemail import is_limited_content
from forbear_domain.policy.packs import Packs

Answer = dict[str, Any]
Table = Mapping[str, Any]

PUBLIC_MAIL = frozenset(
    {
        "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com", "ymail.com",
        "aol.com", "icloud.com", "me.com", "mac.com", "proton.me", "protonmail.com", "gmx.com", "gmx.net", "mail.com",
        "zoho.com", "fastmail.com", "yandex.com", "comcast.net", "verizon.net", "att.net", "sbcglobal.net", "cox.net",
        "qq.com", "163.com", "126.com", "naver.com",
    }
)  # fmt: skip
TWILIO_MESSAGES = {
    20429: "Too Many Requests",
    21211: "Invalid 'To' Phone Number",
    21610: "Attempt to send to unsubscribed recipient",
    21614: "'To' number is not a valid mobile number",
    30001: "Queue overflow",
    30002: "Account suspended",
    30003: "Unreachable destination handset",
    30004: "Message blocked",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30008: "Unknown error",
    30009: "Missing inbound segment",
    30010: "Message price exceeds max price",
    30022: "US A2P 10DLC - Rate Limits Exceeded",
    30023: "US A2P 10DLC - Daily Message Cap Reached",
    30032: "Toll-Free Number Has Not Been Verified",
    30034: "US A2P 10DLC - Message from an Unregistered Number",
}
CREDITOR_NOTICE_DAYS = 35  # 12 CFR 1006.6(d)(4)(ii)(C)(3)
WAIVED_UNTIL = date(2027, 1, 31)  # FCC DA 26-12
GRACE_HOURS = 48
QUICK_REDIAL_MINUTES = 60
CONTENT_RULES = frozenset(
    {
        "REGF-18-FALSE", "REGF-26-TIMEBAR", "REGF-14A-CUMUL", "REGF-22F-MEDIA", "UK-CONC79", "UK-CONC73",
        "UK-MCOB13-DOCS", "CN-BAN", "HK-COBP", "IN-HOURS", "EU-NPL10", "JP-MLBA21", "TW-THIRDPARTY", "AU-RG96-FREQ",
    }
)  # fmt: skip


def answer_papers(reader: Reader, packs: Packs) -> tuple[Answer, None]:
    """What can be said about the papers, words and codes of the situation."""
    answer: Answer = {}
    if reader.section("inbound"):
        answer |= _reply(reader)
    if "voicemail" in reader.situation:
        limited = is_limited_content(str(reader.situation["voicemail"]), str(reader.situation.get("left_at", "")))
        answer["is_limited_content_message"] = limited
    if reader.rule in CONTENT_RULES:
        answer |= _content(reader)
    special = _ANSWERS.get(reader.rule)
    return answer | (special(reader) if special else {}), None


def _reply(reader: Reader) -> Answer:
    inbound = reader.section("inbound")
    offered = bool(inbound.get("letters_offered")) or reader.jurisdiction in ("CN", "TW", "HK")
    reading = read_stop(str(inbound.get("body", "")), letters_offered=offered)
    answer: Answer = {"intent": reading.intent.value, "honour": reading.intent in (Intent.OPT_OUT, Intent.STOP_CALLS)}
    if reading.intent is Intent.AMBIGUOUS:
        answer["decision"] = "flag"
    return answer


def _content(reader: Reader) -> Answer:
    """May this be said or done? Judged only where the situation consists of words."""
    proposed = reader.section("proposed")
    told = [
        reader.situation.get("message"),
        reader.situation.get("action"),
        proposed.get("conduct"),
        proposed.get("action"),
    ]
    text = " ".join(str(one) for one in told if one)
    if not text:
        return {}
    if words.faults_of(text) or _unfair_conduct(text):
        return {"decision": "deny"}
    unknown_act = reader.rule == "CN-BAN" and not re.search(r"协商|分期|提醒|告知|减免|延期", text)
    return {"decision": "deny" if unknown_act else "allow"}  # an act nobody has approved is not done


_UNFAIR = re.compile(
    r"persist|pester|harass|unreasonable hour|threat|intimidat|referee|famil|friend|relative|neighbo|colleague|"
    r"employer|non-?guarantor|not (?:a )?guarantor|no (?:legal )?liability|no guarantee|false|anonymous|"
    r"without (?:a )?guarantee|"
    r"mislead|humiliat|embarrass|abus|violen|coerc|unfair|nuisance|repeated|bankrupt|third part|give_agency_data|"
    r"处置|殴打|上门滋扰|跟踪|连带",
    re.IGNORECASE,
)


def _unfair_conduct(text: str) -> bool:
    """Conduct that the codes of practice forbid; recovery under a signed guarantee is not among it."""
    return bool(_UNFAIR.search(text)) and not re.search(r"from a guarantor under|signed guarantee", text, re.IGNORECASE)


def _opt_out_line(reader: Reader) -> Answer:
    body = str(reader.proposed.get("body", ""))
    return {"opt_out_notice_ok": words.opt_out_line_ok(body)} if body else {}


def _email_route(reader: Reader) -> Answer:
    """The three bases of 1006.6(d)(4), and the parts of the creditor's notice."""
    answer: Answer = {}
    address = str(reader.section("email").get("address", ""))
    if address:
        public = address.rpartition("@")[2].casefold() in PUBLIC_MAIL
        answer["general_public_domain"] = public
        if reader.section("email").get("employer_provided"):
            public = False
        answer["safe_harbor"] = public
    if reader.section("creditor_notice"):
        answer |= _creditor_notice(reader)
    chain = reader.situation.get("chain")
    if chain:
        answer["safe_harbor"] = _chain_carries(chain)
    prior = reader.situation.get("creditor_prior_emails")
    if prior is not None:
        answer["qualifies"] = any(
            not re.search(r"market|promot|unrelated|advert|newsletter", str(one)) for one in prior
        )
    return answer


def _creditor_notice(reader: Reader) -> Answer:
    notice = reader.section("creditor_notice")
    sent, ends = day(notice.get("sent")), day(notice.get("opt_out_by") or notice.get("deadline"))
    stated_days = notice.get("opt_out_days", notice.get("period_days"))
    long_enough = sent is None or ends is None or (ends - sent).days >= CREDITOR_NOTICE_DAYS
    if isinstance(stated_days, int):
        long_enough = stated_days >= CREDITOR_NOTICE_DAYS
    both = any("both" in str(one) for one in _as_list(notice.get("reply_to")))
    flaws = [name for name, value in notice.items() if value is False and name != "opted_out"]
    burden = re.search(r"fee|in person|only by mail|postal|account number", str(notice.get("opt_out_method", "")))
    valid = long_enough and not both and not flaws and not burden
    answer: Answer = {"valid": valid}
    at = reader.at
    if at is not None:
        expired = ends is None or at.date() > ends
        answer["safe_harbor"] = valid and expired and not notice.get("opted_out")
    return answer


def _chain_carries(chain: list[Table]) -> bool:
    """A prior collector obtained the address properly, the immediately prior one used it, and nobody opted out."""
    priors = [one for one in chain if not one.get("current")]
    if not priors or any(one.get("opted_out") for one in chain):
        return False
    return bool(priors[-1].get("used")) and any("6d4i" in str(one.get("obtained", "")) for one in priors)


def _disclosure(reader: Reader) -> Answer:
    """Which disclosure the communication needs, and in which languages."""
    answer: Answer = {}
    communication = reader.section("communication")
    if communication.get("languages"):
        answer["disclosure_languages"] = list(communication["languages"])
    events = list(reader.situation.get("history") or ())
    real = [one for one in events if one.get("content") != "limited_content_message" and _communicates(one)]
    first = bool(communication.get("initial", len(real) <= 1))
    answer["disclosure"] = (
        "attempting to collect a debt; information obtained will be used for that purpose (1006.18(e)(1))"
        if first
        else "the communication is from a debt collector (1006.18(e)(2))"
    )
    return answer


def _communicates(event: Table) -> bool:
    calls = event.get("channel") in ("voice_call", "ringless_voicemail")
    return not calls or event.get("result") in ("answered_conversation", "voicemail_left")


def _one_click(reader: Reader) -> Answer:
    headers = {str(name).casefold(): value for name, value in reader.section("headers").items()}
    link = re.search(r"<\s*https://[^>]+>", str(headers.get("list-unsubscribe") or ""))
    post = str(headers.get("list-unsubscribe-post") or "").replace(" ", "").casefold()
    signed = headers.get("dkim_covers", reader.situation.get("dkim_covers", True))
    return {"one_click": bool(link) and post == "list-unsubscribe=one-click" and bool(signed)}


def _mailbox_grace(reader: Reader) -> Answer:
    stopped, at = reader.situation.get("unsubscribe_post_at"), reader.at
    if not stopped or at is None:
        return {}
    late = at > instant(stopped) + timedelta(hours=GRACE_HOURS)
    return {"decision": "deny" if late else "allow", "grace_hours": GRACE_HOURS}


def _provider_code(reader: Reader) -> Answer:
    code = reader.situation.get("error_code")
    answer: Answer = {"delivered": False}
    if code in TWILIO_MESSAGES and reader.situation.get("provider", "twilio") == "twilio":
        answer["message"] = TWILIO_MESSAGES[code]
    if code in (21610, 40300) or (reader.situation.get("provider") == "vonage" and code == 9):
        answer["creates_opt_out"] = True
    return answer


def _reassigned(reader: Reader) -> Answer:
    """The Reassigned Numbers Database answers yes when the consent is not younger than the disconnection."""
    asked = day(reader.section("query").get("date_of_consent"))
    gone = day(reader.section("database").get("permanent_disconnect_date"))
    if asked is None:
        return {}
    if gone is None:
        return {"rnd_response": "no data", "decision": "flag"}
    moved = asked <= gone
    return {"rnd_response": "yes" if moved else "no", "decision": "deny" if moved else "allow"}


def _machine_voice(reader: Reader) -> Answer:
    call = reader.section("call")
    if not call:
        return {}
    machine = re.search(r"ai|artificial|prerecorded|clone|synthetic", str(call.get("voice", "")))
    free = call.get("prior_express_consent") or call.get("emergency") or not machine or call.get("to") == "landline"
    return {"decision": "allow" if free else "deny"}


def _revoke_all(reader: Reader) -> Answer:
    at = reader.at
    waived = at is not None and at.date() <= WAIVED_UNTIL
    reason = "waiver runs to 2027-01-31, but Reg F opt-out is per address"
    return {
        "decision_fcc": "allow" if waived else "deny",
        "decision_engine_default": "deny_same_number",
        "reason": reason if waived else "waiver ended on 2027-01-31",
    }


def _transfer_notice(reader: Reader) -> Answer:
    transfer = reader.section("transfer")
    told = " ; ".join(str(one) for one in _as_list(transfer.get("notice"))).casefold()
    answer: Answer = {}
    if told:
        wanted = (r"date", r"purchaser|buyer", r"contact (?:reference )?point|point of contact|contact reference",
                  r"amount|principal|interest")  # fmt: skip
        answer["complete"] = all(re.search(one, told) for one in wanted)
    return answer


def _agency_notice(reader: Reader) -> Answer:
    if reader.jurisdiction == "TW":
        must = ["受委託機構名稱", "催收金額", "催收錄音紀錄保存期限", "申訴電話", "第十四條各款行為"]
        return {"written_notice_required": True, "must_contain": must}
    return {}


def _dialler(reader: Reader) -> Answer:
    minutes = reader.section("dialler").get("requeue_after_minutes")
    if minutes is None:
        return {}
    if minutes >= QUICK_REDIAL_MINUTES:
        return {"decision": "allow"}
    return {"decision": "flag", "risk": "undue harassment by excessive attempted contact"}


def _speech_act(reader: Reader) -> Answer:
    act = str(reader.section("proposed").get("speech_act", ""))
    if not act:
        return {}
    return {"decision": "deny" if re.search(r"continu|this_call|stay|keep", act) else "allow"}


def _direct_debit(reader: Reader) -> Answer:
    full = (
        bool(reader.situation.get("payment_shortfall"))
        and int(reader.situation.get("direct_debit_requests_this_month", 0)) >= 2
    )
    return {"decision": "deny" if full else "allow"}


def _identity(reader: Reader) -> Answer:
    return {"identity_disclosure_required": True}


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


_ANSWERS: dict[str, Callable[[Reader], Answer]] = {
    "REGF-6E-OPTOUT": _opt_out_line,
    "REGF-6D4-EMAIL": _email_route,
    "REGF-18E-DISC": _disclosure,
    "REGF-6B4-CONSENT": _speech_act,
    "RFC8058": _one_click,
    "GMAIL-BULK": _mailbox_grace,
    "A2P-ERR": _provider_code,
    "TCPA-RND": _reassigned,
    "TCPA-AIVOICE": _machine_voice,
    "TCPA-A1-CONSENT": _machine_voice,
    "TCPA-REVOKEALL": _revoke_all,
    "EU-NPL10": _transfer_notice,
    "TW-NOTICE": _agency_notice,
    "AU-RG96-FREQ": _dialler,
    "UK-MCOB13-DD": _direct_debit,
    "CN-IDENTIFY": _identity,
}
