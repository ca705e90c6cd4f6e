"""Onboarding and moving users, against a tenant in memory."""

import pytest
from msp_sdk import WorkflowError
from msp_sdk.testing import FakeGraph, FakeHalo, run_options, run_workflow, sku

from options.departments import get_department_teams, get_departments, get_users
from options.get_available_licenses import get_available_licenses
from workflows.department_move import move_user_department
from workflows.user_onboarding import onboard_user

E3 = sku("SPE_E3", units=2, used=1)["skuId"]
GRACE = {"first_name": "Grace", "last_name": "Hopper", "email": "grace@contoso.example", "license": E3}


def tenant() -> FakeGraph:
    return FakeGraph(skus=[sku("SPE_E3", units=2, used=1), sku("VISIOCLIENT", units=1, used=1)])


def test_onboarding_creates_the_user_licenses_it_and_notes_it() -> None:
    graph, halo = tenant(), FakeHalo()
    run = run_workflow(
        onboard_user, GRACE, config={"halo_client_id": 12}, integrations={"msgraph": graph, "halopsa": halo}
    )
    user = graph.users[0]
    assert run.result == {
        "user_id": user["id"],
        "upn": "grace@contoso.example",
        "created": True,
        "noted_in_halo": True,
        "success": True,
    }
    assert [held["skuId"] for held in user["assignedLicenses"]] == [E3]
    assert halo.activities[0]["client_id"] == 12
    assert run.progress[-1] == (100, "Done")


def test_a_second_run_only_licenses_the_user_that_exists() -> None:
    graph = tenant()
    run_workflow(onboard_user, GRACE, integrations={"msgraph": graph})
    again = run_workflow(onboard_user, GRACE, integrations={"msgraph": graph})
    assert len(graph.users) == 1
    assert (again.result["created"], again.result["noted_in_halo"]) == (False, False)


def test_without_a_free_license_the_technician_is_told_what_to_do() -> None:
    graph = FakeGraph(skus=[sku("SPE_E3", units=1, used=1)])
    with pytest.raises(WorkflowError, match="No free unit of this license in Contoso"):
        run_workflow(onboard_user, GRACE, integrations={"msgraph": graph})


def test_only_licenses_with_free_units_are_offered() -> None:
    offered = run_options(get_available_licenses, integrations={"msgraph": tenant()})
    assert offered == [{"label": "SPE_E3 (1 free)", "value": E3}]


def test_teams_depend_on_the_department() -> None:
    config = {"departments": "Sales, Lab", "teams_lab": "Optics, Robotics"}
    assert [item["value"] for item in run_options(get_departments, config=config)] == ["Sales", "Lab"]
    lab = run_options(get_department_teams, {"department": "Lab"}, config=config)
    assert lab == [{"label": "Optics", "value": "Optics"}, {"label": "Robotics", "value": "Robotics"}]
    assert run_options(get_department_teams, config=config) == []


def test_a_move_to_a_team_of_another_department_is_refused() -> None:
    graph = FakeGraph(users=[{"userPrincipalName": "grace@contoso.example", "displayName": "Grace Hopper"}])
    move = {"user": "grace@contoso.example", "department": "Sales", "team": "Payroll"}
    with pytest.raises(WorkflowError, match="Sales has no team Payroll; it has Inside Sales, Field Sales"):
        run_workflow(move_user_department, move, integrations={"msgraph": graph})


def test_a_move_is_handed_to_the_service_desk() -> None:
    graph = FakeGraph(
        users=[{"userPrincipalName": "grace@contoso.example", "displayName": "Grace Hopper", "department": "Lab"}]
    )
    halo = FakeHalo()
    offered = run_options(get_users, integrations={"msgraph": graph})
    move = {"user": offered[0]["value"], "department": "Sales", "team": "Field Sales", "note": "From May on."}
    run = run_workflow(
        move_user_department,
        move,
        config={"halo_client_id": "12"},
        integrations={"msgraph": graph, "halopsa": halo},
    )
    assert run.result["from"] == "Lab"
    assert halo.activities[0]["note"] == "Ada Lovelace asks to move Grace Hopper to Sales, Field Sales. From May on."
