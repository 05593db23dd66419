"""A damaged copy of a good file: every defect is reported in one run, with its row and column, and nothing trains."""

import openpyxl
import pytest

from model.errors import DataError
from training.data import read_labelled

SIDES = ("supportive", "pessimistic", "accusatory", "neutral")
SUBJECTS = (
    "winter", "grain", "rail", "prisoners", "Geneva", "pipelines", "Odesa", "tariffs", "observers", "radio",
    "airspace", "harbours", "elections", "bridges", "wheat", "satellites", "drones", "embassies", "customs", "forests",
)  # fmt: skip


def good_lines():
    header = ["text,stance,secondary,sentiment,group,split"]
    for n in range(80):
        split = "test" if n % 10 == 9 else "train"
        subject = f"{SUBJECTS[n % 20]} {('north', 'south', 'east', 'west')[n // 20]}"
        header.append(f"Number {n} says of {subject} what was to be said,{SIDES[n % 4]},,neutral,,{split}")
    return header


DEFECTS = {
    # row: (line, what the message must hold)
    5: (",supportive,,neutral,,train", "row 5, column text: the text is empty"),
    6: ("   ,supportive,,neutral,,train", "row 6, column text: the text is empty"),
    7: ("“...” —,supportive,,neutral,,train", "row 7, column text: there is no word"),
    8: ("A statement of no label,,,neutral,,train", "row 8, column stance: the label is empty"),
    9: ("A misspelt label,suportive,,neutral,,train", "row 9, column stance: 'suportive' stands in 1 of"),
    10: ("A label in capitals,Neutral,,neutral,,train", "row 10, column stance: 'Neutral' is elsewhere written"),
    11: ("A label with a blank,neu tral,,neutral,,train", "row 11, column stance: 'neu tral' is elsewhere"),
    12: ("An unknown tone,neutral,,angry,,train", "row 12, column sentiment: 'angry'"),
    13: ("An unknown second stance,neutral,doubtful,neutral,,train", "row 13, column secondary: no row has"),
    14: ("A second stance like the first,neutral,neutral,neutral,,train", "row 14, column secondary: the same label"),
    15: ("An unknown split,neutral,,neutral,,holdout", "row 15, column split: 'holdout'"),
    16: ("One field too many,neutral,,neutral,,train,oops", "row 16: 7 fields instead of 6"),
    17: ("Too few fields,neutral", "row 17: 2 fields instead of 6"),
    18: ("Twice with two labels,neutral,,neutral,,train", ""),
    19: ("Twice with two labels,accusatory,,neutral,,train", "row 19, column stance: the text of"),
    20: ("In two splits at once,neutral,,neutral,,train", ""),
    21: ("In two splits at once,neutral,,neutral,,test", "row 21, column split: the text of"),
    22: ("A group on one side,neutral,,neutral,g1,train", ""),
    23: ("The group on the other side,neutral,,neutral,g1,test", "row 23, column split: the group 'g1'"),
    24: ("Itâ€™s garbled by another encoding,neutral,,neutral,,train", "row 24, column text: garbled"),
    25: ("A control \x07 character,neutral,,neutral,,train", "row 25, column text: garbled"),
    26: ("A long one " + "word " * 5000 + ",neutral,,neutral,,train", "row 26, column text: the text has"),
    27: ('"A quotation mark that nobody closes,neutral,,neutral,,train', "line 27): the quoting is broken"),
    28: ('"Text" behind a mark,neutral,,neutral,,train', "line 28): the quoting is broken"),
    29: ("They said that the long road to an agreement would be paved with small steps and patience on both sides,"
         "neutral,,neutral,,train", ""),
    30: ("They said that the long road to an agreement would be paved with small steps and patience on both sides now,"
         "neutral,,neutral,,test", "row 30, column split: almost the words of"),
}  # fmt: skip


@pytest.fixture
def damaged(tmp_path):
    lines = good_lines()
    for row, (line, _) in DEFECTS.items():
        lines[row - 1] = line
    raw = "\n".join(lines).encode()
    raw += b"\nNot UTF-8: caf\xe9,neutral,,neutral,,train\n"
    path = tmp_path / "damaged.csv"
    path.write_bytes(raw)
    return path


def test_the_undamaged_file_is_fine(tmp_path):
    path = tmp_path / "good.csv"
    path.write_text("\n".join(good_lines()))
    assert len(read_labelled(path).rows) == 80


def test_every_defect_is_reported_with_row_and_column(damaged):
    with pytest.raises(DataError) as caught:
        read_labelled(damaged)
    expected = [message for _, message in DEFECTS.values() if message]
    expected.append("line 82: not UTF-8")
    missing = [message for message in expected if not any(message in problem for problem in caught.value.problems)]
    assert not missing
    assert len(expected) >= 20
    assert len(caught.value.problems) == len(expected), "a sound row was complained about"


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_spreadsheets_own_csv_is_read(tmp_path, delimiter):
    path = tmp_path / "excel.csv"
    lines = [line.replace(",", delimiter) for line in good_lines()]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    data = read_labelled(path)
    assert len(data.rows) == 80
    assert data.labels.stance == SIDES


def test_a_workbook_is_read_with_spreadsheet_row_numbers(tmp_path):
    book = openpyxl.Workbook()
    for line in good_lines():
        book.active.append([cell or None for cell in line.split(",")])
    path = tmp_path / "labels.xlsx"
    book.save(path)
    assert len(read_labelled(path).rows) == 80
    book.active["B7"] = None
    book.save(path)
    with pytest.raises(DataError, match="row 7, column stance: the label is empty"):
        read_labelled(path)


def test_doubtful_rows_warn_unless_strict(tmp_path):
    lines = good_lines()
    for row in (18, 19, 24, 29, 30):
        lines[row - 1] = DEFECTS[row][0]
    path = tmp_path / "doubtful.csv"
    path.write_text("\n".join(lines))
    warnings = "\n".join(read_labelled(path).warnings)
    for row in (19, 24, 30):
        assert DEFECTS[row][1] in warnings
    with pytest.raises(DataError) as caught:
        read_labelled(path, strict=True)
    assert len(caught.value.problems) == 3


def test_labels_named_like_columns_of_results_are_refused_in_one_sentence(tmp_path):
    path = tmp_path / "collision.csv"
    lines = [line.replace("supportive", "kind").replace("neutral,,neutral", "text,,neutral") for line in good_lines()]
    path.write_text("\n".join(lines))
    with pytest.raises(DataError) as caught:
        read_labelled(path)
    (problem,) = caught.value.problems
    for part in ("row 2, column stance", "rename 'kind' (20 rows), 'text' (20 rows): ", "speaker_mention", "date"):
        assert part in problem


def test_warnings_do_not_stop(tmp_path):
    path = tmp_path / "few.csv"
    path.write_text("\n".join(good_lines()))
    assert any("only 20 rows" in warning for warning in read_labelled(path).warnings)
