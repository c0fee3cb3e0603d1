"""How a batch is shared out between lanes and tenants."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from channel_dispatcher.fair import Waiting, share_out

A, B, C = (UUID(int=number) for number in (1, 2, 3))
waitings = st.lists(
    st.builds(Waiting, st.integers(0, 2), st.sampled_from([A, B, C]), st.integers(0, 800)),
    unique_by=lambda one: one[:2],
)


def test_answers_pass_bulk() -> None:
    """A reply that waits goes before ten thousand reminders."""
    shares = share_out([Waiting(2, A, 10_000), Waiting(0, A, 3)], 500)

    assert [Waiting(0, A, 3), Waiting(2, A, 497)] == shares


def test_a_flood_of_answers_does_not_starve_reminders() -> None:
    """Each lane behind keeps a tenth."""
    shares = share_out([Waiting(0, A, 9000), Waiting(1, A, 9000), Waiting(2, A, 9000)], 500)

    assert [400, 50, 50] == [share.size for share in shares]


def test_a_tenant_s_blast_does_not_starve_another() -> None:
    """Tenants share alike; what a small one leaves goes to the others."""
    shares = share_out([Waiting(2, A, 100_000), Waiting(2, B, 10), Waiting(2, C, 100_000)], 500)

    assert {A: 245, B: 10, C: 245} == {share.tenant_id: share.size for share in shares}


@given(waitings, st.integers(1, 600))
def test_the_batch_is_full_while_there_is_work_and_nobody_gets_more_than_waits(
    waiting: list[Waiting], size: int
) -> None:
    """No place is wasted, none is invented."""
    shares = share_out(waiting, size)
    by_key = {one[:2]: one.size for one in waiting}

    assert min(size, sum(one.size for one in waiting)) == sum(share.size for share in shares)
    assert all(0 < share.size <= by_key[share[:2]] for share in shares)


@given(waitings, st.integers(30, 600))
def test_every_lane_that_waits_gets_something(waiting: list[Waiting], size: int) -> None:
    """From batches of thirty on, no lane is left out."""
    lanes = {one.lane for one in waiting if one.size}

    assert lanes == {share.lane for share in share_out(waiting, size)}
