"""The reader of borrower replies: text in, meaning out. Loaded once, then pure; safe to share between tasks.

Stages, each in its own file: normalise -> mail (cut what is quoted) -> language -> spelling -> lexicon (rules) ->
features and words + model -> arbitrate -> extract. It never raises on any text and its time is bounded by
``normalise.TEXT_MAX``.
"""

from dataclasses import dataclass
from datetime import datetime

from forbear_replies import normalise
from forbear_replies.arbitrate import arbitrate
from forbear_replies.extraction import extract
from forbear_replies.features import clause_evidence, evidence
from forbear_replies.labels import ACTION_OF, EXCLUSIVE, URGENCY, Action, Label, Lang
from forbear_replies.language import candidates, is_cantonese
from forbear_replies.lexicon import FAMILIES, Findings, lexicon
from forbear_replies.mail import strip_quoted
from forbear_replies.model import Model
from forbear_replies.reading import Reading
from forbear_replies.spelling import spell_out
from forbear_replies.wishes import channels_named
from forbear_replies.words import word_rows, word_table

# Single letters are opt-out keywords only where the message offered them (T and R are what Chinese carriers offer).
_OFFERED_LETTERS = frozenset({"t", "r", "n", "q"})
NEVER_MISSED = frozenset({Label.OPT_OUT, Label.CEASE_ALL, Label.DISTRESS})
_HANDED_OVER = frozenset({Action.HELP_PERSON, Action.HAND_OVER})


@dataclass(frozen=True, slots=True)
class Prepared:
    """A reply after the text stages: what the sender says now, as written and as lexicon and model read it."""

    own: str
    folded: str
    lang: Lang


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads replies with a model loaded at start."""

    model: Model

    @classmethod
    def load(cls) -> "Reader":
        """The reader with the model that ships in the package (some 60 MB in memory; takes some 200 ms)."""
        word_table()  # read now, not at the first reply
        return cls(Model.load())

    def read(
        self, text: str, *, lang: str | None, channel: str, received_at: datetime, offered_letters: bool = False
    ) -> Reading:
        """What ``text`` means.

        ``lang`` is the language on record (a hint), ``channel`` the one it came on (``sms``, ``email``, ``voice``),
        ``received_at`` is aware, in the borrower's offset; relative dates resolve against its date.
        ``offered_letters``: the message answered said that a single letter (T, R) unsubscribes.
        """
        prepared = prepare(text, lang)
        findings = ask_rules(prepared, offered_letters=offered_letters)
        named = channels_named(prepared.folded)
        family = prepared.lang.family
        chances = self.model.chances(
            evidence(prepared.folded, family, findings, named, channel),
            clause_evidence(prepared.folded, family),
            word_rows(prepared.folded),
        )
        labels = arbitrate(findings, chances, self.model.thresholds, named=named, channel=channel)
        confidence = self.model.confidence(labels, chances, findings.keywords)
        unsure = confidence < self.model.confidence_min
        return Reading(
            labels=labels,
            extract=extract(
                prepared.folded,
                labels,
                lang=prepared.lang,
                channel=channel,
                received_at=received_at,
                is_cantonese=is_cantonese(prepared.own),
            ),
            confidence=confidence,
            action=decide_action(labels, unsure=unsure),
            lang=prepared.lang,
            needs_person=unsure or any(ACTION_OF[label] in _HANDED_OVER for label in labels),
        )


def prepare(text: str, lang: str | None) -> Prepared:
    """The text stages, shared by reading and training so that both see the same.

    A few words do not say in which language they are. They are then read in another one than that on record, if only
    there a rule finds what must never be missed: whoever is on record in English may well say stop in Spanish.
    """
    own = strip_quoted(normalise.tidy(text))
    folded = normalise.fold(own)
    first, *others = (Prepared(own, spell_out(folded, one.family), one) for one in candidates(own, lang))
    return next((one for one in others if ask_rules(one, offered_letters=False).found & NEVER_MISSED), first)


def ask_rules(prepared: Prepared, *, offered_letters: bool) -> Findings:
    """The rules' findings on a prepared text, single-letter keywords included where they were offered."""
    squeezed = normalise.squeeze(prepared.folded)
    if squeezed in _OFFERED_LETTERS and (offered_letters or (squeezed in "tr" and prepared.lang.family == "zh")):
        opt_out = frozenset({Label.OPT_OUT})
        return Findings(opt_out, opt_out, frozenset())
    findings = lexicon(prepared.lang.family).ask(prepared.folded, squeezed)
    borrowed = frozenset().union(*(lexicon(family).keywords(squeezed) for family in FAMILIES))
    return findings.with_keywords(borrowed)


def decide_action(labels: frozenset[Label], *, unsure: bool) -> Action:
    """The most urgent action; an unsure reading goes to a person unless something more urgent is already due."""
    wanted = {ACTION_OF[label] for label in labels}
    if unsure and labels.difference(EXCLUSIVE[:1]):
        wanted.add(Action.HAND_OVER)
    return min(wanted, key=URGENCY.index)
