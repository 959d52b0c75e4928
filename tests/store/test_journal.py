"""A journal row gives back exactly what was put in, or says that it cannot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import CordonError
from store.journal import decode, encode


@given(st.binary(max_size=500))
def test_what_goes_in_comes_out(delta: bytes) -> None:
    assert decode(encode(delta)) == delta


BODY = encode(bytes(range(200)))


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
