import numpy as np
import pytest

from model.errors import DataError
from training.data import read_labelled, taught_dataset, thinned, to_dataset
from training.split import split_rows

GOOD = "text,stance,sentiment\n" + "".join(
    f"Statement {n} about the talks,{'yes' if n % 2 else 'no'},{'positive' if n % 3 else ''}\n" for n in range(40)
)


@pytest.fixture
def write(tmp_path):
    def _write(content, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return _write


def problems_of(path, **kwargs):
    with pytest.raises(DataError) as caught:
        read_labelled(path, **kwargs)
    return caught.value.problems


def test_label_set_comes_from_the_file(write):
    data = read_labelled(write(GOOD))
    assert data.labels.stance == ("no", "yes")
    assert data.labels.sentiment == ("positive", "neutral", "negative")
    assert len(data.rows) == 40


def test_a_file_with_one_label_is_told_so_once(write):
    (problem,) = problems_of(write("text,stance,secondary\nx,a,b\ny,a,c\nz,a,\n"))
    assert "at least two different labels are needed, not 1" in problem


def test_default_labels_keep_their_order(write):
    data = read_labelled(write("text,stance\na,neutral\nb,supportive\nc,neutral\nd,supportive\n"))
    assert data.labels.stance == ("supportive", "neutral")
    assert data.labels.sentiment == ()


def test_bom_aliases_and_line_breaks_in_quotes(write):
    data = read_labelled(write(b'\xef\xbb\xbfquote,label\r\n"two\r\nlines",a\r\nb,b\r\n'))
    assert [row.text for row in data.rows] == ["two\r\nlines", "b"]
    assert read_labelled(write("words,mark\na,b\nc,d\n"), text_column="words", stance_column="mark").labels.stance


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no column"),
        (b"a,b\n1,2\n", "no column 'text'"),
        (b"text,stance\n", "no row"),
        (b"text,stance\nx,a\ny,a\n", "two different labels"),
        (b"text,stance\nx,a,c\ny,b\n", "row 2: 3 fields instead of 2"),
        (b"text,stance\nx\ny,b\n", "row 2: 1 fields"),
        (b"text,stance\n\xffb,a\n", "line 2: not UTF-8"),
        (b"\xff\xfet\0", "UTF-16"),
        (b"text,text,stance\nx,y,a\n", "stands 2 times"),
    ],
)
def test_unusable_files(write, content, message):
    assert any(message in problem for problem in problems_of(write(content)))


@pytest.mark.parametrize(
    "header", ["Text,Stance,SENTIMENT", "STATEMENT , Label,sentiment", "\ufeffQuote,stance , Sentiment"]
)
def test_columns_are_known_in_any_case_and_with_spaces_around(write, header):
    data = read_labelled(write(GOOD.replace("text,stance,sentiment", header)))
    assert [row.stance for row in data.rows[:2]] == ["no", "yes"]
    assert data.rows[1].sentiment == "positive"
    assert read_labelled(write(GOOD), text_column="TEXT", stance_column="Stance").rows[0].text == data.rows[0].text


def test_case_counts_where_it_keeps_two_columns_apart(write):
    data = read_labelled(write("Text,text,stance\nA,a,x\nB,b,y\n"))
    assert [row.text for row in data.rows] == ["a", "b"]
    assert "no column 'text'" in problems_of(write("Text,TEXT,stance\nA,a,x\nB,b,y\n"))[0]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_header_without_the_columns_is_shown_column_by_column_with_the_flags(write, delimiter):
    lines = ["Source", "Opinion", "note"], ["Peace", "for", "x"], ["War", "against", "y"]
    first, second = problems_of(write("\n".join(map(delimiter.join, lines))))
    assert "'quote' (it holds: Source, Opinion, note): rename the right one, or name it with --text-column" in first
    assert "name it with --stance-column" in second


@pytest.mark.parametrize("first", ["sep=;", "\ufeffSEP=;", '"sep=;"', "sep=;\r"])
def test_a_first_line_that_tells_the_delimiter_is_no_row(write, first):
    path = write(f"{first}\nStatement;Label\nA, then B;x\n;y\n")
    (problem,) = problems_of(path)
    assert "row 3, column statement: the text is empty" in problem
    assert read_labelled(write(f"{first}\nwords|; mark\nA;x\nB;y\n"), text_column="words|", stance_column="mark").rows


def test_another_encoding_is_told_once(write):
    rows = "".join(f"“Number {n}”,{'xy'[n % 2]}\n" for n in range(24))
    (problem,) = problems_of(write(("text,stance\nPlain,x\n" + rows).encode("cp1252")))
    assert "line 3: not UTF-8 (byte 0x93 at position 1), as 23 more lines are: save the file as" in problem
    (problem,) = problems_of(write("text,stance\nPlain,x\nCaf\u00e9,y\n".encode("cp1252")))
    assert "line 3: not UTF-8 (byte 0xe9 at position 4): save" in problem


def test_missing_file_and_folder(tmp_path):
    assert "no such file" in problems_of(tmp_path / "none.csv")[0]
    assert "folder" in problems_of(tmp_path)[0]


def test_groups_and_equal_words_stay_on_one_side(write):
    lines = "".join(f"Text {n},{'ab'[n % 2]},g{n // 4}\n" for n in range(200))
    data = read_labelled(write("text,stance,group\n" + lines))
    split = split_rows(data, 0.2, seed=1)
    assert len(split.train) + len(split.validation) == 200
    assert 20 <= len(split.validation) <= 60
    assert not {row.group for row in split.train} & {row.group for row in split.validation}


def test_given_split_wins(write):
    lines = "".join(f"Text {n},{'ab'[n % 2]},{('train', 'validation', 'test')[n % 3]}\n" for n in range(60))
    split = split_rows(read_labelled(write("text,stance,split\n" + lines)), 0.1, seed=1)
    assert [len(split.train), len(split.validation), len(split.test)] == [20, 20, 20]
    assert split.held_out[0] == "test"


def test_rows_without_a_split_train(write):
    lines = "".join(f"Text {n},{'ab'[n % 2]},{('test', '')[n % 3 > 0]}\n" for n in range(90))
    split = split_rows(read_labelled(write("text,stance,split\n" + lines)), 0.1, seed=1)
    assert [len(split.train), len(split.validation), len(split.test)] == [54, 6, 30]


def test_too_few_rows_to_hold_any_out(write):
    data = read_labelled(write("text,stance\na,x\nb,y\nc,x\nd,y\n"))
    with pytest.raises(DataError, match="too few"):
        split_rows(data, 0.1, seed=1)


def test_a_label_without_training_rows(write):
    lines = "".join(f"Text {n},{'ab'[n % 2]},train\n" for n in range(40)) + "".join(f"x{n},c,test\n" for n in range(4))
    with pytest.raises(DataError, match="no training row has the label c"):
        split_rows(read_labelled(write("text,stance,split\n" + lines)), 0.1, seed=1)


def test_dataset_targets(write):
    data = read_labelled(
        write("text,stance,secondary,sentiment\na,yes,no,positive\nb,no,,\nc,yes,,negative\nd,no,,neutral\n")
    )
    table = to_dataset(list(data.rows), data.labels, secondary_share=0.25)
    assert table["stance_target"][0] == pytest.approx([0.25, 0.75])
    assert table["stance_target"][1] == [1.0, 0.0]
    assert data.labels.sentiment == ("positive", "neutral", "negative")
    assert list(table["sentiment_target"]) == [[1, 0, 0], [0, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert list(table["weight"]) == [1.0] * 4
    taught = to_dataset(list(data.rows), data.labels, teacher=np.full((4, 2), 0.5), teacher_share=0.5)
    assert taught["stance_target"][1] == pytest.approx([0.75, 0.25])
    assert list(taught["sentiment_target"]) == list(table["sentiment_target"])


def test_a_teacher_that_knows_the_sentiments_teaches_them_too(write):
    data = read_labelled(write("text,stance,sentiment\na,yes,positive\nb,no,\n"))
    said = np.array([[0.5, 0.5, 0.2, 0.2, 0.6], [0.1, 0.9, 0.1, 0.7, 0.2]])
    table = to_dataset(list(data.rows), data.labels, teacher=said, teacher_share=0.5)
    assert table["sentiment_target"][0] == pytest.approx([0.6, 0.1, 0.3])
    assert table["sentiment_target"][1] == pytest.approx([0.1, 0.7, 0.2]), "nothing else is known of that row"
    more = taught_dataset(["c", "d"], data.labels, said)
    assert more["stance_target"][1] == pytest.approx([0.1, 0.9])
    assert more["sentiment_target"][1] == pytest.approx([0.1, 0.7, 0.2])
    assert taught_dataset(["c"], data.labels, said[:1, :2])["sentiment_target"][0] == [0, 0, 0]
    assert more.features == table.features


def test_weights_come_from_the_column_and_for_whole_files(write):
    path = write('text,stance,weight\na,x,2\nb,y,\nc,x,"0,5"\nd,y,1\n')
    assert [row.weight for row in read_labelled(path).rows] == [2, 1, 0.5, 1]
    assert [row.weight for row in read_labelled(path, weights={path.name: 0.5}).rows] == [1, 0.5, 0.25, 0.5]
    with pytest.raises(DataError, match=r"a weight is given for other\.csv, which is none of the files"):
        read_labelled(path, weights={"other.csv": 2})


def test_rows_are_thinned_in_proportion_to_their_weights(write):
    rows = read_labelled(write("text,stance,weight\na,x,2\nb,y,1\nc,x,1\nd,y,4\n"))
    data = to_dataset(list(rows.rows), rows.labels)
    assert list(thinned(data, 4)["weight"]) == [1, 0.5, 0.5, 2]
    assert thinned(data, 4).column_names == data.column_names
    for most in (0, 8, 100):
        assert thinned(data, most) is data


@pytest.mark.parametrize("weight", ["0", "-1", "101", "much", "nan", "inf"])
def test_weights_that_are_none(write, weight):
    (problem,) = problems_of(write(f"text,stance,weight\na,x,1\nb,y,{weight}\n"))
    assert "row 3, column weight" in problem
    assert repr(weight) in problem
