import pytest

from model.errors import DocumentError
from service.folder.dates import iso_day
from service.folder.text import decode

RUSSIAN = (
    "«Переговоры будут продолжены в ноябре, как и было договорено», — заявил помощник президента журналистам.\n" * 3
)
FRENCH = (
    "« Les négociations continueront où elles se sont arrêtées », a déclaré le ministère à Paris, très étonné.\n" * 3
)
ENGLISH = "“The talks go on – as agreed – in Alaska’s spirit,” he said.\n" * 3


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (ENGLISH, "utf-8"),
        (ENGLISH, "utf-8-sig"),
        (ENGLISH, "utf-16"),
        (ENGLISH, "utf-32"),
        (ENGLISH, "cp1252"),
        (FRENCH, "cp1252"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN.replace("—", "-").replace("«", '"').replace("»", '"'), "koi8_r"),
        ("plain\r\nlines\r\n", "ascii"),
    ],
)
def test_encodings_are_detected(text, encoding):
    assert decode(text.encode(encoding)) == text


def test_html_may_declare_its_encoding():
    page = '<html><head><meta charset="windows-1251"></head><body>Встреча</body></html>'
    assert "Встреча" in decode(page.encode("cp1251"), markup=True)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b" \n\t ", "empty"),
        (b"\xef\xbb\xbf \n", "empty"),
        (bytes(range(256)), "binary"),
        (b"\x7fELF" + b"\0" * 50, "binary"),
        (b"\x01\x02\x03\x04abc" * 20, "binary"),
        (RUSSIAN.encode()[:-60] + b"\xff" + RUSSIAN.encode(), "broken byte"),
        ("“We go on,” said Anna Berg.".encode() + b" caf\xe9, \xff and \xfe", "broken byte"),
    ],
)
def test_what_is_no_text_has_a_reason(raw, reason):
    with pytest.raises(DocumentError, match=reason):
        decode(raw)


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2025-11-03", "2025-11-03"),
        ("2025-11-03T10:00:00+03:00", "2025-11-03"),
        ("20251103", "2025-11-03"),
        ("3 November 2025", "2025-11-03"),
        ("November 3, 2025", "2025-11-03"),
        ("Mon, 03 Nov 2025 10:00:00 GMT", "2025-11-03"),
        ("03/11/2025", None),  # or is it the 11th of March?
        ("2025-13-40", None),
        ("soon", None),
        (None, None),
    ],
)
def test_iso_day(value, day):
    assert iso_day(value) == day
