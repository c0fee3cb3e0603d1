"""What the machine keeps from while law, or a person's safety, gives the word to people. Pure; one rule for all doors.

It holds for what was just said and for what was said before alike: somebody who wrote of despair yesterday gets no
offer today, and a promise made beside a dispute is no promise to be reminded of. The gate at the dispatcher asks law
for every message once more; this decides what is worth asking.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from forbear_domain.messages.crisis import CARE
from forbear_domain.model import Purpose, ResponseKind, SuppressionKind
from response_tracker.decision import OPT_OUT_CONFIRMED, Decision
from response_tracker.duties import Reason
from response_tracker.model import NO_WISH

_K = SuppressionKind
# Nothing is said that speaks of a debt: the stop is confirmed and despair answered, no more.
SILENT = frozenset({_K.DISTRESS, _K.CEASE, _K.ATTORNEY, _K.BANKRUPTCY, _K.DECEASED, _K.MILITARY, _K.WRONG_PARTY})
# Nothing is asked or agreed about money until a person has seen to it.
HELD = frozenset({_K.DISPUTE})
# Somebody else than the borrower has the word: what they wish binds nobody.
ANOTHER_PERSON = frozenset({_K.DECEASED, _K.WRONG_PARTY})
# What may stand when the borrower writes again; that an address reaches somebody else stands with the address.
STANDING = (SILENT | HELD) - {_K.WRONG_PARTY}

_OF_NO_DEBT = frozenset({CARE, OPT_OUT_CONFIRMED})
_OF_NO_MONEY = _OF_NO_DEBT | {"handover.person", "identity.verify", "preference.noted"}
_COMMITMENTS = frozenset({ResponseKind.PROMISED, ResponseKind.ARRANGED})
CARED = "cared"  # fate of words of despair said in a call: the crisis line is what the call says next
HELD_BACK = "held_back"  # fate of an event that asked for what is left to a person, which page and call then say


def restrain(decision: Decision, standing: Set[SuppressionKind], *, is_collector: bool) -> Decision:
    """Return what is left of a decision beside the bars that it puts and those that stand; a person sees the rest.

    `is_collector`: whoever collects is a debt collector under the FDCPA, and silent while a debt is disputed.
    """
    bars = {bar.kind for bar in decision.bars}
    if not (bars | standing) & (SILENT | HELD):
        return decision
    commits = decision.promise is not None or decision.choice is not None or decision.is_offering
    answer = _answer(decision, bars | standing, is_collector=is_collector)
    cases = list(decision.cases)
    if _K.DISTRESS in standing and (decision.answer or commits or cases) and Reason.DISTRESS not in cases:
        cases.append(Reason.DISTRESS)
    elif not cases and standing & STANDING and (commits or decision.answer != answer):
        cases.append(Reason.WROTE_AGAIN)
    return replace(
        decision,
        cases=tuple(cases),
        responses=tuple(kind for kind in decision.responses if kind not in _COMMITMENTS),
        answer=answer,
        purpose=decision.purpose if answer == decision.answer else Purpose.REPLY,
        promise=None,
        choice=None,
        is_offering=False,
        wish=NO_WISH if (bars | standing) & ANOTHER_PERSON else decision.wish,
    )


def is_held_back(asked: Decision, allowed: Decision) -> bool:
    """Return whether what was asked for is left to a person, so that nobody may be told that it is done."""
    return Reason.NO_OFFER in allowed.cases or _gives(asked) != _gives(allowed)


def _gives(decision: Decision) -> tuple[object, ...]:
    return decision.promise, decision.choice, decision.is_offering


def _answer(decision: Decision, barred: Set[SuppressionKind], *, is_collector: bool) -> str:
    """Return the answer that may be given; after a demand to cease, or to who serves, only despair gets one.

    Nor does a collector's machine answer a dispute: a person acknowledges and verifies it, and that is no collection.
    """
    answer = decision.answer
    if barred & {_K.CEASE, _K.MILITARY}:  # 12 CFR 1006.6(c); the gate leaves every message to who serves to a person
        return answer if answer == CARE else ""
    if barred & SILENT or (is_collector and barred & HELD):  # 12 CFR 1006.38(d)(2)
        return answer if answer in _OF_NO_DEBT else ""
    return answer if not answer or answer in _OF_NO_MONEY else "handover.person"
