"""No text of a model or a dossier breaks out of a page: not out of Markdown, not out of the terminal."""

from __future__ import annotations

import io
import re

import pytest
import yaml
from flag_cards import clearance
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from sample_cards import (
    COLOUR,
    MODEL,
    RENDERER,
    WIDTHS,
    brief,
    card,
    cards_of,
    hrefs,
    lines_of,
    review,
    ruling,
    screen,
    tokens_of,
    verdict,
    words_of,
)

from panel.editorial.flag_list import print_flags
from panel.editorial.flags import FLAG_WORDS
from panel.editorial.leaderboard import leaderboard_markdown, leaderboard_row
from panel.editorial.markdown import scorecard_markdown
from panel.editorial.plain import escaped, link, plain, shortened
from panel.editorial.published import page_markdown
from panel.schema import Because, Claim, Dossier, Flag, Price
from panel.schema.scorecard import Held, Scorecard

NASTY = (
    "[click](javascript:alert(1))", "![x](https://evil.example/p.png)", "<script>alert(1)</script>", "<img src=x>",
    "# heading", "- item", "1. item", "> quote", "---", "===", "| a | b |", "```", "~~~", "`code`", "**bold**", "_em_",
    "https://evil.example/a_b?x=1&y=2", "www.evil.example", "me@evil.example", "a@b", "@user",
    "//evil.example", "&lt;b&gt;", "&#60;",
    "[a]: https://evil.example", "[^1]", "<https://evil.example>", "{{ config }}", "{% raw %}", "$x$", "a\\", "\\*",
    "[bold red]hello[/]", ":smile:", "\x1b[31mred\x1b[0m", "\x1b]8;;https://evil.example\x07link", "\x9b2J", "\x08\x7f",
    "a\nb", "a\n\n# b", "a\u2028b", "\u202eevil\u202c", "a\u200bb", "C #", "#hash", "f(x)_{i}", "evil.example/x",
    "`` ` ``", "snake_case_name", "2*3*4", "~~gone~~", "<!-- x -->", "a|b", "x" * 200, "漢字" * 60, "👩‍💻" * 30,
)
TEXTS = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="\\`*_{}[]()<>#+-.!|~&:$@/^=%'\" \n\tab1é漢", max_size=40),
    st.lists(st.sampled_from(NASTY), min_size=1, max_size=3).map(" ".join),
    st.lists(st.sampled_from(NASTY), min_size=2, max_size=3).map("".join),
)
INLINE = {"text", "code_inline", "text_special", "strong_open", "strong_close"}


@settings(deadline=None, max_examples=400)
@given(TEXTS)
def test_escaped_markdown_reads_as_the_text_and_as_nothing_else(text: str) -> None:
    wanted = plain(text)
    for page in ("{}", "- {}", "> {}", "# {}", "word {}", "**Name:** {}", "| a | b |\n| --- | --- |\n| {} | end |"):
        blocks = RENDERER.parse(page.format(escaped(text)))
        inline = [token for token in blocks if token.type == "inline" and token.content]
        kinds = {child.type for token in inline for child in token.children or []}
        assert kinds <= INLINE, (page, kinds)
        shown = "".join(child.content for token in inline for child in token.children or [])
        around = page.format("").replace("**", "").strip("-># ") if "|" not in page else None
        expected = "ab" + wanted + "end" if around is None else f"{around} {wanted}".strip()
        assert shown.strip() == expected
        assert not {token.type for token in blocks} & {"fence", "code_block", "html_block", "hr", "ordered_list_open"}


@settings(deadline=None)
@given(TEXTS)
def test_nothing_a_linkifier_looks_for_is_left_outside_code(text: str) -> None:
    markdown = escaped(text)
    assert "<" not in markdown
    inline = RENDERER.parseInline(markdown)[0].children or []
    for token in inline:
        if token.type == "text":
            assert not re.search(r"//[^\s]|www\.|@\w|[^\s.]\.[^\W\d_]{2}", token.content, re.IGNORECASE)


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("costs $5 or $6", "costs \\$5 or \\$6"),  # GitHub's formulas
        ("{{ site.title }} {% raw %}", "\\{\\{ `site.title` \\}\\} \\{% raw %\\}"),  # Jekyll, Hugo
        ("x^2^ H~2~O", "x\\^2\\^ H\\~2\\~O"),  # pandoc
        ("mail me@evil.example, or @me.", "mail `me@evil.example`, or `@me`."),
        ("see https://a.example/b_c.", "see `https://a.example/b_c`."),
        ("0.86.2 and 2. and snake_case", "0.86.2 and 2. and snake_case"),
        ("2. second", "2\\. second"),
        ("C # and #1", "C \\# and \\#1"),
    ],
)
def test_what_other_renderers_would_read(text: str, markdown: str) -> None:
    assert escaped(text) == markdown


@given(st.text())
def test_plain_text_has_no_control_or_invisible_characters(text: str) -> None:
    found = plain(text)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]", found)
    assert plain(found) == found
    assert len(shortened(text, 20)) <= 20


def hostile_flags(text: str) -> tuple[Flag, ...]:
    """A flag of an unknown kind, and one of every known kind on words of a text of the verdict."""
    fields = ("quote", "because.text", "claims[0].text", "points.primitive", text)
    known = [
        Flag(kind=kind, reason=text, text=text[1:9] or None, field=fields[at % 5], span=(1, 9), about=text)
        for at, kind in enumerate(FLAG_WORDS)
    ]
    return (Flag(kind=text, reason=text, text=text, field=text), *known)


def hostile_card(text: str) -> Scorecard:
    said = verdict(
        points={"primitive": text}, claims=(Claim(text=text, lines=(1,)),), missing=(text,),
        because=Because(point="primitive", text=text), quote=text, best_for=text, change_my_mind=text, caveat=text,
    )
    one = review("builder", said, flags=hostile_flags(text), model_answered=text)
    two = review("futurist", None, unscored=text or "x", unscored_kind="declined")
    dossier = Dossier(
        id="evil", name=text if text.strip() else "x", tagline=text, category=text, url=text, version=text,
        license=text, pricing=(Price(plan=text, amount=1, currency=text, unit=text, as_of=text, source_url=text),),
    )
    lines = lines_of("evil", (text,), removed=(text,))
    seats = (("builder", MODEL), ("futurist", MODEL))
    found = brief().model_copy(update={"flags": hostile_flags(text)})
    page = card([one, two], dossier=dossier, lines=lines, seats=seats, captions=(text,), brief=found)
    echo = Held(key=one.key, persona_id="builder", flag=Flag(kind="template_echo", reason=text, text=text))
    return page.model_copy(update={"echoes": (echo,), "cleared": (clearance(page, 1, 2, note=text, by=text),)})


@settings(deadline=None, max_examples=150)
@given(TEXTS)
def test_no_text_breaks_out_of_the_markdown_page(text: str) -> None:
    markdown = scorecard_markdown(hostile_card(text))
    found = tokens_of(markdown)
    kinds = {token.type for token in found}
    assert not kinds & {"html_inline", "html_block", "image", "fence", "code_block", "hr", "table_open"}
    assert [token.tag for token in found if token.type == "heading_open"] == ["h1", "h2", "h2", "h2", "h2", "h2"]
    assert all(re.match(r"https?://", href) for href in hrefs(markdown))
    assert "<" not in markdown
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", markdown)


@settings(deadline=None, max_examples=60)
@given(TEXTS, st.sampled_from(WIDTHS), st.booleans())
def test_no_text_breaks_out_of_the_terminal(text: str, width: int, terminal: bool) -> None:
    page = hostile_card(text)
    shown = screen(page, card(ruling("ship", "skip", "ship", "ship")), width=width, terminal=terminal)
    bare = COLOUR.sub("", shown)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", bare)
    assert all(cell_len(line) <= width for line in bare.split("\n"))


@settings(deadline=None, max_examples=40)
@given(TEXTS, st.sampled_from(WIDTHS))
def test_no_text_breaks_out_of_the_list_of_flags(text: str, width: int) -> None:
    out = io.StringIO()
    print_flags(hostile_card(text), Console(file=out, width=width, force_terminal=True), everything=True)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", COLOUR.sub("", out.getvalue()))


@settings(deadline=None, max_examples=150)
@given(TEXTS)
def test_front_matter_says_the_name_and_nothing_else(text: str) -> None:
    page = hostile_card(text)
    content = page_markdown(page).decode()
    _, front, body = content.split("---\n", 2)
    found = yaml.safe_load(front)
    shown = plain(page.dossier.name).replace("<", "‹").replace(">", "›")
    assert found["title"] == shown
    assert list(found) == ["generator", "title", "tool", "outcome", "ship_rate", "mean_score", "reviewed_at", "panel",
                           "draft"]
    assert (found["draft"], found["tool"]) == (False, "evil")
    assert "<" not in content
    assert [token.tag for token in tokens_of(body) if token.type == "heading_open"] == ["h2"] * 5


def test_markup_of_the_terminal_is_shown_as_written() -> None:
    page = card([review("builder", verdict(quote="[bold red]Buy[/] :smile: [link=https://evil.example]now[/link]"))],
                seats=(("builder", MODEL),))
    assert "[bold red]Buy[/] :smile: [link=https://evil.example]now[/link]" in words_of(screen(page, terminal=True))


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://github.com/Aider-AI/aider", "https://github.com/Aider-AI/aider"),
        ("http://a.example/x?y=1&z=2#f", "http://a.example/x?y=1&z=2#f"),
        ("https://a.example/(x)[y]<z>\"'`", "https://a.example/%28x%29%5By%5D%3Cz%3E%22%27%60"),
        ("javascript:alert(1)", None), ("data:text/html,x", None), ("JaVaScRiPt://a.example/%0aalert(1)", None),
        ("https://google.com@evil.example", None), ("https://", None), ("//evil.example", None),
        ("https://a.example/ x](javascript:1)", None), ("file:///etc/passwd", None), ("http://[::1", None),
    ],
)
def test_only_honest_http_addresses_become_links(url: str, target: str | None) -> None:
    assert hrefs(link(url)) == ([target] if target else [])


@settings(deadline=None, max_examples=60)
@given(TEXTS)
def test_leaderboard_markdown_has_one_row_a_tool_whatever_its_name(text: str) -> None:
    found = tokens_of(leaderboard_markdown([leaderboard_row(hostile_card(text)), leaderboard_row(cards_of(1)[0])]))
    assert sum(token.type == "tr_open" for token in found) == 3
    assert sum(token.type == "td_open" for token in found) == 18
    assert not {token.type for token in found} & {"link_open", "image", "html_inline"}
