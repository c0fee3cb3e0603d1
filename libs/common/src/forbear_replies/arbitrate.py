"""Turn evidence into the set of labels, by priority: never miss, never invent, never contradict. Pure."""

from collections.abc import Mapping

from forbear_replies.labels import EXCLUSIVE, Label, WantedChannel
from forbear_replies.lexicon import Findings
from forbear_replies.wishes import ChannelsNamed

# A rule that fires is overruled only by a model this sure of the contrary; a keyword is never overruled.
_OVERRULE: Mapping[Label, float] = {Label.DISTRESS: 0.05, Label.OPT_OUT: 0.1, Label.CEASE_ALL: 0.1}

# Where one channel is turned down and another one named, this much chance is enough for a wish.
_EXCHANGE_MIN = 0.15

# A payment cannot well be both made and to come; the second one is believed only when nearly certain.
_BOTH_PAYMENTS_MIN = 0.92

# A limit of time this likely explains a refusal that the model itself holds for less likely than not.
_TIME_SURE, _HALF = 0.6, 0.5

# A refusal whose words have a harmless sense is believed only when the model is this sure; danger always is.
_EXPLAINED_MIN: Mapping[Label, float] = {Label.OPT_OUT: 0.8, Label.CEASE_ALL: 0.8}

# 'You change numbers and keep sending' sounds like a wish to resume; a refusal by rule and a model this sure stands.
_INSISTS_MIN = 0.95
_INSISTENT = frozenset({Label.OPT_OUT, Label.CEASE_ALL})

# Despair and wrong numbers sound like refusals; beside them one that no rule found is believed only this surely.
_BESIDE = frozenset({Label.DISTRESS, Label.WRONG_PARTY})
_BESIDE_MIN = 0.5

# Below this the likeliest label is no better than saying "unclear".
_GUESS_MIN: Mapping[Label, float] = {Label.OPT_OUT: 0.3, Label.DISTRESS: 0.2}
_GUESS_MIN_USUAL = 0.13


def arbitrate(
    findings: Findings,
    chances: Mapping[Label, float],
    thresholds: Mapping[Label, float],
    *,
    named: ChannelsNamed,
    channel: str,
) -> frozenset[Label]:
    """The labels of a reply that came on ``channel``, from the rules' findings and the model's calibrated chances."""
    labels = {label for label, chance in chances.items() if chance >= thresholds[label]}
    labels |= {label for label in findings.found if chances.get(label, 1.0) >= _OVERRULE.get(label, 0.0)}
    labels |= findings.keywords
    if named.is_exchange and chances.get(Label.CHANNEL_PREFERENCE, 0.0) >= _EXCHANGE_MIN:
        labels.add(Label.CHANNEL_PREFERENCE)
    labels -= findings.forbidden - _insisted(findings, chances)
    labels -= {label for label in findings.explained if chances.get(label, 1.0) < _EXPLAINED_MIN.get(label, 0.0)}
    labels -= _contradicted(labels, chances)
    if labels & _BESIDE and chances.get(Label.OPT_OUT, 1.0) < _BESIDE_MIN:
        labels -= {Label.OPT_OUT} - findings.found - findings.keywords
    if _keeps_consent(labels, findings, named, channel) or _limits_time_only(chances):
        labels -= findings.soft_opt_out
    if Label.OPT_OUT in labels and _leaves_no_channel(findings, named, channel):
        labels.discard(Label.CHANNEL_PREFERENCE)
    if Label.HUMAN_REQUEST in labels and _only_rings(findings, named):
        labels.discard(Label.CHANNEL_PREFERENCE)
    if Label.CEASE_ALL in labels:
        labels.add(Label.OPT_OUT)
    labels = _without_exclusive(labels) or {_best(chances, findings)}
    return frozenset(labels)


def _insisted(findings: Findings, chances: Mapping[Label, float]) -> frozenset[Label]:
    """The refusals that a rule and the model both see beyond doubt, whatever else reads like a wish to resume."""
    return frozenset(label for label in findings.found & _INSISTENT if chances.get(label, 0.0) >= _INSISTS_MIN)


def _keeps_consent(labels: set[Label], findings: Findings, named: ChannelsNamed, channel: str) -> bool:
    """Whether messages are to be resumed, or only channels other than the one the reply came on are refused."""
    if Label.CHANNEL_PREFERENCE in findings.found:
        return True
    return Label.CHANNEL_PREFERENCE in labels and bool(named.refused) and channel not in named.refused


def _leaves_no_channel(findings: Findings, named: ChannelsNamed, channel: str) -> bool:
    """Whether a refusal names no channel but the one the reply came on: then there is none to wish for."""
    is_resumed = Label.CHANNEL_PREFERENCE in findings.found
    return not is_resumed and named.others - named.refused <= {channel} and bool(named.others | named.refused)


def _only_rings(findings: Findings, named: ChannelsNamed) -> bool:
    """Whether no channel but the telephone is named and none refused: beside a person, that is a call from them."""
    is_resumed = Label.CHANNEL_PREFERENCE in findings.found
    return not is_resumed and not named.refused and named.others <= {WantedChannel.VOICE}


def _limits_time_only(chances: Mapping[Label, float]) -> bool:
    """Whether the model reads a limit of time or place where a rule saw a refusal: 'no calls before ten'."""
    return chances.get(Label.TIME_PREFERENCE, 0.0) >= _TIME_SURE and chances.get(Label.OPT_OUT, 1.0) < _HALF


def _contradicted(labels: set[Label], chances: Mapping[Label, float]) -> set[Label]:
    """What another label rules out: the dead are not the wrong party, and a payment is made or to come."""
    if Label.DECEASED in labels and Label.WRONG_PARTY in labels:
        return {Label.WRONG_PARTY}
    payments = {Label.PROMISE_TO_PAY, Label.ALREADY_PAID}
    if payments <= labels:
        weaker = min(payments, key=lambda label: chances[label])
        return {weaker} if chances[weaker] < _BOTH_PAYMENTS_MIN else set()
    return set()


def _without_exclusive(labels: set[Label]) -> set[Label]:
    """``acknowledgement`` and ``other`` stand alone: beside anything else they go."""
    rest = labels.difference(EXCLUSIVE)
    if rest:
        return rest
    return {Label.ACKNOWLEDGEMENT} if Label.ACKNOWLEDGEMENT in labels else labels


def _best(chances: Mapping[Label, float], findings: Findings) -> Label:
    """The likeliest label where none reaches its threshold; a promise is never guessed."""
    allowed: dict[Label, float] = {
        label: chance
        for label, chance in chances.items()
        if label not in findings.forbidden and label not in (Label.PROMISE_TO_PAY, Label.CEASE_ALL)
    }
    best = max(allowed, key=lambda label: allowed[label], default=Label.OTHER)
    return best if allowed.get(best, 0.0) >= _GUESS_MIN.get(best, _GUESS_MIN_USUAL) else Label.OTHER
