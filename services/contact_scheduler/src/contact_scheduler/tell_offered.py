"""The part of a model card that says what each group would be offered, in tables and in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.lift import Rate
from contact_scheduler.learning.offered import OfferedGroup, OfferedReport, offered_by_group
from contact_scheduler.learning.treatment import ABLE_FROM, SHORT_OF_ABLE, WILLING_FROM, Treatment

HEAD = f"""## What would be offered, by group

What a borrower meets is the treatment, so this is the table to look at first: what both cards together would offer for
the later loans, at the service's own thresholds: able from {ABLE_FROM}, willing from {WILLING_FROM}, and
instalments from {SHORT_OF_ABLE}. In brackets stands the 95 % interval of each share. A file in hardship, dispute or
litigation goes to a person whatever the scores say; such flags are not in this table.
"""


def tell_offered(treatment: NDArray[np.int8], groups: Mapping[str, NDArray[np.str_]]) -> str:
    """Return the section: a table and a verdict for each way of grouping; `treatment` [n] and each grouping [n]."""
    parts = [_grouping(name, offered_by_group(treatment, members)) for name, members in groups.items()]
    return "\n".join([HEAD, *parts])


def _grouping(name: str, found: OfferedReport) -> str:
    given = list(found.groups[0].by_treatment) if found.groups else []
    lines = [
        f"| {name} | loans | {' | '.join(_plain(kind) for kind in given)} |",
        "|---|---|" + "---|" * len(given),
        *(_row(one) for one in found.groups),
        "",
    ]
    return "\n".join([*(lines if given else []), *_verdict(name, found)])


def _row(group: OfferedGroup) -> str:
    shares = " | ".join(_share(one.share) for one in group.by_treatment.values())
    return f"| {group.name} | {group.loans:,} | {shares} |"


def _share(share: Rate) -> str:
    return f"{share.value:.1%} ({share.low:.1%} to {share.high:.1%})"


def _verdict(name: str, found: OfferedReport) -> list[str]:
    """Say who is offered otherwise beyond chance, who cannot be judged, and who is not shown."""
    flagged = [(group, kind, one) for group in found.groups for kind, one in group.flagged()]
    judged = [group for group in found.groups if group.is_judged]
    lines = []
    for group, kind, one in flagged:
        assert one.apart is not None
        lines.append(
            f"- **{name} {group.name}: {_plain(kind)} {one.share.value:.1%}, the others {one.others.value:.1%}** "
            f"({100 * one.apart.difference:+.1f} points, {100 * one.apart.low:+.1f} to {100 * one.apart.high:+.1f})"
        )
    if flagged:
        lines = ["Beyond chance, so this deserves an answer before use:", "", *lines, ""]
    elif judged:
        lines = [
            "No group is offered otherwise than the others beyond chance; small differences may be hidden by few loans."
        ]
    else:
        lines = ["There are too few loans, or only one group, so that nothing can be compared."]
    unjudged = [group.name for group in found.groups if not group.is_judged]
    if unjudged and judged:
        lines.append(f"Too few for a verdict: {', '.join(unjudged)}.")
    if found.left_out:
        lines.append(f"Not shown, under 30 loans: {', '.join(found.left_out)}.")
    return [*lines, ""]


def _plain(kind: Treatment) -> str:
    return kind.name.lower().replace("_", " ")
