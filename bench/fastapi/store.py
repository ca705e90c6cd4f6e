"""Entities in SQLite, as durable as the platform's: write-ahead log, `synchronous=FULL`, the same table."""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DATABASE = "fastapi.db"
KEY_FILE = "fastapi.key"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entities (
    id INTEGER PRIMARY KEY,
    tbl TEXT NOT NULL,
    pk TEXT NOT NULL,
    rk TEXT NOT NULL,
    etag INTEGER NOT NULL,
    props TEXT NOT NULL,
    UNIQUE (tbl, pk, rk)
)
"""

#: Table, partition key, row key, properties.
Row = tuple[str, str, str, dict[str, Any]]


def connect(data: Path) -> sqlite3.Connection:
    """Open the database; transactions are opened by hand."""
    connection = sqlite3.connect(data / DATABASE, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(_SCHEMA)
    return connection


class Store:
    """Reads and writes. One connection: there is one process, and it has one thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, table: str, partition: str, row: str) -> dict[str, Any] | None:
        """The properties of one entity."""
        found = self._connection.execute(
            "SELECT props FROM entities WHERE tbl = ? AND pk = ? AND rk = ?", (table, partition, row)
        ).fetchone()
        return json.loads(found[0]) if found else None

    def partition(self, table: str, partition: str) -> list[dict[str, Any]]:
        """The properties of every entity of a partition, in the order of their keys."""
        found = self._connection.execute(
            "SELECT props FROM entities WHERE tbl = ? AND pk = ? ORDER BY rk", (table, partition)
        )
        return [json.loads(props) for (props,) in found]

    def insert(self, rows: Iterable[Row]) -> None:
        """Add entities in one durable commit."""
        self._commit("INSERT INTO entities (tbl, pk, rk, etag, props) VALUES (?1, ?2, ?3, ?4, ?5)", rows)

    def replace(self, rows: Iterable[Row]) -> None:
        """Replace entities in one durable commit."""
        self._commit("UPDATE entities SET etag = ?4, props = ?5 WHERE tbl = ?1 AND pk = ?2 AND rk = ?3", rows)

    def _commit(self, sql: str, rows: Iterable[Row]) -> None:
        values = [
            (table, partition, row, secrets.randbits(63), json.dumps(properties))
            for table, partition, row, properties in rows
        ]
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.executemany(sql, values)
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


def now() -> datetime:
    """This instant, in UTC."""
    return datetime.now(UTC)


def new_row_key() -> tuple[str, str]:
    """A new id, and the row key that sorts the newest first."""
    identifier = str(uuid.uuid4())
    return identifier, f"{9_999_999_999_999 - time.time_ns() // 1_000_000:013}_{identifier}"
