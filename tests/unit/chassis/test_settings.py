"""Settings: a wrong one stops the process and is named; a secret is never printed."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic_settings import SettingsConfigDict

from forbear_chassis.settings import ServiceSettings, load, split_address


class Settings(ServiceSettings):
    """Settings of a service that only this test has."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, env_prefix="FORBEAR_TEST_"
    )


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Set everything that is needed."""
    monkeypatch.setenv("FORBEAR_TEST_DATABASE_URL", "postgresql://user:hidden@db/forbear")
    monkeypatch.setenv("FORBEAR_TEST_RPC_LISTEN", "127.0.0.1:9080")
    monkeypatch.setenv("FORBEAR_TEST_ADMIN_LISTEN", "127.0.0.1:9180")
    return monkeypatch


def test_settings_come_from_the_environment_and_hide_secrets(environment: pytest.MonkeyPatch) -> None:
    """What is printed at the start shows no password."""
    settings = load(Settings)

    assert "127.0.0.1:9080" == settings.rpc_listen
    assert "hidden" not in repr(settings)


def test_a_wrong_setting_stops_the_process_with_its_name(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The operator reads which variable to mend, and the value, which may be a secret, is not repeated."""
    environment.setenv("FORBEAR_TEST_CLOCK", "wall-hidden")
    environment.delenv("FORBEAR_TEST_RPC_LISTEN")

    with pytest.raises(SystemExit) as stopped:
        load(Settings)

    printed = capsys.readouterr().err
    assert 2 == stopped.value.code
    assert "FORBEAR_TEST_CLOCK" in printed
    assert "FORBEAR_TEST_RPC_LISTEN" in printed
    assert "hidden" not in printed


def test_a_secret_may_lie_in_a_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Kubernetes mounts secrets as files."""
    (tmp_path / "url").write_text("postgresql://from-file/forbear\n", encoding="utf-8")
    environment.delenv("FORBEAR_TEST_DATABASE_URL")
    environment.setenv("FORBEAR_TEST_DATABASE_URL_FILE", str(tmp_path / "url"))

    assert "postgresql://from-file/forbear" == load(Settings).database_url.get_secret_value()
    environment.delenv("FORBEAR_TEST_DATABASE_URL", raising=False)


@pytest.mark.parametrize("value", ["9080", "host:", "host:port", "host:70000"])
def test_an_address_that_is_not_host_and_port_is_refused(value: str) -> None:
    """The message repeats the value, which is no secret."""
    with pytest.raises(ValueError, match="is not host:port"):
        split_address(value)
