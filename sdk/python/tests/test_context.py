"""The context, its records and the helpers for tests."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from msp_sdk import (
    AlreadyExists,
    ConfigMissing,
    Context,
    FileError,
    IntegrationError,
    InvalidArguments,
    NoLicenseLeft,
    NoOrganization,
    NotConfigured,
    Org,
    Record,
    SecretNotFound,
    option_generator,
    param,
    workflow,
)
from msp_sdk.errors import integration_error
from msp_sdk.record import to_record
from msp_sdk.testing import (
    FakeFile,
    FakeGraph,
    FakeHalo,
    Refusing,
    ResultNotJson,
    Step,
    make_context,
    run_options,
    run_workflow,
    sku,
)


def test_config_names_the_nearest_key() -> None:
    config = make_context(config={"halo_client_id": 12}).config
    assert (config["halo_client_id"], config.get("other", "d"), "halo_client_id" in config) == (12, "d", True)
    assert list(config) == ["halo_client_id"]
    with pytest.raises(ConfigMissing, match="Contoso has no `halo_client`; did you mean `halo_client_id`"):
        config["halo_client"]


def test_a_secret_is_fetched_or_not_found() -> None:
    secrets = make_context(secrets={"halo_key": "s3cret"}).secrets
    assert asyncio.run(secrets.get("halo_key")) == "s3cret"
    with pytest.raises(SecretNotFound, match="halo_key"):
        asyncio.run(secrets.get("halo_keys"))


def test_without_organization_the_org_is_false_and_explains_itself() -> None:
    context = make_context(org=None)
    assert not context.org
    with pytest.raises(NoOrganization, match=r"no `context\.org\.name`"):
        _ = context.org.name


def test_attributes_of_later_versions_say_so_and_any_can_be_assigned() -> None:
    context: Any = make_context()
    for name in ("cache",):
        with pytest.raises(AttributeError, match="comes with a later version"):
            getattr(context, name)
    with pytest.raises(AttributeError, match="did you mean `secrets`"):
        _ = context.secret
    context.cache = "mine"
    context.get_integration = Mock(return_value=AsyncMock())
    assert context.cache == "mine"
    assert context.get_integration("msgraph") is context.get_integration.return_value


def test_the_organizations_of_the_caller_are_what_the_test_says() -> None:
    @option_generator()
    async def clients(context: Context) -> list[dict[str, str]]:
        return [{"label": org.name, "value": org.id} for org in await context.organizations()]

    given = [Org(id="1", name="Contoso", tenant_id="t"), Org(id="2", name="Fabrikam")]
    assert run_options(clients, organizations=given) == [
        {"label": "Contoso", "value": "1"},
        {"label": "Fabrikam", "value": "2"},
    ]
    assert [option["label"] for option in run_options(clients)] == ["Contoso"]
    assert asyncio.run(make_context(organizations=given).organizations()) == given


def test_a_log_line_with_a_mistake_never_ends_the_run() -> None:
    @workflow()
    async def logs(context: Context) -> None:
        context.log.info("%d of %s", 1, "two")
        context.log.warning("%d", "three")
        context.log.error("100%")
        print("four")

    assert run_workflow(logs).messages == ["1 of two", "%d ('three',)", "100%", "four"]


def test_asking_for_an_integration_never_fails_but_the_first_call_does() -> None:
    context = make_context()
    graph = context.get_integration("msgraph")
    with pytest.raises(NotConfigured):
        asyncio.run(graph.list_users())
    with pytest.raises(AttributeError, match="the client `msgraph` has no `get_users`; did you mean `get_user`"):
        _ = graph.get_users  # type: ignore[attr-defined]


def test_records_allow_attributes_and_keys_and_are_json() -> None:
    record = to_record({"id": "1", "prepaidUnits": {"enabled": 5}, "list": [{"a": 1}]})
    assert (record.id, record["id"], record.prepaidUnits.enabled, record.list[0].a) == ("1", "1", 5, 1)
    assert json.loads(json.dumps(record))["list"] == [{"a": 1}]
    with pytest.raises(AttributeError, match="did you mean `prepaidUnits`"):
        _ = record.prepaidUnit


def test_error_codes_become_types_and_unknown_ones_stay_catchable() -> None:
    assert type(integration_error("no_license_left", "m", 400)) is NoLicenseLeft
    unknown = integration_error("from_the_future", "m")
    assert type(unknown) is IntegrationError
    assert (unknown.code, unknown.message, unknown.status) == ("from_the_future", "m", None)


def test_the_fake_tenant_refuses_what_the_real_one_does() -> None:
    e3 = sku("SPE_E3", units=1)
    graph = FakeGraph(skus=[e3], default_usage_location=None)

    async def story() -> None:
        with pytest.raises(InvalidArguments, match="default_usage_location"):
            await graph.create_user(userPrincipalName="ada@contoso.example")
        ada = await graph.create_user(userPrincipalName="ada@contoso.example", usageLocation="GB")
        with pytest.raises(AlreadyExists):
            await graph.create_user(userPrincipalName="ADA@contoso.example", usageLocation="GB")
        assert isinstance(ada, Record)
        await graph.assign_license(ada.id, e3["skuId"])
        bob = await graph.create_user(userPrincipalName="bob@contoso.example", usageLocation="GB")
        with pytest.raises(NoLicenseLeft):
            await graph.assign_license(bob.id, e3["skuId"])
        graph.users.append({"id": "nowhere", "assignedLicenses": []})
        with pytest.raises(IntegrationError, match="no usage location"):
            await graph.assign_license("nowhere", e3["skuId"])
        assert await graph.get_user("nobody@contoso.example") is None
        assert [u.id for u in await graph.list_users(filter="userPrincipalName eq 'bob@contoso.example'")] == [bob.id]
        with pytest.raises(InvalidArguments):
            await FakeHalo().create_activity(note="nowhere")

    asyncio.run(story())


def test_the_runner_checks_what_the_platform_would() -> None:
    @workflow()
    @param("email", type="email")
    async def strict(context: Context, email: str, count: int = 2) -> Any:
        return {"count": count, "bad": b"x"} if email == "bad" else count

    with pytest.raises(TypeError, match="did you mean `email`"):
        run_workflow(strict, {"mail": "x"})
    with pytest.raises(TypeError, match="needs the parameter `email`"):
        run_workflow(strict)
    with pytest.raises(ResultNotJson, match=r"\$\.bad"):
        run_workflow(strict, {"email": "bad"})
    assert run_workflow(strict, {"email": "x"}).result == 2


def test_an_integration_that_fails_can_be_played() -> None:
    @option_generator()
    async def choices(context: Context) -> list[str]:
        return [user.displayName for user in await context.get_integration("msgraph").list_users()]

    with pytest.raises(NotConfigured):
        run_options(choices, integrations={"msgraph": Refusing(integration_error("not_configured", "set it up"))})


def test_steps_answer_raise_and_are_told_to_a_test() -> None:
    @workflow()
    async def staged(context: Context) -> list[Any]:
        """Has steps."""

        def refuse(reason: str) -> None:
            raise ValueError(reason)

        answers: list[Any] = [await context.step("plain", max, 1, 2)]
        answers.append(await context.step("later", asyncio.sleep, 0, result="slept"))
        with pytest.raises(ValueError, match="no"):
            await context.step("refused", refuse, reason="no")
        with pytest.raises(TypeError, match="takes a name, then a function"):
            await context.step("", max)
        return answers

    run = run_workflow(staged)
    assert run.result == [2, "slept"]
    assert run.steps == [
        Step("plain", "completed"),
        Step("later", "completed"),
        Step("refused", "failed", "ValueError: no"),
    ]


def test_files_are_read_written_and_listed_in_pieces_as_a_test_gives_them() -> None:
    large = bytes(range(256)) * 10_000

    @workflow()
    @param("roster", type="json")
    @param("scans", type="json")
    async def files(context: Context, roster: Any, scans: list[Any]) -> Any:
        copied = await context.files.write("copy.bin", await context.files.read(scans[0]))
        note = await context.files.write("note.txt", "Zoë")
        assert await context.files.read(copied) == large
        assert await context.files.read(note["id"]) == "Zoë".encode()
        names = [file.name for file in await context.files.list()]
        return {"rows": (await context.files.read(roster)).decode(), "names": names, "note": note}

    run = run_workflow(files, {"roster": FakeFile("users.csv", b"a,b"), "scans": [FakeFile("scan", large)]})

    assert run.result["rows"] == "a,b"
    assert run.result["names"] == ["users.csv", "scan", "copy.bin", "note.txt"]
    assert {**run.result["note"], "id": ""} == {
        "id": "", "name": "note.txt", "size_bytes": 4, "content_type": "text/plain",
    }  # fmt: skip
    assert run.files == [
        FakeFile("copy.bin", large, "application/octet-stream"),
        FakeFile("note.txt", "Zoë".encode(), "text/plain"),
    ]


def test_what_is_no_file_of_the_run_says_so() -> None:
    files = make_context().files
    for stranger in ("no-id", {"id": "no-id"}, {"name": "users.csv"}, 7):
        with pytest.raises(FileError) as refused:
            asyncio.run(files.read(stranger))  # type: ignore[arg-type]
        assert refused.value.code == "file_not_found"
