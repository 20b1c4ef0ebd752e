"""Scorecards with flags for the page tests, and what an editor states of them."""

from __future__ import annotations

from typing import Any

from sample_cards import card, review, ruling, verdict

from panel.editorial.flags import flags_on
from panel.schema import Clearance, Flag, Review, Verdict
from panel.schema.scorecard import Scorecard


def flag_in(said: Verdict, kind: str, words: str, reason: str, *, about: str | None = None) -> Flag:
    """A flag on words of a quote, with the span they have there."""
    start = (said.quote or "").index(words)
    return Flag(kind=kind, reason=reason, field="quote", span=(start, start + len(words)), text=words, about=about)


def with_flags(one: Review, *flags: Flag) -> Review:
    return one.model_copy(update={"flags": flags})


def held_card(**changes: Any) -> Scorecard:
    """Four seats; the builder's quote has a wrong version and a used tool, the analyst's a name to check."""
    builder = verdict("builder", quote="It would cost $30, and when I ran it 0.87 was slower than Qwen (at $30 too).")
    analyst = verdict("competitor_analyst", "skip", 34)
    reviews = ruling("ship", "skip", "ship", "ship")
    reviews[0] = with_flags(
        review("builder", builder),
        Flag(kind="length", reason="18 words; 60 to 170 expected", field="quote"),
        flag_in(builder, "to_check", "$30", 'price "$30" is not in the dossier (2 places)', about="USD:30"),
        flag_in(builder, "to_check", "Qwen", 'name "Qwen" is not in the dossier', about="name:qwen"),
        flag_in(builder, "wrong_version", "0.87", 'version "0.87" is not what the dossier says: 0.86.2',
                about="version:0.87"),
        flag_in(builder, "invented_experience", "when I ran it",
                '"when I ran it" speaks of use, and the persona has not used the tool'),
    )
    reviews[1] = with_flags(
        review("competitor_analyst", analyst),
        Flag(kind="to_check", reason='name "QWEN" is not in the dossier', field="because.text", text="QWEN",
             about="name:qwen"),
        Flag(kind="to_check", reason='price "30 USD" is not in the dossier', field="caveat", text="30 USD",
             about="USD:30"),
        Flag(kind="outside_knowledge", reason='name "Cline" is general knowledge', field="claims[2].text",
             text="Cline", about="name:cline"),
        Flag(kind="wrong_number", reason='number "9" is not on line 8', field="claims[0].text", text="9", about="n:9"),
    )
    return card(reviews, **changes)


def clearance(page: Scorecard, *numbers: int, **changes: Any) -> Clearance:
    """What an editor states who clears flags of a card by their numbers."""
    flags = tuple(one.as_cleared for one in flags_on(page) if one.number in numbers)
    return Clearance(**({
        "tool_id": page.dossier.id, "dossier_digest": page.score.dossier_digest,
        "panel_digest": page.score.panel_digest, "flags": flags, "note": "the vendor's page says so", "by": "Ada",
        "at": "2026-07-02T10:00:00.000Z",
    } | changes))
