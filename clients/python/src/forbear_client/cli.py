"""The `forbear` command: what operators, analysts and compliance officers do by hand.

Each group of commands lives in a module of its own and is imported only when it is asked for, so that `forbear --help`
is quick and one missing piece does not break the others.
"""

from __future__ import annotations

import importlib
from typing import Any

import click

# Module and purpose of each command, by its name.
GROUPS = {
    "policy": ("forbear_client.policy_commands", "Ask the law: check cases, explain a decision, list the packs."),
    "template": ("forbear_client.template_commands", "Read, lint and approve message templates."),
    "ledger": ("forbear_client.ledger_commands", "Verify the evidence, or export one borrower's history."),
    "replies": ("forbear_client.replies_commands", "Read borrowers' replies, train the reader, report its quality."),
    "campaign": ("forbear_client.campaign_commands", "Import borrowers, start campaigns, see what they bring."),
    "cases": ("forbear_client.case_commands", "What people must take over: the queue, the whole story, the way back."),
    "questions": (
        "forbear_client.question_commands",
        "Whom nobody may contact for want of an answer, and what to give.",
    ),
    "numbers": ("forbear_client.number_commands", "Check mobiles for reassigned numbers, and record the answers."),
    "unemployment": (
        "forbear_client.unemployment_commands",
        "Load regional unemployment, an input of the ability to pay.",
    ),
    "switch": ("forbear_client.control_commands", "Throw and lift kill switches, in force within seconds."),
    "limit": ("forbear_client.control_commands", "Set and lift rate limits while sending goes on."),
    "brake": ("forbear_client.brake_commands", "What harm is tolerated before a template is slowed or stopped."),
    "evaluate": ("forbear_client.evaluate_commands", "Say what learning brought, beside the control and fixed rules."),
    "strategy": ("forbear_client.strategy_commands", "Who decides: propose a strategy, see what the logs say of it."),
}


class LazyGroups(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the groups, in the order of the table."""
        return list(GROUPS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a group and return it."""
        if cmd_name not in GROUPS:
            return None
        command = getattr(importlib.import_module(GROUPS[cmd_name][0]), cmd_name)
        return command if isinstance(command, click.Command) else None

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; say where an option belongs that stands behind the wrong word."""
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            above = None if error.ctx is None else error.ctx.parent
            if above is not None and any(error.option_name in one.opts for one in above.command.params):
                raise click.UsageError(
                    f"{error.option_name} goes one word earlier: {above.command_path} {error.option_name} ...", above
                ) from None
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the groups without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in GROUPS.items()])


@click.command(cls=LazyGroups, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="forbear-client")
def main() -> None:
    """Forbear: reach borrowers who have fallen behind, kindly, lawfully, and never twice.

    Start with `forbear policy packs` to see which law is known, or `make demo` to see the whole loop.
    """


if __name__ == "__main__":
    main()
