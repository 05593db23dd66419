"""How the service is set up: environment variables `STANCE_*`, overridden by the command line."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """The settings of one server process. Sizes are in the unit that the name ends with."""

    model_config = SettingsConfigDict(env_prefix="STANCE_", frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    checkpoint: Path | None = Field(None, description="A checkpoint folder; the one that ships where empty.")
    corrections: Path | None = Field(
        None, description="The SQLite file of corrections; beside the checkpoints where empty."
    )
    max_text_characters: int = Field(20_000, ge=1, le=20_000, description="Longest text of /classify.")
    max_batch_texts: int = Field(256, ge=1, description="Most texts in one /classify/batch request.")
    max_article_characters: int = Field(1_000_000, ge=1, description="Longest document of /articles.")
    max_article_statements: int = Field(2_000, ge=1, description="Most statements that /articles labels in a request.")
    max_body_bytes: int = Field(8_000_000, ge=1_000, description="Largest request body.")
    max_queue_texts: int = Field(2_048, ge=1, description="Texts that may wait; beyond it the answer is 429.")
    max_run_items: int = Field(16, ge=1, description="Most texts in one forward pass.")
    max_run_tokens: int = Field(512, ge=16, description="Most padded tokens in one forward pass.")
    request_timeout_s: float = Field(30.0, gt=0, description="How long a request may wait for its answer.")
    drain_timeout_s: float = Field(20.0, gt=0, description="How long accepted requests may finish after SIGTERM.")
