"""What a table of the store is: its columns, what they mean, its DDL. Knows nothing of any particular table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column. `source` is an SQL expression over what the loader reads; empty: the record's field of that name."""

    name: str
    type: str
    says: str
    source: str = ""

    @property
    def expression(self) -> str:
        """What to select."""
        return self.source or f'record."{self.name}"'


@dataclass(frozen=True)
class Table:
    """A table, or a view when `select` is given. `order` is a total order of its rows (its identity)."""

    name: str
    says: str
    order: tuple[str, ...]
    columns: tuple[Column, ...]
    select: str = ""

    def ddl(self) -> str:
        """The statement that creates it, empty."""
        names = ", ".join(f'"{column.name}"' for column in self.columns)
        if self.select:
            return f'CREATE VIEW "{self.name}" ({names}) AS {self.select}'
        typed = ", ".join(f'"{column.name}" {column.type}' for column in self.columns)
        return f'CREATE TABLE "{self.name}" ({typed})'

    def column_names(self) -> str:
        """The columns, quoted, for an INSERT."""
        return ", ".join(f'"{column.name}"' for column in self.columns)

    def expressions(self) -> str:
        """What to select for each column."""
        return ", ".join(column.expression for column in self.columns)
