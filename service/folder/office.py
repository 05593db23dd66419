"""PDF and Word documents -> articles. Spans count in the text extracted here."""

import io
import logging
import re
import zipfile

from model.errors import DocumentError
from service.folder.dates import iso_day
from service.folder.html import Article

MAX_UNPACKED = 200 << 20
MAX_PAGES = 3000
_HYPHEN = re.compile(r"(?<=[a-zà-ÿа-я])[-\u00ad]$")
_ENDED = tuple('.!?:;”"’»)')


def read_pdf(raw: bytes) -> Article:
    """Read the text of a PDF, with lines that the page width broke joined again.

    Raises:
        DocumentError: it is broken, needs a password, or holds pictures of text.
    """
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, FileNotDecryptedError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        pdf = PdfReader(io.BytesIO(raw))
        if pdf.is_encrypted and not pdf.decrypt(""):
            raise DocumentError("the PDF needs a password: save it without one")
        if len(pdf.pages) > MAX_PAGES:
            raise DocumentError(f"the PDF has {len(pdf.pages)} pages; one document may have {MAX_PAGES}")
        text = "\n\n".join(unwrap(page.extract_text()) for page in pdf.pages)
        told = pdf.metadata
        title, created = (told.title, told.creation_date) if told else (None, None)
    except DocumentError:
        raise
    except (FileNotDecryptedError, DependencyError) as error:
        raise DocumentError("the PDF is encrypted: save it without a password") from error
    except Exception as error:  # a broken PDF raises nearly anything
        raise DocumentError(f"the PDF is broken: {_first_line(error)}") from error
    if not text.strip():
        raise DocumentError("the PDF holds no text: a scan needs text recognition (OCR) first")
    return Article(text, title or None, created.date().isoformat() if created else None)


def unwrap(page: str) -> str:
    """Join the lines that a page's width broke; a short line that ends a sentence ends a paragraph."""
    lines = [line.strip() for line in page.splitlines()]
    widths = sorted(len(line) for line in lines if line)
    if not widths:
        return ""
    full = widths[int(len(widths) * 0.75)] * 0.75
    joined: list[str] = []
    open_line = False
    for line in lines:
        if not line:
            open_line = False
            continue
        if open_line:
            cut = _HYPHEN.search(joined[-1])
            joined[-1] = joined[-1][:-1] + line if cut and line[0].islower() else f"{joined[-1]} {line}"
        else:
            joined.append(line)
        open_line = len(line) >= full or not line.endswith(_ENDED)
    return "\n\n".join(joined)


def read_docx(raw: bytes) -> Article:
    """Read the paragraphs and tables of a Word document.

    Raises:
        DocumentError: it is broken, needs a password, or unpacks to far more than a document.
    """
    from docx import Document
    from docx.table import Table

    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise DocumentError("the Word document needs a password or is in the old .doc format: save it as plain .docx")
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as parts:
            if sum(part.file_size for part in parts.infolist()) > MAX_UNPACKED:
                raise DocumentError("the Word document unpacks to over 200 MB: a zip bomb")
        document = Document(io.BytesIO(raw))
        lines: list[str] = []
        for block in document.iter_inner_content():
            if isinstance(block, Table):
                lines += ["  ".join(cell.text for cell in row.cells) for row in block.rows]
            else:
                lines.append(block.text)
        told = document.core_properties
        title, created = told.title, told.created
    except DocumentError:
        raise
    except Exception as error:
        raise DocumentError(f"the Word document is broken: {_first_line(error)}") from error
    text = "\n".join(lines)
    if not text.strip():
        raise DocumentError("the Word document holds no text")
    return Article(text, title or None, iso_day(created))


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
