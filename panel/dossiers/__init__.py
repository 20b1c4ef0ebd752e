"""Dossiers: read from files, cleaned, and cut into the numbered lines a reviewer is shown."""

from panel.dossiers.lines import cut_lines
from panel.dossiers.read import count_records, read_dossiers

__all__ = ["count_records", "cut_lines", "read_dossiers"]
