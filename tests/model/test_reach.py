"""Which addresses are public: a table, of all the ways to write what is not."""

from ipaddress import ip_address

import pytest

from model import reach


@pytest.mark.parametrize(
    "address",
    ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::808:808", "::ffff:8.8.8.8"],
)
def test_public(address: str) -> None:
    assert reach.public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3"),
        *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"),
        *("169.254.169.254", "192.0.2.1", "198.18.0.1", "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1"),
        *("2002:7f00:1::", "2002:808:808::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "4000::1"),
    ],
)
def test_not_public(address: str) -> None:
    assert not reach.public(ip_address(address))


def test_a_network_is_listed_for_each_way_to_write_its_addresses() -> None:
    listed = reach.networks("10.20.0.0/16 fd00:5::/64")
    for address in ("10.20.3.4", "::ffff:10.20.3.4", "64:ff9b::a14:304", "fd00:5::7", "fd00:5::7%eth0"):
        assert reach.listed(ip_address(address), listed), address
    for address in ("10.21.3.4", "fd00:6::7", "8.8.8.8"):
        assert not reach.listed(ip_address(address), listed), address
    assert reach.networks("") == ()
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/33"):
        reach.networks("127.0.0.0/8,10.0.0.0/33")
