"""Bytes -> text: encodings that a file declares, shows by its first bytes, or that its letters give away."""

import codecs
import re

from model.errors import DocumentError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES = (
    *("cp1252", "cp1251", "cp1250", "cp1253", "cp1254", "cp1255", "cp1256", "koi8_r", "koi8_u"),
    *("mac_roman", "shift_jis", "euc_jp", "euc_kr", "gb18030", "big5"),
)
"""What newsrooms have used. A shorter list guesses better: on a short text every single-byte table fits somehow."""
_SAMPLE = 1 << 18
_CONTROL = re.compile(r"[\x01-\x08\x0e-\x1a\x1c-\x1f]")
_TORN = re.compile(r"[^\W\d_][¹³¿¥£ª¯¼¾]")
_WIDE = re.compile(r"[\u0100-\U0010fffe]")
_THREE_BYTES = re.compile(r"[\u0800-\ufffc\U00010000-\U0010ffff]")
"""What takes three bytes and more in UTF-8, as quotation marks do: hardly ever the bytes of another encoding."""
_DECLARED = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)


def decode(raw: bytes, *, markup: bool = False) -> str:
    """Decode a document; line ends stay as they are, so that spans fit the file.

    Args:
        raw: the whole file.
        markup: the file is HTML and may declare its encoding.

    Raises:
        DocumentError: it is empty, it is no text, or no encoding fits it.
    """
    if not raw.strip():
        raise DocumentError("it is empty")
    text = raw.decode(encoding_of(raw, markup=markup)) if raw else ""
    head = text[:4096]
    if "\0" in text or len(_CONTROL.findall(head)) * 20 > len(head):
        raise DocumentError("it is binary, not text")
    if not text.strip():
        raise DocumentError("it is empty")
    return text


def encoding_of(raw: bytes, *, markup: bool = False) -> str:
    """Return the name of an encoding in which all of `raw` decodes.

    UTF-8 unless the first bytes or a `<meta charset>` say otherwise; what is not UTF-8 goes to charset-normalizer.

    Raises:
        DocumentError: nothing fits, or the text is UTF-8 with a few broken bytes (a guess would turn every letter that
            is not ASCII into another).
    """
    declared = _DECLARED.search(raw[:4096]) if markup else None
    named = [name for bom, name in _BOMS if raw.startswith(bom)][:1] or [declared.group(1).decode() if declared else ""]
    for name in (*named, "utf-8"):
        if name and _decodes(raw, name):
            return name
    if raw.count(b"\0"):
        raise DocumentError("it is binary, not text")
    replaced = raw.decode("utf-8", "replace")
    broken = replaced.count("\ufffd")
    few = broken * 4 <= len(_WIDE.findall(replaced)) - broken
    if few or broken <= 2 * len(_THREE_BYTES.findall(replaced)):
        first = replaced.index("\ufffd")
        at = len(replaced[:first].encode())
        raise DocumentError(
            f"it is UTF-8 with {broken} broken bytes, the first (0x{raw[at]:02x}) at byte {at}: repair it"
        )
    from charset_normalizer import from_bytes

    matches = from_bytes(raw[:_SAMPLE], cp_isolation=list(_CANDIDATES))
    best = matches.best()
    name = str(best.encoding) if best is not None else ""
    west = next((m for m in matches if "cp1252" in m.could_be_from_charset), None)
    if best is not None and name == "cp1250" and west is not None and west.coherence >= best.coherence:
        # Western letters pass for Central European ones (è for č), while those leave symbols within Western words.
        name = "cp1250" if _TORN.search(str(west)) else "cp1252"
    if not name or not _decodes(raw, name):
        raise DocumentError("its encoding is not known: convert it to UTF-8, or check that it is a text file")
    return name


def _decodes(raw: bytes, name: str) -> bool:
    try:
        raw.decode(name)
    except (UnicodeError, LookupError):
        return False
    return True
