"""Settings come from the environment, reach a child unchanged, and say which one is wrong."""

from pathlib import Path

import pytest

from cordon.settings import Settings, default_data_dir, read, refuse_demo_elsewhere
from model.errors import CordonError


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("CORDON_")]:
        monkeypatch.delenv(name)


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORDON_PORT", "8123")
    monkeypatch.setenv("CORDON_DATA_DIR", "/somewhere")
    monkeypatch.setenv("CORDON_SOMETHING_ELSE", "1")
    found = read()
    assert (found.port, found.data_dir, found.host, found.lanes) == (8123, Path("/somewhere"), "127.0.0.1", 4)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "web"),
        ("PORT", "65536"),
        ("LANES", "0"),
        ("QUEUE_RECORDS", "-1"),
        ("LOG_LEVEL", "loud"),
        ("RETENTION_DAYS", "1.5"),
        ("CHANNEL_NETWORKS", "10.0.0.0/8,10.0.0.1/8"),
    ],
)
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"CORDON_{name}", value)
    with pytest.raises(CordonError, match=f"CORDON_{name} is '{value}' in the environment"):
        read()


def test_a_child_has_equal_settings_and_nothing_else_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORDON_LANES", "2")
    monkeypatch.setenv("CORDON_LOG_LEVEL", "debug")
    monkeypatch.setenv("PATH_OF_SOMEBODY", "kept")
    parent = Settings().model_copy(
        update={"lanes": 8, "demo": True, "parent_pipe": False, "worker_socket": Path("/tmp/w"), "trace_from_us": 5, "dsn": "x"}
    )
    environment = parent.environment()
    assert environment["PATH_OF_SOMEBODY"] == "kept"
    for name in list(environment):
        monkeypatch.setenv(name, environment[name])
    assert read() == parent
    assert "CORDON_LOG_FILE" not in environment


def test_the_demo_and_an_instance_of_one_s_own_never_mix() -> None:
    assert default_data_dir(demo=True) != default_data_dir(demo=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
def test_the_demo_answers_on_loopback(host: str) -> None:
    refuse_demo_elsewhere(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org", "localhost.example.org", ""])
def test_the_demo_is_refused_elsewhere(host: str) -> None:
    with pytest.raises(CordonError, match="loopback only"):
        refuse_demo_elsewhere(host)


def test_a_wrong_mail_server_is_named_before_anything_starts_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORDON_SMTP_URL", "pop://user:hunter2@mail.example")
    with pytest.raises(CordonError, match="CORDON_SMTP_URL is no mail server") as refused:
        read()
    assert "hunter2" not in str(refused.value)
    monkeypatch.setenv("CORDON_SMTP_URL", "smtps://user:hunter2@mail.example")
    assert "hunter2" not in repr(read())
    for name, value in (("MAIL_FROM", "nobody"), ("CONSOLE_URL", "cordon.example")):
        with monkeypatch.context() as patch:
            patch.setenv(f"CORDON_{name}", value)
            with pytest.raises(CordonError, match=f"CORDON_{name} is '{value}'"):
                read()
