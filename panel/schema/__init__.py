"""Every noun by subject, as frozen records. Import them from their module or from here."""

from panel.schema.assignment import Assignment, Kind
from panel.schema.completion import Completion, ModelInfo, Request, Rung, TokenLogprob
from panel.schema.dossier import Dossier, DossierLines, Fact, Line, Price
from panel.schema.panel import Depth, Panel, Sampling, Seat
from panel.schema.persona import Persona
from panel.schema.prompt import Message, Prompt
from panel.schema.record import Record, digest_of
from panel.schema.review import (
    Brief,
    BriefPrice,
    BriefText,
    Cited,
    Comparison,
    ComparisonText,
    Difference,
    Outcome,
    Probe,
    Review,
    Spent,
)
from panel.schema.run import Estimate, Quarantined, Run, RunEnd
from panel.schema.score import PanelScore, SeatScore
from panel.schema.statement import Clearance, ClearedFlag, Resolution, Statement
from panel.schema.verdict import HOLDING, Because, Claim, Flag, Prediction, Verdict

__all__ = [
    "HOLDING", "Assignment", "Because", "Brief", "BriefPrice", "BriefText", "Cited", "Claim", "Clearance",
    "ClearedFlag", "Comparison", "ComparisonText", "Completion", "Depth", "Difference", "Dossier", "DossierLines",
    "Estimate", "Fact", "Flag", "Kind", "Line", "Message", "ModelInfo", "Outcome", "Panel", "PanelScore", "Persona",
    "Prediction", "Price", "Probe", "Prompt", "Quarantined", "Record", "Request", "Resolution", "Review", "Run",
    "RunEnd", "Rung", "Sampling", "Seat", "SeatScore", "Spent", "Statement", "TokenLogprob", "Verdict", "digest_of",
]
