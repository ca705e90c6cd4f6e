"""The workflows around validation, progress and secrets."""

import dns.resolver
import pytest
from msp_sdk import SecretNotFound
from msp_sdk.testing import run_workflow

from shared.integrations.demo_vendor import VendorRefused
from workflows.rotate_api_key import rotate_api_key
from workflows.slow_report import slow_report
from workflows.validate_email import validate_email


class MailServer:
    def __init__(self, exchange: str) -> None:
        self.exchange = exchange


def test_an_address_is_valid_when_its_domain_has_mail_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns.resolver, "resolve", lambda *_, **__: [MailServer("mx1.contoso.example.")])
    run = run_workflow(validate_email, {"email": "ada@contoso.example"}, org=None)
    assert run.result == {"valid": True, "mail_servers": ["mx1.contoso.example"]}


@pytest.mark.parametrize(
    ("failure", "valid"),
    [(dns.resolver.NXDOMAIN, False), (dns.resolver.NoAnswer, False), (dns.resolver.LifetimeTimeout, None)],
)
def test_silence_of_the_servers_says_nothing_about_the_address(
    monkeypatch: pytest.MonkeyPatch, failure: type[Exception], valid: bool | None
) -> None:
    def resolve(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(dns.resolver, "resolve", resolve)
    assert run_workflow(validate_email, {"email": "ada@contoso.example"}, org=None).result["valid"] is valid


def test_the_report_shows_progress_for_every_step() -> None:
    run = run_workflow(slow_report, {"seconds": 0.02, "step": 0.005}, org=None)
    assert run.messages == ["step 1 of 4", "step 2 of 4", "step 3 of 4", "step 4 of 4"]
    assert [percent for percent, _ in run.progress] == [25, 50, 75, 100]


def test_a_rotated_key_never_leaves_the_run() -> None:
    run = run_workflow(
        rotate_api_key,
        {"environment": "production"},
        config={"demo_vendor_region": "us-east"},
        secrets={"demo_api_key": "old-key-of-contoso"},
    )
    assert run.secrets_read == ["demo_api_key"]
    assert run.result["region"] == "us-east"
    assert run.result["key_id"].startswith("production-")
    assert "old-key-of-contoso" not in f"{run}"


def test_a_missing_or_wrong_key_ends_the_run() -> None:
    with pytest.raises(SecretNotFound):
        run_workflow(rotate_api_key)
    with pytest.raises(VendorRefused):
        run_workflow(rotate_api_key, secrets={"demo_api_key": "short"})
