from pathlib import Path

import pytest
from report_support import row

from service.folder.excerpts import excerpt, speaker, spoken, words
from service.folder.figures import Shown
from service.folder.links import Links

LINKS = Links(None, Path("report.html"))


def test_only_a_name_is_set_like_one():
    assert speaker(row(1, speaker="Anna Berg", speaker_mention="she")) == '<span class="who">Anna Berg</span>'
    assert speaker(row(1, speaker=None, speaker_mention="he")) == "speaker unknown (“he”)"
    assert speaker(row(1, speaker=None)) == "speaker unknown"


SPANS = [{"start": 10, "end": 19}, {"start": 30, "end": 39}]


@pytest.mark.parametrize("spans", [SPANS, "10:19 30:39"])
def test_parts_of_a_quote_are_told_apart(spans):
    given = row(1, text="We agree, it holds.", spans=spans)
    assert spoken(given) == ["We agree,", "it holds."]
    assert words(given) == "<q>We agree, … it holds.</q>"


@pytest.mark.parametrize("spans", [None, [], "", [{"start": 0, "end": 3}], [*SPANS, {"start": 50, "end": 51}]])
def test_spans_that_do_not_fit_leave_the_text_whole(spans):
    assert spoken(row(1, text="We agree, it holds.", spans=spans)) == ["We agree, it holds."]


def test_a_fragment_says_so_and_is_escaped():
    given = row(1, kind="fragment", text="to the <last> man")
    assert words(given) == "<q>to the &lt;last&gt; man</q>"
    assert "· fragment ·" in excerpt(Shown(given, 1, None), LINKS)


def test_a_statement_of_several_documents_says_in_how_many_and_since_when():
    shown = excerpt(Shown(row(1), 12, "2025-03-01"), LINKS)
    assert "in 12 documents, the earliest of <time>2025-03-01</time>" in shown
    assert "2025-09-03" not in shown
    assert "in 2 documents ·" in excerpt(Shown(row(1), 2, None), LINKS)
    assert " · <time>2025-09-03</time> · " in excerpt(Shown(row(1), 1, "2025-09-03"), LINKS)
