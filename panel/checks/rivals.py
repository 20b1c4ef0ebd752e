"""Category of tool → names that are known in it: the competitors and the hosts a reviewer brings up from memory.

A name from here that is not in the dossier is outside knowledge, not something to check. Kept by hand: add the names
that editors see again and again. Knows nothing of dossiers or of who competes with whom.
"""

# ruff: noqa: SIM905 - names are read and edited as text

from __future__ import annotations

from functools import lru_cache

from panel.checks.words import COMMON_TERMS, GENERIC, STOP, words_of

EVERYWHERE = """
OpenAI; ChatGPT; GPT; Anthropic; Claude; Claude Code; Google; Gemini; Vertex AI; DeepMind; Microsoft; Azure; Copilot;
Windows; Office; Microsoft Teams; Apple; iPhone; iOS; macOS; Siri; Android; Meta; Llama; Mistral; DeepSeek; Qwen; Grok;
xAI; Cohere; Amazon; AWS; Bedrock; SageMaker; Nvidia; CUDA; Hugging Face; Transformers; IBM; Oracle; Salesforce; SAP;
GitHub; GitLab; Docker; Kubernetes; Linux; Postgres; PostgreSQL; SQLite; Redis; MongoDB; MySQL; Slack; Discord; Zoom;
Notion; Stripe; Cloudflare; Vercel; Firefox; Chrome; Model Context Protocol; MCP; Python; JavaScript; TypeScript; Rust;
Java; Node.js; React; PyPI; npm; Y Combinator; Reddit; YouTube; Twitter; LinkedIn; Wikipedia; Stack Overflow
"""
BY_CATEGORY = {
    "AI coding assistant": """
GitHub Copilot; Cursor; Windsurf; Codeium; Claude Code; Codex; Aider; Cline; Roo Code; Continue; Zed; Tabnine; Devin;
Cognition; Replit; JetBrains AI Assistant; Junie; Gemini Code Assist; Gemini CLI; Amazon Q; CodeWhisperer; Kiro;
Sourcegraph; Cody; Amp; Augment Code; Bolt; Lovable; v0; OpenHands; SWE-agent; OpenCode; Goose; Warp; VS Code; Visual
Studio; Xcode; Neovim; Emacs; Eclipse; Supermaven; Trae; Antigravity; Plandex; Qodo; CodeRabbit; Greptile; Graphite""",
    "Agent framework": """
LangGraph; LangChain; CrewAI; AutoGen; AG2; Semantic Kernel; OpenAI Agents SDK; Swarm; PydanticAI; LlamaIndex; Agno;
Phidata; smolagents; Mastra; Google ADK; Strands; Letta; MemGPT; Mem0; Zep; Haystack; DSPy; Temporal; Inngest; n8n;
Dify; Flowise; Langflow; AutoGPT; BabyAGI; MetaGPT; CAMEL; browser-use; Playwright; Stagehand; Browserbase;
LangSmith; Composio; E2B; Vercel AI SDK; Microsoft Agent Framework; Atomic Agents; Griptape; SuperAGI; Selenium;
Puppeteer""",
    "LLM application library": """
LangChain; LlamaIndex; Haystack; DSPy; Instructor; Outlines; Guidance; BAML; Marvin; Mirascope; LiteLLM; PydanticAI;
Pydantic; LMQL; Guardrails; Semantic Kernel; Vercel AI SDK; TypeChat; jsonformer; XGrammar; SGLang; vLLM; OpenRouter;
Portkey; Spring AI; txtai; EmbedChain; Langroid; simonw; Magentic; ell; Promptify; TextGrad; AdalFlow; Argilla;
distilabel""",
    "Models and weights": """
Llama; Mistral; Mixtral; Qwen; DeepSeek; Gemma; Phi; Falcon; Yi; Kimi; Moonshot; GLM; Zhipu; MiniMax; Command R;
Grok; Nemotron; OLMo; Ai2; StableLM; Stability AI; BLOOM; EleutherAI; Pythia; Whisper; BERT; T5; CLIP; DINO; SAM;
Jamba; AI21; Granite; Code Llama; StarCoder; BigCode; Reka; Inflection; Arcee; LoRA; Unsloth; Axolotl; Kaggle;
ModelScope""",
    "Inference and serving": """
vLLM; SGLang; TensorRT-LLM; Triton; TGI; llama.cpp; llama-cpp-python; Ollama; LM Studio; Groq; Cerebras; SambaNova;
Together AI; Fireworks AI; Replicate; Baseten; Modal; RunPod; Anyscale; Ray Serve; BentoML; KServe; Lepton;
DeepInfra; OpenRouter; Jan; GPT4All; KoboldCpp; ExLlama; MLX; ONNX Runtime; OpenVINO; LocalAI; Xinference;
CTranslate2; MLC LLM; Predibase; LMDeploy; Novita; CoreWeave; Lambda; Vast.ai; Banana; Hyperbolic; llamafile; GGUF""",
    "Vector search and retrieval": """
Pinecone; Weaviate; Qdrant; Milvus; Zilliz; Chroma; pgvector; turbopuffer; LanceDB; Vespa; Elasticsearch; OpenSearch;
FAISS; Redis; Vald; Marqo; Algolia; Typesense; Meilisearch; Supabase; MongoDB Atlas; Annoy; ScaNN; hnswlib; Vectara;
Cohere Rerank; ColBERT; RAGatouille; Jina; Voyage; LlamaIndex; Haystack; Neo4j; GraphRAG; SingleStore; Rockset;
Epsilla; S3 Vectors; Azure AI Search; DiskANN; USearch; Upstash; Nomic; Tantivy; Lucene; Solr""",
    "Evaluation and testing": """
Ragas; DeepEval; Promptfoo; LangSmith; Braintrust; Inspect; OpenAI Evals; TruLens; Arize Phoenix; Giskard; Opik;
Comet; Weights & Biases; Weave; HELM; lm-evaluation-harness; EleutherAI; LightEval; Patronus; Galileo; Humanloop;
Confident AI; Langfuse; MLflow; pytest; Evidently; UpTrain; Vellum; Athina; Scale AI; LMArena; Chatbot Arena; METR;
SWE-bench; statsmodels; scikit-learn; Prometheus; AlpacaEval; MT-Bench; BIG-bench; MMLU; Autoevals; Parea""",
    "Safety and guardrails": """
Guardrails AI; NeMo Guardrails; Llama Guard; Lakera; Protect AI; LLM Guard; Rebuff; Prompt Guard; ShieldGemma; Garak;
PyRIT; Presidio; Robust Intelligence; HiddenLayer; CalypsoAI; Prompt Security; Azure Content Safety; Perspective;
Aporia; Invariant; Patronus; Credo AI; Holistic AI; Fiddler; OWASP; Snyk; Giskard; Arthur; WhyLabs; Zenity;
Cloudflare AI Gateway""",
    "Monitoring and observability": """
Datadog; Grafana; Prometheus; New Relic; Honeycomb; Sentry; Langfuse; LangSmith; Helicone; Arize; Phoenix; Weights &
Biases; MLflow; OpenTelemetry; OpenLLMetry; Traceloop; Logfire; Splunk; Elastic; Dynatrace; PostHog; Amplitude;
Mixpanel; Evidently; WhyLabs; Fiddler; Opik; OpenLIT; AgentOps; Portkey; Lunary; Jaeger; Loki; Kibana; Signoz; Axiom;
Lightstep""",
    "Data pipelines and documents": """
Unstructured; LlamaParse; Docling; Marker; PyMuPDF; pdfplumber; Apache Tika; Tika; Textract; Document AI; Azure
Document Intelligence; Reducto; Airflow; Dagster; Prefect; dbt; Fivetran; Airbyte; Spark; Databricks; Snowflake;
Kafka; Flink; Nougat; MinerU; Mathpix; Tesseract; PaddleOCR; MarkItDown; Pandoc; Firecrawl; Scrapy; Apify; Crawl4AI;
Jina Reader; dlt; Meltano; Camelot; Tabula; GROBID; Surya; Mistral OCR; ABBYY; Rossum; Nanonets; distilabel; Argilla;
Snorkel; NeMo Curator; Gretel; Mostly AI; Scale AI; Labelbox; Great Expectations""",
    "Data analysis and notebooks": """
Jupyter; JupyterLab; Colab; Deepnote; Hex; Observable; marimo; Streamlit; Gradio; Dash; Plotly; Tableau; Power BI;
Looker; Metabase; Superset; Datasette; pandas; Polars; DuckDB; RStudio; Posit; Quarto; Mode; Databricks; Julius;
Zeppelin; Kaggle; Excel; Google Sheets; Airtable; Evidence; Redash; Flask; Django; CKAN; Voila; Papermill; nbdev;
Count; Snowflake""",
    "Databases and storage": """
Postgres; PostgreSQL; MySQL; SQLite; DuckDB; MongoDB; Redis; Cassandra; DynamoDB; CockroachDB; PlanetScale; Neon;
Supabase; Turso; Firebase; Snowflake; BigQuery; Redshift; ClickHouse; Databricks; MotherDuck; Elasticsearch; Neo4j;
SurrealDB; Fauna; Litestream; TiDB; YugabyteDB; ScyllaDB; TimescaleDB; InfluxDB; MariaDB; S3; MinIO; R2; Backblaze;
Dropbox; Valkey; Convex""",
    "Developer tools": """
GitHub; GitLab; Bitbucket; Jira; Linear; JetBrains; IntelliJ; PyCharm; VS Code; Docker; Postman; Insomnia; Sentry;
Vercel; Netlify; Jenkins; CircleCI; Terraform; Ansible; Snyk; SonarQube; Homebrew; Poetry; uv; Ruff; pip; conda; Nix;
Bazel; Backstage; Raycast; Warp; tmux; ngrok; Tailscale; Storybook; ESLint; Prettier; LangChain; Ollama; Claude
Desktop; Zapier; pytest; Renovate; Dependabot; Gitpod; Codespaces""",
    "Infrastructure and hosting": """
AWS; Azure; GCP; Google Cloud; Cloudflare; Vercel; Netlify; Fly.io; Render; Railway; Heroku; DigitalOcean; Hetzner;
Linode; Kubernetes; Nomad; Terraform; Pulumi; Docker; Modal; RunPod; CoreWeave; Lambda; Vast.ai; Anyscale; Ray;
Slurm; SkyPilot; Paperspace; OVH; Scaleway; Coolify; Dokku; Supabase; Firebase; Cloud Run; App Engine; EC2;
OpenShift; Rancher; Deno Deploy""",
    "APIs and integrations": """
Zapier; Make; n8n; Workato; MuleSoft; Boomi; Tray; Pipedream; Postman; RapidAPI; Kong; Apigee; Twilio; Stripe; Plaid;
Merge; Nango; Paragon; Composio; Segment; Airbyte; OpenAPI; Swagger; GraphQL; Hasura; Apollo; gRPC; Celigo; IFTTT;
Power Automate; Svix; Hookdeck; Speakeasy; Stainless; FastAPI; Tyk; Prismatic; Arcade""",
    "Voice and audio": """
ElevenLabs; Hume; Cartesia; Fish Audio; PlayHT; Murf; Resemble; Descript; Speechify; WellSaid; Deepgram; AssemblyAI;
Whisper; Coqui; XTTS; Bark; Suno; Udio; LOVO; Respeecher; Google Text-to-Speech; Polly; Azure Speech; LMNT; Rime;
Piper; Kokoro; Speechmatics; Rev; Vapi; Retell; LiveKit; Bland; Sesame; Krisp; Lyrebird; Tortoise; Voicemod; Inworld;
Audacity""",
    "Image and video": """
Midjourney; DALL-E; Sora; Veo; Imagen; Stable Diffusion; Stability AI; Flux; Black Forest Labs; Ideogram; Leonardo;
Firefly; Adobe; Photoshop; Canva; Figma; Runway; Pika; Luma; Kling; Hailuo; HeyGen; Synthesia; Descript; CapCut;
Krea; Recraft; ComfyUI; Automatic1111; InvokeAI; Premiere; DaVinci Resolve; Captions; Topaz; Playground; Magnific;
Civitai; Haiper; Blender""",
    "Writing and notes": """
Notion; Obsidian; Evernote; OneNote; Google Docs; Word; Coda; Roam; Logseq; Craft; Bear; Grammarly; Jasper; Copy.ai;
Writer; Sudowrite; QuillBot; Wordtune; Lex; Mem; Reflect; NotebookLM; Confluence; Slite; Tana; Capacities; Anytype;
AppFlowy; Apple Notes; ClickUp; Airtable; Guru; Dropbox Paper; Joplin; Heptabase; Granola; Hemingway; Scrivener;
Ulysses""",
    "Meetings and productivity": """
Otter.ai; Fireflies.ai; Fathom; Granola; tl;dv; Zoom; Google Meet; Microsoft Teams; Gong; Chorus; Avoma; Read AI;
Grain; Sembly; Krisp; MeetGeek; Rev; Notta; Supernormal; Loom; Calendly; Reclaim; Motion; Clockwise; Asana;
Monday.com; Trello; ClickUp; Todoist; Superhuman; Outlook; Gmail; Google Calendar; Webex; Tactiq; Circleback;
Airgram; Jamie; Bluedot; Plaud""",
    "Customer support": """
Intercom; Fin; Zendesk; Freshdesk; Freshworks; Salesforce; Agentforce; HubSpot; Decagon; Sierra; Ada; Forethought;
Kustomer; Gorgias; Help Scout; Front; Tidio; Drift; LivePerson; Crisp; Kore.ai; Cognigy; Rasa; Dialogflow; Genesys;
Five9; Talkdesk; Parloa; PolyAI; Ultimate; Maven AGI; Lorikeet; Chatbase; Botpress; Voiceflow; ServiceNow; Yellow.ai;
Aisera; Moveworks""",
    "Sales and marketing": """
Salesforce; HubSpot; Apollo; Clay; Outreach; Salesloft; Gong; ZoomInfo; Clearbit; 6sense; Marketo; Mailchimp;
Klaviyo; Jasper; Copy.ai; AdCreative; Semrush; Ahrefs; Surfer; Pipedrive; Attio; Instantly; Lemlist; Smartlead;
Artisan; 11x; Regie; Lavender; Drift; Qualified; Braze; Iterable; Cognism; Lusha; People.ai; Google Ads; Hootsuite;
Buffer; Sprout Social""",
    "Science and research": """
Elicit; Consensus; Semantic Scholar; Perplexity; Scite; ResearchRabbit; Connected Papers; NotebookLM; SciSpace;
Zotero; Mendeley; AlphaFold; ESM; Undermind; FutureHouse; Wolfram; Mathematica; MATLAB; Qualtrics; SurveyMonkey;
Prolific; MTurk; Synthetic Users; arXiv; PubMed; Covidence; Rayyan; Overleaf; JASP; SPSS; Stata; oTree; Typeform;
Benchling; RDKit; SciPy""",
    "Hardware": """
Rabbit; R1; Humane; AI Pin; Friend; Limitless; Plaud; Bee; Ray-Ban; Meta Quest; Apple Watch; AirPods; Vision Pro;
Alexa; Echo; Google Home; Google Assistant; Pixel; Samsung; Galaxy; Snapdragon; Qualcomm; MediaTek; Raspberry Pi;
Jetson; Intel; AMD; ARM; Oculus; Garmin; Fitbit; Oura; Whoop; Sonos; Nothing; Xiaomi; Huawei; Groq; Cerebras;
Graphcore; io; Teenage Engineering; Bixby""",
}
LOWER_CASE = frozenset("""
pip npm conda pnpm yarn docker podman kubernetes ollama vllm pytest numpy pandas polars pytorch tensorflow keras
langchain llamaindex postgres postgresql mysql sqlite mongodb redis kafka terraform qdrant weaviate milvus faiss
pgvector chroma elasticsearch litellm autogen crewai langgraph jupyter streamlit gradio flask django fastapi
playwright selenium puppeteer python javascript typescript golang kotlin java github gitlab bitbucket linux macos
windows android homebrew
""".split())
"""Names that are written in small letters too, and are no words of the language."""
WORDS_OF_NAMES_ONLY = GENERIC | STOP | COMMON_TERMS | frozenset("""
agent agents android assistant assistants arena atlas browser buffer captions chorus cloud code command commander
content desktop document documents drive experience factory home infrastructure inspect intelligence lab labs marker
meeting merge motion office page papers people playground protect qualified reader review scale search security serve
speech stable storybook studio teams trace visual voice watch web
""".split()) - {"github", "python", "windows", "macos", "linux"}
"""Words of names above that alone name nothing."""


@lru_cache(maxsize=64)
def known_words(category: str) -> frozenset[str]:
    """The words that name something in a category, case folded; of all categories where it is none of the list."""
    chosen = [BY_CATEGORY[category]] if category in BY_CATEGORY else list(BY_CATEGORY.values())
    names = ";".join((EVERYWHERE, *chosen)).replace("\n", " ").split(";")
    return frozenset(word for name in names for word in words_of(name) if len(word) > 1) - WORDS_OF_NAMES_ONLY
