"""The author's `shared` package: the modules here are what the platform adds to it.

Everything an author puts into `shared/` of the workspace is found first, with or without an `__init__.py`. Only
`shared.decorators`, `shared.context` and `shared.registry` are always the platform's: without them nothing would be
registered. `msp_sdk._shared_package` merges the two.
"""
