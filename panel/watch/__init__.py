"""The nightly funnel: import, triage all, draft the best, compare each draft with its rivals, export."""

from panel.watch.night import Desk, run_night
from panel.watch.summary import Compared, Night, compared

__all__ = ["Compared", "Desk", "Night", "compared", "run_night"]
