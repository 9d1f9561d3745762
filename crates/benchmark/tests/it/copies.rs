//! Hostile and damaged files: one clear error, or a note for every row that is not as its format says.

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use stillmark_benchmark::copies::{self, Copy, NoteKind, Source};
use stillmark_benchmark::record::Answer;

fn read(name: &str, bytes: &[u8]) -> Result<Copy, String> {
    copies::read(&[Source { name, bytes }]).map_err(|err| err.to_string())
}

const HEADER: &str = "question,choice0,choice1,choice2,choice3,answer\n";

/// The questions and golds of a table's rows, and the kinds of its notes.
fn table(rows: &str) -> (Vec<(String, Vec<usize>)>, Vec<NoteKind>) {
    let copy = read("a_test.csv", format!("{HEADER}{rows}").as_bytes()).unwrap();
    let row = |record: &stillmark_benchmark::Record| match &record.answer {
        Answer::Choice { gold, .. } => (record.question.clone(), gold.clone()),
        other => panic!("{other:?}"),
    };
    (copy.subsets[0].records.iter().map(row).collect(), copy.notes.iter().map(|note| note.kind).collect())
}

#[test]
fn an_unbalanced_quote_swallows_no_row() {
    let (rows, notes) =
        table("A?,a,b,c,d,1\n\"B?,e,f,g,h,2\nC?,i,j,k,l,0\nD \"x\" ?,m,n,o,p,3\n\"E?,q,r,s,t,1\n");
    let golds: Vec<usize> = rows.iter().map(|(_, gold)| gold[0]).collect();
    assert_eq!(golds, [1, 2, 0, 3, 1]);
    assert_eq!(notes, [NoteKind::Repaired, NoteKind::Repaired]);
}

#[test]
fn a_torn_row_is_pieced_together() {
    let (rows, notes) = table("First line\nsecond line?,a,b,c,d,1\n\"Sound\nas it is\",e,f,g,h,2\n");
    assert_eq!(rows[0], ("First line\nsecond line?".to_owned(), vec![1]));
    assert_eq!(rows[1], ("Sound\nas it is".to_owned(), vec![2]));
    assert_eq!(notes, [NoteKind::Repaired]);
}

#[test]
fn a_row_that_makes_no_sense_has_no_gold() {
    let (rows, notes) = table("A?,a,b,c,d,1\nB?,b,1\nC?,a,b,c,d,9\n");
    assert_eq!(rows[0].1, [1]);
    assert!(rows[1].1.is_empty() && rows[2].1.is_empty(), "{rows:?}");
    assert_eq!(notes, [NoteKind::Damaged, NoteKind::Damaged]);
}

#[test]
fn encodings_are_told() {
    let text = format!("{HEADER}Caf\u{e9}?,a,b,c,d,1\n");
    let latin: Vec<u8> = text.chars().map(|letter| letter as u8).collect();
    let wide: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let sound = read("a.csv", text.as_bytes()).unwrap();
    for bytes in [latin, wide] {
        let copy = read("a.csv", &bytes).unwrap();
        assert_eq!(copy.subsets, sound.subsets);
        assert_eq!(copy.notes.len(), 1);
    }
}

#[test]
fn compressed_copies_are_the_same_and_bombs_are_refused() {
    let text = format!("{HEADER}A?,a,b,c,d,1\n");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(text.as_bytes()).unwrap();
    let zstd = zstd::encode_all(text.as_bytes(), 1).unwrap();
    let sound = read("a.csv", text.as_bytes()).unwrap().subsets;
    for bytes in [gzip.finish().unwrap(), bzip2.finish().unwrap(), zstd] {
        assert_eq!(read("a.csv.gz", &bytes).unwrap().subsets, sound);
        let cut = read("a.csv.gz", &bytes[..bytes.len() / 2]).unwrap_err();
        assert!(cut.contains("cannot be decompressed"), "{cut}");
    }
    let zeros = std::io::repeat(b'a').take(copies::LARGEST_BYTES + 10);
    let bomb = zstd::encode_all(zeros, 1).unwrap();
    let said = read("bomb.jsonl.zst", &bomb).unwrap_err();
    assert!(said.contains("larger than 256 MB"), "{said}");
}

/// A table as dataset hubs keep it, compressed by Snappy.
#[test]
fn parquet_of_a_hub_is_read() {
    let schema = "message schema { required binary question (UTF8); required binary subject (UTF8); \
                  required group choices (LIST) { repeated group list { required binary element (UTF8); } } required int64 answer; }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = WriterProperties::builder().set_compression(parquet::basic::Compression::SNAPPY).build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let texts = |texts: &[&str]| texts.iter().map(|text| ByteArray::from(*text)).collect::<Vec<_>>();
    let mut text_column = |values: &[ByteArray], levels: Option<(&[i16], &[i16])>| {
        let mut column = group.next_column().unwrap().unwrap();
        let (definition, repetition) = levels.unzip();
        column.typed::<ByteArrayType>().write_batch(values, definition, repetition).unwrap();
        column.close().unwrap();
    };
    text_column(&texts(&["Q0?", "Q1?"]), None);
    text_column(&texts(&["sums", "sums"]), None);
    text_column(&texts(&["a", "b", "c", "d"]), Some((&[1, 1, 1, 1], &[0, 1, 0, 1])));
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&[1, 0], None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    let bytes = writer.into_inner().unwrap();
    let hub = read("mmlu/test-00000-of-00001.parquet", &bytes).unwrap();
    let lines = "{\"question\":\"Q0?\",\"choices\":[\"a\",\"b\"],\"answer\":\"B\"}\n{\"question\":\"Q1?\",\"choices\":[\"c\",\"d\"],\"answer\":\"A\"}\n";
    assert_eq!(hub.subsets, read("test/sums.jsonl", lines.as_bytes()).unwrap().subsets);
    let refused = (0..bytes.len()).step_by(7).filter(|cut| read("a.parquet", &bytes[..*cut]).is_err());
    assert_eq!(refused.count(), bytes.len().div_ceil(7));
}

/// Tables whose program wrote `\"` for a quote and `\\` for a backslash, in quoted cells and in bare ones.
#[test]
fn quotes_escaped_by_backslashes_are_read() {
    let (rows, notes) = table(
        "\"He said \\\"no, never\\\"?\",a,b,c,d,1\nThe \\\"Know-Nothings\\\" were?,a,b,c,d,2\n\"Two\nlines, \\\\frac and \\alpha\",a,b,c,d,0\nPlain?,a,b,c,d,3\n",
    );
    let questions: Vec<&str> = rows.iter().map(|(question, _)| question.as_str()).collect();
    assert_eq!(
        questions,
        ["He said \"no, never\"?", "The \"Know-Nothings\" were?", "Two\nlines, \\frac and \\alpha", "Plain?"]
    );
    assert_eq!(rows.iter().map(|(_, gold)| gold[0]).collect::<Vec<_>>(), [1, 2, 0, 3]);
    assert_eq!(notes, [NoteKind::Repaired; 3]);
}

/// The last line of a cell may hold an odd number of escaped quotes, and then looks like a row of its own if they are counted.
#[test]
fn lines_of_escaped_cells_are_no_rows() {
    let (rows, notes) =
        table("\"He said:\n\\\"no, never?\",a,b,c,d,1\n\"She:\n\\\"x\\\", \\\"y\nz\\\", w?\",a,b,c,d,2\n");
    assert_eq!(
        rows,
        [("He said:\n\"no, never?".to_owned(), vec![1]), ("She:\n\"x\", \"y\nz\", w?".to_owned(), vec![2])]
    );
    assert_eq!(notes, [NoteKind::Repaired; 2]);
}

/// One such row among doubled quotes is mended alone, and backslashes that escape nothing are text.
#[test]
fn a_sound_table_keeps_its_backslashes() {
    let (rows, notes) = table(
        "\"The \"\"one\"\", x\\\\y\",a,b,c,d,1\n\"C:\\\",a,b,c,d,2\n\"A \"\"two\"\" \\\"\"\",a,b,c,d,0\n\"He said \\\"no, never\\\"?\",a,b,c,d,3\n",
    );
    let questions: Vec<&str> = rows.iter().map(|(question, _)| question.as_str()).collect();
    assert_eq!(questions, ["The \"one\", x\\\\y", "C:\\", "A \"two\" \\\"", "He said \"no, never\"?"]);
    assert_eq!(notes, [NoteKind::Repaired]);
}

/// Carriage returns alone, as old tables have them.
#[test]
fn carriage_returns_end_lines() {
    let text = format!("{HEADER}A \"\"?,a,b,c,d,1\nB?,a,b,c,d,2\n");
    let sound = read("a.csv", text.as_bytes()).unwrap();
    assert_eq!(read("a.csv", text.replace('\n', "\r").as_bytes()).unwrap().subsets, sound.subsets);
}
