# ruff: noqa: E501 - a pattern or a word list is read as one line
"""The channel and the language a borrower wishes for. Pure."""

import re
from dataclasses import dataclass

from forbear_replies.labels import Lang, WantedChannel

_CHANNELS: tuple[tuple[WantedChannel, str], ...] = (
    (WantedChannel.WHATSAPP, r"\bwhats ?app\b|\bwhats\b(?! (?:the|my|your|up|it|a|left|going))|\bwasap\w*|\bguasap\w*|\bwapp\b|\bws\b"),
    (WantedChannel.WECHAT, r"\bwe ?chat\b|微信|加(?:个|我)?v(?![a-z])|(?<![a-z])vx(?![a-z])"),
    (WantedChannel.LINE, r"\bline\b(?= ?(?:app|me|我|说|傳|传|联|就|上|群|通|比|id|啦|吧|给|好))|(?:用|加|传|发|改|走|的|,|透过|以|寄|开|我|看|有事|^)line"),
    (WantedChannel.IN_PERSON, r"\bin person\b|\bface to face\b|\bde frente\b|\b(?:ir|voy|vamos) a ver\w+\b|\bvoy al banco\b|\b(?:come|stop|drop|swing|walk) (?:in|by)(?:to)?\b(?! (?:accident|mistake|error|a huff|anger))|\bsit down\b|\bcome (?:and|to) (?:sit|see|talk|speak)\b|\bin the (?:branch|office)\b|\bat the (?:branch|office)\b|\ben persona\b|\bir (?:a la|en persona|personalmente)\b|\b(?:en|a) la (?:sucursal|oficina)\b|\bcara a cara\b|\bpersonalmente\b|当面|面谈|(?:来|到)(?:我|俺)?(?:家|帐篷|店|单位|部落)|网点|分行|柜台|面对面|亲自|上门谈|见面"),
    (WantedChannel.PORTAL, r"\bportal\b|\bonline account\b|\bmy account online\b|\b(?:the|your|bank'?s?) (?:app|website|site)\b|\bsecure (?:message|inbox)\b|\b(?:la|su) (?:app|aplicacion|pagina)\b|\ben linea\b|\bin-?app\b|\bapp (?:messages?|notifications?|alerts?)\b|\bwebsite\b|\b(?:la|su) web\b|\bel app\b|站内信|手机银行|网银|app上|app里|用app|app(?:消息|通知|推送)|网上银行|个人中心|官网"),
    (WantedChannel.EMAIL, r"\be-?mails?\b|\b(?:por|al|a mi|mi|el|un|todo por|\w+me) mail\b|\bmail id\b|\bmail on id\b|\binbox\b|[\w.-]@[\w-]+\.\w|\bcorreo electronico\b|\b(?:al|por|mi|un|el|a mi|en el|mejor|solo|los|puro|de) correos?\b(?! (?:postal|normal|regular|ordinario|fisico|certificado|a (?:mi )?casa))|\bcorreos?\b(?! (?:postal|normal|regular|ordinario|fisico|a mi casa|a la casa|certificado))|邮箱|邮件|信箱(?!寄)|电子邮|伊妹儿|寄e"),
    (WantedChannel.MAIL, r"\bletters?\b|\bin writing\b|\bon paper\b|\bpaper\b(?! trail)|\b(?:snail|regular|us|postal|normal|physical) mail\b|(?<!e-)(?<!por )(?<!al )(?<!mi )(?<!el )(?<!un )\bmail(?:ed|ing)?\b(?! (?:on )?id)|\bmailbox\b|\b(?:home|street|mailing) address\b|\bpost(?:ed)?\b(?! (?:yet|to my account))|\bhard cop(?:y|ies)\b|\bletterhead\b|\bprinted\b|\bwritten\b|\benvelope\b|\bcart(?:it)?as?\b|\bapartado postal\b|\bpor escrito\b|\bpapel\b|\bcorreo (?:postal|normal|regular|ordinario|fisico|a mi casa|a la casa|certificado)\b|\bimpres[oa]s?\b|\ba mi (?:casa|domicilio|direccion)\b|书面|纸质|纸本|寄信|寄到家|信件|挂号|来信|写(?:一?封)?信|寄(?:一?封|给|到|来|过来|去|纸|实体|白纸)(?!.{0,4}(?:email|e-mail|邮|电子))|白纸黑字|实体账单|信函|快递|平信|纸|邮寄|用寄|都寄|写批"),
    (WantedChannel.SMS, r"\btexts?(?:ing)?\b|\bsms\b|\bmessages?\b|\bmessaging\b|\bmensaj\w*\b|\btexte\w*\b|\btextos?\b|\bpor texto\b|短信|短讯|简讯|讯息|信息|文字|打字|发消息|传消息|留言"),
    (WantedChannel.VOICE, r"\bcall(?:s|ed|ing)?\b|\bvoicemails?\b|\bphone\b|\bring(?:ing)?\b|\bvoice\b|\btelephone\b|\btalk\b|\bllam\w*\b|\bmarqu\w*\b|\bmarca\w*\b|\btelefono\b|\bhabl(?:e|en|ame|eme|enme)\w*\b|\bcelular\b(?! por mensaje)|电话|打给|打过来|打来|来电|通话|语音|打我|回电|致电|讲电话|说电话"),
)  # fmt: skip
# ASCII: a word boundary also stands between Han and Latin letters, as in 寄到我的email.
_PATTERNS = tuple((channel, re.compile(pattern, re.ASCII)) for channel, pattern in _CHANNELS)

# What is refused or compared against; blanked out before the wish is looked for.
_REFUSED = re.compile(
    r"""(?<!dont\ )(?<!never\ )(?<!not\ )\b(?:dont|do\ not|stop|quit|no\ more|never|instead\ of|rather\ than|not|no|without|hate|cant|cant\ stand|tired\ of|cease|better\ than|more\ than|over|off|leave|forget|skip|dinnae|none\ of|cant\ (?:get|hear|answer|open|use|do|take)|unable\ to|sick\ of|isnt|arent|wont|kill|drop|cut|nix|scrap|ditch|unsubscribe\ me\ from|done\ with)\s(?:(?!(?:and|so|just|please|but|or|then|instead|stop)\b)\w+\s){0,3}?
        (?:by\s|on\s|the\s)?(?:call(?:s|ing)?|phone(?:\scalls?)?|ring(?:ing)?|text(?:s|ing)?|messages?|messaging|e-?mail(?:s|ing)?|mail(?:ing)?|letters?|voicemails?|whatsapp|inbox|talk|attachments?|computers?|paper|post|sms|app|portal|website)\b
        (?:\s(?:on\s|to\s|at\s)?(?:this|my|the)\s(?:\w+\s)?(?:phone|cell|line|number|landline)\b)?
      | \b(?:calls?|texts?|emails?|phone|voicemail|letters)\s(?:bounce|dont(?!\s(?:call|phone|ring|text|email|mail))|do\snot|never|is\ dead|are\ dead|cost|wake|no\ more|not\ ok|doesnt|are\snot|arent|is\snot|isnt|make\sme|give\sme|are\sno|is\sno|off)\b(?:(?!\b(?:so|just|please|call|text|email|mail)\b)[^.,;]){0,20}
      | \b(?:my|this)\s(?:phone|cell|voicemail|inbox|email)\s(?:is|has|was|does|isnt|never|doesnt|keeps|cant)\b[^.,;]{0,40}
      | \b(?:no|ya\ no|nunca|dejen\ de|paren\ de|en\ vez\ de|en\ lugar\ de|sin|casi\ no|nada\ de|odio|ni)\s(?:\w+\s){0,3}?(?:llam\w*|marqu\w*|texte\w*|textos?|mensaj\w*|correos?|emails?|telefono|celular|cartas?|whatsapp|habl\w*|escrib\w*)\b
      | \b(?:el|mi)\s(?:celular|telefono|correo|buzon)\s(?:casi|no|nunca|esta|se)\b[^.,;]{0,30}
      | (?:不|别|勿|没|少|莫|免|停|懒得|取消|讨厌|毋通|甭)(?:要|用|再|想|太|常|能|方便|会|看|收|接|喜欢|习惯|总|老|给我|是){0,3}(?:发|打|传|寄|接|看|用|收|讲|听|检查|查)?(?:给我)?(?:短信|电话|邮件|信箱|邮箱|微信|信息|line|email|语音|whatsapp|来电|纸本|信|电话联系)
      | (?:不|别|勿|莫)(?:要|用|再|必){0,2}打(?:来|过来|给我|我|电话)
      | (?:短信|电话|邮件|语音|email|微信|信)我?(?:不(?:看|收|接|用|回|听)|要钱|收费|太贵|很贵)
      | \b(?:textos|mensajes|llamadas)\s(?:me\s)?(?:cuestan|cobran|molestan|despiertan)\b
      | \b(?:mailbox|inbox)\s(?:is\s)?full\b
      | \bnothing\s(?:in|on|by|through|via|over)\s(?:(?:the|your|my)\s)?(?:\w+\s)?(?:app|portal|website|site|account|phone|texts?|e-?mail|mail)\b
      | \bnada\s(?:por|en)\s(?:(?:la|el|su|mi)\s)?(?:app|aplicacion|portal|pagina|web|telefono|correo|mensajes?)\b
      | \b(?:calls?|texts?|messages?|e-?mails?|letters)\b[^.,;]{0,25}\s(?:isnt|arent|(?:is|are)\s(?:not\s|no\slonger\s|un))\s?(?:welcome|wanted)\b
      | \b(?:por|a|al|en)\s(?:el\s|este\s|mi\s|ese\s)?(?:telefono|texto|mensajes?|correo|email|whatsapp|celular|cel|numero)\s(?:ya\s)?no\b[^.,;]{0,24}?(?:mas\b|ya\b|(?=[.,;]|$))
      | \b(?:desactiv|apag|suspend|cancel|cort|elimin)\w*\s(?:ya\s)?(?:con\s)?(?:las?|los?|sus|todas\slas|todos\slos)\s(?:llamadas?|mensajes?|textos?|correos?|avisos\spor\s\w+|cartas?)\b
      | \b(?:mensajes|llamadas|correos|cartas|textos|email)\ (?:ya\ )?no\b
      | (?:看不了|收不到|看不到|看不清|听不清|接不了)(?:短信|电话|邮件|信息|微信|来电)
      | (?:短信|短讯|sms|电话|邮件|语音|email|微信|信)(?:就|都|请|先)?(?:已淹|不要|停|别|莫|勿|甭|免|不用|取消|太|经常|老|常|很少|听不|看不|漏接|没信号|费|不方便|不便|接不)[^,。;]{0,6}
      | (?:打)?(?:电话|语音)(?:里|上|来)?[^,。;]{0,6}?(?:接不|听不|说不|讲不|聊不|没法接|没法听|耳朵)[^,。;]{0,10}?(?=发|加|给|用|上你|到你|你给|寄|走|[,。;]|$)
      | 打?电话(?:的|这|那)?(?:部分|条路|块|一块)?(?:就|也)?(?:免了|算了|不必了)
      | 打(?:字|电话)(?:慢|费事|麻烦|好贵|很贵)|接(?:一个|个)?电话(?:好|要|很|不|太)[^,。;]{0,6}
    """,
    re.VERBOSE | re.ASCII,
)  # fmt: skip


# 'Message me in the app': where the message is to stand decides, not the word for sending it.
_IN_PORTAL = re.compile(
    r"\b(?:in|on|to) my (?:online )?account\b|\b(?:in|through|on|via|inside) (?:the|your) (?:online |customer |member )?(?:app|portal|website|site)\b"
)


# Where a clause ends; in speech without stops, where a wish begins.
_CLAUSE_END = re.compile(
    r"(?:[;!?,。\n]|\.(?!\w))+|\b(?:but|so|pero)\b|但是?|所以"
    r"|\s(?=(?:please|just|instead(?! of)|rather|better|you (?:better|may|can|could|just)|mejor|mandenlo|mandeme|hagame)\b)|(?=写(?:一?封)?信|写封)|(?=你给我|有事)",
    re.ASCII,
)
_TURNS_DOWN = re.compile(
    r"\b(?:no|not|dont|doesnt|cant|cannot|never|stop|quit|isnt|arent|wont|without|nothing(?= (?:in|on|by|through|via|over) )|nada(?= (?:por|en) )|hate|lost|lose|broken|dead|hardly|none|leave|"
    r"forget|skip|enough|bounces?|eat up|poor|small|ni|nunca|jamas|sin|deje\w*|casi|apenas|hard|difficult|frighten\w*|scares?|wet|hears|wakes?|woke|"
    r"drops?|yelling|jacked|stolen|stole|miss(?:es|ed)?|off|who calls|anxiety|old phone|despierta\w*|borran?|cuestan?)\b"
    r"|[不没别勿莫甭唔毋免拒断停慢贵罚退]|断断续续|收费|垃圾|漏看|漏接|无益|阻塞",
    re.ASCII,
)
_WELCOMES = re.compile(
    r"\b(?:good|better|best|fine|ok|okay|great|prefer\w*|i want|instead(?! of)|please|just|only|keep|rather|hit|works?|happy|suits|mejor|bien|si|prefier\w*|"
    r"favor|nomas|solo|puede|leo|veo|gusta)\b|好|行|可以|改|选|优先|请|统一|喊我|找我|给我|聊",
    re.ASCII,
)
# 'Write here', 'like this': the channel that the reply came on.
_HERE = re.compile(
    r"\b(?:here|like this|these(?! (?:\w+ )?(?:calls|letters|e-?mails|texts))|this way|aqui|aca|este medio|escrib\w+)\b|这(?:里|边|儿)|呢度|写给我",
    re.ASCII,
)


def find_channel(text: str, *, own_channel: str) -> WantedChannel:
    """The channel wished for, the first one if several; the channel of the reply where none is named ('START')."""
    own = WantedChannel(own_channel) if own_channel in set(WantedChannel) else WantedChannel.SMS
    refused = [(*found.span(), _first_named(found.group())) for found in _REFUSED.finditer(text)]
    ever_refused = {first for *_, first in refused}
    named = []
    for start, clause in _clauses(text):
        welcome = bool(_WELCOMES.search(clause)) - 2 * bool(_TURNS_DOWN.search(clause))
        for order, (channel, pattern) in enumerate((*_PATTERNS, (own, _HERE))):
            for match in pattern.finditer(clause):
                at = start + match.start()
                is_refused = any(begin <= at < end and channel is first for begin, end, first in refused)
                rank = welcome - 4 * is_refused - (channel in ever_refused) - (pattern is _HERE) / 2
                named.append((-rank, at, order, WantedChannel.PORTAL if _IN_PORTAL.search(clause) else channel))
    return min(named)[-1] if named else own


def _first_named(text: str) -> WantedChannel | None:
    """The channel that a text names first."""
    found = ((match.start(), channel) for channel, pattern in _PATTERNS if (match := pattern.search(text)))
    return min(found, default=(0, None))[1]


def _clauses(text: str) -> list[tuple[int, str]]:
    """Where each clause begins, and the clause."""
    ends = [match.span() for match in _CLAUSE_END.finditer(text)]
    starts = [0, *(end for _, end in ends)]
    return [(start, text[start:end]) for start, end in zip(starts, [*(one for one, _ in ends), len(text)], strict=True)]


@dataclass(frozen=True, slots=True)
class ChannelsNamed:
    """The channels a text turns down or compares against, and those it names otherwise."""

    refused: frozenset[WantedChannel]
    others: frozenset[WantedChannel]

    @property
    def is_exchange(self) -> bool:
        """Whether one channel is turned down and another one named: 'don't call, text me'."""
        return bool(self.refused and self.others - self.refused)


# 'Not to this cell phone': both what it rings for and what it shows.
_DEVICE = re.compile(r"\b(?:a|al|en) (?:este |mi |ese )?(?:cel|celular|numero) ya no\b", re.ASCII)


def channels_named(text: str) -> ChannelsNamed:
    """The channels a folded text names, told apart by whether they are refused."""
    refused = " ".join(found.group() for found in _REFUSED.finditer(text))
    device = frozenset({WantedChannel.SMS, WantedChannel.VOICE}) if _DEVICE.search(refused) else frozenset()
    return ChannelsNamed(_named_in(refused) | device, _named_in(_REFUSED.sub(" ~ ", text)))


def _named_in(text: str) -> frozenset[WantedChannel]:
    return frozenset(channel for channel, pattern in _PATTERNS if pattern.search(text))


_LANGUAGES: tuple[tuple[str, str], ...] = (
    ("es", r"\bspanish\b|\bespanol\b|\bcastellano\b|\bespanish\b|西班牙"),
    ("yue", r"\bcantonese\b|粤语|广东话|广州话|白话|\bcantones\b"),
    ("nan", r"\bhokkien\b|\btaiwanese\b|台语|闽南|潮汕|潮州|福建话|河洛话|\bteochew\b"),
    ("hak", r"\bhakka\b|客家|客语"),
    ("zh", r"\bchinese\b|\bmandarin\b|\bchino\b|\bmandarin\b|中文|普通话|国语|华语|汉语|简体|繁体|\bputonghua\b"),
    ("en", r"\benglish\b|\bingles\b|英文|英语|\binglish\b"),
    ("vi", r"\bvietnam\w*\b|越南|越语|越文|\btieng viet\b|\bvietnamita\b"), ("ko", r"\bkorean?\b|\bcoreano\b|韩语|韩文|韩国话|朝鲜语|朝鲜话|朝语"), ("tl", r"\btagalog\b|\bfilipino\b|\bpilipino\b|菲律宾|他加禄"),
    ("pl", r"\bpolish\b|\bpolaco\b|\bpolski\b|波兰"), ("ug", r"\buyghur\b|\buighur\b|维吾尔|维语"), ("bo", r"\btibetan\b|藏语|藏文"), ("mn", r"\bmongolian\b|蒙古语|蒙语"), ("ru", r"\brussian\b|\bruso\b|俄语|俄文"),
    ("ar", r"\barabic\b|\barabe\b|阿拉伯"), ("fr", r"\bfrench\b|\bfrances\b|法语|法文"), ("ht", r"\b(?:haitian )?creole\b|\bkreyol\b|\bcriollo\b"), ("pt", r"\bportuguese\b|\bportugues\b|葡萄牙|葡语"),
    ("ja", r"\bjapanese\b|\bjapones\b|日文|日语"), ("de", r"\bgerman\b|\baleman\b|德语|德文"), ("it", r"\bitalian\b|\bitaliano\b"), ("hi", r"\bhindi\b|印地|印度话"), ("pa", r"\bpunjabi\b"), ("ur", r"\burdu\b"), ("bn", r"\bbengali\b|\bbangla\b"), ("gu", r"\bgujarati\b"), ("ta", r"\btamil\b"), ("te", r"\btelugu\b"), ("ne", r"\bnepali\b"),
    ("prs", r"\bdari\b"), ("ps", r"\bpashto\b"), ("fa", r"\bfarsi\b|\bpersian\b"), ("yo", r"\byoruba\b"), ("ig", r"\bigbo\b"), ("ha", r"\bhausa\b"), ("tw", r"\btwi\b"), ("zu", r"\bzulu\b"), ("xh", r"\bxhosa\b"), ("ti", r"\btigrinya\b"), ("om", r"\boromo\b"), ("ceb", r"\bcebuano\b|\bbisaya\b"), ("ilo", r"\bilocano\b"), ("ml", r"\bmalayalam\b"), ("kn", r"\bkannada\b"), ("mr", r"\bmarathi\b"), ("si", r"\bsinhal\w+\b"), ("ay", r"\ba[iy]mara\b"), ("gn", r"\bguarani\b"), ("gl", r"\bgallego\b|\bgalego\b"), ("ca", r"\bcatalan?\b"), ("eu", r"\beuskera\b|\bvasco\b"), ("oto", r"\botomi\b"), ("tsz", r"\bpurepecha\b"), ("tzo", r"\btzotzil\b"), ("tzh", r"\btzeltal\b|\btseltal\b"), ("kek", r"\bq?'?eqchi'?\b|\bkekchi\b"), ("wuu", r"上海话|沪语|吴语|\bshanghainese\b"), ("ami", r"阿美语|阿美族语"), ("hmn", r"苗语"), ("nl", r"\bdutch\b"), ("cs", r"\bczech\b"), ("hu", r"\bhungarian\b"), ("bg", r"\bbulgarian\b"), ("hr", r"\bcroatian\b"), ("lt", r"\blithuanian\b"), ("sv", r"\bswedish\b"), ("to", r"\btongan\b"), ("mh", r"\bmarshallese\b"), ("ch", r"\bchamorro\b"), ("ku", r"\bkurdish\b|\bkurmanji\b"), ("ka", r"\bgeorgian\b"), ("uz", r"\buzbek\b"), ("rw", r"\bkinyarwanda\b"), ("ln", r"\blingala\b"), ("so", r"\bsomali\b"), ("hmn", r"\bhmong\b"), ("km", r"\bkhmer\b|\bcambodian\b|柬埔寨|高棉"), ("lo", r"\blao(?:tian)?\b"), ("th", r"\bthai\b|泰语|泰文"), ("id", r"\bindonesian\b|\bbahasa\b|印尼|印度尼西亚"), ("ms", r"\bmalay\b|马来"), ("my", r"\bburmese\b|缅甸"),
    ("uk", r"\bukrainian\b|乌克兰"), ("am", r"\bamharic\b"), ("sw", r"\b(?:ki)?swahili\b"), ("hy", r"\barmenian\b"), ("tr", r"\bturkish\b"), ("he", r"\bhebrew\b"), ("yi", r"\byiddish\b"), ("el", r"\bgreek\b"), ("ro", r"\bromanian\b"), ("sq", r"\balbanian\b"), ("sr", r"\bserbian\b"), ("bs", r"\bbosnian\b"), ("nv", r"\bnavajo\b"), ("sm", r"\bsamoan\b"), ("ii", r"彝语"), ("za", r"壮语"), ("kk", r"哈萨克"),
    ("mix", r"\bmixteco\b"), ("zap", r"\bzapoteco\b"), ("nah", r"\bnahuatl\b"), ("quc", r"\bk'?iche'?\b|\bquiche\b"), ("mam", r"\bmam\b"), ("kjb", r"\bq'?anjob'?al\b|\bkanjobal\b"), ("qu", r"\bquechua\b"), ("myn", r"\bmaya\b"), ("ase", r"\basl\b|\bsign language\b|手语"),
)  # fmt: skip
_LANGUAGE_PATTERNS = tuple((code, re.compile(pattern, re.ASCII)) for code, pattern in _LANGUAGES)
# Beside a language these say that it is *not* understood.
_NOT_UNDERSTOOD = re.compile(
    r"""(?:\b(?:no|not|dont|doesnt|cant|cannot|didnt|never|little|poor|bad|poco|poquito|casi\ no|ni|instead\ of|tampoco|isnt|hardly|barely|without)\s(?:\w+\s){0,3}?$)|\b(?:esta|estan|vienen?|vino|llegan?|llego|came|comes|is\ all|are\ all|was|were)\s(?:todo\s|toda\s)?(?:en|in)\s$|(?:不会|不懂|不谙|看不懂|听不懂|不太会|不识|不明白|看不太懂|不认识|不好|听不太懂|没学过|唔识|读不懂|看不明|听不明|讲不好|说不好|听无|袂晓)(?:说|讲|看|听|写|的)?$"""
)
_NOT_GOOD_AFTER = re.compile(
    r"^\s?(?:is\s|es\s|isnt\s)?(?:not|no|bad|poor|so bad|very bad|so so|no good|isnt|malo|muy malo|no muy|no es|no very|not so)\b|^(?:字|我)?(?:我)?(?:(?:讲|说|写)得?不(?:太|怎么)?好|阅读(?:能力)?(?:一般|吃力|不好|慢|差)|不|看不|听不|很慢|太快|太难|太绕|说得?太快|讲得?太快|看得|很差|差|一般|不太)"
)


_NOTHING_BUT = re.compile(r"\b(?:nothing|but|only|except|other than|mas que|sino|solo)(?: in)? $")


def find_language(text: str, *, written_in: Lang) -> str | None:
    """ISO code of the language wished for; where only the one not understood is named, the language written in."""
    found = [(match, code) for code, pattern in _LANGUAGE_PATTERNS for match in pattern.finditer(text)]
    named = []
    for match, code in found:
        since = max((other.end() for other, _ in found if other.end() <= match.start()), default=0)
        before = text[since : match.start()]  # 'no ingles, espanol': the 'no' is the first one's
        refused = bool(_NOT_UNDERSTOOD.search(before) and not _NOTHING_BUT.search(before)) or bool(
            _NOT_GOOD_AFTER.match(text[match.end() :])
        )
        named.append((refused, match.start(), code))
    wished = sorted(one for one in named if not one[0])
    if wished:
        return wished[0][2]
    refused_codes = {one[2] for one in named}
    if written_in.family not in refused_codes:
        return written_in.family
    return None
