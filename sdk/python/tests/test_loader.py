"""Loading a workspace: the merged `shared` package, and errors that stay with their file."""

from __future__ import annotations

from typing import Any

import pytest
from worker_process import MakeWorkspace, StartWorker, WorkerProcess

SEED_STYLE = """
from shared.decorators import workflow, param
from shared.integrations.base import BaseIntegration
from shared.context import OrganizationContext
from shared.error_handling import WorkflowError
from shared.registry import registry
from shared.storage import TableStorageService
from shared.helpers import shout

@workflow(name="uses_shared", description="d", category="c")
@param("word", type="string", required=True)
async def uses_shared(context, word):
    service = context.get_integration("my_service")
    again = context.get_integration("my_service")
    async with service.session() as session:
        seen = [session]
    seen += [item async for item in service.pages(2)]
    return [shout(word), await service.do_something(1), await again.base_url, await service.plain(), seen]

@workflow()
async def reaches_for_storage():
    TableStorageService("connection")

@workflow()
async def unknown(context):
    client = context.get_integration("my_servic")
    await client.do_something()
"""
SEED_SHARED = {
    "shared/helpers.py": "def shout(word): return word.upper()",
    "shared/integrations/my_service.py": """
        import contextlib
        from .base import BaseIntegration

        class MyServiceClient(BaseIntegration):
            made = 0
            def __init__(self, base_url):
                MyServiceClient.made += 1
                self.base_url = base_url
            async def do_something(self, number):
                return [number, MyServiceClient.made]
            def plain(self):
                return "plain"
            async def pages(self, count):
                for number in range(count):
                    yield number
            @contextlib.asynccontextmanager
            async def session(self):
                yield "session"
            async def close(self):
                print("closed")
                raise OSError("twice")
    """,
    "shared/integrations/__init__.py": """
        from .my_service import MyServiceClient

        async def get_integration_client(integration_name, org, config, secrets):
            if integration_name == "my_service":
                return MyServiceClient(config.get("url"))
    """,
}


@pytest.mark.parametrize("with_init", [False, True])
def test_the_authors_shared_package_is_merged_with_the_platforms(worker: StartWorker, with_init: bool) -> None:
    files = {**SEED_SHARED, **({"shared/__init__.py": "", "workflows/__init__.py": ""} if with_init else {})}
    process = worker(SEED_STYLE, files)
    assert process.frames[-1]["errors"] == []
    execution = process.start("uses_shared", config={"url": "https://x.example"}, word="hi")
    result = process.result(execution)
    assert result["value"] == ["HI", [1, 1], "https://x.example", "plain", ["session", 0, 1]]
    assert process.messages(execution) == ["closed", "closing the client `my_service` failed: OSError: twice"]
    assert "use `context.config` for config" in process.run("reaches_for_storage")["message"]
    assert process.run("unknown")["error_type"] == "UnknownIntegration"


def test_the_authors_module_wins_except_over_the_platforms_core(worker: StartWorker) -> None:
    process = worker(
        """
        from shared.decorators import workflow
        from shared.storage import load_org_config

        @workflow()
        async def mine():
            return load_org_config()
        """.replace("\n        ", "\n"),
        {"shared/storage.py": "def load_org_config(): return 'mine'", "shared/decorators.py": "workflow = None"},
    )
    (error,) = process.frames[-1]["errors"]
    assert error["file"] == "shared/decorators.py"
    assert "rename it" in error["message"]
    assert process.run("mine")["value"] == "mine"


BROKEN = {
    "workflows/syntax.py": ("def broken(:\n    pass\n", 1, "SyntaxError"),
    "workflows/missing.py": ("import os\nimport dns.resolver\n", 2, "add `dnspython` to requirements.txt"),
    "workflows/word.py": ("from shared.decorators import worfklow\n", 1, "did you mean `workflow`?"),
    "workflows/module.py": ("from shared.decorator import workflow\n", 1, "did you mean `decorators`?"),
    "workflows/exits.py": ("import sys\n\nsys.exit(1)\n", 3, "ends the program"),
    "workflows/raises.py": ("x = 1\nprint(x / 0)\n", 2, "ZeroDivisionError: division by zero"),
    "workflows/retries.py": (
        "from shared.decorators import workflow\n\n@workflow(retries=3)\nasync def w(): ...\n",
        3,
        "`retries` is not supported yet by this version",
    ),
    "workflows/stray.py": (
        "from shared.decorators import param\n\n@param('x')\nasync def w(x): ...\n",
        3,
        "is on a function without `@workflow`",
    ),
    "workflows/twice.py": (
        "from shared.decorators import workflow\n\n@workflow(name='good')\nasync def again(): ...\n",
        4,
        "the name `good` is taken by the workflow in workflows/good.py:4",
    ),
    "workflows/late.py": (
        "from shared.decorators import workflow\n\n@workflow(name='late')\nasync def w(): ...\n\nraise ValueError\n",
        6,
        "ValueError",
    ),
    "shared/broken.py": ("class\n", 1, "SyntaxError"),
}


def load(workspace: Any) -> dict[str, Any]:
    process = WorkerProcess(workspace)
    try:
        return process.load()
    finally:
        process.close()


def test_each_broken_file_is_reported_by_line_and_takes_no_other_down(workspace: MakeWorkspace) -> None:
    files = {name: text for name, (text, _, _) in BROKEN.items()}
    good = "from shared.decorators import workflow\n\n@workflow(name='good')\nasync def good(): ...\n"
    loaded = load(workspace({**files, "workflows/good.py": good}))
    assert [found["name"] for found in loaded["workflows"]] == ["good"]
    found = {error["file"]: (error["line"], error["message"]) for error in loaded["errors"]}
    assert found.keys() == BROKEN.keys()
    for name, (_, line, message) in BROKEN.items():
        assert found[name][0] == line, name
        assert message in found[name][1]


def test_a_dropdown_without_generator_is_a_warning_and_its_workflow_stays(workspace: MakeWorkspace) -> None:
    loaded = load(
        workspace(
            {
                "workflows/w.py": """
                    @workflow(name="onboard")
                    @param("license", type="string", required=True, options_from="get_licences")
                    async def onboard(context, license): ...
                """,
                "options/o.py": """
                    @option_generator(name="get_licenses")
                    async def get_licenses(context, search=None): ...
                """,
            }
        )
    )
    assert [found["name"] for found in loaded["workflows"]] == ["onboard"]
    assert loaded["option_generators"][0]["inputs"] == ["search"]
    assert loaded["errors"] == []
    (warning,) = loaded["warnings"]
    assert (warning["file"], warning["line"]) == ("workflows/w.py", 3)
    assert "did you mean `get_licenses`?" in warning["message"]


def test_prints_of_an_import_are_the_workers(worker: StartWorker) -> None:
    process = worker("print('imported')")
    assert process.messages(None) == ["imported"]
