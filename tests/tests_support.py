"""Makes the tiny encoder and checkpoint of the tests."""

from collections import Counter
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from model.calibration import Calibration
from model.checkpoint import Manifest, seal
from model.labels import LabelSpace

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def train_tokenizer(seeds: Path) -> Tokenizer:
    """A WordPiece tokenizer of 600 pieces: the characters and the most frequent words of the seed documents.

    Not the library's trainer: it settles ties another way in each process, and the tiny networks with them.
    """
    normalizer, splitter = normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()
    words: Counter[str] = Counter()
    for path in sorted(seeds.glob("*.txt")):
        text = normalizer.normalize_str(path.read_text(encoding="utf-8"))
        words.update(word for word, _ in splitter.pre_tokenize_str(text))
    letters = sorted({letter for word in words for letter in word})
    pieces = [*SPECIAL, *letters, *(f"##{letter}" for letter in letters)]
    frequent = sorted((word for word in words if len(word) > 1), key=lambda word: (-words[word], word))
    vocabulary = {piece: number for number, piece in enumerate([*pieces, *frequent][:600])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, splitter
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[("[CLS]", tokenizer.token_to_id("[CLS]")), ("[SEP]", tokenizer.token_to_id("[SEP]"))],
    )
    return tokenizer


def make_tiny_base(folder: Path, seeds: Path) -> Path:
    """Write a two-layer BERT, 32 wide, with seeded random weights, and its tokenizer."""
    import torch
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=train_tokenizer(seeds),
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=130,
        initializer_range=0.2,
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_tiny_checkpoint(folder: Path, base: Path, labels: LabelSpace | None = None) -> Path:
    """Write a sealed checkpoint with a seeded random head on the tiny encoder."""
    from model.bases import resolve_base
    from training.config import Recipe
    from training.network import build_network, save_network

    labels = labels or LabelSpace()
    network, tokenizer = build_network(resolve_base(str(base)), labels, Recipe(base=str(base)))
    folder.mkdir(parents=True)
    save_network(network.eval(), tokenizer, folder)
    seal(
        folder,
        Manifest(
            checkpoint_id=f"{folder.name}-test",
            target="a target of the tests",
            labels=labels,
            max_tokens=64,
            pad_id=0,
            calibrations={"torch": Calibration(1.5, 1.2, 0.3)},
        ),
    )
    return folder
