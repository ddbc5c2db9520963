//! Records, lines and quotes of CSV, whole, broken and in pieces.

use super::super::input::testing::bytes;
use super::super::known::testing::known;
use super::*;

fn splitter(text: &[u8], step: usize) -> Splitter {
    Splitter::new(bytes(text, step), Position::default())
}

/// Line, text and fields of every record.
type Split = Vec<(u64, Vec<u8>, Result<Vec<String>, String>)>;

fn split(text: &[u8], step: usize) -> Split {
    let mut splitter = splitter(text, step);
    let mut all = Vec::new();
    while let Some(line) = splitter.next().unwrap() {
        let fields = splitter.fields();
        let fields = fields.map(|fields| fields.into_iter().map(str::to_owned).collect());
        all.push((line, splitter.raw().to_vec(), fields));
    }
    assert_eq!(splitter.position().offset, text.len() as u64);
    all
}

fn fields(text: &str) -> Result<Vec<String>, String> {
    split(text.as_bytes(), 7).remove(0).2
}

#[test]
fn records_keep_their_lines_and_their_text_however_they_come_in() {
    let text = b"a,b\r\n\r\n\n\"x\ny\",\"p\"\"q\"\r\n1,2\n\nlast,";
    let owned = |fields: &[&str]| Ok(fields.iter().map(|f| (*f).to_owned()).collect());
    let expected: Split = vec![
        (1, b"a,b".to_vec(), owned(&["a", "b"])),
        (4, b"\"x\ny\",\"p\"\"q\"".to_vec(), owned(&["x\ny", "p\"q"])),
        (6, b"1,2".to_vec(), owned(&["1", "2"])),
        (8, b"last,".to_vec(), owned(&["last", ""])),
    ];
    for step in 1..20 {
        assert_eq!(split(text, step), expected, "{step} bytes at a time");
    }
}

#[test]
fn reading_goes_on_where_a_record_ended() {
    let text = b"a,b\r\n1,\"2\n\"\r\n3,4\r\n5,6";
    let mut first = splitter(text, 5);
    for _ in 0..2 {
        first.next().unwrap();
    }
    let place = first.position();
    let rest = &text[usize::try_from(place.offset).unwrap()..];
    let mut second = Splitter::new(bytes(rest, 5), place);
    assert_eq!(second.next().unwrap(), Some(4));
    assert_eq!(second.fields().unwrap(), ["3", "4"]);
    assert_eq!(second.next().unwrap(), Some(5));
    assert_eq!(second.next().unwrap(), None);
    assert_eq!(second.position().offset, text.len() as u64);
}

#[test]
fn quotes_are_where_rfc_4180_has_them() {
    assert_eq!(fields("\"\",\"a,b\",\"\"\"\"").unwrap(), ["", "a,b", "\""]);
    for text in [
        "a\"b,c", "\"a\"b,c", " \"a\",c", "a,\"b", "\"a\"\"", "a,b\"\"",
    ] {
        let fault = fields(text).unwrap_err();
        assert!(fault.starts_with("has a quote"), "{text}: {fault}");
    }
}

#[test]
fn bytes_that_are_no_text_are_told() {
    let of = |text: &[u8]| split(text, 3).remove(0).2;
    assert_eq!(of(b"a,\xff\n"), Err("is not UTF-8".to_owned()));
    // Two halves of one character in two fields are none.
    assert_eq!(of(b"a\xc3,\xa9b\n"), Err("is not UTF-8".to_owned()));
    assert_eq!(of(b"a\0b,c\n").unwrap(), ["a\0b", "c"]);
}

#[test]
fn a_record_that_is_too_long_costs_only_itself() {
    let long = "x".repeat(MAX_RECORD);
    let text = format!("1,{long}\n2,b\n3,\"{long}\n4,{long}\"\n5,c\n");
    let all = split(text.as_bytes(), 8192);
    let told = |index: usize| all[index].2.clone();
    assert_eq!(told(0), Err("is longer than 262144 bytes".to_owned()));
    assert_eq!(told(1).unwrap(), ["2", "b"]);
    let open = "is longer than 262144 bytes (is a quote left open?)";
    assert_eq!(told(2), Err(open.to_owned()));
    assert_eq!(
        (all[3].0, told(3).unwrap()),
        (5, vec!["5".to_owned(), "c".to_owned()])
    );
    assert!(all.iter().all(|(_, raw, _)| raw.len() <= MAX_RECORD));
}

#[test]
fn a_record_with_too_many_fields_costs_only_itself() {
    let text = format!("{}\n{}\nb\n", ",".repeat(1023), ",".repeat(5000));
    let all = split(text.as_bytes(), 4096);
    assert_eq!(all[0].2.as_ref().map(Vec::len), Ok(1024));
    assert_eq!(all[1].2, Err("has more than 1024 fields".to_owned()));
    assert_eq!(all[2].2.as_ref().unwrap(), &["b"]);
}

#[test]
fn a_file_becomes_rows() {
    let known = known(&["acme"], None);
    let text = b"user_id,one,two\nann,1,\nbob\n";
    let mut csv = Csv::open(splitter(text, 64), &known).unwrap().ok().unwrap();
    let row = csv.next(&known).unwrap().unwrap().row.unwrap();
    assert_eq!(row.user_id.as_str(), "ann");
    assert_eq!(row.ids.len(), 1);
    let record = csv.next(&known).unwrap().unwrap();
    assert_eq!((record.line, record.raw), (3, &b"bob"[..]));
    let fault = Fault::Refused("has 1 field where the header has 3".to_owned());
    assert_eq!(record.row.unwrap_err(), fault);
    assert!(csv.next(&known).unwrap().is_none());
}

#[test]
fn a_header_must_be_one() {
    let fault = |text: &[u8]| {
        let opened = Csv::open(splitter(text, 64), &known(&["acme"], None)).unwrap();
        opened.err().unwrap()
    };
    assert_eq!(fault(b"\n\n"), "there is no header line");
    assert_eq!(fault(b"user_id,\xff\n"), "the header is not UTF-8");
    assert!(fault(b"ann,1\n").contains("there is no column `user_id`"));
}
