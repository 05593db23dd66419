"""What most people would write: FastAPI around a transformers pipeline. The baseline of `serving.py`."""

import sys

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from transformers import pipeline

app = FastAPI()
classify_text = pipeline("text-classification", model=sys.argv[1], top_k=None)


class Text(BaseModel):
    text: str


@app.post("/classify")
async def classify(body: Text) -> list[dict[str, object]]:
    return classify_text(body.text, truncation=True)


@app.get("/readyz")
def ready() -> dict[str, str]:
    return {"status": "ready"}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
