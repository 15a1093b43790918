//! Files of plate readers: each layout, and each refusal with its place.

use fenton::plate::{Layout, Limit, Options, Readings, Role, Seen, read_bytes};
use fenton::{Diagnostic, Error};

fn iron() -> Options {
    Options { basis: vec![(None, "Fe".into())], ..Options::default() }
}

fn file(text: &str) -> Readings {
    let options = if text.contains("FAC") { iron() } else { Options::default() };
    read_bytes("plate.csv", text.as_bytes().to_vec(), None, &options).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn findings(result: fenton::Result<Readings>) -> Vec<Diagnostic> {
    match result {
        Err(Error::Input(found)) => found,
        other => panic!("{other:?}"),
    }
}

/// Refused with one finding that stands at a line and column and says all of `words`.
fn refused(text: &str, (line, column): (usize, usize), words: &[&str]) {
    let found = findings(read_bytes("plate.csv", text.as_bytes().to_vec(), None, &Options::default()));
    let told: String = found.iter().map(|d| format!("{d}\n")).collect();
    let place = found[0].place.as_ref().map(|p| (p.line, p.column));
    assert_eq!((found.len(), place), (1, Some((line, column))), "{told}");
    assert_eq!(found[0].file, "plate.csv");
    for word in words {
        assert!(told.contains(word), "no `{word}` in:\n{told}");
    }
}

fn signals(readings: &Readings) -> Vec<f64> {
    let value = |seen| match seen {
        Seen::Signal(value) => value,
        other => panic!("{other:?}"),
    };
    readings.readings.iter().map(|r| value(r.seen)).collect()
}

const TIDY: &str = "# synthetic: made by hand\nexperiment,plate,well,cell line,FAC (mM),time (h),role,signal\n\
                    E1,P1,A1,HT-1080,0,48,vehicle,100\nE1,P1,A2,HT-1080,5,48,sample,20\n\
                    E1,P1,a03,,0,48,blank,2\nE2,P2,A1,HT1080,2.5,2 d,,60\n";

#[test]
fn a_tidy_table_is_read() {
    let read = file(TIDY);
    assert_eq!(read.layout, Layout::Tidy);
    assert_eq!((read.experiments.len(), read.plates.len(), read.cell_lines.len()), (2, 2, 1));
    assert_eq!(read.plates[1].experiment, 1);
    assert_eq!((read.compounds[0].name.as_str(), read.compounds[0].unit.as_str()), ("FAC", "mM"));
    assert_eq!(read.compounds[0].basis.as_deref(), Some("Fe"));
    assert_eq!(signals(&read), [100.0, 20.0, 2.0, 60.0]);
    let roles: Vec<Role> = read.readings.iter().map(|r| r.role).collect();
    assert_eq!(roles, [Role::Vehicle, Role::Sample, Role::Blank, Role::Sample]);
    let third = &read.readings[2];
    assert_eq!((third.line, third.column, third.well, third.well_name.as_deref()), (5, 23, Some((0, 2)), Some("A3")));
    assert_eq!((read.readings[3].time, read.time_unit.as_str()), (Some(48.0), "h"));
    assert_eq!(read.readings[3].doses, [(0, 2.5)]);
    assert!(read.experiments_stated && read.synthetic.is_some());
    assert!(read.notes.iter().any(|n| n.contains("`HT1080`") && n.contains("HT-1080")), "{:?}", read.notes);
}

#[test]
fn separators_ends_of_lines_and_decimal_commas_make_no_difference() {
    let plain = file(TIDY);
    let same = |text: String| {
        let mut read = file(&text);
        read.readings.iter_mut().zip(&plain.readings).for_each(|(r, p)| r.column = p.column);
        assert_eq!(read, plain, "{text}");
    };
    same(TIDY.replace('\n', "\r\n"));
    same(TIDY.replace('\n', "\r"));
    same(format!("\u{feff}{TIDY}"));
    same(TIDY.replace(',', "\t"));
    same(TIDY.replace(',', ";").replace("2.5", "2,5"));
    same(TIDY.replace("2.5", "\"2,5\"").replace("cell line", "\"cell line\""));
}

#[test]
fn compounds_in_rows_are_read_with_their_units() {
    let read = file(
        "compound,dose,unit,compound2,dose2,unit2,signal\nDMSO,,,,,,100\nerastin,1,uM,,,,50\nErastin,100,nM,BSO,0.1,mM,70\n\
         erastin,0,uM,BSO,100,uM,90\n",
    );
    let names: Vec<&str> = read.compounds.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["erastin", "BSO"]);
    assert_eq!(read.readings[0].role, Role::Vehicle);
    assert_eq!(read.readings[2].doses, [(0, 0.1), (1, 0.1)]);
    assert_eq!(read.readings[3].doses, [(1, 0.1)]);
    assert!(!read.experiments_stated && read.experiments == ["1"]);
    assert!(read.notes.iter().any(|n| n.contains("one experiment")));
}

#[test]
fn counts_deaths_and_bounds_are_read() {
    let read = file("RSL3 (uM),time (h),replicate,live,dead\n0,24,1,95,5\n1,24,1,10,90\n");
    assert_eq!(read.readings[1].seen, Seen::Counts { live: 10.0, dead: 90.0 });
    let read = file("FAC (mM Fe),time (h),count,censored\n5,6,3,\n5,12,9,no\n5,24,4,yes\n");
    assert_eq!(read.readings[1].seen, Seen::Deaths(9.0));
    assert_eq!(read.readings[2].limit, Limit::Above);
    let read = file("RSL3 (uM),signal,limit\n0,>4.0,\n1,<0.1,\n2,0.2,below\n");
    let limits: Vec<Limit> = read.readings.iter().map(|r| r.limit).collect();
    assert_eq!(limits, [Limit::Above, Limit::Below, Limit::Below]);
}

#[test]
fn what_is_wrong_with_a_tidy_table_is_told_with_its_place() {
    refused("RSL3 (uM),signal\n0,1\n-3,0.5\n", (3, 1), &["dose of -3", "logarithms"]);
    refused("RSL3 (uM),signal\n0,1\n1,OVRFLW\n", (3, 3), &["OVRFLW", "less gain", ">4.0"]);
    refused("RSL3 (uM);signal\n0;1\n1;1.234,5\n", (3, 3), &["thousands: 1234.5"]);
    refused("RSL3 (uM);signal\n0;1\n1;1,234\n", (3, 3), &["1234 if", "1.234 if"]);
    refused("RSL3 (uM),signal\n0,1\n1,12,5\n", (3, 6), &["3 fields", "2, as in the header"]);
    refused("RSL3 (uM),signal\n0,1\n1,\n", (3, 3), &["empty"]);
    refused("RSL3 (uM),signal\n0,1\n1,\"0.5\n", (3, 3), &["quotation mark"]);
    refused("RSL3 (uM),signl\n0,1\n", (1, 11), &["unknown column `signl`", "did you mean `signal`"]);
    refused("RSL3 (uM),signl,time\n0,1,2\n", (1, 11), &["unknown column `signl`", "did you mean `signal`"]);
    refused("RSL3,signal\n0,1\n", (1, 1), &["unknown column `RSL3`", "RSL3 (uM)"]);
    refused("RSL3 (um),signal\n0,1\n", (1, 1), &["no unit of doses", "capital M"]);
    refused("RSL3 (uM),signal,role\n0,1,plank\n", (2, 5), &["no role `plank`", "vehicle"]);
    refused("RSL3 (uM),signal,role\n1,1,vehicle\n", (2, 3), &["vehicle well with 1 uM"]);
    refused("RSL3 (uM),live,dead\n0,1.5,2\n", (2, 3), &["count of 1.5", "whole numbers"]);
    refused("RSL3 (uM),live,dead\n0,1,-2\n", (2, 5), &["count of -2"]);
    refused("well,RSL3 (uM),signal\nA1,0,1\nA1,1,2\n", (3, 6), &["well A1", "twice", "line 2"]);
    refused("plate,experiment,RSL3 (uM),signal\nP,E1,0,1\nP,E2,0,1\n", (3, 8), &["plate `P`", "E2", "line 2"]);
    refused("compound,dose,unit,signal\nX,1,uM,3\nX,1,ug/mL,2\n", (3, 5), &["ug/mL", "in uM before"]);
    refused("RSL3 (uM),time (mM),signal\n0,1,1\n", (2, 3), &["no unit of time"]);
    refused("RSL3 (uM),signal\n", (1, 1), &["no readings"]);
    refused("# only words\n", (1, 1), &["comments alone"]);
    refused("medium,RSL3 (uM),signal\nRPMI,0,1\nDMEM,0,1\n", (3, 1), &["medium is `DMEM`", "RPMI"]);
    refused("FAC (mM),signal\n0,1\n", (1, 1), &["14.5 to 22.5", "FAC 16.5 % Fe", "--basis"]);
}

#[test]
fn wide_tables_are_read_by_their_headers() {
    let read = file("FAC (mM),rep1,rep2\nvehicle,100,98\n5,20,<1\n10,,3\nblank,2,2\n");
    assert_eq!(read.layout, Layout::Wide);
    assert_eq!(read.readings.len(), 7);
    let roles: Vec<Role> = read.readings.iter().map(|r| r.role).collect();
    assert_eq!((roles[0], roles[3], roles[5]), (Role::Vehicle, Role::Sample, Role::Blank));
    assert_eq!(read.readings[3].limit, Limit::Below);

    let read = file("Erastin (uM),exp1 rep1,exp1 rep2,exp2 rep1\n0,1,1,1\n5,0.3,0.2,0.4\n");
    assert_eq!(read.experiments, ["exp1", "exp2"]);
    assert!(read.experiments_stated && read.plates.len() == 2);

    let read = file("Erastin (uM),HT-1080,HT-1080,U-2 OS,U-2 OS\n0,1,1,1,1\n5,0.3,0.2,0.4,0.4\n");
    assert_eq!(read.cell_lines, ["HT-1080", "U-2 OS"]);
    assert!(read.notes.iter().any(|n| n.contains("cell lines HT-1080, U-2 OS")), "{:?}", read.notes);

    let read = file("Erastin (nM),24 h,48 h\n0,1,1\n5,0.3,0.2\n");
    assert_eq!((read.readings[3].time, read.time_unit.as_str()), (Some(48.0), "h"));
    refused("Erastin (nM),mean\n0,1\n", (1, 14), &["`mean` is no reading"]);
}

/// A 96-well block; `well` gives its cells.
fn block(well: impl Fn(usize, usize) -> String) -> String {
    let mut text = format!(",{}\n", (1..=12).map(|c| c.to_string()).collect::<Vec<_>>().join(","));
    for row in 0..8 {
        let cells: Vec<String> = (0..12).map(|column| well(row, column)).collect();
        text += &format!("{},{}\n", (b'A' + row as u8) as char, cells.join(","));
    }
    text
}

/// Vehicle in column 1, blanks in column 12, FAC between; row H is empty.
fn map() -> String {
    block(|row, column| match (row, column) {
        (7, _) => String::new(),
        (_, 0) => "vehicle".into(),
        (0, 11) => "blank FAC 5 mM Fe".into(),
        (_, 11) => "blank".into(),
        (1, 10) => "U-2 OS: FAC 1 mM + BSO 100 uM".into(),
        _ => format!("HT-1080: FAC {column} mM Fe"),
    })
}

fn plate() -> String {
    block(|row, column| (100 * row + column).to_string())
}

fn grid(plates: &str, map: Option<&str>) -> fenton::Result<Readings> {
    let map = map.map(|map| ("map.csv", map.as_bytes().to_vec()));
    read_bytes("plate.csv", plates.as_bytes().to_vec(), map, &Options::default())
}

#[test]
fn a_grid_is_read_with_its_map() {
    let read = grid(&format!("Reader X,v2\nTemperature: 37\n\nResults\n{}\nChecked by: A\n", plate()), Some(&map()));
    let read = read.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((read.layout, read.readings.len(), read.plates.len()), (Layout::Grid, 84, 1));
    let of = |name: &str| read.readings.iter().find(|r| r.well_name.as_deref() == Some(name)).unwrap();
    assert_eq!((of("A1").role, of("A1").seen), (Role::Vehicle, Seen::Signal(0.0)));
    assert_eq!((of("A12").role, &of("A12").doses[..]), (Role::Blank, &[(0, 5.0)][..]));
    assert_eq!(of("B11").doses, [(0, 1.0), (1, 100.0)]);
    assert_eq!(read.cell_lines[of("B11").cell_line], "U-2 OS");
    assert_eq!((of("G3").seen, of("G3").well), (Seen::Signal(602.0), Some((6, 2))));
    assert_eq!(read.compounds[0].basis.as_deref(), Some("Fe"));
    assert!(read.notes.iter().any(|n| n.contains("12 wells")), "{:?}", read.notes);
}

#[test]
fn blocks_are_plates_or_times_by_their_labels() {
    let labelled = format!("Plate: P1, Experiment: E1\n{0}Plate,P2,Experiment,E2\n{0}", plate());
    let read = grid(&labelled, Some(&map())).unwrap_or_else(|e| panic!("{e}"));
    let names: Vec<&str> = read.plates.iter().map(|p| p.name.as_str()).collect();
    assert_eq!((names, read.experiments.len()), (vec!["P1", "P2"], 2));
    let times = format!("Time: 0 h\n{0}24 h\n{0}Time [h],48 h\n{0}", plate());
    let read = grid(&times, Some(&map())).unwrap_or_else(|e| panic!("{e}"));
    let times: Vec<Option<f64>> = [0, 84, 168].iter().map(|&i| read.readings[i].time).collect();
    assert_eq!((read.plates.len(), times), (1, vec![Some(0.0), Some(24.0), Some(48.0)]));
    // Without labels, each block is a plate, and a map may name its plates.
    let read = grid(&format!("{0}{0}", plate()), Some(&format!("Plate: 1\n{0}Plate: 2\n{0}", map()))).unwrap();
    assert_eq!((read.plates.len(), read.readings.len()), (2, 168));
    let missing = findings(grid(&format!("Plate: P1\n{}", plate()), Some(&format!("Plate: Q1\n{}", map()))));
    assert!(missing[0].to_string().contains("no plate `P1`"), "{}", missing[0]);
}

#[test]
fn a_map_may_be_a_list_of_wells() {
    let list = "well,cell line,compound,dose,unit,role\nA1,HT-1080,,,,vehicle\nA2,HT-1080,RSL3,1,uM,\nH12,,,,,blank\n";
    let read = grid(&plate(), Some(list)).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((read.readings.len(), read.readings[1].doses.as_slice()), (3, &[(0, 1.0)][..]));
    let wrong = findings(grid(&plate(), Some(&list.replace("A2", "Z2"))));
    assert_eq!(
        (wrong[0].file.as_str(), wrong[0].place.as_ref().map(|p| (p.line, p.column))),
        ("map.csv", Some((3, 1)))
    );
}

#[test]
fn what_is_wrong_with_a_grid_is_told_with_its_place() {
    let told = |plates: &str, map: Option<&str>, file: &str, place: (usize, usize), words: &[&str]| {
        let found = findings(grid(plates, map));
        let text: String = found.iter().map(|d| format!("{d}\n")).collect();
        let at = found[0].place.as_ref().map(|p| (p.line, p.column));
        assert_eq!((found[0].file.as_str(), at), (file, Some(place)), "{text}");
        words.iter().for_each(|word| assert!(text.contains(word), "no `{word}` in:\n{text}"));
    };
    told(&plate(), None, "plate.csv", (1, 1), &["--map", "`vehicle`"]);
    let small: String = plate().lines().take(5).map(|line| format!("{line}\n")).collect();
    told(&small, Some(&map()), "plate.csv", (1, 2), &["block of 4 x 12", "8 x 12", "16 x 24"]);
    told(&plate().replace(",203,", ",OVER,"), Some(&map()), "plate.csv", (4, 15), &["well C4", "OVER", "less gain"]);
    told(&plate().replace(",203,", ",,"), Some(&map()), "plate.csv", (4, 15), &["well C4 is empty", "`empty`"]);
    told(&plate(), Some(&map().replace("FAC 4 mM Fe", "FAC")), "map.csv", (2, 74), &["does not say what", "FAC 5 mM"]);
    told(&plate(), Some(&map().replace(" Fe", "")), "plate.csv", (1, 1), &["14.5 to 22.5"]);
    let big = "well,role\nP24,vehicle\n";
    told(&plate(), Some(big), "plate.csv", (1, 1), &["the plate is 8 x 12", "16 x 24"]);
    told("RSL3 (uM),signal\n0,1\n", Some(&map()), "plate.csv", (1, 1), &["no plate in the file"]);
}

#[test]
fn a_sheet_of_a_workbook_is_a_table() {
    let bytes = include_bytes!("plates/book.xlsx").to_vec();
    let book = |sheet: Option<&str>| {
        let options = Options { sheet: sheet.map(str::to_string), ..Options::default() };
        read_bytes("book.xlsx", bytes.clone(), None, &options)
    };
    let read = book(None).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(signals(&read), [100.5, 20.25, 3.0, 2.0]);
    assert_eq!((read.readings[1].line, read.readings[1].column), (5, 5));
    assert!(read.synthetic.is_some() && read.notes.iter().any(|n| n.contains("sheet 'Data' of 3")), "{:?}", read.notes);
    let failed = findings(book(Some("Other")));
    assert!(failed[0].to_string().contains("sheet 'Other', B2: the reading is `#DIV/0!`"), "{}", failed[0]);
    let unknown = findings(book(Some("Dat")));
    assert!(unknown[0].to_string().contains("did you mean --sheet \"Data\""), "{}", unknown[0]);
    let cut = findings(read_bytes("book.xlsx", bytes[..3000].to_vec(), None, &Options::default()));
    assert!(cut[0].hint.as_ref().is_some_and(|hint| hint.contains("CSV UTF-8")));
    let old = findings(read_bytes("book.xls", vec![0xD0, 0xCF, 0x11, 0xE0, 1], None, &Options::default()));
    assert!(old[0].to_string().contains(".xls"));
}

#[test]
fn a_hundred_thousand_readings_take_no_longer_than_reading_them() {
    let rows: String = (0..100_000).map(|i| format!("P{},{},RSL3,{},uM,{i}\n", i / 96, i % 96, i % 9)).collect();
    let begun = std::time::Instant::now();
    let read = file(&format!("plate,well,compound,dose,unit,signal\n{rows}"));
    assert_eq!((read.readings.len(), read.plates.len()), (100_000, 1042));
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
}
