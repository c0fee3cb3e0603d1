# ruff: noqa: E501 - a pattern or a word list is read as one line
"""Whether a time that a text names is refused, and which of several are said to be welcome. Pure."""

import re
from typing import TypeVar

_NOT = {
    "en": r"\b(?:not|dont|no|never|stop|quit|cant|nothing|wont|unavailable|except|avoid|isnt|arent|refrain)\b",
    "es": r"\b(?:no|nada|nunca|ni|dejen|eviten|menos|excepto|paren|salvo)\b",
    "zh": r"不|别|勿|莫|甭|没|少|除了|禁止",
}
# 'Never but in the evening': the exception to a refusal is welcome (in Chinese the refusal follows).
_ONLY_THEN = {
    "en": r"\b(?:dont|not|never|no)\b[^.;]*\b(?:except|other than|unless its)\b[^.;,]{0,12}$",
    "es": r"\b(?:no|nunca|ni)\b[^.;]*\b(?:excepto|salvo|menos|mas que|sino)\b[^.;,]{0,12}$",
    "zh": r"除了[^,。;]{0,3}$",
}
# 'Only weekends'; in speech without stops, another time that was refused ('not by day, after seven').
_ONLY_BEFORE = re.compile(
    r"\b(?:only|just|solo|nomas|nada mas) (?:on |the |los |el |en |after |from |despues de (?:las )?)?$|只(?:有|能|可以)?(?:在|是)?$"
)
_REFUSED_THEN = re.compile(
    r"(?:白天|早上|上午|中午|朝早|日头|下午)[^,。]{0,4}(?:别|不要|勿|莫|甭)[^,。]{3,}?(?:晚上|下午|下昼|夜晚|夜里|中午)?$"
)
# 'I teach from eight to three': the hours of a duty are closed.
TIED_UP = {
    "en": r"\b(?:teach|work|working|sleep|in class|have class|busy|on shift|at work)\b.{0,8}$",
    "es": r"\b(?:trabajo|duermo|doy clases?|estoy en clase|ocupad\w|mi turno es)\b.{0,8}$",
    "zh": r"(?:上班|上课|睡觉|值班|开会|面试|返工|干活)(?:时间)?(?:是|都在|在)?$",
}
# What says that the day or part of the day just named is a welcome one.
_MARKED = {
    "en": re.compile(r"\b(?:ok|okay|fine|good|best|better|grand|works?|free|only|call|try|suits?)\b"),
    "es": re.compile(r"\b(?:puedo|si|bien|mejor|libre|solo|llam[ea]\w*|sirve)\b"),
    "zh": re.compile(r"可|得(?![很没])|好(?!得)|行|都|随便|再|打|找我|有空|方便|ok|说|先"),
}
_LISTED = re.compile(r"[\s,、和跟与]*(?:and|or|to|thru|through|y|o|a|al|e|&|-|到|至)?\s*(?:el|los)?\s*")
_Named = TypeVar("_Named", str, set[int])
_CLAUSE = re.compile(
    r"[.;!。!?,，、\n]+|\b(?:but|otherwise|so|pero|mejor|then|bc|because|porque|since im)\b|但|不过|所以|就(?=\d|晚上|下午)"
)


def clause_before(text: str, end: int) -> str:
    """The clause up to ``end``."""
    return _CLAUSE.split(text[:end])[-1]


def clause_after(text: str, start: int) -> str:
    """The clause from ``start`` on."""
    return _CLAUSE.split(text[start:])[0]


def is_refused(text: str, start: int, end: int, family: str) -> bool:
    """Whether the words around say 'not then'."""
    before, after = clause_before(text, start), clause_after(text, end)
    if _ONLY_BEFORE.search(before) or (family == "zh" and _REFUSED_THEN.search(before)):
        return False
    if re.search(r"\b(?:no|not any) (?:earlier|later|sooner)\b|\bno mas (?:tarde|temprano)\b|\boutside of $", before):
        return True
    if re.search(_ONLY_THEN[family], text[:start]) and (
        family != "zh" or re.search(r"^.{0,4}(?:别|不要|勿|都不)", after)
    ):
        return False
    tail = {"en": r"^[^.]{0,18}\b(?:too early|no good|not good|dont work|doesnt work|bad|off limits|isnt good|kindly avoid|no phone|i (?:work|sleep|teach|nap)|im (?:at work|asleep|working|teaching))\b", "es": r"^\s?(?:es mio|(?:es|son) (?:de|para) (?:la|mi) familia)\b|^[^.]{0,14}\b(?:no (?:puedo|me|se|contesto|respondo|atiendo|recibo|tomo)|trabajo|duermo|tengo (?:client\w*|clases?|turno|misa|consulta)|doy clases?)\b|^(?:\s?[yo]\s(?:el\s|los\s)?\w+)?\s?(?:ya\s)?no\b(?=\s*(?:$|[,.;]|que\b|porque\b|pues\b))", "zh": r"^(?:除外|不算|(?:以|之)外.{0,6}(?:都|可以|行))|^(?:(?!日头|白天|上午|早上|下午|晚上|夜).){0,6}(?:别|不要|不必|不用|算了|免了|不方便|不行|勿|莫|甭|没空|在睡|睡觉|不能|上班|不接|不得|揸更|返工|出车|有课|有班|开工|跑(?:外|滴|车|单)|送外)"}[family]  # fmt: skip
    return bool(re.search(_NOT[family], before) or re.search(tail, after))


def marked(
    welcome: list[tuple[re.Match[str], _Named]], named: list[tuple[re.Match[str], _Named]], text: str, family: str
) -> list[tuple[re.Match[str], _Named]]:
    """Of what is welcome only what the words up to the next one named say so of, if there is any such."""
    spans: list[tuple[int, int]] = sorted(match.span() for match, _ in named)
    following = [*(start for start, _ in spans), len(text)][1:]
    said_so, is_marked = set(), False
    for (start, end), until in zip(reversed(spans), reversed(following), strict=True):
        between = text[end:until]
        is_listed = until < len(text) and _LISTED.fullmatch(between)
        is_marked = is_marked if is_listed else bool(_MARKED[family].search(between))
        if is_marked:
            said_so.add(start)
    return [one for one in welcome if one[0].start() in said_so] or welcome
