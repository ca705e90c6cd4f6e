"""Makes `workflows`, `options` and `shared` importable, as they are on the platform."""

from pathlib import Path

from msp_sdk.testing import use_workspace

use_workspace(Path(__file__).parent.parent)
