"""What is not doubtful needs no comparison: the answers are those of comparing everything."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model.fix import CONTENT, FIX, IDENTITY
from store.admission import admit, sort_out

ROWS = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(0, 1), st.integers(0, 1)), max_size=12)


def fixes(rows: list[tuple[int, int, int, int]]) -> np.ndarray:
    made = np.zeros(len(rows), FIX)
    for fix, (tag, at_us, seq, lon) in zip(made, rows, strict=True):
        fix["tag"], fix["fix_at_us"], fix["seq"], fix["lon"] = tag, at_us, seq, lon
    return made


@given(ROWS, ROWS, st.lists(st.booleans(), min_size=12, max_size=12))
def test_only_doubtful_rows_are_compared(known: list, rows: list, also: list[bool]) -> None:
    given_rows, held = fixes(rows), fixes(known)
    identities = [tuple(row[:3]) for row in rows]
    stored = {tuple(row[:3]) for row in known}
    doubtful = np.array(
        [mark or identities.count(one) > 1 or one in stored for one, mark in zip(identities, also, strict=False)], bool
    )
    whole, found = sort_out(held, given_rows, IDENTITY, CONTENT), admit(held, given_rows, doubtful, IDENTITY, CONTENT)
    for one, other in zip(whole, found, strict=True):
        assert one.tobytes() == other.tobytes()
