"""What turns a text into labelled statements: quotes, speakers, stance, sentiment. Knows no HTTP and no CSV."""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # onnxruntime looks for its maker's server when it is imported
