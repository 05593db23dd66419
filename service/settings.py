"""How the service is set up: environment variables `STANCE_*`, overridden by the command line."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from model.store import folder_of


class Settings(BaseSettings):
    """The settings of one server process. Sizes are in the unit that the name ends with."""

    model_config = SettingsConfigDict(env_prefix="STANCE_", frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    workers: int = Field(1, ge=1, le=64, description="Processes that share the port; each loads the model.")
    checkpoint: Annotated[Path, AfterValidator(folder_of)] | None = Field(
        None,
        description="A checkpoint's folder, or the name of one that ships; the promoted or shipped one where empty.",
    )
    store: Path | None = Field(None, description="Folder of promoted checkpoints; the user's own where empty.")
    backend: Literal["auto", "compiled", "torch"] = "auto"
    threads: int | None = Field(None, ge=1, description="Cores of one forward pass; all, shared among workers.")
    frozen: Path | None = Field(None, description="Labelled CSV of the promotion gate; the one that ships where empty.")
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
    cache_entries: int = Field(10_000, ge=0, description="Answers kept for repeated texts; 0 switches that off.")

    header_timeout_s: float = Field(10.0, gt=0, description="How long a connection may take to send its headers.")
    body_timeout_s: float = Field(20.0, gt=0, description="How long a request may take to send its body.")
    request_timeout_s: float = Field(30.0, gt=0, description="How long a request may wait for its answer.")
    drain_grace_s: float = Field(0.5, ge=0, description="After SIGTERM: how long connections are still served.")
    drain_timeout_s: float = Field(20.0, gt=0, description="How long accepted requests may finish after that.")

    api_keys: str = Field("", description="SHA-256 of each key that may call, comma-separated; empty: anybody may.")
    api_keys_file: Path | None = Field(None, description="The same, one a line; # starts a comment.")
    admin_keys: str = Field("", description="SHA-256 of each key for /admin; empty: /admin is closed.")
    admin_keys_file: Path | None = Field(None, description="The same, one a line.")

    access_log: bool = Field(True, description="One line a request.")
    log_format: Literal["json", "text"] = "json"

    def cores_of_a_run(self) -> int:
        """How many cores one forward pass may use."""
        if self.threads:
            return self.threads
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return max(1, cores // self.workers)
