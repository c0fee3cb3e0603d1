"""Turn evidence into the set of labels, by priority: never miss, never invent, never contradict. Pure."""

from collections.abc import Mapping

from forbear_replies.labels import EXCLUSIVE, Label
from forbear_replies.lexicon import Findings

# A rule that fires is overruled only by a model this sure of the contrary; a keyword is never overruled.
_OVERRULE: Mapping[Label, float] = {Label.DISTRESS: 0.02, Label.OPT_OUT: 0.03, Label.CEASE_ALL: 0.03}


def arbitrate(
    findings: Findings, chances: Mapping[Label, float], thresholds: Mapping[Label, float]
) -> frozenset[Label]:
    """The labels of a reply from what the rules found and the model's calibrated chances."""
    labels = {label for label, chance in chances.items() if chance >= thresholds[label]}
    labels |= {label for label in findings.found if chances.get(label, 1.0) >= _OVERRULE.get(label, 0.0)}
    labels |= findings.keywords
    labels -= findings.forbidden
    if Label.CEASE_ALL in labels:
        labels.add(Label.OPT_OUT)
    if Label.DECEASED in labels:
        labels.discard(Label.WRONG_PARTY)
    labels = _without_exclusive(labels) or {_best(chances, findings)}
    return frozenset(labels)


def _without_exclusive(labels: set[Label]) -> set[Label]:
    """``acknowledgement`` and ``other`` stand alone: beside anything else they go."""
    rest = labels.difference(EXCLUSIVE)
    if rest:
        return rest
    return {Label.ACKNOWLEDGEMENT} if Label.ACKNOWLEDGEMENT in labels else labels


def _best(chances: Mapping[Label, float], findings: Findings) -> Label:
    """The likeliest label where none reaches its threshold; a promise is never guessed."""
    allowed = {
        label: chance
        for label, chance in chances.items()
        if label not in findings.forbidden and label not in (Label.PROMISE_TO_PAY, Label.CEASE_ALL)
    }
    best = max(allowed, key=lambda label: allowed[label], default=None)
    return best if best and allowed[best] >= _GUESS_MIN else Label.OTHER


# Below this the likeliest label is no better than saying "unclear".
_GUESS_MIN = 0.15
