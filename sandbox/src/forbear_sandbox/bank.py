"""Where borrowers pay, and which tells the collection platform about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import orjson

from forbear_sandbox.borrower import Borrower
from forbear_sandbox.callbacks import Callbacks


class Bank:
    """Reports each payment to the platform's API; before it is known where that is, payments are only counted."""

    def __init__(self, callbacks: Callbacks) -> None:
        self._callbacks = callbacks
        self._url = ""
        self._api_key = ""
        self._api_keys: dict[str, str] = {}  # of borrowers whose lender is not the first one
        self.unreported = 0
        self.rejected = 0

    def connect(self, url: str, api_key: str, borrowers: Sequence[str] = ()) -> None:
        """Say where payments are reported: those of the borrowers named, or of everybody else."""
        self._url = url.rstrip("/")
        if borrowers:
            self._api_keys |= dict.fromkeys(borrowers, api_key)
        else:
            self._api_key = api_key

    async def pay(self, borrower: Borrower, amount: int, at: datetime) -> None:
        """Report one payment. The reference follows from what it is, so a repeat is seen as one."""
        if not self._url:
            self.unreported += 1
            return
        reference = f"{borrower.loan_ref}-{at:%Y%m%dT%H%M}"
        payment = {
            "payment_ref": reference, "borrower_ref": borrower.ref, "loan_ref": borrower.loan_ref,
            "amount": f"{amount / 100:.2f}", "currency": borrower.currency, "paid_at": at.isoformat(),
        }  # fmt: skip
        headers = {
            "Authorization": f"Bearer {self._api_keys.get(borrower.ref, self._api_key)}",
            "Content-Type": "application/json",
            "Idempotency-Key": reference,
        }
        body = orjson.dumps({"payments": [payment]})
        answer = orjson.loads(await self._callbacks.post_plain(f"{self._url}/v1/payments", body, headers))
        self.rejected += len(answer["rejected"])
