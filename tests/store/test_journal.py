"""A journal row gives back exactly what was put in, or says that it cannot."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import CordonError
from model.event import empty_events
from model.fix import FIX, empty_fixes
from store.journal import NO_TAGS, decode, encode
from tests.store.fake import START_US, batch_of, fix


@given(fixes=st.integers(0, 5), events=st.integers(0, 5), tags=st.lists(st.integers(1, 2**62)), gateway=st.text(max_size=40))
def test_what_goes_in_comes_out(fixes: int, events: int, tags: list[int], gateway: str) -> None:
    rows = np.concatenate([empty_fixes(), *(fix(tag + 1, tag, hdop=0.5) for tag in range(fixes))])
    batch = batch_of(events=empty_events(events))._replace(fixes=rows, gateway=gateway, received_us=START_US + 5)
    back, rejudged = decode(encode(batch, np.array(tags, np.int64)))
    assert back.fixes.tobytes() == batch.fixes.tobytes()
    assert back.events.tobytes() == batch.events.tobytes()
    assert (back.gateway, back.received_us, rejudged.tolist()) == (gateway, START_US + 5, tags)
    assert (back.fixes.dtype, back.fixes.flags.writeable) == (FIX, True)


BODY = encode(batch_of(fix(1, 0), fix(2, 0)), NO_TAGS)


@given(at=st.integers(0, len(BODY) - 1), bit=st.integers(0, 7))
def test_any_flipped_bit_is_noticed(at: int, bit: int) -> None:
    body = bytearray(BODY)
    body[at] ^= 1 << bit
    with pytest.raises(CordonError, match="damaged"):
        decode(bytes(body))


@pytest.mark.parametrize("size", [0, 3, 10, len(BODY) - 1])
def test_a_cut_row_is_noticed(size: int) -> None:
    with pytest.raises(CordonError, match="damaged"):
        decode(BODY[:size])


def test_a_version_of_the_future_is_named() -> None:
    import zlib

    held = b"\x09" + BODY[1:-4]
    with pytest.raises(CordonError, match="has version 9, this Cordon reads 1"):
        decode(held + zlib.crc32(held).to_bytes(4, "little"))
