"""The fields of a campaign as people fill them in: labels for what the API's body describes, no second set of rules.

A field is named by its path in `CampaignBody`, which also gives its help, its options and its default, and whose errors
are shown beside it. What is left empty takes the default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel, ValidationError

from contact_scheduler.web.campaigns import CampaignBody, CampaignView
from contact_scheduler.web.problems import FieldError, field_error

Kind = Literal["text", "number", "instant", "choice", "choices", "list"]
MINUTE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?")  # as browsers send an instant: without a zone
BETWEEN: Final = re.compile(r"[,;\s]+")
ENTRY: Final = re.compile(r"\.(\d+)$")


class Input(NamedTuple):
    """One field: where it stands in the body, what people call it, and how it is filled in."""

    path: str
    label: str
    kind: Kind
    hint: str = ""  # of the unit, after what the API says of the field

    @property
    def help(self) -> str:
        """Say what the field means, as the API does, where the label does not say it all."""
        said = str(_field(self.path).description).replace("absent:", "empty:")
        says_more = said.lower() != self.label.lower()
        return " ".join(part for part in (f"{said[:1].upper()}{said[1:]}." if says_more else "", self.hint) if part)

    @property
    def options(self) -> tuple[str, ...]:
        """Return what may be chosen."""
        kind = _field(self.path).annotation
        return get_args(get_args(kind)[0] if get_origin(kind) is list else kind)


SHARE = "0.1 is one borrower in ten."
FIELDS: Final = {
    "What it is": (
        Input("name", "Name", "text"),
        Input("goal", "Goal", "choice"),
    ),
    "Who is in it": (
        Input("audience.products", "Products", "choices", "None ticked: all."),
        Input("audience.regions", "States", "list", "With commas between them. Empty: all."),
        Input("audience.languages", "Languages", "choices", "None ticked: all."),
        Input("audience.past_due_days_min", "Days past due, at least", "number"),
        Input("audience.past_due_days_max", "Days past due, at most", "number", "Empty: no limit."),
        Input("audience.past_due_min_minor", "Amount past due in cents, at least", "number", "5000 is $50.00."),
    ),
    "How and how often": (
        Input("channels", "Channels", "choices"),
        Input("cadence.rest_days", "Days of rest", "number"),
        Input("cadence.contacts_a_week_max", "Contacts a week, at most", "number"),
        Input("hours.start", "First hour", "number", "From 0 to 23, on the borrower's clock; the law may allow less."),
        Input("hours.end", "First hour that is too late", "number", "From 1 to 24, on the borrower's clock."),
        Input("budget_a_day", "Budget a day", "number"),
    ),
    "What it is measured by": (
        Input("control_share", "Share served at random", "number", f"From 0 to 0.5; {SHARE}"),
        Input("left_alone_share", "Share left alone by lot", "number", f"From 0 to 0.2; {SHARE}"),
    ),
    "From when to when": (
        Input("starts_at", "Begins (UTC)", "instant"),
        Input("ends_at", "Ends (UTC)", "instant"),
    ),
}  # fmt: skip
INPUTS: Final = tuple(one for group in FIELDS.values() for one in group)

Values = dict[str, str | list[str]]


def blank() -> Values:
    """Return a form in which every field has its default."""
    return _values(CampaignBody.model_construct(name="").model_dump(mode="json"))


def filled(view: CampaignView) -> Values:
    """Return a campaign as its form would show it."""
    return _values(view.model_dump(mode="json"))


def read(posted: Mapping[str, list[str]]) -> Values:
    """Return what was filled in; fields that nobody knows are left out."""
    return {
        one.path: posted.get(one.path, [])
        if one.kind == "choices"
        else next(iter(posted.get(one.path, [])), "").strip()
        for one in INPUTS
    }


def check(values: Values) -> CampaignBody | list[FieldError]:
    """Return the body that the API would have been sent, or what it would have said against it."""
    body: dict[str, Any] = {"name": ""}
    for one in INPUTS:
        value = _sent(one, values[one.path])
        if value != "":
            *parents, name = one.path.split(".")
            place = body
            for parent in parents:
                place = place.setdefault(parent, {})
            place[name] = value
    try:
        return CampaignBody.model_validate(body)
    except ValidationError as error:
        return [_in_words(field_error(item)) for item in error.errors()]


def _sent(one: Input, value: str | list[str]) -> str | list[str]:
    if isinstance(value, list):
        return value
    if one.kind == "list":
        return [part for part in BETWEEN.split(value.upper()) if part]
    return f"{value}Z" if one.kind == "instant" and MINUTE.fullmatch(value) else value


def _in_words(error: FieldError) -> FieldError:
    """Name fields as the form does, and an entry of a list by its place."""
    mend, entry = error.mend, ENTRY.search(error.field)
    for one in INPUTS:
        mend = mend.replace(one.path, f'"{one.label}"')
    if entry is not None:
        return FieldError(field=error.field[: entry.start()], mend=f"entry {int(entry[1]) + 1}: {mend}")
    return FieldError(field=error.field, mend=mend)


def _values(document: dict[str, Any]) -> Values:
    return {one.path: _shown(one, _at(document, one.path)) for one in INPUTS}


def _shown(one: Input, value: Any) -> str | list[str]:
    if one.kind == "choices":
        return list(value)
    if one.kind == "list":
        return ", ".join(value)
    if value is None:
        return ""
    return str(value)[:16] if one.kind == "instant" else f"{value:g}" if isinstance(value, float) else str(value)


def _at(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document[name]
    return document


def _field(path: str) -> Any:
    model: type[BaseModel] = CampaignBody
    *parents, name = path.split(".")
    for parent in parents:
        model = model.model_fields[parent].annotation  # type: ignore[assignment]
    return model.model_fields[name]
