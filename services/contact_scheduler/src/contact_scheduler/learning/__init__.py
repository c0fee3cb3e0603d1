"""The decision core: learns who answers where and when, and plans lawful contacts. Numpy only: no I/O, no clock.

The path of one plan, in the order the service calls it:

    facts      = BorrowerFacts(...)                       struct of arrays, NaN = unknown           features.py
    borrowers  = Borrowers(ids, encode(facts), zone, ...)  float32 [n, FEATURES] + flags             features.py
    lawful     = LawfulSlots.from_dense(mask)              mask bool [n, 3, H]; or few patterns      slots.py
    horizon    = Horizon(local_hour)                       [zones, H] local hour of week, 0..167     slots.py
    posterior  = model.for_tenant("acme")                  frozen, cheap                             model.py
    plan       = make_plan(posterior, borrowers, lawful, horizon, capacity, PlanOptions(seed, tick))  plan.py
    next one   = explain(posterior, borrowers, row, lawful, horizon)                                 explain.py

and of one round of feedback:

    model.update(Feedback(tenant, features, slot, label, ...))   answers known, or window closed     model.py
    model.provisional(Feedback(..., elapsed_h=...))              still silent, inside the window     model.py
    model.to_bytes() / ResponseModel.from_bytes(blob)            versioned, no pickle                model.py

Scores and treatment: `score_loans(LoanFacts) -> LoanScores`, `choose_treatment(...)`        scores.py, treatment.py
Proof: `evaluate_policy(...)`, `release_gate(...)`, `lift(...)`, `lift_by_week(...)`           ope.py, lift.py
Retraining needs scikit-learn and lives apart: `contact_scheduler.learning.training`.
"""
