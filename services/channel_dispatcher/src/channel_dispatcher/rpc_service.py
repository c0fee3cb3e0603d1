"""The wire of the dispatcher: requests are checked field by field and become domain values; nothing is decided here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from functools import lru_cache
from typing import Any

from channel_dispatcher import metrics
from channel_dispatcher.capacity import Capacities
from channel_dispatcher.erase import Erasure
from channel_dispatcher.model import ADDRESS_WIDE, INCONVENIENT, LANES
from channel_dispatcher.statement_wire import statement_of
from channel_dispatcher.store import ledger, queue
from channel_dispatcher.store.queue import Lot, QueueRow
from channel_dispatcher.store.receipts import NewReceipt
from channel_dispatcher.store.suppressions import DAY_MINUTES, EVERY_DAY, NewSuppression
from channel_dispatcher.validation import violation_of
from channel_dispatcher.wire import Once, bad, constant, instant_of, set_time, uuid_of
from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear.dispatcher.v1 import dispatcher_service_pb2_grpc as pb_grpc
from forbear.types.v1 import types_pb2
from forbear_chassis.clock import Clock
from forbear_chassis.postgres import UUID, Connection, Pool
from forbear_domain.ids import EVERYONE
from forbear_domain.model import SuppressionKind, address_key
from forbear_domain.policy import PackError, load_packs, read_tenant_policy
from forbear_providers.contract import ReceiptState

BATCH_MAX = 1000
_LANES = {int(purpose): int(lane) for purpose, lane in LANES.items()}
_RECEIPT_STATES = {int(state): state for state in ReceiptState}
_SUPPRESSION_KINDS = {int(kind): kind for kind in SuppressionKind}


class DispatcherRpc(pb_grpc.DispatcherServiceServicer):
    """Implements forbear.dispatcher.v1.DispatcherService. `wake` is called after a commit that makes work visible."""

    def __init__(
        self, pool: Pool, clock: Clock, erasure: Erasure, capacities: Capacities, wake: Callable[[], None]
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._erasure = erasure
        self._changes = erasure.changes
        self._capacities = capacities
        self._wake = wake
        self._once = Once(pool, clock)

    async def SubmitContacts(  # the wire's names
        self, request_iterator: AsyncIterator[pb.SubmitContactsRequest], context: object
    ) -> AsyncIterator[pb.SubmitContactsResponse]:
        """Take batches, each durable before it is acknowledged."""
        async for request in request_iterator:
            yield await self._take(request)

    async def _take(self, request: pb.SubmitContactsRequest) -> pb.SubmitContactsResponse:
        _check_size(request.contacts, "contacts")
        response = pb.SubmitContactsResponse(request_id=request.request_id)
        rows = []
        for contact in request.contacts:
            violation = violation_of(contact)
            if violation is None:
                rows.append(_queue_row(contact))
            else:
                response.violations.add(
                    contact_id=contact.contact_id, field=violation.field, description=violation.description
                )
        response.taken = await queue.insert(self._pool, rows)
        response.repeated = len(rows) - response.taken
        if response.taken:
            _count_taken(rows)
            self._wake()
        return response

    async def RecallContacts(self, request: pb.RecallContactsRequest, context: object) -> pb.RecallContactsResponse:
        """Take contacts back."""
        tenant = uuid_of(request.tenant_id, "tenant_id")
        column, ids = _recall_scope(request)
        reason = constant(request.reason, "reason")

        async def recall(connection: Connection) -> pb.RecallContactsResponse:
            count = await self._changes.recall(connection, tenant, column, ids, reason)
            return pb.RecallContactsResponse(recalled=count)

        response = await self._once(request.request_id, "RecallContacts", pb.RecallContactsResponse, recall)
        self._wake()
        return response

    async def ApplySuppressions(
        self, request: pb.ApplySuppressionsRequest, context: object
    ) -> pb.ApplySuppressionsResponse:
        """Put suppressions in force; answers when nothing that they bar can start any more."""
        _check_size(request.suppressions, "suppressions")
        rows = [_suppression(one, number) for number, one in enumerate(request.suppressions)]

        async def apply(connection: Connection) -> pb.ApplySuppressionsResponse:
            response = pb.ApplySuppressionsResponse()
            set_time(response.force_time, await self._changes.suppress(connection, rows))
            return response

        response = await self._once(request.request_id, "ApplySuppressions", pb.ApplySuppressionsResponse, apply)
        await self._changes.wait_for_flight(rows, [one.address for one in request.suppressions if not one.tenant_id])
        self._wake()
        return response

    async def AffirmSuppressions(
        self, request: pb.AffirmSuppressionsRequest, context: object
    ) -> pb.AffirmSuppressionsResponse:
        """Note that everything the tracker has taken is in force."""
        await self._changes.affirm()
        return pb.AffirmSuppressionsResponse()

    async def LiftSuppressions(
        self, request: pb.LiftSuppressionsRequest, context: object
    ) -> pb.LiftSuppressionsResponse:
        """Lift suppressions."""
        tenant = _tenant_or_everyone(request.tenant_id, "tenant_id")
        _check_size(request.suppression_ids, "suppression_ids")
        ids = [uuid_of(one, "suppression_ids") for one in request.suppression_ids]
        reason = constant(request.reason, "reason")

        async def lift(connection: Connection) -> pb.LiftSuppressionsResponse:
            return pb.LiftSuppressionsResponse(lifted=await self._changes.lift(connection, tenant, ids, reason))

        return await self._once(request.request_id, "LiftSuppressions", pb.LiftSuppressionsResponse, lift)

    async def ApplyPolicy(self, request: pb.ApplyPolicyRequest, context: object) -> pb.ApplyPolicyResponse:
        """Put a tenant's own rules in force."""
        tenant = uuid_of(request.tenant_id, "tenant_id")
        label = _policy_label(request.version, request.text)

        async def apply(connection: Connection) -> pb.ApplyPolicyResponse:
            version, since = await self._changes.apply_policy(connection, tenant, request.version, request.text, label)
            response = pb.ApplyPolicyResponse(version=version)
            set_time(response.force_time, since)
            return response

        response = await self._once(request.request_id, "ApplyPolicy", pb.ApplyPolicyResponse, apply)
        self._wake()
        return response

    async def EraseBorrower(self, request: pb.EraseBorrowerRequest, context: object) -> pb.EraseBorrowerResponse:
        """Erase a borrower from the evidence."""
        tenant = uuid_of(request.tenant_id, "tenant_id")
        borrower = uuid_of(request.borrower_id, "borrower_id")

        async def erase(connection: Connection) -> pb.EraseBorrowerResponse:
            response = pb.EraseBorrowerResponse()
            erase_at = await self._erasure.ask(connection, tenant, borrower)
            if erase_at is not None:
                set_time(response.erase_time, erase_at)
            return response

        response = await self._once(request.request_id, "EraseBorrower", pb.EraseBorrowerResponse, erase)
        self._wake()
        return response

    async def RecordReceipts(self, request: pb.RecordReceiptsRequest, context: object) -> pb.RecordReceiptsResponse:
        """Take receipts."""
        _check_size(request.receipts, "receipts")
        rows = [_receipt(one, number) for number, one in enumerate(request.receipts)]

        async def receive(connection: Connection) -> pb.RecordReceiptsResponse:
            return pb.RecordReceiptsResponse(taken=await self._changes.receive(connection, rows))

        return await self._once(request.request_id, "RecordReceipts", pb.RecordReceiptsResponse, receive)

    async def RecordStatements(
        self, request: pb.RecordStatementsRequest, context: object
    ) -> pb.RecordStatementsResponse:
        """Write statements into the ledger."""
        _check_size(request.statements, "statements")
        rows = [statement_of(one, f"statements[{number}].") for number, one in enumerate(request.statements)]

        async def state(connection: Connection) -> pb.RecordStatementsResponse:
            return pb.RecordStatementsResponse(taken=await self._changes.state(connection, rows))

        return await self._once(request.request_id, "RecordStatements", pb.RecordStatementsResponse, state)

    async def GetCapacity(self, request: pb.GetCapacityRequest, context: object) -> pb.GetCapacityResponse:
        """Tell what each channel can carry for a tenant, or a campaign."""
        response = pb.GetCapacityResponse()
        campaign = uuid_of(request.campaign_id, "campaign_id") if request.campaign_id else None
        for one in await self._capacities.of(uuid_of(request.tenant_id, "tenant_id"), campaign):
            response.channels.add(
                channel=types_pb2.Channel.ValueType(one.channel),
                contacts_per_hour=one.per_hour,
                queued=one.queued,
                contacts_by_hour=one.by_hour,
            )
        for each in await self._capacities.of_networks():
            response.networks.add(network=each.network, length_s=each.length_s, contacts=each.contacts)
        return response

    async def ReadLedger(self, request: pb.ReadLedgerRequest, context: object) -> AsyncIterator[pb.ReadLedgerResponse]:
        """Stream entries, then the checkpoint that covers them."""
        tenant = uuid_of(request.tenant_id, "tenant_id") if request.tenant_id else None
        borrower = uuid_of(request.borrower_id, "borrower_id") if request.borrower_id else None
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            checkpoint = await ledger.latest_checkpoint(connection)
            if checkpoint is None:
                return
            async for page in ledger.read(connection, checkpoint.size, request.start_sequence, tenant, borrower):
                entries = [pb.LedgerEntry(sequence=one.sequence, body=one.body, proof=one.proof) for one in page]
                yield pb.ReadLedgerResponse(entries=entries)
            last = pb.ReadLedgerResponse()
            last.checkpoint.size, last.checkpoint.root = checkpoint.size, checkpoint.root
            last.checkpoint.signature, last.checkpoint.key_id = checkpoint.signature, checkpoint.key_id
            set_time(last.checkpoint.sign_time, checkpoint.signed_at)
            yield last


def _queue_row(contact: types_pb2.Contact) -> QueueRow:
    start, end = contact.not_before_time, contact.expire_time
    lot = _lot(
        contact.tenant_id, contact.campaign_id, contact.channel, contact.purpose,
        start.seconds * 1_000_000 + start.nanos // 1000, end.seconds * 1_000_000 + end.nanos // 1000,
    )  # fmt: skip
    return QueueRow(
        lot, UUID(contact.contact_id), UUID(contact.borrower_id), UUID(contact.loan_id), contact.SerializeToString()
    )


@lru_cache(maxsize=4096)
def _lot(tenant: bytes, campaign: bytes, channel: int, purpose: int, due_us: int, expire_us: int) -> Lot:
    """The same object for equal values, so that the contacts of a batch share it."""
    return Lot(UUID(tenant), UUID(campaign) if campaign else None, channel, purpose, _LANES[purpose], due_us, expire_us)


def _count_taken(rows: Sequence[QueueRow]) -> None:
    channels = [row.lot.channel for row in rows]
    for channel, child in metrics.TAKEN.items():
        child.inc(channels.count(channel.value))


def _recall_scope(request: pb.RecallContactsRequest) -> tuple[str, list[Any]]:
    """Return the one thing that the recall names, as a column and its values."""
    scopes = [
        ("campaign_id", [request.campaign_id] if request.campaign_id else []),
        ("borrower_id", [request.borrower_id] if request.borrower_id else []),
        ("contact_id", list(request.contact_ids)),
    ]
    given = [(column, ids) for column, ids in scopes if ids]
    if len(given) != 1 or len(given[0][1]) > BATCH_MAX:
        raise bad("contact_ids", f"give exactly one of campaign_id, borrower_id or up to {BATCH_MAX} contact_ids")
    column, ids = given[0]
    return column, [uuid_of(one, column) for one in ids]


def _suppression(wire: types_pb2.Suppression, number: int) -> NewSuppression:
    at = f"suppressions[{number}]."
    if not wire.borrower_id and not wire.address:
        raise bad(at + "borrower_id", "give a borrower, an address, or both")
    if not wire.kind:
        raise bad(at + "kind", "say why contact is barred")
    if not wire.HasField("start_time"):
        raise bad(at + "start_time", "give the instant from which on it holds")
    kind = _SUPPRESSION_KINDS.get(wire.kind, SuppressionKind.CEASE)  # what we do not know holds the whole borrower
    tenant = _tenant_or_everyone(wire.tenant_id, at + "tenant_id")
    if tenant == EVERYONE and (kind not in ADDRESS_WIDE or not wire.address or wire.borrower_id or wire.loan_id):
        raise bad(at + "tenant_id", "only an opt-out or a wrong party, of an address alone, holds for every tenant")
    return NewSuppression(
        uuid_of(wire.suppression_id, at + "suppression_id"),
        tenant,
        kind,
        uuid_of(wire.borrower_id, at + "borrower_id") if wire.borrower_id else None,
        uuid_of(wire.loan_id, at + "loan_id") if wire.loan_id else None,
        address_key(tenant.bytes, wire.address) if wire.address else "",
        wire.channel,
        instant_of(wire.start_time),
        instant_of(wire.end_time) if wire.HasField("end_time") else None,
        constant(wire.source, at + "source"),
        *_inconvenience(wire, kind, at),
    )


def _inconvenience(wire: types_pb2.Suppression, kind: SuppressionKind, at: str) -> tuple[int, int, int, str]:
    """Return weekdays as bits, first and last minute, and place; whole weeks and no place for other kinds."""
    is_time, is_place = kind is SuppressionKind.INCONVENIENT_TIME, kind is SuppressionKind.INCONVENIENT_PLACE
    if kind in INCONVENIENT and not wire.borrower_id:
        raise bad(at + "borrower_id", "name the borrower who called it inconvenient")
    if is_place != bool(wire.place) or wire.place not in ("", "home", "work"):
        raise bad(at + "place", 'give "home" or "work" for an inconvenient place, and nothing for other kinds')
    if is_time != wire.HasField("hours"):
        raise bad(at + "hours", "give the hours of an inconvenient time, and none for other kinds")
    if not is_time:
        return EVERY_DAY, 0, DAY_MINUTES, wire.place
    days, start, end = set(wire.hours.weekdays), wire.hours.start_minute, wire.hours.end_minute
    if not days or not days <= set(range(7)) or not 0 <= start < end <= DAY_MINUTES:
        raise bad(at + "hours", "give weekdays from 0 to 6, and minutes with 0 <= start < end <= 1440")
    return sum(1 << day for day in days), start, end, ""


def _receipt(wire: pb.Receipt, number: int) -> NewReceipt:
    at = f"receipts[{number}]."
    state = _RECEIPT_STATES.get(wire.state)
    if state is None:
        raise bad(at + "state", "give a state that this version knows")
    if not wire.attempt_id and state is not ReceiptState.INBOUND:
        raise bad(at + "attempt_id", "name the attempt; only INBOUND may come without one")
    if not wire.HasField("event_time"):
        raise bad(at + "event_time", "say when it happened")
    return NewReceipt(
        uuid_of(wire.receipt_id, at + "receipt_id"),
        uuid_of(wire.tenant_id, at + "tenant_id"),
        uuid_of(wire.attempt_id, at + "attempt_id") if wire.attempt_id else None,
        uuid_of(wire.borrower_id, at + "borrower_id"),
        wire.channel,
        state,
        wire.code[:64],
        instant_of(wire.event_time),
    )


def _tenant_or_everyone(value: bytes, field: str) -> Any:
    return uuid_of(value, field) if value else EVERYONE


def _policy_label(version: int, text: str) -> str:
    """Read a tenant's rules and return what permits will call them; empty where they were withdrawn."""
    if version < 1:
        raise bad("version", "give the number of the version, from 1")
    try:
        return read_tenant_policy(text, version, load_packs()).label if text else ""
    except PackError as error:
        raise bad("text", str(error)) from None


def _check_size(items: Sequence[object], field: str) -> None:
    if not 1 <= len(items) <= BATCH_MAX:
        raise bad(field, f"give 1 to {BATCH_MAX}")
