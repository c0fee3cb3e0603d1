"""What was read in the replies of borrowers and what was done about it, by language, from the tables of the tracker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from rich.table import Table

from forbear_sandbox.stack import Stack

LANGUAGES = {"en": "English", "es": "Español", "zh-Hans": "简体中文", "zh-Hant": "繁體中文"}
OPTED_OUT = 9  # forbear.types.v1.ResponseKind

COUNTS = f"""
SELECT language, what, count(*) FROM scheduler.borrower JOIN (
    SELECT tenant_id, borrower_id, 'replies' AS what FROM tracker.message WHERE is_inbound
    UNION ALL SELECT tenant_id, borrower_id, label FROM tracker.message, unnest(labels) AS label WHERE is_inbound
    UNION ALL SELECT tenant_id, borrower_id, 'answered' FROM tracker.message WHERE NOT is_inbound
    UNION ALL SELECT tenant_id, borrower_id, 'promised' FROM tracker.promise
    UNION ALL SELECT tenant_id, borrower_id, 'arranged' FROM tracker.arrangement
    UNION ALL SELECT tenant_id, borrower_id, 'barred' FROM tracker.response WHERE kind = {OPTED_OUT}
    UNION ALL SELECT tenant_id, borrower_id, 'handed over' FROM tracker.hand_over) AS told
USING (tenant_id, borrower_id) GROUP BY 1, 2
"""
# Rows of the table, and what is counted in each.
READ = {
    "replies read": ("replies",),
    "  will pay": ("promise_to_pay",),
    "  cannot pay": ("hardship", "plan_request"),
    "  stop": ("opt_out", "cease_all"),
    "  not me, not mine": ("wrong_party", "identity_doubt", "deceased", "dispute"),
}
DONE = {
    "answered": ("answered",),
    "promises kept in view": ("promised",),
    "ways out agreed": ("arranged",),
    "addresses barred for good": ("barred",),
    "handed to a person": ("handed over",),
}

Understood = Mapping[str, Counter[str]]


def read_understood(stack: Stack) -> Understood:
    """Return counts by the language of the borrower."""
    found: dict[str, Counter[str]] = {}
    for language, what, count in stack.select(COUNTS):
        found.setdefault(language, Counter())[what] = int(count)
    return found


def table(understood: Understood) -> Table:
    """Make the table: a column for each language, and one for all."""
    made = Table(title="What borrowers wrote, by language, and what was done about it", title_justify="left")
    made.add_column("", no_wrap=True)
    columns = [*(understood[language] for language in sorted(understood)), sum(understood.values(), Counter[str]())]
    for head in (*(LANGUAGES.get(language, language) for language in sorted(understood)), "all"):
        made.add_column(head, justify="right")
    for part in (READ, DONE):
        for what, keys in part.items():
            made.add_row(what, *(f"{sum(counts[key] for key in keys):,}" for counts in columns))
        made.add_section()
    made.caption = "Calls and clicks on a borrower's page promise, agree and stop as well."
    made.caption_justify = "left"
    return made
