"""LitServe around the same pipeline, batches up to 32: one of the peers of `serving.py`."""

import sys

import litserve
from transformers import pipeline


class Classify(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.pipeline = pipeline("text-classification", model=sys.argv[1], top_k=None)

    def decode_request(self, request: dict[str, str]) -> str:
        return request["text"]

    def predict(self, texts: list[str]) -> list[object]:
        return self.pipeline(texts, truncation=True, batch_size=32)

    def encode_response(self, output: object) -> object:
        return {"scores": output}


if __name__ == "__main__":
    api = Classify(max_batch_size=32, batch_timeout=0.005, api_path="/classify")
    litserve.LitServer(api, accelerator="cpu").run(
        port=int(sys.argv[2]), host="127.0.0.1", generate_client_file=False, log_level="warning"
    )
