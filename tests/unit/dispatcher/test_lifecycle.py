"""The life of a contact: what cannot happen is in no cell of the table."""

from itertools import product

import pytest

from forbear_domain.lifecycle import FINAL, TRANSITIONS, IllegalStep, State, Step, advance
from forbear_domain.model import ContactState


@pytest.mark.parametrize(("state", "step"), product(State, Step))
def test_every_step_is_in_the_table_or_refused(state: State, step: Step) -> None:
    """`advance` follows the table and raises for everything else."""
    if (state, step) in TRANSITIONS:
        assert TRANSITIONS[state, step] is advance(state, step)
    else:
        with pytest.raises(IllegalStep, match=state.name):
            advance(state, step)


@pytest.mark.parametrize("state", sorted(FINAL))
def test_nothing_leaves_a_final_state(state: State) -> None:
    """What is told as final stays so."""
    assert not [step for (start, step) in TRANSITIONS if start is state]


def test_a_contact_reaches_a_provider_only_from_a_claim() -> None:
    """ACCEPTED is reached from CLAIMED, or from UNKNOWN when the provider has it after all."""
    assert {State.CLAIMED, State.UNKNOWN} == {s for (s, _), end in TRANSITIONS.items() if end is State.ACCEPTED}


def test_every_state_ends() -> None:
    """From everywhere some way leads to a final state, so nothing is lost in a corner."""
    ends = set(FINAL)
    while more := {start for (start, _), end in TRANSITIONS.items() if end in ends} - ends:
        ends |= more

    assert set(State) == ends


def test_final_states_have_the_numbers_of_the_wire() -> None:
    """Rows and messages need no table in between."""
    assert {state.name: state.value for state in ContactState} == {s.name: s.value for s in [*FINAL, State.UNKNOWN]}
