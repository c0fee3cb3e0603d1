"""Two lenders on one installation: nothing of one shows to the other, anywhere, while both reach their borrowers."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.request import Request, urlopen

import httpx
import pytest

from forbear_client.api import Api
from forbear_sandbox import portfolio
from forbear_sandbox.portfolio_file import read_rows
from forbear_sandbox.stack import ACCOUNT_SID, SERVICES, START
from tests.kit.stack_kit import CAMPAIGN, Scene, assert_all_is_well, open_campaign

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey, pytest.mark.slow, pytest.mark.xdist_group("apart")]

BORROWERS = 80
BRAND = "Lakeside Credit Union"
NOBODY = "00000000-0000-0000-0000-000000000000"
PAGES = (
    "/v1/campaigns", "/v1/campaigns/{campaign}", "/v1/campaigns/{campaign}/report", "/v1/imports",
    "/v1/campaigns/{campaign}/evaluation", "/v1/response-rates", "/v1/response-rates/segments", "/v1/strategies",
    "/v1/strategies/learning", "/v1/campaigns/{campaign}/disparity",
    "/v1/policy", "/v1/policy/versions", "/v1/borrowers/{borrower}", "/v1/borrowers/{borrower}/next-contact",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lender:
    """A tenant as its own people know it, and what others must never find."""

    key: str
    campaign: str
    rows: list[dict[str, str]]
    canaries: tuple[str, ...]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The first lender's campaign, over the first half of the people who live here."""
    folder = tmp_path_factory.mktemp("apart")
    rows = list(portfolio.generate(BORROWERS, 1, START.date()))
    portfolio.write_csv(rows, folder / "all.csv")
    portfolio.write_csv(rows[: BORROWERS // 2], folder / "first.csv")
    portfolio.write_csv(rows[BORROWERS // 2 :], folder / "second.csv")
    with open_campaign(folder, folder / "first.csv", world=folder / "all.csv") as made:
        yield made


@pytest.fixture(scope="module")
def lenders(scene: Scene) -> tuple[Lender, Lender]:
    """Both lenders, after a day on which both have contacted people."""
    path = scene.stack.run_dir.with_name("second.csv")
    key = scene.stack.add_tenant("lakeside", BRAND)
    rows = list(read_rows(path))
    scene.world.report_payments_to(scene.stack.scheduler_url, key, [row["borrower_ref"] for row in rows])
    with Api(scene.stack.scheduler_url, key) as api:
        assert 0 == api.import_borrowers(path)["rows_rejected"]
        campaign = api.create_campaign({**CAMPAIGN, "name": "Lakeside in spring"}, key="e2e")["campaign_id"]
        api.change_campaign(campaign, "start")
    scene.run_until(scene.next_quiet_hour())
    second = Lender(key, campaign, rows, _canaries(scene, "lakeside", campaign, rows))
    return Lender(scene.stack.api_key, scene.campaign_id, scene.rows, ()), second


def _canaries(scene: Scene, slug: str, campaign: str, rows: list[dict[str, str]]) -> tuple[str, ...]:
    ids = scene.select(
        f"SELECT tenant_id FROM scheduler.tenant WHERE slug = '{slug}' UNION SELECT import_id FROM "
        f"scheduler.import_job JOIN scheduler.tenant USING (tenant_id) WHERE slug = '{slug}'"
    )
    texts = [value for row in rows for name in ("borrower_ref", "email", "mobile") if (value := row[name])]
    return (slug, BRAND, "Lakeside in spring", campaign, *(one for (one,) in ids), *texts)


def found(text: str, canaries: tuple[str, ...]) -> list[str]:
    """Return the canaries in a text, as whole words."""
    return [one for one in canaries if re.search(rf"(?<![\w+]){re.escape(one)}(?!\w)", text)]


def test_both_lenders_reach_their_own_people_in_their_own_name(scene: Scene, lenders: tuple[Lender, Lender]) -> None:
    """The provider's own record of every text: each names the lender of whoever got it, and no other."""
    token = scene.stack.environment("response-tracker")["FORBEAR_TRACKER_TWILIO_AUTH_TOKEN"]
    url = f"http://127.0.0.1:{scene.stack.ports.twilio}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json?PageSize=1000"
    login = b64encode(f"{ACCOUNT_SID}:{token}".encode()).decode()
    with urlopen(Request(url, headers={"Authorization": f"Basic {login}"}), timeout=10) as answer:
        texts = [one for one in json.load(answer)["messages"] if one["direction"] != "inbound"]
    seen = {one["borrower"] for one in scene.world.contacts()}

    for lender, brand, other in zip(lenders, ("Harbor Home Loans", BRAND), (BRAND, "Harbor Home Loans"), strict=True):
        numbers = {row["mobile"] for row in lender.rows}
        bodies = [one["body"] for one in texts if one["to"] in numbers]
        assert seen & {row["borrower_ref"] for row in lender.rows}
        assert any(brand in body for body in bodies)
        assert [] == [body for body in bodies if other in body]
    assert_all_is_well(scene)


def test_every_page_of_one_lender_says_nothing_of_the_other(scene: Scene, lenders: tuple[Lender, Lender]) -> None:
    """Lists, reports, models and the console hold the own campaign and no canary; a stranger's id looks like none."""
    first, second = lenders
    headers = {"Authorization": f"Bearer {first.key}"}
    with httpx.Client(base_url=scene.stack.scheduler_url, headers=headers, timeout=60) as http:
        own, strange, none = (
            {page: http.get(page.format(campaign=campaign, borrower=borrower)) for page in PAGES}
            for campaign, borrower in (
                (first.campaign, first.rows[0]["borrower_ref"]),
                (second.campaign, second.rows[0]["borrower_ref"]),
                (NOBODY, "nobody-of-this-name"),
            )
        )
        verbs = [http.post(f"/v1/campaigns/{second.campaign}:{verb}") for verb in ("pause", "cancel")]
        http.post("/console/login", data={"key": first.key})
        console = http.get(f"/console?campaign={second.campaign}")

    theirs = httpx.get(
        f"{scene.stack.scheduler_url}/v1/campaigns", headers={"Authorization": f"Bearer {second.key}"}, timeout=60
    )
    assert [] != found(theirs.text, second.canaries)  # a canary that sings
    assert {200} == {answer.status_code for answer in own.values()}
    for answer in (*own.values(), *strange.values(), *verbs, console):
        assert [] == found(answer.text, tuple(one for one in second.canaries if one not in str(answer.request.url)))
    named = [page for page in PAGES if "{" in page]
    assert {404} == {strange[page].status_code for page in named}
    assert [none[page].text for page in named] == [strange[page].text for page in named]
    assert [404, 404] == [answer.status_code for answer in verbs]


def test_a_payment_for_the_other_lenders_borrower_is_refused_like_one_for_nobody(
    scene: Scene, lenders: tuple[Lender, Lender]
) -> None:
    """Neither taken nor told apart."""
    first, second = lenders
    row = second.rows[0]
    told = []
    for borrower, loan in ((row["borrower_ref"], row["loan_ref"]), ("nobody", "nothing")):
        payment = {
            "payment_ref": f"p-{borrower}", "borrower_ref": borrower, "loan_ref": loan, "amount": "1.00",
            "currency": row["currency"], "paid_at": START.isoformat(),
        }  # fmt: skip
        answer = httpx.post(
            f"{scene.stack.scheduler_url}/v1/payments", json={"payments": [payment]}, timeout=30,
            headers={"Authorization": f"Bearer {first.key}"},
        )  # fmt: skip
        told.append(answer.text.replace(borrower, "-").replace(loan, "-"))

    assert told[0] == told[1]
    assert 0 == scene.count("SELECT count(*) FROM scheduler.payment WHERE amount = 100")


def test_metrics_know_no_lender_at_all(scene: Scene, lenders: tuple[Lender, Lender]) -> None:
    """All tenants share an installation's metrics, so no label may name one."""
    ports = scene.stack.ports
    for port in (ports.scheduler_admin, ports.dispatcher_admin, ports.tracker_admin):
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            assert [] == found(answer.read().decode(), lenders[1].canaries)
    assert len(SERVICES) == 3
