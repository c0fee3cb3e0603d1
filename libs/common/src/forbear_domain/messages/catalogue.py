"""The catalogue: every approved text, by template, channel and language, compiled once and locked by its hash.

A template is one reviewable file in `templates/`; what all messages of a channel share (identity, opt-out line,
disclosure, call menu) stands once in `templates/frames.toml` and is part of each hash. `templates.lock` holds version
and SHA-256 of every text as it was approved: a text that was changed, added or removed since stops the load. `approve`
lints, raises the version of what changed, and gives the new lock.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any, NamedTuple

from forbear_domain.messages.compiled import TemplateError, Text, mail_html, mail_text
from forbear_domain.messages.segments import gsm7, segments
from forbear_domain.messages.slots import SLOT_TYPES, sanitise
from forbear_domain.model import Channel

LANGUAGES = ("en", "es", "zh-Hans", "zh-Hant")
FRAMES = ("debt", "private", "final")
FRAMES_FILE, LOCK_FILE = "frames.toml", "templates.lock"
_FIELDS = {Channel.SMS: ("sms",), Channel.EMAIL: ("subject", "email"), Channel.VOICE: ("voice",)}
_ID = re.compile(r"[a-z][a-z_]*\.[a-z][a-z_]*")
_LINE = re.compile(r'"([^"]+)" = \{ version = (\d+), sha256 = "([0-9a-f]{64})" \}')
_NO_STEPS: Mapping[str, str] = MappingProxyType({})

Key = tuple[str, Channel, str]


class Rendered(NamedTuple):
    """A message ready to go. `steps` are the spoken texts of a call, by step; `parts` what an SMS is charged as."""

    template: str
    template_hash: str
    language: str
    subject: str
    text: str
    html: str
    parts: int
    steps: Mapping[str, str] = _NO_STEPS
    version: int = 0


@dataclass(frozen=True, slots=True)
class Version:
    """One approved text: a template in one channel and language. `sources` are its parts as they are written."""

    template: str
    channel: Channel
    language: str
    about: str
    frame: str
    number: int
    sha256: str
    sources: Mapping[str, str]
    slots: tuple[str, ...]
    texts: Mapping[str, Text]

    @property
    def name(self) -> str:
        """Return the name used in the lock and by the command line, such as "reminder.gentle/sms/en"."""
        return f"{self.template}/{self.channel.label}/{self.language}"


class Catalogue:
    """All texts that may be sent."""

    def __init__(self, versions: Mapping[Key, Version]) -> None:
        self._versions = dict(versions)

    @classmethod
    def load(cls, folder: Traversable | None = None) -> Catalogue:
        """Read the templates and check them against the lock. Raises TemplateError, naming file or text."""
        folder = folder or templates_folder()
        lock = read_lock(folder)
        versions: dict[Key, Version] = {}
        for name, (key, about, frame, sources) in _read(folder).items():
            sha256 = _hash(sources)
            number, approved = lock.pop(name, (0, ""))
            if sha256 != approved:
                state = "was changed since it was approved" if approved else "was never approved"
                raise TemplateError(f"{name} {state}: review it, then run `forbear template approve`")
            versions[key] = _compile(key, about, frame, sources, number, sha256)
        if lock:
            raise TemplateError(f"{', '.join(sorted(lock))} is approved but missing")
        return cls(versions)

    def __iter__(self) -> Iterator[Version]:
        return iter(self._versions.values())

    def __len__(self) -> int:
        return len(self._versions)

    @property
    def templates(self) -> tuple[str, ...]:
        """Return the ids of all templates, in order."""
        return tuple(sorted({version.template for version in self}))

    def find(self, template: str, channel: Channel, language: str) -> Version:
        """Return one text. Raises TemplateError where there is none; another language is never a substitute."""
        try:
            return self._versions[template, channel, language]
        except KeyError:
            raise TemplateError(f"no text {template!r} for {channel.label} in {language!r}") from None

    def render(self, template: str, channel: Channel, language: str, slots: Mapping[str, str]) -> Rendered:
        """Fill the slots of one text. Raises TemplateError for what is missing, unknown or cannot be made harmless.

        Slots that the text does not use are ignored, and not even looked at.
        """
        return render_version(self.find(template, channel, language), slots)


def render_version(version: Version, slots: Mapping[str, str]) -> Rendered:
    """Fill the slots of a text that was found, as `Catalogue.render` does."""
    channel, language = version.channel, version.language
    try:
        values = {name: sanitise(name, slots[name], language) for name in version.slots}
    except KeyError as error:
        raise TemplateError(f"slot {error.args[0]!r} has no value; see messages.recipient_slots()") from None
    subject, html, parts, steps = "", "", 1, _NO_STEPS
    if channel is Channel.SMS:
        text = version.texts["sms"].fill(values).strip()
        text = text if language.startswith("zh") else gsm7(text)
        parts = segments(text)
    elif channel is Channel.EMAIL:
        subject = version.texts["subject"].fill(values)
        text = version.texts["text"].fill(values)
        html = version.texts["html"].fill({name: escape(value) for name, value in values.items()})
    else:
        spoken = {name: one.fill(values) for name, one in version.texts.items()}
        if not values["contact_person"]:
            spoken["voicemail"] = ""  # without a person's name it would be no limited-content message
        steps = MappingProxyType(spoken)
        text = "\n\n".join(steps[name] for name in ("greeting", "statement", "menu") if steps[name])
    return Rendered(version.template, version.sha256, language, subject, text, html, parts, steps, version.number)


def templates_folder() -> Traversable:
    """Return the folder of the shipped templates."""
    return files("forbear_domain.messages").joinpath("templates")


def read_lock(folder: Traversable) -> dict[str, tuple[int, str]]:
    """Return version and SHA-256 of every approved text by its name. Raises TemplateError for a broken line."""
    lock: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(folder.joinpath(LOCK_FILE).read_text(encoding="utf-8").splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise TemplateError(f"{LOCK_FILE}, line {number} cannot be read")
        lock[match[1]] = (int(match[2]), match[3])
    return lock


def approved_lock(folder: Traversable) -> tuple[str, list[str]]:
    """Return the lock for the texts as they are now, and the names of those that changed; their version goes up by 1.

    The caller has linted and reviewed them and writes the lock.
    """
    old = read_lock(folder) if folder.joinpath(LOCK_FILE).is_file() else {}
    lines = ["# Version and SHA-256 of every approved text. Written by `forbear template approve` after a review."]
    changed = []
    for name, (_, _, _, sources) in sorted(_read(folder).items()):
        number, sha256 = old.get(name, (0, ""))
        if _hash(sources) != sha256:
            number, sha256 = number + 1, _hash(sources)
            changed.append(name)
        lines.append(f'"{name}" = {{ version = {number}, sha256 = "{sha256}" }}')
    return "\n".join(lines) + "\n", changed


def draft_catalogue(folder: Traversable | None = None) -> Catalogue:
    """Read the templates without the lock, for review and lint only; nothing made from it may be sent."""
    read = _read(folder or templates_folder()).values()
    return Catalogue({key: _compile(key, about, frame, sources, 0, "") for key, about, frame, sources in read})


def _hash(sources: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(sources, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _read(folder: Traversable) -> dict[str, tuple[Key, str, str, dict[str, str]]]:
    """Return key, purpose, frame and composed sources of every text by its name, in order of file names."""
    frames = _parse(folder.joinpath(FRAMES_FILE))
    texts: dict[str, tuple[Key, str, str, dict[str, str]]] = {}
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        if not file.name.endswith(".toml") or file.name == FRAMES_FILE:
            continue
        data = _parse(file)
        template, about, frame = _head(file.name, data)
        for language in LANGUAGES:
            body = data.get(language, {})
            for channel, wanted in _FIELDS.items():
                missing = [name for name in wanted if not str(body.get(name, "")).strip()]
                if missing:
                    raise TemplateError(f"{file.name}: [{language}] lacks {', '.join(missing)}")
                sources = _compose(frames[language], frame, channel, body)
                key = (template, channel, language)
                texts[f"{template}/{channel.label}/{language}"] = (key, about, frame, sources)
    return texts


def _parse(file: Traversable) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise TemplateError(f"{file.name}: {error}") from error


def _head(file_name: str, data: Mapping[str, Any]) -> tuple[str, str, str]:
    template, about, frame = (str(data.get(name, "")) for name in ("id", "about", "frame"))
    if f"{template}.toml" != file_name or not _ID.fullmatch(template):
        raise TemplateError(f"{file_name}: id {template!r} must be the file's name")
    if not about or frame not in FRAMES:
        raise TemplateError(f"{file_name}: needs `about` and a `frame` of {', '.join(FRAMES)}")
    unknown = set(data) - {"id", "about", "frame", *LANGUAGES}
    if unknown:
        raise TemplateError(f"{file_name}: unknown {', '.join(sorted(unknown))}")
    return template, about, frame


def _compose(frames: Mapping[str, Any], frame: str, channel: Channel, body: Mapping[str, str]) -> dict[str, str]:
    """Put a template's own words into the frame of its channel."""
    if channel is Channel.SMS:
        return {"sms": frames["sms"][frame].replace("{body}", body["sms"].strip())}
    if channel is Channel.EMAIL:
        mail = frames["email"][frame].replace("{body}", body["email"].strip())
        return {"subject": body["subject"], "email": mail, "footer": frames["email_footer"][frame]}
    statement = frames["voice_statement"][frame].replace("{body}", body["voice"].strip())
    return {**frames["voice"], "menu": frames["voice_menu"][frame], "statement": statement}


def _compile(key: Key, about: str, frame: str, sources: Mapping[str, str], number: int, sha256: str) -> Version:
    template, channel, language = key
    try:
        if channel is Channel.EMAIL:
            texts = {
                "subject": Text(sources["subject"]),
                "text": Text(mail_text(sources["email"] + "\n\n--\n" + sources["footer"])),
                "html": Text(mail_html(sources["email"], sources["footer"], language)),
            }
        else:
            texts = {name: Text(source) for name, source in sources.items()}
        slots = tuple(dict.fromkeys(name for text in texts.values() for name in text.slots))
        unknown = [name for name in slots if name not in SLOT_TYPES]
        if unknown:
            raise TemplateError(f"unknown slot {', '.join(unknown)}")
    except TemplateError as error:
        raise TemplateError(f"{template}/{channel.label}/{language}: {error}") from None
    return Version(template, channel, language, about, frame, number, sha256, sources, slots, texts)
