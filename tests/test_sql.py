"""The owner's SQL: the store and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from journal_maker import (
    PERSONAS,
)
from store_desk import rich_store

from panel.errors import ConfigError
from panel.store import (
    run_sql,
)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rich_store(tmp_path_factory.mktemp("loaded") / "runs")


@pytest.fixture
def secret(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "secret.csv"
    path.write_text("a\n1\n")
    yield path
    assert path.read_text() == "a\n1\n"


@pytest.mark.parametrize("query", [
    "SELECT * FROM read_csv('{secret}')", "SELECT * FROM '{secret}'", "SELECT * FROM read_text('{secret}')",
    "SELECT * FROM glob('/*')", "COPY reviews TO '{out}'", "EXPORT DATABASE '{out}'", "ATTACH '{out}'",
    "ATTACH '{store}' AS again", "SET enable_external_access = true", "SET threads = 1", "PRAGMA threads = 1",
    "RESET memory_limit", "INSTALL httpfs", "LOAD '{secret}'", "SELECT * FROM a_frame", "DELETE FROM reviews",
    "CREATE TABLE reviews2 AS SELECT 1", "DROP TABLE reviews", "UPDATE meta SET value = '1'",
    "INSERT INTO meta SELECT 1, 2",
    "SELECT * FROM read_json('http://127.0.0.1/')", "SELECT nope FROM reviews", "SELEC 1", "SELECT getenv('HOME')",
])
def test_sql_reads_the_store_and_nothing_else(loaded: Path, tmp_path: Path, secret: Path, query: str) -> None:
    before = sorted(tmp_path.iterdir()), sorted(loaded.iterdir()), (loaded / "panel.duckdb").read_bytes()
    a_frame = {"x": [1]}
    with pytest.raises(ConfigError) as caught:
        run_sql(loaded, query.format(secret=secret, out=tmp_path / "out", store=loaded / "panel.duckdb"))
    assert str(caught.value).startswith("sql: ")
    assert "\n" not in str(caught.value)
    assert (sorted(tmp_path.iterdir()), sorted(loaded.iterdir()), (loaded / "panel.duckdb").read_bytes()) == before
    assert a_frame == {"x": [1]}


def test_sql_gives_columns_and_rows(loaded: Path) -> None:
    columns, found = run_sql(loaded, "SELECT persona_id, count(*) AS n FROM long GROUP BY 1 ORDER BY 1")
    assert columns == ["persona_id", "n"]
    assert found == [(name, 6) for name in sorted(PERSONAS)]
