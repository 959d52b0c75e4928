"""`cordon sla` and `cordon noise` print tables of what the API answers."""

import io

import pytest
from rich.console import Console

from cordon.figures import run_noise, run_sla
from model.errors import CordonError
from store.pool import Store

CALLED = """
WITH who AS (INSERT INTO wearer (name) VALUES ('Test Wearer') RETURNING id), ordered AS (
    INSERT INTO monitoring_order (wearer, type, status, timezone, starts)
    SELECT id, 'bail', 'active', 'UTC', now() - interval '10 days' FROM who
), worn AS (
    INSERT INTO activation (wearer, tag, fitted_from) SELECT id, 7, now() - interval '10 days' FROM who
), one AS (
    INSERT INTO account (name, password_hash, role) VALUES ('operator', 'x', 'operator') RETURNING id
), raised AS (
    INSERT INTO alert (wearer, family, kind, severity, condition, confidence, late, tag, zone_version, monitoring_order, event_at,
        detected_at, occurrences, calls, raised_seq, outcome)
    SELECT id, 'strap', 'strap', 1, 'active', 'definite', false, 7, 0, 1, now(), now() - interval '1 h', 1, 1, 1, 'false_alarm'
    FROM who RETURNING id
), called AS (
    INSERT INTO alert_history (alert, position, part, at, what, text, details)
    SELECT id, 1, 0, now() - interval '1 h', 'opened', '', jsonb_build_object(
        'due_acknowledge_us', (extract(epoch FROM now() - interval '58 min') * 1000000)::bigint, 'due_contact_us', NULL,
        'due_decision_us', NULL) FROM raised
)
INSERT INTO alert_history (alert, position, part, at, actor, what, text)
SELECT raised.id, 2, 0, now() - interval '59 min', one.id, 'acknowledged', '' FROM raised, one"""


async def test_both_as_tables(store: Store) -> None:
    await store.pool.execute(CALLED)
    said = io.StringIO()
    out = Console(file=said, width=120)
    await run_sla(28, None, store.dsn, out)
    await run_noise("rule", 28, None, store.dsn, out)
    words = [line.replace("│", " ").split() for line in said.getvalue().splitlines()]
    # One shift has the only call: its row stands alone.
    assert ["1", "0", "0", "60", "s", "60", "s"] in [line[3:] for line in words if line[:2] == ["acknowledge", "all"]]
    assert ["strap", "1", "1", "1", "1", "100%", "1", "1"] in words
    assert "10.0 person-days" in said.getvalue()
    assert "0.100 alerts a person-day (at most 0.05)" in said.getvalue()
    assert "0.1000 false P1 a person-day (at most 0.002)" in said.getvalue()


async def test_nothing_yet_is_an_empty_table(store: Store) -> None:
    said = io.StringIO()
    await run_noise("zone", 28, None, store.dsn, Console(file=said, width=120))
    assert "0.0 person-days" in said.getvalue()


async def test_an_unknown_ledger_says_which_there_are(store: Store) -> None:
    with pytest.raises(CordonError, match="all, rule, tag, model, zone"):
        await run_noise("wearer", 28, None, store.dsn, Console(file=io.StringIO()))
