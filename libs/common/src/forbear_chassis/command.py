"""The command line that every service has: `serve`, `migrate`, and a `--help` that names what must be set."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import click

from forbear_chassis import logs
from forbear_chassis.postgres import migrate
from forbear_chassis.process import run
from forbear_chassis.settings import EXIT_BAD_SETTINGS, ServiceSettings, load, read_secret_files

S = TypeVar("S", bound=ServiceSettings)


@dataclass(frozen=True, slots=True)
class Service(Generic[S]):
    """What the command line must know of a service."""

    name: str
    about: str
    settings: type[S]
    serve: Callable[[S], Coroutine[Any, Any, None]]
    schema: str
    migrations: str

    @property
    def prefix(self) -> str:
        """Return how the names of its settings begin."""
        return str(self.settings.model_config["env_prefix"])

    async def migrate_when_told(self, settings: ServiceSettings) -> None:
        """Bring the schema up to date where the settings name its owner."""
        if settings.migration_database_url is not None:
            await migrate(settings.migration_database_url.get_secret_value(), self.migrations, self.schema)


def make_group(service: Service[S]) -> click.Group:
    """Return the command line; without a command it serves. A service may add commands of its own."""

    def start() -> None:
        settings = load(service.settings)
        logs.configure(service.name, settings.log_level)
        run(service.serve(settings))

    @click.group(
        invoke_without_command=True, help=_help(service), context_settings={"help_option_names": ["-h", "--help"]}
    )
    @click.pass_context
    def group(context: click.Context) -> None:
        if context.invoked_subcommand is None:
            start()

    @group.command("serve", help="Run the service until it is told to stop (the default).")
    def serve_command() -> None:
        start()

    @group.command("migrate", help="Bring the schema up to date with the owner's rights, and end.")
    def migrate_command() -> None:
        name = f"{service.prefix}MIGRATION_DATABASE_URL"
        read_secret_files(service.prefix)
        url = os.environ.get(name)
        if not url:
            sys.stderr.write(f"setting {name} (URL of the schema's owner): set it, or {name}_FILE\n")
            raise SystemExit(EXIT_BAD_SETTINGS)
        logs.configure(service.name, "info")
        count: list[int] = []

        async def bring_up_to_date() -> None:
            count.append(await migrate(url, service.migrations, service.schema))

        run(bring_up_to_date())
        click.echo(f"{service.schema}: {count[0]} migrations applied")

    return group


def _help(service: Service[S]) -> str:
    required = [
        f"  {service.prefix}{name.upper():24}{field.description}"
        for name, field in service.settings.model_fields.items()
        if field.is_required()
    ]
    return "\n".join(
        [service.about, "", "These settings have no default; docs/SETTINGS.md lists them all:", "", "\b", *required]
    )
