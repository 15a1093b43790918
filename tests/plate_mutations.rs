//! Damaged files of readings: never a panic or a hang, and always an error with a file, mostly with a place.

#[path = "common/damage.rs"]
mod damage;

use damage::{cases, spliced};
use fenton::Error;
use fenton::plate::{Assay, Options, Readings, read_bytes};
use proptest::prelude::*;
use std::time::{Duration, Instant};

const TIDY: &str = "# synthetic: by hand\nexperiment,plate,well,cell line,compound,dose,unit,time (h),role,signal,limit\n\
                    E1,P1,A1,HT-1080,,0,,48,vehicle,100,\nE1,P1,A2,HT-1080,FAC,5,mM Fe,48,sample,20,\n\
                    E1,P1,A3,,,,,48,blank,2,<\nE2,P2,A1,U-2 OS,RSL3,\"0,5\",uM,2 d,,60,\n";

const COUNTS: &str =
    "RSL3 (uM);time (h);replicate;live;dead\n0;24;1;95;5\n0,5;24;1;50;40\n1;24;2;10;90\n1;48;2;0;100\n";

const WIDE: &str = "FAC (mM Fe),exp1 rep1,exp1 rep2,exp2 rep1,blank\nvehicle,100,98,99,2\n5,20,<1,30,2\n10,,3,8,\n";

const MAP: &str = "Plate: P1, Experiment: E1\n,1,2,3,4,5,6,7,8,9,10,11,12\n\
    A,vehicle,FAC 5 mM Fe,blank,t0,,,,,,,,\nB,HT-1080: RSL3 1 uM + FAC 1 mM,positive,empty,,,,,,,,,\nC,,,,,,,,,,,,\n\
    D,,,,,,,,,,,,\nE,,,,,,,,,,,,\nF,,,,,,,,,,,,\nG,,,,,,,,,,,,\nH,,,,,,,,,,,blank FAC 5 mM,x\n";

const GRID: &str = "Reader,v2\nPlate: P1\nTime: 24 h\n,1,2,3,4,5,6,7,8,9,10,11,12\n\
    A,100,20,2,50,,,,,,,,\nB,30,1,,,,,,,,,,\nC,,,,,,,,,,,,\nD,,,,,,,,,,,,\nE,,,,,,,,,,,,\nF,,,,,,,,,,,,\n\
    G,,,,,,,,,,,,\nH,,,,,,,,,,,5,\n48 h\n,1,2,3,4,5,6,7,8,9,10,11,12\n\
    A,99,10,2,51,,,,,,,,\nB,20,1,,,,,,,,,,\nC,,,,,,,,,,,,\nD,,,,,,,,,,,,\nE,,,,,,,,,,,,\nF,,,,,,,,,,,,\n\
    G,,,,,,,,,,,,\nH,,,,,,,,,,,6,\n";

const BOOK: &[u8] = include_bytes!("plates/book.xlsx");

/// What no small file may take, on a busy machine without optimisation; a hang takes for ever.
const LONGEST: Duration = Duration::from_secs(30);

fn survives(name: &str, bytes: &[u8], map: Option<&[u8]>, options: &Options) {
    let begun = Instant::now();
    match read_bytes(name, bytes.to_vec(), map.map(|map| ("map.csv", map.to_vec())), options) {
        Ok(readings) => sound(&readings),
        Err(Error::Input(found)) => {
            assert!(!found.is_empty() && found.len() <= 80);
            for diagnostic in found {
                assert!(!diagnostic.message.is_empty() && !diagnostic.file.is_empty(), "{diagnostic}");
                assert!(diagnostic.place.as_ref().is_some_and(|p| p.line >= 1 && p.column >= 1), "{diagnostic}");
            }
        }
        Err(other) => panic!("{other}"),
    }
    assert!(begun.elapsed() < LONGEST, "{:?}", begun.elapsed());
}

/// All indices exist, and numbers are numbers.
fn sound(read: &Readings) {
    assert!(!read.experiments.is_empty() && !read.readings.is_empty());
    assert!(read.plates.iter().all(|plate| plate.experiment < read.experiments.len()));
    for r in &read.readings {
        assert!(r.plate < read.plates.len() && r.cell_line < read.cell_lines.len());
        assert!(r.doses.iter().all(|(c, dose)| *c < read.compounds.len() && *dose > 0.0 && dose.is_finite()));
        assert!(r.doses.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(r.time.is_none_or(f64::is_finite));
    }
}

const PIECES: [&str; 26] = [
    "",
    "-",
    ",",
    ";",
    "\t",
    "\"",
    "\n",
    "\r",
    "1e999",
    "nan",
    "<",
    ">4",
    "1,5",
    "1.234,5",
    "µM",
    "0",
    "#",
    "\0",
    "1e-320",
    "1e308",
    "99999999999999999999",
    "\u{feff}",
    "OVRFLW",
    ":",
    " + ",
    "(mM)",
];

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (0..PIECES.len()).prop_map(|i| PIECES[i].as_bytes().to_vec()),
        Just("x".repeat(3000).into_bytes()),
        Just(",".repeat(3000).into_bytes()),
        Just("1,2,3\nA".as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..4),
    ]
}

/// Deletes, doubles or exchanges lines, and replaces fields.
fn by_fields(text: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let lines: Vec<String> = text.lines().map(str::to_string).collect();
    let change = (0..4u8, 0..lines.len(), 0..lines.len(), 0..13usize, piece());
    proptest::collection::vec(change, 1..5).prop_map(move |changes| {
        let mut lines: Vec<Vec<u8>> = lines.iter().map(|line| line.clone().into_bytes()).collect();
        for (kind, from, to, field, piece) in changes {
            let (from, to) = (from.min(lines.len() - 1), to.min(lines.len() - 1));
            match kind {
                0 if lines.len() > 1 => drop(lines.remove(from)),
                1 => lines.insert(to, lines[from].clone()),
                2 => lines.swap(from, to),
                _ => {
                    let mut fields: Vec<Vec<u8>> = lines[from].split(|b| *b == b',').map(<[u8]>::to_vec).collect();
                    let field = field.min(fields.len() - 1);
                    fields[field] = piece;
                    lines[from] = fields.join(&b',');
                }
            }
        }
        lines.join(&b'\n')
    })
}

fn damaged(text: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    prop_oneof![spliced(text.as_bytes(), piece()), by_fields(text)]
}

/// A valid archive whose sheet is damaged: damage to the bytes of an archive is mostly seen by its check sums.
fn repacked(change: impl Fn(&str, Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    use std::io::{Cursor, Read, Write};
    let mut from = zip::ZipArchive::new(Cursor::new(BOOK)).unwrap();
    let mut to = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..from.len() {
        let mut entry = from.by_index(at).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        to.start_file(name.clone(), zip::write::SimpleFileOptions::default()).unwrap();
        to.write_all(&change(&name, bytes)).unwrap();
    }
    to.finish().unwrap().into_inner()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(2000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_tidy_tables_are_refused_or_read(text in prop_oneof![damaged(TIDY), damaged(COUNTS)], assay in 0..7usize) {
        let options = Options { assay: Assay::ALL.get(assay).copied(), ..Options::default() };
        survives("plate.csv", &text, None, &options);
    }

    #[test]
    fn damaged_wide_tables_are_refused_or_read(text in damaged(WIDE)) {
        survives("plate.csv", &text, None, &Options::default());
    }

    #[test]
    fn damaged_grids_and_maps_are_refused_or_read(grid in damaged(GRID), map in damaged(MAP)) {
        survives("plate.csv", &grid, Some(MAP.as_bytes()), &Options::default());
        survives("plate.csv", GRID.as_bytes(), Some(&map), &Options::default());
        survives("plate.csv", &grid, Some(&map), &Options::default());
    }

    #[test]
    fn damaged_workbooks_are_refused_or_read(bytes in spliced(BOOK, piece()), cut in 0..BOOK.len(), part in 0..12usize, at in any::<prop::sample::Index>(), insert in piece()) {
        survives("book.xlsx", &bytes, None, &Options::default());
        survives("book.xlsx", &BOOK[..cut], None, &Options::default());
        let mut number = 0;
        let counted = std::cell::RefCell::new(&mut number);
        let book = repacked(|_, mut bytes| {
            let mut number = counted.borrow_mut();
            if **number == part {
                let at = at.index(bytes.len());
                let end = (at + 3).min(bytes.len());
                bytes.splice(at..end, insert.clone());
            }
            **number += 1;
            bytes
        });
        survives("book.xlsx", &book, None, &Options::default());
    }
}

#[test]
fn undamaged_files_are_read() {
    let read = |name: &str, bytes: &[u8], map: Option<&str>| {
        let map = map.map(|map| ("map.csv", map.as_bytes().to_vec()));
        read_bytes(name, bytes.to_vec(), map, &Options::default()).unwrap_or_else(|e| panic!("{e}")).readings.len()
    };
    assert_eq!(read("a.csv", TIDY.as_bytes(), None), 4);
    assert_eq!(read("a.csv", COUNTS.as_bytes(), None), 4);
    assert_eq!(read("a.csv", WIDE.as_bytes(), None), 12);
    assert_eq!(read("a.csv", GRID.as_bytes(), Some(MAP)), 14);
    assert_eq!(read("a.xlsx", BOOK, None), 4);
    assert_eq!(read("a.xlsx", &repacked(|_, bytes| bytes), None), 4);
}

#[test]
fn cells_in_far_corners_and_bombs_do_not_fill_the_memory() {
    let far = |reference: &str| {
        repacked(|name, bytes| match name.ends_with("sheet2.xml") {
            true => String::from_utf8(bytes).unwrap().replace("E7", reference).into_bytes(),
            false => bytes,
        })
    };
    for reference in ["XFD1048576", "A1048576", "XFD1", "ZZZZZZZ99999999999", "A0", "A"] {
        survives("book.xlsx", &far(reference), None, &Options::default());
    }
    let bomb = repacked(|name, bytes| if name.ends_with("sheet2.xml") { vec![b' '; 300 << 20] } else { bytes });
    assert!(bomb.len() < 1 << 20);
    survives("book.xlsx", &bomb, None, &Options::default());
}

#[test]
fn deep_and_long_files_end_in_an_error_or_readings() {
    for piece in [",", "\"", "\n", "(", "a,", "1 ", "#", "FAC 1 mM + ", "A:"] {
        let long = piece.repeat(100_000);
        survives("plate.csv", format!("{TIDY}{long}").as_bytes(), None, &Options::default());
        survives("plate.csv", format!("{long}{TIDY}").as_bytes(), None, &Options::default());
        survives("plate.csv", GRID.as_bytes(), Some(MAP.replace("positive", &long).as_bytes()), &Options::default());
        survives("plate.csv", format!("{long}\n{GRID}").as_bytes(), Some(MAP.as_bytes()), &Options::default());
        survives("plate.csv", WIDE.replace("exp2", &long).as_bytes(), None, &Options::default());
    }
}

/// The book with a table of shared texts, and cells that refer to its first one in place of its sheets.
fn sharing(table: &str, cells: usize) -> Vec<u8> {
    use std::io::{Cursor, Write};
    let rows: String =
        (1..=cells).map(|row| format!("<row r=\"{row}\"><c r=\"A{row}\" t=\"s\"><v>0</v></c></row>")).collect();
    let space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let sheet = format!("<worksheet xmlns=\"{space}\"><sheetData>{rows}</sheetData></worksheet>");
    let book = repacked(|name, bytes| if name.contains("/sheet") { sheet.clone().into_bytes() } else { bytes });
    let mut to = zip::ZipWriter::new_append(Cursor::new(book)).unwrap();
    to.start_file("xl/sharedStrings.xml", zip::write::SimpleFileOptions::default()).unwrap();
    to.write_all(format!("<sst xmlns=\"{space}\" {table}</sst>").as_bytes()).unwrap();
    to.finish().unwrap().into_inner()
}

#[test]
fn texts_that_multiply_and_counts_that_lie_are_refused_at_once() {
    let told = |bytes: Vec<u8>| {
        let begun = Instant::now();
        let error = read_bytes("book.xlsx", bytes, None, &Options::default()).unwrap_err().to_string();
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
        error
    };
    let short = told(sharing("uniqueCount=\"1\"><si><t>dose</t></si>", 3));
    assert!(!short.contains("texts") && !short.contains("32767"), "{short}");
    let lies = told(sharing("uniqueCount=\"4294967295\"><si><t>dose</t></si>", 3));
    assert!(lies.contains("says that it has more texts"), "{lies}");
    let long = told(sharing(&format!("uniqueCount=\"1\"><si><t>{}</t></si>", "x".repeat(1 << 20)), 2000));
    assert!(long.contains("32767 characters"), "{long}");
    let many = told(sharing(&format!("uniqueCount=\"1\"><si><t>{}</t></si>", "x".repeat(30_000)), 4000));
    assert!(many.contains("64 MB"), "{many}");
}
