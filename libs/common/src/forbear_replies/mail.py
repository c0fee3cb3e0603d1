"""Keep what the sender says now: cut quoted mail, signatures, legal footers and machine footers. Pure.

Promise: nothing that stands above a quote marker is ever lost; when cutting would leave nothing, the text stays whole.
"""

import re

# Where the earlier message begins, in the wording of common mail programs. Everything from here on is quotation.
_QUOTE_STARTS = re.compile(
    r"""^(?:
        -{2,}\s*(?:original\s+message|forwarded\s+message|mensaje\s+original|mensaje\s+reenviado|原始邮件|原始郵件|原郵件|转发邮件|轉寄郵件).*
      | (?:begin\s+forwarded\s+message|inicio\s+del\s+mensaje\s+reenviado).*
      | on\s.{4,120}\swrote:?\s*
      | el\s.{4,120}\sescribi[oó]:?\s*
      | (?:在|于|於)?\s?\d{4}\s?[年/-].{4,100}(?:写道|寫道|來信|来信)[::]?\s*
      | .{2,80}(?:写道|寫道)[::]\s*
      | (?:from|de|发件人|寄件者|寄件人)\s?[::]\s?.{2,120}
      | _{8,}\s*
      )$""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_QUOTED_LINE = re.compile(r"^[^\S\n]*(?:>|\|).*$", re.MULTILINE)
_INLINE_QUOTE = re.compile(
    r"\s(?:on\s(?:mon|tue|wed|thu|fri|sat|sun)\w*,?\s.{4,80}?\swrote:|-{3,}\s?original message).*",
    re.IGNORECASE | re.DOTALL,
)

# A signature: the marker line or a closing phrase alone on its line; what follows is name, title and address.
_SIGNATURE = re.compile(r"^(?:--\s*|—\s*|_{2,4}\s*)$", re.MULTILINE)
_CLOSING = re.compile(
    r"""^[^\S\n]*(?:best(?:\s+(?:regards|wishes))?|(?:kind|warm|warmest)?\s*regards|sincerely(?:\s+yours)?|yours(?:\s+\w+)?|cheers
      |respectfully(?:\s+\w+)?|v/r|cordially|thanks|thank\s+you|many\s+thanks
      |atentamente|atte\.?|saludos(?:\s+cordiales)?|cordialmente|un\s+saludo|gracias|muchas\s+gracias
      |此致|敬上|顺颂.{0,6}|祝好|谨启|謹啟|敬啟|順頌.{0,6})\s*[,.!，。]?\s*$""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_DEVICE = re.compile(
    r"""^[^\S\n]*(?:sent\s+(?:from|via)\s.{2,60}|get\s+outlook\s.{0,40}|enviado\s+(?:desde|con)\s.{2,60}|obtener\s+outlook.{0,40}
      |发自我的.{0,30}|從我的.{0,20}(?:傳送|寄出)|从我的.{0,20}发送|來自我的.{0,20})\s*$""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_LEGAL = re.compile(
    r"""^[^\S\n]*(?:(?:confidentiality|privacy|legal|disclaimer)\b.{0,60}(?:notice|:).*|this\s+(?:e-?mail|message|communication)\b.{0,80}(?:confidential|intended|privileged)[\s\S]*
      |this\s+is\s+an\s+attempt\s+to\s+collect[\s\S]*|aviso\s+(?:de\s+confidencialidad|legal)[\s\S]*|este\s+(?:correo|mensaje)\b.{0,80}confidencial[\s\S]*
      |(?:本邮件|本郵件|本電郵|本信件|此电子邮件|此電子郵件).{0,60}(?:机密|機密|保密)[\s\S]*
      |please\s+consider\s+the\s+environment[\s\S]*)""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_MACHINE = re.compile(
    r"""[\[(]?(?:
        (?:reply|text|txt)\s+["']?(?:stop|end|quit)["']?\s+to\s+[\w -]{3,40}
      | (?:responda|responde|envie|envía|envíe)\s+["']?(?:alto|stop|parar|baja)["']?\s+para\s+[\w\sáéíóú]{3,40}
      | to\s+unsubscribe,?\s+(?:click|reply|visit)[^\n]{0,80}
      | (?:拒收请|拒收請|退订请|退訂請)?(?:回复|回覆|回)\s?["']?(?:t|td|r|退订|退訂)["']?\s?(?:退订|退訂)
      )\.?[\])]?""",
    re.IGNORECASE | re.VERBOSE,
)
_SIGNATURE_LINES_MAX = 8


def strip_quoted(text: str) -> str:
    """What the sender wrote now; the whole text where nothing would be left (a bare footer, say)."""
    own = text[: start.start()] if (start := _QUOTE_STARTS.search(text)) else text
    own = _QUOTED_LINE.sub("", own)
    own = _INLINE_QUOTE.sub("", own)
    own = _without_signature(own)
    own = _LEGAL.sub("", _DEVICE.sub("", own))
    own = _without_footer(own).strip()
    return own or text.strip()


def _without_footer(text: str) -> str:
    """Drop a pasted 'reply STOP to opt out' footer when something else is said beside it."""
    rest = _MACHINE.sub(" ", text)
    return rest if any(char.isalnum() for char in rest) else text


def _without_signature(text: str) -> str:
    """Cut at the signature marker, or at a closing phrase followed only by a few short lines."""
    if (marker := _SIGNATURE.search(text)) and text[: marker.start()].strip():
        text = text[: marker.start()]
    for closing in _CLOSING.finditer(text):
        before, after = text[: closing.start()], text[closing.end() :]
        lines = [line for line in after.split("\n") if line.strip()]
        if before.strip() and len(lines) <= _SIGNATURE_LINES_MAX and all(len(line) < 80 for line in lines):
            return before
    return _without_name_line(text)


_NAME_LINE = re.compile(
    r"^[^\S\n]*-?\s?(?:(?:Mr|Mrs|Ms|Dr|Sra?|Dña|Don|Doña)\.?\s)?(?:[A-ZÁÉÍÓÚÑ][\w.'-]{0,20}\s?(?:de\s|del\s|la\s)?){1,4}(?:,?\s(?:Jr|Sr|RN|MD|PhD|II|III)\.?)?\s*$"
)


def _without_name_line(text: str) -> str:
    """Drop a last line that is only a name, when a blank line stands before it."""
    head, gap, tail = text.rstrip().rpartition("\n\n")
    if gap and head.strip() and _NAME_LINE.match(tail):
        return head
    return text
