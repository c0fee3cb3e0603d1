"""Write docs/SETTINGS.md from the settings of the three services, so that the page cannot be wrong."""

from __future__ import annotations

import importlib
from pathlib import Path

from pydantic_core import PydanticUndefined

from forbear_chassis.settings import ServiceSettings

PAGE = Path(__file__).resolve().parent.parent / "docs/SETTINGS.md"
SERVICES = ("contact_scheduler", "channel_dispatcher", "response_tracker")
HEAD = """# Settings

Every setting comes from the environment. A secret may lie in a file instead: set the same name with `_FILE` at its end
to the file's path. A wrong or missing setting stops the process with the name of the setting. This page is written by
`python tools/settings_page.py` from the code.
"""


def page() -> str:
    """Return the page as it should be."""
    return HEAD + "".join(section(service) for service in SERVICES)


def section(service: str) -> str:
    """Return the table of one service."""
    settings: type[ServiceSettings] = importlib.import_module(f"{service}.settings").Settings
    prefix = settings.model_config["env_prefix"]
    lines = [f"\n## {service.replace('_', '-')}\n", "| setting | meaning | default |", "|---|---|---|"]
    for name, field in settings.model_fields.items():
        required = field.default is PydanticUndefined and field.default_factory is None
        default = "required" if required else f"`{field.get_default(call_default_factory=True)!s}`"
        lines.append(f"| `{prefix}{name.upper()}` | {field.description} | {default} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
