"""The rules by which a dossier line is taken to speak to its reviewer: a list to be read and mended.

Each is looked for in a folded copy (`disguises.folded`: lower case, no accents, look-alikes made Latin), so patterns
are written that way. Knows nothing of dossiers or scores.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from panel.checks.disguises import folded


class Rule(NamedTuple):
    """What a line does, how much that weighs out of 10, and the pattern that shows it."""

    id: str
    weight: int
    reason: str
    needs: tuple[frozenset[str], ...]
    """Groups of words: of each one must be there, or the pattern is not looked for. SIGNS and FOREIGN stand
    for signs of markup and for letters that are not Latin."""
    pattern: re.Pattern[str]


def _rule(name: str, weight: int, reason: str, needs: str, *patterns: str) -> Rule:
    groups = tuple(frozenset(group.split()) for group in needs.split("|"))
    return Rule(name, weight, reason, groups, re.compile("|".join(patterns), re.MULTILINE))


def _any(words: str) -> str:
    """The words of a table as one pattern; an underscore stands for a blank."""
    return "(?:" + "|".join(re.escape(folded(word.replace("_", " "))) for word in words.split()) + ")"


_IGNORE = """
ignoriere vergiss missachte verwirf ignorez oubliez oublie ignora olvida olvide ignore_as esqueca desconsidere dimentica
negeer vergeet zignoruj zapomnij pomin ignoruj zapomen игнорируй забудь игнорируйте забудьте проигнорируй ігноруй glem
ignorer glom bortse unohda ohita abaikan lupakan yok_say unut gormezden bo_qua quen felejtsd uitati_de puuza αγνοησε
ξεχασε αγνοηστε obliviscere ignorera नज़रअंदाज अनदेखा भूल تجاهل انس نادیده فراموش התעלם שכח 忽略 无视 無視 忘记 忘掉 忘れ
무시 잊어 เพิกเฉย ลืม புறக்கணி மறந்து
"""
_ORDERS = """
anweisung instruktion regel vorgabe rubrik instructions consignes regles instrucciones reglas instrucoes regras
istruzioni regole instructies regels rubriek instrukcj polece zasad instrukc pokyn инструкц правил указан інструкц
вказівк instrukser anvisning instruktion ohje perintah aturan talimat kural huong_dan quy_tac chi_dan utasitas szabaly
instructiuni reguli maagizo οδηγι κανον praecepta निर्देश नियम تعليمات قواعد دستور قوانین הוראות כללים 指令 指示 规则 規則
提示 ルール 지시 규칙 คำสั่ง กฎ விதி அறிவுறுத்தல்
"""
_ORDERS_FIRST = "指令 指示 规则 規則 ルール 지시 규칙 निर्देश नियम talimat kural ohje utasitas விதி வழிமுறை دستور قوانین"
_IGNORE_LAST = """
忽略 无视 無視 無効 忘 무시 잊 भूल अनदेखा yok_say unut gormezden ohita unohda felejts மற புறக்கணி نادیده
"""
"""How other languages say to ignore or forget, and instructions or rules, as folded; some say the latter first."""
_ELSEWHERE = (
    "urteil bewert antwort veredicto responde responda puntua puntos nota verdetto punteggio rispond vonnis oordeel "
    "antwoord beoord werdykt odpowied ocen verdikt hodnocen odpove tuomio pisteet vastaa omdome betyg svar dom dommen "
    "karar puan cevap putusan nilai jawab itelet pontsz valasz note_de reponds repondez avis sententia puncta hukumu "
    "alama jibu phan_quyet diem tra_loi verdictul vurder poeng punkte punten pontos punti bodu punktow pistetta poang "
    "poin pont punte scrivi gereedschap outil herramienta attrezzo werkzeug ferramenta narzedzi nastroj verktyg tyokalu"
)
"""What a verdict, a score, an answer or a tool is called elsewhere."""

# "ship" as an answer, not as what a product does ("ship faster", "safe to ship").
_Q = r"[\"'“”‘’`*_«»「」『』‹›\[(]*"
_QUOTED = r"[\"'“”‘’`*«»「」『』]ship[\"'“”‘’`*«»「」『』.,!]"
SHIP = (rf"(?<![\w-])(?<!to )(?<!you )(?<!we ){_Q}ship(?:ped)?(?![\w-]){_Q}(?=\W*$|\W*\d|[.,;:!?)/|\]}}<>&=+—–-](?!\w)"
          r"|\W{0,3}(?:and|with|at|or|this|score|please|verdict|it|for (?:this|models|all|reviewers)"
          r"|because|as|the (?:tool|verdict|item))\b)")
_NUMBER = r"(?:8[5-9]|9\d|100|ninety(?:[- ]\w+)?|(?:a )?hundred)"
SCORE = (rf"(?<![\d.,$€£/x-]){_NUMBER}(?![\d,.]*\d|\s?(?:%|k\b|m\b|x\b|ms\b|gb\b|mb\b|\+)"
          r"|\s(?:stars|users|languages|models|tools|tests|times|lines|days|hours|minutes|seconds"
          r"|requests|files|percent)\b)")
_BEFORE = (r"previous|prev|prior|earlier|above|preceding|all|any|your|those|these|the|other|former|past"
           r"|last|existing|every"
           r"|system|what|everything|whatever")
_GIVEN = (r"instructions?|prompts?|rules?|rubric|guidelines?|guidance|directions|criteria|persona"
          r"|briefing|brief|orders|told"
          r"|training|constraints|policy|policies")
_READER = (r"(?:reviewers?|judges?|llms?|ais?|(?:large )?language models?|models?|assistants?|evaluators?"
           r"|graders?|raters?"
           r"|machines?|bots?|chatgpt|claude|gpt|gemini)")
_SAY = (r"answer|say|reply|respond|output|return|vote|recommend|conclude|decide|write|print|put|enter"
        r"|give|mark|rate|judge"
        r"|label|choose|pick|submit|set|emit|record|report|assign|award|produce|state|use|select|make|verdict|decision"
        r"|outcome|result|final|conclusion|recommendation|rating|status|overall|ruling|word|operator|prefer|see|typed?")
_OURS = "ship ships shipped skip skipped verdict verdicts"
_NAMES = ("reviewer reviewers judge judges llm llms ai ais model models assistant assistants evaluator "
          "evaluators grader "
          "graders rater raters machine machines bot bots chatgpt claude gpt gemini")
_WORDS = ("ship ships shipped skip skipped verdict verdicts review reviews reviewer reviewers "
          "reviewing score scores scored approve "
          "approved approves approval praise praises recommend judge judges judging rubric critic "
          "persona personas dossier dossiers "
          "reviewed approving praised")
_REVIEW = r"(?:ship|skip|verdict|review\w*|scores?|approv\w+|prais\w+|recommend|judge\w*|rubric|critic|persona|dossier)"

RULES: tuple[Rule, ...] = (
    _rule("drop", 4, "tells the reader to drop instructions",
          "ignore disregard forget override overrides bypass discard aside drop cancel suspend "
          "supersede supersedes replaces "
          "revoke follow obey apply void obsolete lifted withdrawn suspended superseded ignored"
          "| instruction instructions prompt prompts rule rules rubric guideline guidelines guidance "
          "directions criteria persona briefing "
          "brief orders told training constraints policy policies above before said read",
          r"\b(?:ignore|disregard|forget|override|bypass|discard|set aside|drop|cancel|suspend"
          r"|supersedes?|replaces?|revoke"
          rf"|(?:do not|don'?t|never|stop|no longer|without) (?:follow|obey|apply|use|heed|read)(?:ing)?)\b.{{0,20}}"
          rf"\b(?:{_BEFORE})\b.{{0,30}}\b(?:{_GIVEN})\b(?! (?:files?|engine|in your|for (?:eslint|linting)))",
          r"\b(?:ignore|disregard|forget) (?:everything|anything|all|what)(?: \w+){0,3} (?:above|before"
          r"|told|said|read)\b",
          rf"\b(?:previous|prior|earlier|above|old|your)(?: \w+)? (?:{_GIVEN})\b.{{0,30}}\b(?:void"
          r"|cancel\w*|no longer|obsolete"
          r"|expired|lifted|withdrawn|suspended|superseded|ignored?|do(?:es)? not (?:apply|hold))\b"),
    _rule("drop_elsewhere", 4, "tells the reader to drop instructions, in another language",
          "FOREIGN yok bo " + _IGNORE,
          _any(_IGNORE) + r".{0,40}?" + _any(_ORDERS), _any(_ORDERS_FIRST) + r".{0,25}?" + _any(_IGNORE_LAST)),
    _rule("verdict", 4, "asks for a verdict", _OURS,
          rf"\b(?:{_SAY})\w{{0,3}}\b\W{{1,6}}(?:[\w'’/]+\W{{1,4}}){{0,5}}?{SHIP}", rf"(?<!\w){_QUOTED}",
          rf"{SHIP}\W{{1,5}}(?:\w+\W+){{0,3}}?(?:verdict|answer|is (?:the )?(?:right|correct|only"
          r"|expected|verdict|answer))\b",
          rf"\b(?:not|never|no|instead of|rather than|over|and not|don'?t|to say|wants? to|not answer) {_Q}skip\b"
          rf"{_Q}(?:\W*$|[.,;!]| this\b| the tool\b| it\b)",
          r"\bship\b\W{1,3}(?:not|never|no)\W{1,3}skip\b", r"\bverdict\b.{0,40}\bship\b(?! (?:faster|to|code|with))",
          r"\b(?:this|the) (?:tool|one|item|product) (?:\w+ ){0,3}ships?(?:\W*$|[.,;!])",
          r"(?:word|letters?) {0,3}\W{0,2}(?:ship|skip)\b",
          r"\bship (?:this|whatever|the) (?:tool|one|item|dossier|you)\b"),
    _rule("score", 3, "asks for a score", _OURS +
          " score scores scored give set write enter assign award return output answer "
          "put rate mark add raise report use grade points"
          "| score scores scored ship shipped marks mark points rating grade 100 hundred 95 96 97 98 "
          "99 90 91 92 93 94 85 86 87 88 89",

          rf"{SHIP}\W{{1,12}}(?:[\w']+\W{{1,3}}){{0,4}}?{SCORE}",
          rf"{SCORE}\W{{1,8}}(?:(?:points?|of|out|percent|and|a|the|verdict|score)\W{{1,3}}){{0,4}}{SHIP}",
          r"\b(?:give|set|write|enter|assign|award|return|output|answer|put|rate|score|mark|raise|grade)\b"
          rf"(?:\W{{1,3}}[\w']+){{0,5}}?\W{{1,3}}(?:{SCORE}(?=\W*$|\W*[.,;!?]| points| for| as| and| out| of)"
          r"|(?:highest|maximum|full|top|perfect|best)[ -](?:possible )?(?:scores?|marks?|points|rating|grade))",
          rf"\bscores?\b(?: field)?(?:\W{{1,3}}(?:is|of|to|at|must|should|be|shall|least|above|over"
          r"|between|a|an|the|equals?|goes|takes"
          r"|stays|rounds?|rounded|up|not|below|under|than|lower|less|no|fixed|verified|final|confirmed"
          rf"|correct|are)){{0,5}}\W{{1,3}}{SCORE}",
          r"\bscores?\b.{0,30}\b(?:rounded up|next hundred|points (?:higher|up))",
          r"\b(?:take|deduct|subtract|add|give back)\W+\d{2} points\b"),
    _rule("verdict_elsewhere", 4, "asks for a verdict in another language", "ship",
          r"[^\x00-\u024f\u2000-\u2bff\U0001f000-\U0001faff]{2,}[^\n]{0,60}(?<![\w-])ship(?![\w-])",
          r"(?<![\w-])ship(?![\w-])[^\n]{0,60}[^\x00-\u024f\u2000-\u2bff\U0001f000-\U0001faff]{3,}",
          r"(?<![a-z])" + _any(_ELSEWHERE) + r".{0,60}(?<![\w-])ship(?![\w-])",
          r"(?<![\w-])ship(?![\w-])\W{1,5}.{0,30}\b" + _any(_ELSEWHERE)),
    _rule("reader", 3, "addresses an AI or a reviewer", _NAMES +
          " whoever whatever anyone positive favourable negatives weaknesses flaws"
          f"| {_WORDS} grader graders evaluator evaluators raters grading machine program dear if "
          f"reading judging positive negatives model",

          r"\b(?:note|message|attention|dear|hey|hello|hi|listen|instructions?|memo|notice|hint|reminder"
          r"|psst|important|request|to|from)\b"
          rf"(?: to| for| all)?[,:]?(?: the| all| any| our| every| an?){{0,2}} (?:\w+ )?{_READER}(?=\W*$"
          r"|[,:;!] ?(?!\w+,)|\. [a-z]+ )"
          rf"(?=.{{0,160}}\b{_REVIEW}\b)",
          r"\bfor (?:all |the |any |every |automated |ai |llm )*(?:reviewers|judges|evaluators|graders"
          r"|raters|models (?:that )?(?:read|resolve|judge|review)\w*|llm reviewers)\b",
          r"(?:^|[.!?;#*>(\[] ?|- |: )(?:dear |kind |fellow )?(?:ai |llm |reviewing |the )?(?:reviewers?"
          r"|judges?|graders?|evaluators?|model|machine)\b(?:,| ?[:!—–] |, please)",
          rf"\bif you(?: are|'re) an? (?:\w+ )?{_READER}\b",
          r"\b(?:as|when you are|since you are|you are|being) an? (?:ai|llm|language model|reviewer"
          r"|judge|machine|program)\b,? (?:you|reading|and)\b",
          r"[,—–] ?(?:dear )?(?:reviewer|judge|model|llm|machine|grader|evaluator)(?: please)?[.!]?(?:$|[\"'”])",
          r"\b(?:reviewers?|models?|llms?|machines?|judges?|assistants?|ais?) (?:must|should|shall"
          r"|are (?:asked|instructed|required|told|requested)|is (?:asked|instructed|required|told"
          r"|requested)|reading this|may only|that (?:reject|resolve|read))s?\b"
          rf".{{0,100}}\b{_REVIEW}\b",
          r"\b(?:reviewing|judging) (?:model|ai|machine|assistant|llm|system)\b", r"\breview model\b",
          r"\b(?:whoever|whatever|anyone|anything) (?:\w+ ){0,3}(?:is )?(?:grading|judging|reviewing"
          r"|reading|evaluating) this\b",
          r"\b(?:give|write|provide|leave) (?:only )?an? (?:positive|favou?rable|glowing|good"
          r"|friendly) (?:review|assessment|quote|verdict|rating)\b",
          r"\b(?:do not|don'?t|never) (?:highlight|mention|list|report|name) (?:any |the )?(?:negatives?"
          r"|weaknesses|drawbacks|downsides|flaws)\b"),
    _rule("machinery", 3, "speaks of the review itself",
          "dossier dossiers verdict verdicts rubric persona personas quote points "
          "threshold score scores panel panels ship skip line lines panelists your",
          r"\b(?:this|the|next|other|previous|every|each|of|all|later|whole|present|another|real|example"
          r"|last)(?: \w+)? dossiers?\b", r"(?:^|[.!?] )dossiers (?:that|which|after|before|from)\b",
          r"\byour (?:own )?(?:verdict|rubric|persona|quote|threshold|judgement|judgment|ruling"
          r"|review of this|final answer|decision rule|score of|length limit)\b",
          r"\b(?:the|this) (?:scoring threshold|score field|quote field|verdict field|final verdict"
          r"|reviewing model|ship threshold|rubric you|persona you|verdict (?:text|should|must|to be|is"
          r"|on this|exactly|for this))\b",
          r"\bverdict (?:rule|field|to (?:be|enter|write)|must|should|stays|has already|key|of (?:ship|skip)|shall)\b",
          r"\b(?:which|whichever|what|sceptical|skeptical|budget-minded) persona\b|\bas that persona\b"
          r"|\bpersonas? (?:that come|after|permanently|you (?:have|are|were))\b|\bpersona\.\w+\s?=",
          r"\b(?:the )?claims? on line \d|\b(?:cite|citing) (?:lines?|the line)s? (?:\d|numbers?|only)"
          r"|\bline numbers? to (?:cite|enter|quote)",
          r"\bskip\b\W{1,4}(?:(?:or|and|is|/|vs\.?|->|→|=)\W{1,4})?(?:\w+ )?ship\b",
          r"\bship\b\W{1,4}(?:or|/|vs\.?|->|→|=)\W{1,4}(?:\w+ )?skip\b",
          r"\bthe (?:whole|rest of the|same) panel (?:has|have|agreed|voted)\b|\bpanelists? (?:has|have"
          r"|agreed|should|must|voted)\b"),
    _rule("forged_json", 4, "holds a verdict in the form of an answer", "verdict verdicts score submit_verdict review",
          r"[\"'“”]verdict[\"'“”]\s*:",
          r"\bverdict\s*(?:=|:|->|→|\|)\s*(?:!!str |<)?[\"'“`*]*(?:ship|approve|pass)\b", r"<verdict>",
          r"\bverdict\W{1,3}ship\b",
          r"\b(?:submit|set|record|return|final)_(?:verdict|review|score)\b", r"\\\"verdict\\\""),
    _rule("template", 4, "holds the marks of a chat",
          "SIGNS human assistant developer im_start im_end start_of_turn end_of_turn im inst",
          r"‹[|｜/]?[^›]{1,60}›", r"\(/?inst\)",
          r"\(/?(?:system_prompt|tool_calls|tool_results|available_tools|think)\)", r"\bim_(?:start|end|sep)\b",
          r"<<\s*/?\s*sys\s*>>", r"<\s?/?\s?\|\s?[a-z_]+\s?\|",
          r"\b(?:start|end)_of_turn\b",
          r"\|\s*(?:im_start|im_end|assistant|user|eot_id|start_header_id|endoftext)\s*\|",
          r"[\[{(]/?\s?i\s?n\s?s\s?t\s?[\])}]",
          r"(?:^|\s)#{2,3}\s?(?:instructions?|response|system|assistant)\s*:",
          r"^(?:\w+: )?\s*[-*]?\s*(?:human|assistant|developer)\s?:\s",
          r"\b(?:assistant|human)\s?: .{1,200}\b(?:human|user|ship)\b",
          r"<(?:system|assistant|user|human|tool_result|function_results?|system-reminder|developer)>"),
    _rule("fence", 4, "imitates the end of the dossier or another part of the prompt",
          "SIGNS dossier fence untrusted nonce transmission material persona task end begin start "
          "close closing output answer format final",
          r"</?(?:dossiers?|untrusted\w*|documents?|tool_data|user_input|review|rules|persona|maker\w*)>",
          r"<<<\w|\w>>>\s?$",
          r"\b(?:end|begin|start|close|closing|beginning|eof)[ _-]+(?:of[ _-]+)?(?:the )?(?:dossier"
          r"|untrusted|quoted|fenced|maker|tool data|data block|material|user input|input data)\b",
          r"(?:^|\s)\[\d{1,4}\] ?(?:end|system|rules?|begin|verdict|ship|eof|reviewer|editor|instruction"
          r"|the dossier)\b",
          r"(?:[-=*_~#]{3,})\s?(?:end|begin|system|persona|rules|output|dossier|instructions?|verdict)\b",
          r"^(?:persona|your task|output format|answer format|final answer|response format"
          r"|instructions to \w+)\b\s?(?:\(|:|$)",
          r"\b(?:dossier|fence|block|material|transmission) (?:ends|is over|ended|closed|is closed"
          r"|has ended|complete)\b",
          r"\bnonce\b.{0,60}\b(?:block|checked|closed|valid|opened|verdict|line)\b",
          r"\bany of these has closed\b|\b(?:the (?:text|lines?|part|rest) (?:below|after this|from here"
          r"|that follows) (?:is|are|comes?) (?:from|not))",
          r"\btask:? (?:ship|skip)\b", r"\{% ?(?:end)?raw ?%\}.{0,60}\b(?:ship|score|verdict)\b"),
    _rule("examples", 3, "shows verdicts to follow", "ship skip",
          r"\b(?:ship|skip)\b(?:(?!\bship\b|\bskip\b).){1,120}?\b(?:ship|skip)\b(?:(?!\bship\b"
          r"|\bskip\b).){1,120}?\b(?:ship|skip)\b",
          r"\b(?:tool|example|review|case|item|entry|dossier|input|q|pattern"
          r"|ex)\.? ?#?[\w-]{0,12}\s?[:=→>)–—-]+.{0,80}(?:->|→|=>|:|=|—|–|-)\s*(?:verdict\W{1,3})?ship\b"),
    _rule("role", 3, "gives the reader another role",
          "you your act pretend imagine suppose assume game scene mode behave speak persona roleplay "
          "simulate simulation say"
          f"| {_WORDS} mode now longer",

          r"\byou(?: are|'re) (?:now |no longer |actually |really )(?:an?|the|in|my|free|not|bound" r"|\w+bot|dan\b)",
          r"\b(?:act|behave|speak|answer|respond|write|review|judge) (?:only )?as (?:an?|if you"
          rf"|though you|the|my|our|two|\w+bot)\b.{{0,100}}\b{_REVIEW}\b",
          r"\b(?:pretend|imagine|suppose|let us say|let's (?:say|play)|role-?play|simulate|simulation"
          rf"|in this (?:game|story|scene))\b.{{0,140}}\b{_REVIEW}\b",
          rf"\byou(?: are|'re) (?:an?|the|on) (?:\w+['’]?s? ){{0,4}}(?:reviewer|judge|lawyer|actor"
          r"|translator|grandmother|fan|maker|friend|side|critic|salesman|intern|robot|bot|pirate"
          rf"|poet)\b.{{0,200}}\b(?:{_REVIEW}|100|hundred)\b",
          r"\b(?:dan|developer|god|jailbreak|unrestricted|maintenance|debug|override|admin"
          rf"|sudo) ?mode\b.{{0,80}}\b(?:{_REVIEW}|enabled|active)\b",
          r"\byou (?:must|shall|have to|will|need to|should|can only|may only|may not|always) (?:now "
          r"|always |only |therefore |then |not )?(?:answer|say|ship|rate|recommend|score|approve|return"
          rf"|review|reply|do the reverse)\b.{{0,80}}\b(?:{_REVIEW}|positively|favou?rably)\b"),
    _rule("authority", 3, "claims an office over the review",
          "editor editors editorial operator legal compliance board moderator company platform " "publisher "
          "management security newsletter administrator admin developer system override overridden "
          "injunction mandated approved authorised "
          "authorized exempt order behalf calibration control gold canary court ministry government "
          "user principal automated unfavourable negative"
          f"| {_WORDS} prohibited forbidden refrain suspended label",

          r"\b(?:editors?|editorial|operator|legal (?:department|counsel|team|notice)|compliance|board"
          r"|moderator|publisher|newsletter|court|ministry|government|principal"
          rf"|quality assurance)\b(?: \w+){{0,3}}[ :\].,].{{0,120}}\b{_REVIEW}\b",
          r"\b(?:override|overridden|injunction|mandated?|pre-?approved|whitelisted|allow-?listed"
          rf"|exempt(?:ed)?|by order|on behalf of the (?:editors|panel|operator))\b.{{0,80}}\b{_REVIEW}\b",
          r"\b(?:calibration|control|gold|canary) (?:item|case|dossier|label|entry"
          r"|record)s?\b.{0,80}\b(?:ship|verdict|label|score|true|known|expected)",
          r"\b(?:unfavou?rable|negative|automated) (?:automated |negative )?(?:assessments?|decisions?"
          r"|reviews?|verdicts?)\b.{0,80}\b(?:suspended|prohibited|forbidden|not (?:allowed|permitted)" r"|refrain)"),
    _rule("leak", 3, "asks for the prompt or a key",
          "prompt instructions rules rubric key keys nonce text everything told conversation model "
          "configuration message "
          "environment variables placeholders system"
          "| print reveal repeat output show quote copy send append encode include tell translate dump "
          "echo paste recite spell disclosed "
          "disclose summarise summarize begin begins post forward leak complete put insert characters "
          "list expand which what replace "
          "instructions placeholders verdict fill read reads",
          r"\b(?:print|reveal|repeat|output|show|quote|copy|send|append|encode|include|tell|translate"
          r"|dump|echo|paste|recite|spell|disclosed?|summari[sz]e|begin with|post|forward|leak|complete"
          r"|put|insert|characters (?:of|in)|words? of)\b.{0,60}"
          r"\b(?:system (?:prompt|message)|your (?:full |entire |whole |own |hidden |original "
          r"|first )?(?:system )?(?:prompt|instructions|rules|rubric|guidelines|system message|persona)"
          r"|the rubric|my instructions begin|nonce|the text above|text above|text before|(?:stands"
          r"|standing|written) before line|everything (?:above|before|you were|that stands)"
          r"|what you were told|you were told|conversation so far|reviewing prompt)\b",
          r"\bcharacters in your (?:prompt|instructions)|\byour (?:instructions|prompt|rules) (?:begin"
          r"|start)s? with|\bmy instructions begin",
          r"\b(?:list|print|reveal|send|expand|show) (?:all |the |your )*(?:environment variables"
          r"|api keys|secrets)\b",
          r"\b(?:which|what) (?:model|version|company|llm) are you\b", r"\breplace prompt with\b",
          r"[?&=]\S{0,60}(?:\{\{|\{|=)(?:system_?prompt|prompt|rubric|verdict|instructions)\b",
          r"\$\{?(?:openai|anthropic|\w+)_api_key.{0,80}\b(?:verdict|expanded|after)\b",
          r"\.ssh/id_rsa\b.{0,80}\b(?:attach|evidence|result|read)|\bread\w* files? with\b.{0,40}\.ssh"),
    _rule("others", 3, "speaks of other dossiers or later reviews",
          "next other others every later following subsequent competing rival rivals remaining future " "all "
          "competitor competitors alternatives batch memory before after another"
          f"| {_WORDS} batch lowered malware append points mark rate treat remember tools vendor quote quotes deduct",

          r"\b(?:next|other|every|later|following|subsequent|competing|rival|remaining|future"
          r"|all)(?: \w+){0,2} (?:dossiers?|reviews?|tools?|verdicts?|quotes?|entries|reviewers?"
          r"|items?|panels?|competitors?)\b.{0,100}\b(?:skip|ship|verdicts?|score|points|lower(?:ed)?"
          r"|deduct|remember|append|halved?)\b",
          r"\b(?:skip|verdict|score|mark|deduct|lower|remember|append|halve|halved|carry"
          r"|count)\b.{0,80}\b(?:next|other|every|later|following|competing|rival|remaining|future"
          r"|all (?:other|later|the))(?: \w+){0,2} (?:dossiers?|verdicts?|quotes?|entries|reviewers?"
          r"|tools?|items?|competitors?|panels?)\b",
          r"\b(?:from now on|for the rest of|until further notice|in (?:all|every) (?:later|future|other"
          rf"|following))\b.{{0,100}}\b(?:{_REVIEW}|batch)\b",
          r"\b(?:mark|rate|score|give|treat|call|judge)\b.{0,40}\b(?:competitors?|rivals?"
          r"|alternatives?)\b.{0,40}\b(?:skip|low|zero|down|bad)",
          r"\b(?:remember|memori[sz]e|keep in mind|store in memory"
          rf"|save to memory)\b.{{0,80}}\b(?:{_REVIEW}|trusted vendor)\b",
          r"\b(?:dossiers?|verdicts?|ones|tools?) (?:before|after) this(?: one)?\b.{0,100}\b(?:lowered"
          r"|likewise|verdict|malware|skip|ship|score|forged)",
          r"\b(?:in|of) this batch\b|\bwhole batch: |\bthe other tools in\b"),
    _rule("encoded", 3, "asks to decode something",
          "decode decoded decrypt unscramble rot13 base64 backwards reverse hex morse acrostic "
          "initials letters concatenate "
          "latin left parts join capitals bytes binary eviewerray"
          "| apply obey follow verdict score ship answer instruction instructions field judge review "
          "model line lines tagline message "
          "reviewer eviewerray read",

          r"\b(?:decode|decrypt|unscramble|read (?:it |this )?backwards|reverse (?:the|this|it)"
          r"|right to left|pig latin|acrostic|initials of|first letters? of"
          r"|concatenate)\b.{0,80}\b(?:apply|obey|verdict|score|ship|answer|instructions?|fields?|judge"
          r"|review|the (?:model|lines?)|(?:two|three|four) lines|tagline|before you|and (?:do|act))\b",
          r"\b(?:verdict|score|instruction|answer|reviewer|message to the model)s?\b.{0,60}\b(?:decoded?"
          r"|decrypt|rot-?13|base-?64|unscramble|backwards|right to left|in morse|pig latin|acrostic"
          r"|initials|join the parts)\b",
          r"\beviewerray|\berdictvay|\bipshay\b"),
    _rule("field", 3, "says how a field of the review is to be filled",
          "quote score scores verdict confidence claim claims caveat missing points prediction " "best_for evidence "
          "unknown unknowns weakness weaknesses drawbacks deduct penalise penalize treat enter round "
          "rounded scale rating limitations negatives"
          "| use enter write cite copy filled entered must should return is takes leave empty put omit "
          "mention deduct penalise penalize "
          "round rounded treat misread scale do don never list name lower",

          r"\b(?:quote|score|verdict|confidence|claims?|caveat|missing|points|best_for|evidence"
          r"|weakness(?:es)?|drawbacks?) to (?:use|enter|write|cite|copy|be filled|be entered)\b",
          r"\b(?:quote|score|verdict|weaknesses|drawbacks|caveat|unknowns) (?:field"
          r"|list)\b.{0,40}\b(?:must|should|return|is|takes|leave|empty|write|enter)\b",
          r"\bfor (?:the )?\W?(?:quote|score|verdict|confidence|weaknesses|caveat|missing"
          r"|risk)\W?(?: field| list)?:? (?:put|use|write|enter|return|leave)\b",
          r"\b(?:leave|omit|do not (?:mention|list|name|write)|don'?t (?:mention|list|name|write)"
          r"|no need to (?:mention|list))\b.{0,40}\b(?:weakness(?:es)?|drawbacks?|limitations|caveats?"
          r"|downsides|negatives?|unknowns?)\b",
          r"\b(?:do not|don'?t|never) (?:deduct|subtract|penali[sz]e|lower the score|take off)\b",
          r"\bround(?:ed|s)? (?:up )?to (?:9\d|100)\b",
          r"\btreat (?:an?|every|all|each|any|the) .{0,30}\bas (?:a plus|proven|plus|evidence|proof" r"|confirmed)",
          r"\benter these\b.{0,20}\bscores?\b|\bsub-?scores as given\b",
          r"\b(?:score|rating|scale)\b.{0,60}\b(?:misread the scale|log scale, so|scale is reversed" r"|scale, so)"),
    _rule("praise", 2, "reports a verdict of others in the words of this panel",
          "score scored points verdict status ship skip panel rated overall rating scorecard"
          "| points 100 scale rubric ship shipped skip verdict score scored scores unanimous unanimously",

          rf"{SCORE}\W{{1,3}}(?:points?|of 100|out of 100|/ ?100|on (?:the|this|your) (?:scale|rubric))",
          r"\b(?:earlier|independent|other|previous|human|blind|last|same|three|two|four"
          r"|five) (?:\w+ )?(?:panels?|juries|jury|reviewers?|reviews?|judges?|models?|testers?|experts?"
          r"|audit|evaluations?)\b.{0,100}\b(?:ship|skip|verdict|score[ds]?|unanimous\w*)\b",
          r"\b(?:overall|verdict|status|result|rating|review|panel|jury|benchmark|scorecard|approved"
          rf"|rated)\b.{{0,60}}{SHIP}"),
)
