"""Is a voicemail of a worked case a limited-content message? Four required items, and nothing outside a closed list.

It reads any collector's voicemail, whose business and person it must find in the text. Our own voicemails go through
`messages.lint.lint_voicemail`, which is told both and allows a closed list of words.
"""

import re

_PHONE = re.compile(r"\+?\d?[\s.-]?\(?\d{3}\)?[\s.-]\d{3}[\s.-]\d{4}|\b\d{3}[\s.-]\d{4}\b")
_PERSON = r"[A-Z][a-z]+(?: [A-Z][a-z'-]+)+|[A-Z][a-z]+"
_BUSINESS = r"[A-Z][\w&.'-]*(?: [A-Z][\w&.'-]*)*,?(?: (?:Inc|LLC|Ltd|Co|Corp|Company)\.?)?"
_ASK = r"(?:[Pp]lease )?(?i:contact|call|reach|return (?:my|our|this) call|call (?:me|us)? ?back|reply)"
_SENTENCES = (
    r"(?i:hi|hello|good (?:morning|afternoon|evening)|greetings|dear)"
    r"(?:,? (?:there|sir|madam|mr\.?|ms\.?|mrs\.?|[A-Z]\w+))*",
    rf"(?:(?i:hi|hello|good (?:morning|afternoon|evening)),? )?(?i:this is|my name is|i am|i'm|it's) (?:{_PERSON})"
    rf"(?:,? (?:and i am )?(?:calling |phoning )?(?:from|with|at|of|for) (?:{_BUSINESS}))?",
    rf"(?i:i am|i'm|we are) calling from (?:{_BUSINESS})",
    r"(?i:i am|i'm|we are)? ?calling (?:on|at) [\w ,:]+",
    r"(?i:it is|it's|today is|the (?:time|date) is) [\w ,:./]+",
    rf"{_ASK}(?: (?:me|us|any(?: one)? of our representatives|one of our representatives|back|{_PERSON}|or))*"
    r"(?:,? (?:at|on) (?:PHONE))?"
    r"(?:,? (?:between|from|after|before|during|at|any ?time|on|today|until|tomorrow|any)\b[\w ,:.]*)?",
    r"(?i:you (?:may|can) (?:speak|talk) (?:with|to) any(?: one)? of our representatives"
    r"|any of our (?:representatives|associates) can (?:help|assist) you)(?: when you (?:call|reply))?",
    r"(?i:our|my|the) (?:phone |call-?back |telephone )?number is (?:PHONE)|(?:at )?PHONE",
    r"(?i:thank you|thanks|goodbye|bye)(?: very much)?",
)  # fmt: skip
_ALLOWED = tuple(re.compile(rf"^(?:{pattern})$") for pattern in _SENTENCES)
_REVEALING = re.compile(
    r"\b(?:debt|collect\w*|owe|balance|past due|payment|credit|loan|receivables?|mortgage|bill|legal|attorney|urgent|"
    r"important|settle\w*|account|lawsuit|case|recovery|final)\b",
    re.IGNORECASE,
)


_NOT_THE_CONSUMER = re.compile(
    r"third party|roommate|neighbo|employer|wrong|someone else|not (?:the )?consumer", re.IGNORECASE
)
_CUT_OFF = re.compile(r"…|\.\.\.\s*$|cut off|\[(?:cut|end)")
_NAMED = re.compile(rf"\b(?:is|am|i'm) (?:{_PERSON})(?:,? calling)? (?:from|with|of|for) |{_ASK} (?:{_PERSON})")
_COMPANY = re.compile(rf"\b(?:from|with|of|for) (?!PHONE){_BUSINESS}")
_REQUEST = re.compile(rf"\b{_ASK}\b")


def is_limited_content(voicemail: str, left_at: str = "") -> bool:
    """Whether a voicemail has the four required items of 1006.2(j) and nothing outside the closed list."""
    if _NOT_THE_CONSUMER.search(left_at) or _CUT_OFF.search(voicemail) or _REVEALING.search(voicemail):
        return False
    text = _PHONE.sub("PHONE", voicemail)
    required = ("PHONE" in text, _NAMED.search(text), _COMPANY.search(text), _REQUEST.search(text))
    return all(required) and all(any(form.match(one) for form in _ALLOWED) for one in _sentences(text))


def _sentences(text: str) -> list[str]:
    """The sentences, where the points of abbreviations end none."""
    text = re.sub(r"\b([ap])\.m\.(?! (?:Please|Thank|You|Our|My|This|It|I|Goodbye)\b)(?!$)", r"\1m", text)
    text = re.sub(r"\b(?:(Mr|Ms|Mrs|Dr)\.|(Inc|LLC|Ltd|Co|Corp)\.(?=,| [a-z]))", r"\1\2", text)
    parts = (one.strip(" ,;") for one in re.split(r"[.!?;]+(?:\s|$)", text))
    return [one for one in parts if one]
