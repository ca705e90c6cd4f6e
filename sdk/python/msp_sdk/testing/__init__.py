"""Run workflows under pytest, with the platform played by fakes.

```python
from msp_sdk.testing import FakeGraph, run_workflow

def test_onboarding_assigns_the_license():
    graph = FakeGraph()
    run = run_workflow(onboard_user, {"email": "ada@contoso.example", ...}, integrations={"msgraph": graph})
    assert run.result["success"] is True
```
"""

from .._results import OptionsInvalid, ResultNotJson, ResultTooLarge
from .fakes import FakeGraph, FakeHalo, Refusing, sku
from .files import FakeFile
from .runner import ADA, CONTOSO, FakeHost, Line, Run, Step, make_context, run_options, run_workflow, use_workspace

__all__ = [
    "ADA",
    "CONTOSO",
    "FakeFile",
    "FakeGraph",
    "FakeHalo",
    "FakeHost",
    "Line",
    "OptionsInvalid",
    "Refusing",
    "ResultNotJson",
    "ResultTooLarge",
    "Run",
    "Step",
    "make_context",
    "run_options",
    "run_workflow",
    "sku",
    "use_workspace",
]
