"""The composition root of the contact scheduler: `python -m contact_scheduler` serves, `create-tenant` bootstraps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click
import structlog

from contact_scheduler.capacity import DispatcherCapacity
from contact_scheduler.check_numbers import CheckNumbers
from contact_scheduler.erase_borrower import EraseBorrower, hand_over_erasure
from contact_scheduler.evaluate_campaign import EvaluateCampaign
from contact_scheduler.explain_contact import ExplainContact
from contact_scheduler.hand_over import PAYMENT, RECALL, relay_bars, relay_requests
from contact_scheduler.http_app import make_app
from contact_scheduler.import_borrowers import ImportBorrowers
from contact_scheduler.learning.scores import SHIPPED, Cards
from contact_scheduler.learning.worth import Costs
from contact_scheduler.manage_campaigns import ManageCampaigns
from contact_scheduler.manage_policy import ManagePolicy, hand_over_policy
from contact_scheduler.plan_day import PlanDay
from contact_scheduler.record_number_checks import RecordNumberChecks
from contact_scheduler.record_payments import RecordPayments
from contact_scheduler.rehearse_campaign import RehearseCampaign
from contact_scheduler.release_contacts import ReleaseContacts
from contact_scheduler.report_campaign import ReportCampaign
from contact_scheduler.rpc_service import SERVICE, SchedulerService
from contact_scheduler.score_cards import CardsRefused, never_known, read_cards
from contact_scheduler.settings import Settings
from contact_scheduler.store.borrowers import BorrowerStore
from contact_scheduler.store.campaigns import CampaignStore
from contact_scheduler.store.imports import ImportStore
from contact_scheduler.store.reports import ReportStore
from contact_scheduler.store.tenants import TenantStore
from contact_scheduler.take_feedback import TakeFeedback
from contact_scheduler.tenants import (
    ACTORS,
    TenantRefused,
    create_key,
    create_tenant,
    describe_key,
    list_keys,
    revoke_keys,
)
from contact_scheduler.watch_clocks import WatchClocks
from contact_scheduler.web.access import Api
from contact_scheduler.what_if import AskWhatIf
from forbear.dispatcher.v1 import dispatcher_service_pb2 as dispatcher_pb
from forbear.dispatcher.v1.control_service_pb2_grpc import ControlServiceStub
from forbear.dispatcher.v1.dispatcher_service_pb2_grpc import DispatcherServiceStub
from forbear.scheduler.v1.scheduler_service_pb2_grpc import add_SchedulerServiceServicer_to_server
from forbear.tracker.v1 import tracker_service_pb2 as tracker_pb
from forbear.tracker.v1.tracker_service_pb2_grpc import TrackerServiceStub
from forbear_chassis import logs, process
from forbear_chassis.clock import Clock, SystemClock
from forbear_chassis.command import Service, make_group
from forbear_chassis.http import App, HttpServer, admin_app
from forbear_chassis.law import packs_at_start
from forbear_chassis.postgres import Pool, open_pool
from forbear_chassis.process import Process
from forbear_chassis.rpc import RpcServer, connect
from forbear_chassis.settings import load
from forbear_chassis.worker import TRANSIENT, Pass, WorkerLoop, wake_all
from forbear_domain.messages import Catalogue
from forbear_providers.number_lookup import NumberLookup

if TYPE_CHECKING:
    from forbear.dispatcher.v1.dispatcher_service_pb2_grpc import DispatcherServiceAsyncStub
    from forbear.tracker.v1.tracker_service_pb2_grpc import TrackerServiceAsyncStub

NAME = "contact-scheduler"

log = structlog.get_logger(__name__)


async def serve(settings: Settings) -> None:
    """Build the service from its parts and run it until it is told to stop."""
    packs_at_start()
    running = Process(settings, NAME)
    clock = await running.open_clock()
    pool = await _open_database(settings)
    running.on_close(pool.close)
    dispatcher_channel = connect(settings.dispatcher_target, clock)
    tracker_channel = connect(settings.tracker_target, clock)
    running.on_close(dispatcher_channel.close)
    running.on_close(tracker_channel.close)
    dispatcher, tracker = DispatcherServiceStub(dispatcher_channel), TrackerServiceStub(tracker_channel)

    release = ReleaseContacts(pool, clock, dispatcher.SubmitContacts)
    release_loop = running.worker("release", release.run_once, clock)
    fallback = (settings.capacity_sms_per_hour, settings.capacity_email_per_hour, settings.capacity_voice_per_hour)
    costs = Costs((settings.cost_sms, settings.cost_email, settings.cost_voice), settings.cost_complaint)
    plan = PlanDay(
        pool, clock, DispatcherCapacity(dispatcher, fallback), release_loop.wake, plan_hour_utc=settings.plan_hour_utc,
        seed=settings.seed, costs=costs,
    )  # fmt: skip
    plan.cards = _read_cards(settings.score_cards)
    plan_loop = running.worker("plan", plan.run_once, clock)
    watch_loop = running.worker(
        "clocks", WatchClocks(pool, clock, plan_hour_utc=settings.plan_hour_utc).run_once, clock
    )
    relays = _relays(running, pool, clock, dispatcher, tracker)

    explain = ExplainContact(pool, clock, plan)
    rpc = RpcServer(settings.rpc_listen, clock, running.activity, reflect=settings.reflection)
    service = SchedulerService(TakeFeedback(pool, relays["recall"].wake), explain)
    add_SchedulerServiceServicer_to_server(service, rpc.server)
    rpc.add(SERVICE)
    report = ReportCampaign(ReportStore(pool), clock)
    api = Api(
        pool=pool, clock=clock, tenants=TenantStore(pool), imports=ImportStore(pool), campaigns=CampaignStore(pool),
        borrowers=BorrowerStore(pool),
        import_borrowers=_imports(pool, clock, settings, relays),
        manage_campaigns=ManageCampaigns(partial(wake_all, (plan_loop, release_loop, relays["recall"]))),
        manage_policy=ManagePolicy(relays["policy"].wake), erase_borrower=EraseBorrower(relays["erase"].wake),
        record_payments=RecordPayments(partial(wake_all, (relays["recall"], relays["payments"]))),
        record_number_checks=_number_checks(running, pool, clock, settings, relays),
        report=report, evaluate=EvaluateCampaign(ReportStore(pool), report, clock), explain=explain,
        control=ControlServiceStub(dispatcher_channel), tracker=tracker, watch_clocks=watch_loop.wake, costs=costs,
        what_if=AskWhatIf(pool, plan),
        rehearse=RehearseCampaign(pool, clock, plan, Catalogue.load()),
    )  # fmt: skip
    running.serve(HttpServer(admin_app(lambda: _is_ready(pool)), settings.admin_listen))
    running.serve(HttpServer(cast("App", make_app(api)), settings.http_listen, running.activity))
    running.serve(rpc)
    log.info("settings_read", **settings.model_dump(mode="json"))
    await running.run()


def _imports(pool: Pool, clock: Clock, settings: Settings, relays: dict[str, WorkerLoop]) -> ImportBorrowers:
    """Make the use case that takes a file; what it stops and bars is handed over at once."""
    wake = partial(wake_all, [relays[name] for name in ("recall", "suppress")])
    return ImportBorrowers(ImportStore(pool), clock, settings.import_bytes_max, wake)


def _number_checks(
    running: Process, pool: Pool, clock: Clock, settings: Settings, relays: dict[str, WorkerLoop]
) -> RecordNumberChecks:
    """Make the use case that records answers, and start the worker that asks where the settings want one."""
    record = RecordNumberChecks(partial(wake_all, (relays["recall"], relays["suppress"])))
    if settings.number_checks_per_day:
        token = settings.lookup_auth_token.get_secret_value()
        lookup = NumberLookup(settings.lookup_url, settings.lookup_account_sid, token)
        running.on_close(lookup.close)
        checks = CheckNumbers(pool, clock, lookup, record, settings.number_checks_per_day)
        running.worker("number_checks", checks.run_once, clock)
    return record


def _relays(
    running: Process, pool: Pool, clock: Clock, dispatcher: DispatcherServiceAsyncStub, tracker: TrackerServiceAsyncStub
) -> dict[str, WorkerLoop]:
    """Start the workers that tell the neighbours what they must know, by what they tell."""
    relays: dict[str, Callable[[], Awaitable[Pass]]] = {
        "recall": lambda: relay_requests(pool, RECALL, dispatcher_pb.RecallContactsRequest, dispatcher.RecallContacts),
        "suppress": lambda: relay_bars(pool, dispatcher.ApplySuppressions, dispatcher.LiftSuppressions),
        "payments": lambda: relay_requests(pool, PAYMENT, tracker_pb.RecordPaymentsRequest, tracker.RecordPayments),
        "erase": lambda: hand_over_erasure(pool, clock, dispatcher.EraseBorrower, tracker.EraseBorrower),
        "policy": lambda: hand_over_policy(pool, dispatcher.ApplyPolicy),
    }
    return {name: running.worker(name, relay, clock) for name, relay in relays.items()}


def _read_cards(folder: Path | None) -> Cards:
    if folder is None:
        return SHIPPED
    try:
        cards = read_cards(folder)
    except CardsRefused as error:
        raise SystemExit(f"FORBEAR_SCHEDULER_SCORE_CARDS: {error}") from None
    if names := never_known(cards):
        mend = "these inputs are unknown for every borrower; train the cards again without --all-inputs"
        log.warning("score_cards_lean_on_unknown_inputs", inputs=names, mend=mend)
    return cards


async def _open_database(settings: Settings) -> Pool:
    await SERVED.migrate_when_told(settings)
    return await open_pool(settings.database_url.get_secret_value(), size_max=settings.pool_size_max)


async def _is_ready(pool: Pool) -> bool:
    try:
        return bool(await pool.fetchval("SELECT true FROM tenant UNION ALL SELECT true LIMIT 1"))
    except TRANSIENT:
        return False


SERVED = Service(
    NAME,
    "Take borrowers and campaigns, plan whom to reach by which channel and when, and learn from what comes back.\n\n"
    "Begin with `create-tenant`; then send requests with the key that it wrote:\n\n\b\n"
    '  python -m contact_scheduler create-tenant --slug demo --brand "Harbor Home Loans" \\\n'
    "      --actor collecting_servicer --api-key-file demo.key\n"
    '  curl -H "Authorization: Bearer $(cat demo.key)" http://127.0.0.1:8080/v1/campaigns',
    Settings,
    serve,
    "scheduler",
    "contact_scheduler.store.migrations",
)
main = make_group(SERVED)


async def _at_tenants(settings: Settings, act: Callable[[TenantStore], Awaitable[str]]) -> None:
    """Do something with tenants or keys, and say what it returns; what is refused names the option."""
    pool = await _open_database(settings)
    try:
        said = await act(TenantStore(pool))
    except TenantRefused as error:
        raise click.UsageError(str(error)) from None
    finally:
        await pool.close()
    click.echo(said)


def _settings() -> Settings:
    settings = load(Settings)
    logs.configure(NAME, settings.log_level)
    return settings


@main.command("create-tenant")
@click.option("--slug", required=True, help="Short name of the tenant: lower-case letters, digits, hyphens.")
@click.option("--brand", required=True, help="Name under which borrowers know the lender; it stands in every message.")
@click.option("--actor", required=True, type=click.Choice(ACTORS), help="Legal role in which the tenant collects.")
@click.option(
    "--api-key-file", required=True, type=click.Path(dir_okay=False, path_type=Path), help="File that gets the API key."
)
@click.option(
    "--payment-url", default="", help="Your page on which borrowers pay; without it who asks how to pay gets a person."
)
def create_tenant_command(slug: str, brand: str, actor: str, api_key_file: Path, payment_url: str) -> None:
    """Create a tenant and its first API key; run again, it changes brand, role and payment page and keeps the key."""

    async def act(store: TenantStore) -> str:
        now = SystemClock().now()
        tenant_id = await create_tenant(store, slug, brand, actor, api_key_file, now, payment_url)
        return f"tenant {slug} ({tenant_id}); its key is in {api_key_file}"

    process.run(_at_tenants(_settings(), act))


@main.command("create-key")
@click.option("--tenant", "slug", required=True, help="Short name of the tenant.")
@click.option("--person", required=True, help="Name of the person; what they do with the key stands under it.")
@click.option("--scopes", default="read,cases", show_default=True, help="What the key may do, with commas.")
@click.option(
    "--api-key-file", required=True, type=click.Path(dir_okay=False, path_type=Path), help="File that gets the API key."
)
def create_key_command(slug: str, person: str, scopes: str, api_key_file: Path) -> None:
    """Make an API key for one person, for instance to work on cases."""

    async def act(store: TenantStore) -> str:
        asked = [one.strip() for one in scopes.split(",")]
        await create_key(store, slug, person, asked, api_key_file, SystemClock().now())
        return f"the key of {person} is in {api_key_file}"

    process.run(_at_tenants(_settings(), act))


@main.command("list-keys")
@click.option("--tenant", "slug", required=True, help="Short name of the tenant.")
def list_keys_command(slug: str) -> None:
    """List the API keys of a tenant: name, scopes, since when and until when. Nobody can show a key itself."""

    async def act(store: TenantStore) -> str:
        return "\n".join(describe_key(key) for key in await list_keys(store, slug))

    process.run(_at_tenants(_settings(), act))


@main.command("revoke-key")
@click.option("--tenant", "slug", required=True, help="Short name of the tenant.")
@click.option("--name", required=True, help="Name of the key, as `list-keys` shows it; all keys of that name end.")
def revoke_key_command(slug: str, name: str) -> None:
    """End a person's or a program's API keys, and the console sessions opened with them, at once."""

    async def act(store: TenantStore) -> str:
        revoked = await revoke_keys(store, slug, name, SystemClock().now())
        return f"revoked {revoked} {'key' if revoked == 1 else 'keys'} of {name}"

    process.run(_at_tenants(_settings(), act))


@main.command("train-scores")
@click.argument("table", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for the cards.")
@click.option("--group", "groups", multiple=True, help="Column that the fairness report tells apart; never an input.")
@click.option("--origin", required=True, help="Whose loans, of what time: it stands on the card.")
@click.option("--all-inputs", is_flag=True, help="Train also with what the service does not know when it scores.")
def train_scores_command(table: Path, out: Path, groups: tuple[str, ...], origin: str, all_inputs: bool) -> None:
    """Train the ability and willingness cards on outcomes of your own, and write a model card with a fairness report.

    \b
    TABLE is CSV: one row per loan, oldest first, with any of the columns
      payment_to_income, unemployment_pct, unemployment_change, days_past_due, missed_12m, promises_kept,
      reply_share                                                                  (empty: unknown)
    and, with --all-inputs, what the service does not know when it scores:
      debt_to_income, loan_to_value, income_change, partial_share_6m
    and the outcomes, 0 or 1:
      ability       resumed paying within three months
      willingness   paid or arranged after being reached
    The last three in ten rows test what the others taught; a few thousand rows take a minute.
    Point FORBEAR_SCHEDULER_SCORE_CARDS at the folder to use the cards.
    """
    from contact_scheduler.train_scores import train_scores  # needs scikit-learn; serving does not

    try:
        told = train_scores(table, out, groups, origin, lambda words: click.echo(words, err=True), with_all=all_inputs)
        click.echo(told)
        click.echo(f"The cards and this page are in {out}.", err=True)
    except CardsRefused as error:
        raise click.UsageError(str(error)) from None


if __name__ == "__main__":
    main(prog_name="python -m contact_scheduler")
