//! What a user has stays: files beside a report, folders that are read, targets of links; and what is read back is of the
//! study that asks.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn command(place: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fenton"));
    command.args(arguments).current_dir(place);
    command
}

fn fenton(place: &Path, arguments: &[&str]) -> Output {
    command(place, arguments).output().expect("fenton runs")
}

fn code(run: &Output) -> i32 {
    run.status.code().unwrap_or(-1)
}

fn err(run: &Output) -> String {
    String::from_utf8_lossy(&run.stderr).into_owned()
}

fn names(place: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(place).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A decay with two parameters, read twice at five times: fitted and drawn from in no time.
fn study(place: &Path, name: &str, bounds: &str, data: &str) {
    let folder = place.join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("m.ant"), "const dose = 0\nS' = -k*dose*S; S = S0; S0 = 1; k = 0.3\n").unwrap();
    fs::write(folder.join("d.csv"), data).unwrap();
    let toml = format!(
        "model = \"m.ant\"\n[time]\nunit = \"h\"\n[compounds.dose]\nunit = \"uM\"\ntarget_unit = \"uM\"\n\
         [observables.S]\nformula = \"S\"\n[data]\nfile = \"d.csv\"\nvalues = \"fraction\"\n\
         without_control = \"made up\"\n[noise]\nkind = \"normal\"\nsd = 0.05\n\
         [parameters.k]\nbounds = {bounds}\n[parameters.S0]\nbounds = [0.1, 10]\n"
    );
    fs::write(folder.join("study.toml"), toml).unwrap();
}

const DATA: &str = "dose (uM),time (h),observable,value\n1,0.5,S,0.88\n1,0.5,S,0.84\n1,1,S,0.77\n1,1,S,0.73\n1,2,S,0.52\n1,2,S,0.58\n1,4,S,0.33\n1,4,S,0.28\n1,8,S,0.07\n1,8,S,0.11\n";
const BOUNDS: &str = "[0.01, 10]";

fn sampled(place: &Path) {
    study(place, "a", BOUNDS, DATA);
    let run = fenton(place, &["sample", "a/study.toml", "--draws", "256", "--output", "draws"]);
    assert!([0, 4].contains(&code(&run)), "{}", err(&run));
}

#[test]
fn nothing_of_the_users_in_a_report_is_lost_by_four_further_commands() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    study(place, "a", BOUNDS, DATA);
    let fit = ["fit", "a/study.toml", "--starts", "20", "--output", "out"];
    assert_eq!(code(&fenton(place, &fit)), 0);
    let mine = [("notes.md", "years of work"), ("zeta.svg", "a drawing"), ("sub/data.csv", "1,2\n")];
    fs::create_dir(place.join("out/sub")).unwrap();
    mine.iter().for_each(|(name, text)| fs::write(place.join("out").join(name), text).unwrap());
    let again = fenton(place, &fit);
    assert_eq!(code(&again), 0, "{}", err(&again));
    assert!(err(&again).contains("notes.md, sub, zeta.svg in out: no part of the report"), "{}", err(&again));
    for other in ["sample", "profile", "bootstrap"] {
        let run = fenton(place, &[other, "a/study.toml", "--output", "out"]);
        assert_eq!(code(&run), 3, "{}", err(&run));
        assert!(err(&run).contains("is the report of 'fenton fit'"), "{}", err(&run));
    }
    for (name, text) in mine {
        assert_eq!(fs::read_to_string(place.join("out").join(name)).unwrap(), text, "{name}");
    }
    assert_eq!(names(place), ["a", "out"]);
}

#[test]
fn a_folder_with_a_summary_of_somebody_elses_is_no_report() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    study(place, "a", BOUNDS, DATA);
    fs::create_dir(place.join("thesis")).unwrap();
    for (name, text) in [("summary.json", "{}"), ("chapter.tex", "years of work"), ("fenton.json", "{}")] {
        fs::write(place.join("thesis").join(name), text).unwrap();
    }
    let run = fenton(place, &["fit", "a/study.toml", "--starts", "20", "--output", "thesis"]);
    assert_eq!(code(&run), 3, "{}", err(&run));
    assert!(err(&run).contains("no fenton report"), "{}", err(&run));
    assert_eq!(names(&place.join("thesis")), ["chapter.tex", "fenton.json", "summary.json"]);
}

#[test]
fn an_output_is_never_what_is_read() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    sampled(place);
    let before = names(&place.join("draws"));
    for arguments in [
        ["predict", "a/study.toml", "--ensemble", "draws", "--output", "draws"],
        ["predict", "a/study.toml", "--ensemble", "draws", "--output", "a"],
        ["profile", "a", "--from", "draws", "--output", "./a/../draws"],
    ] {
        let run = fenton(place, &arguments);
        assert_eq!(code(&run), 2, "{}", err(&run));
        assert!(err(&run).contains("is also read"), "{}", err(&run));
    }
    assert_eq!(names(&place.join("draws")), before);
    assert_eq!(names(&place.join("a")), ["d.csv", "m.ant", "study.toml"]);
}

/// A shell completes the name of a folder with a slash.
#[test]
fn an_output_may_be_named_in_any_way() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    study(place, "a", BOUNDS, DATA);
    fs::create_dir(place.join("here")).unwrap();
    let fit = |within: &str, study: &str, output: &str| {
        let run = fenton(&place.join(within), &["fit", study, "--starts", "20", "--output", output]);
        assert_eq!(code(&run), 0, "{output}: {}", err(&run));
    };
    for output in ["slash/", "slash/", "a/../up/", "deep/er/", "./dot"] {
        fit(".", "a", output);
        assert!(place.join(output).join("report.html").exists(), "{output}");
    }
    fit("here", "../a", ".");
    fit("here", "../a", "../here/.");
    assert!(place.join("here/report.html").exists());
    assert_eq!(names(place), ["a", "deep", "dot", "here", "slash", "up"]);
    assert_eq!(names(&place.join("deep")), ["er"]);
    for folder in ["here", "slash", "deep/er"] {
        assert!(names(&place.join(folder)).iter().all(|name| !name.starts_with('.')), "{folder}");
    }
}

/// Only the bootstrap of cases asks which reading is of which experiment.
#[test]
fn a_bootstrap_does_not_go_on_with_other_experiments() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let with = |experiments: &str| {
        let mut lines = DATA.lines();
        let head = format!("{},experiment\n", lines.next().unwrap());
        head + &lines.zip(experiments.chars()).map(|(line, name)| format!("{line},{name}\n")).collect::<String>()
    };
    study(place, "a", BOUNDS, &with("ABABABABAB"));
    assert_eq!(code(&fenton(place, &["fit", "a", "--starts", "20", "--output", "fitted"])), 0);
    let bootstrap = |more: &[&str]| {
        let usual = ["bootstrap", "a", "--kind", "cases", "--repeats", "200", "--from", "fitted", "--output", "out"];
        fenton(place, &[&usual[..], more].concat())
    };
    let run = bootstrap(&["--max-time", "1e-9"]);
    assert_eq!(code(&run), 3, "{}", err(&run));
    assert!(place.join("out.checkpoint").is_file());
    study(place, "a", BOUNDS, &with("BAABABABAB"));
    let run = bootstrap(&[]);
    assert_eq!(code(&run), 1, "{}", err(&run));
    assert!(place.join("out.checkpoint").is_file() && !place.join("out").exists());
}

#[test]
fn an_empty_folder_is_written_into_in_its_place() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    study(place, "a", BOUNDS, DATA);
    fs::create_dir(place.join("out")).unwrap();
    let inode = || {
        #[cfg(unix)]
        return std::os::unix::fs::MetadataExt::ino(&fs::metadata(place.join("out")).unwrap());
        #[cfg(not(unix))]
        0
    };
    let before = inode();
    assert_eq!(code(&fenton(place, &["fit", "a", "--starts", "20", "--output", "out"])), 0);
    assert_eq!(inode(), before);
    assert!(place.join("out/report.html").exists() && place.join("out/fenton.json").exists());
    assert_eq!(names(place), ["a", "out"]);
}

/// Each change to the study or to the folder of draws, and what is said of it.
#[test]
fn draws_of_anything_else_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    sampled(place);
    let ask = |study: &str, draws: &str| {
        fenton(place, &["predict", study, "--ensemble", draws, "--draws", "40", "--output", "bands"])
    };
    let run = ask("a", "draws");
    assert!([0, 4].contains(&code(&run)), "{}", err(&run));
    let refused = |study: &str, draws: &str, told: &str| {
        let run = ask(study, draws);
        assert_eq!(code(&run), 1, "{study} {draws}: {}", err(&run));
        assert!(err(&run).contains(told), "{study} {draws}: {}", err(&run));
    };
    study(place, "bounds", "[0.01, 9]", DATA);
    study(place, "value", BOUNDS, &DATA.replace("0.88", "0.89"));
    study(place, "time", BOUNDS, &DATA.replace("8,S,0.11", "9,S,0.11"));
    study(place, "row", BOUNDS, DATA.trim_end().rsplit_once('\n').unwrap().0);
    for other in ["bounds", "value", "time", "row"] {
        refused(other, "draws", "of another study");
    }
    let copy = |name: &str| {
        fs::create_dir(place.join(name)).unwrap();
        for file in names(&place.join("draws")) {
            fs::copy(place.join("draws").join(&file), place.join(name).join(&file)).unwrap();
        }
        place.join(name)
    };
    fs::remove_file(copy("lost").join("draws-3.csv")).unwrap();
    refused("a", "lost", "a chain is missing");
    fs::remove_file(copy("unmarked").join("fenton.json")).unwrap();
    refused("a", "unmarked", "no report of draws");
    fs::write(copy("summary").join("summary.json"), "{").unwrap();
    refused("a", "summary", "the summary cannot be read");
    let edit = |name: &str, with: &dyn Fn(&mut Vec<String>)| {
        let path = copy(name).join("draws-1.csv");
        let mut lines: Vec<String> = fs::read_to_string(&path).unwrap().lines().map(String::from).collect();
        with(&mut lines);
        fs::write(path, lines.join("\n") + "\n").unwrap();
    };
    let change = |line: &mut String, column: usize, to: &str| {
        let mut cells: Vec<&str> = line.split(',').collect();
        cells[column] = to;
        *line = cells.join(",");
    };
    let first = |lines: &[String]| lines.iter().position(|line| line.starts_with("lp__")).unwrap() + 1;
    edit("outside", &|lines| {
        let at = first(lines);
        change(&mut lines[at], 2, "1e5");
    });
    refused("a", "outside", "outside its bounds");
    edit("changed", &|lines| {
        let at = first(lines);
        change(&mut lines[at], 2, "0.5");
    });
    refused("a", "changed", "the log-likelihood of a draw is");
    edit("short", &|lines| {
        lines.pop();
    });
    refused("a", "short", "says that they are");
}

#[test]
fn fits_of_another_study_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    study(place, "a", BOUNDS, DATA);
    study(place, "b", "[0.02, 10]", DATA);
    assert_eq!(code(&fenton(place, &["fit", "a", "--starts", "20", "--output", "out"])), 0);
    assert_eq!(code(&fenton(place, &["profile", "a", "--from", "out", "--output", "profiles"])), 0);
    let run = fenton(place, &["profile", "b", "--from", "out", "--output", "others"]);
    assert_eq!(code(&run), 1, "{}", err(&run));
    assert!(err(&run).contains("of another study"), "{}", err(&run));
}

/// A run that is stopped at once: it leaves a checkpoint.
fn stopped(place: &Path) {
    let run = fenton(place, &["sample", "a", "--draws", "512", "--output", "out", "--max-time", "1e-9"]);
    assert_eq!(code(&run), 3, "{}", err(&run));
    assert!(place.join("out.checkpoint").is_file(), "{}", err(&run));
}

#[test]
fn damaged_checkpoints_are_refused_and_stay() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    study(place, "a", BOUNDS, DATA);
    stopped(place);
    let path = place.join("out.checkpoint");
    let whole = fs::read(&path).unwrap();
    let resume = || fenton(place, &["sample", "a", "--draws", "512", "--output", "out"]);
    let middle = whole.len() / 2;
    let changed: Vec<u8> = [&whole[..middle], &[whole[middle] ^ 1], &whole[middle + 1..]].concat();
    let old = [br#"{"format":1,"identity":{}}"#.to_vec(), Vec::new(), whole[..middle].to_vec(), changed];
    for damaged in old {
        fs::write(&path, &damaged).unwrap();
        let run = resume();
        assert_eq!(code(&run), 1, "{}", err(&run));
        assert!(err(&run).contains("out.checkpoint") && err(&run).contains("hint"), "{}", err(&run));
        assert_eq!(fs::read(&path).unwrap(), damaged);
        assert!(!place.join("out").exists());
    }
    fs::write(&path, whole).unwrap();
    let run = resume();
    assert!([0, 4].contains(&code(&run)), "{}", err(&run));
    assert!(!path.exists());
}

/// A limit on the size of files stands for a disk that is full when the report is written.
#[test]
#[cfg(target_os = "linux")]
fn a_failed_last_step_keeps_the_checkpoint() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    study(place, "a", BOUNDS, DATA);
    stopped(place);
    let script =
        format!("trap '' XFSZ; ulimit -f 12; exec {} sample a --draws 512 --output out", env!("CARGO_BIN_EXE_fenton"));
    let run = Command::new("bash").args(["-c", &script]).current_dir(place).output().unwrap();
    assert_eq!(code(&run), 3, "{}", err(&run));
    assert!(err(&run).contains("is kept in") && err(&run).contains("cannot write out"), "{}", err(&run));
    assert_eq!(names(place), ["a", "out.checkpoint"]);
    let run = fenton(place, &["sample", "a", "--draws", "512", "--output", "out"]);
    assert!([0, 4].contains(&code(&run)), "{}", err(&run));
    assert_eq!(names(place), ["a", "out"]);
}

#[test]
#[cfg(unix)]
fn temporary_files_follow_no_links() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    study(place, "a", BOUNDS, DATA);
    fs::write(place.join("letter"), "mine").unwrap();
    for name in ["out.partial", "out.checkpoint.partial"] {
        std::os::unix::fs::symlink(place.join("letter"), place.join(name)).unwrap();
    }
    stopped(place);
    assert_eq!(fs::read_to_string(place.join("letter")).unwrap(), "mine");
    std::os::unix::fs::symlink(place.join("letter"), place.join("other.lock")).unwrap();
    let run = fenton(place, &["fit", "a", "--starts", "20", "--output", "other"]);
    assert_eq!(code(&run), 3, "{}", err(&run));
    assert_eq!(fs::read_to_string(place.join("letter")).unwrap(), "mine");
}

/// Ends with the process if a test fails.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_for(path: &Path) {
    let began = Instant::now();
    while !path.exists() {
        assert!(began.elapsed() < Duration::from_secs(60), "{} does not come", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn one_run_at_a_time_has_an_output() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    study(place, "a", BOUNDS, DATA);
    let long = ["sample", "fac-ht1080", "--draws", "100000", "--output", "out"];
    let mut first = Running(command(place, &long).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait_for(&place.join("out.lock"));
    std::thread::sleep(Duration::from_millis(100));
    let second = fenton(place, &["fit", "a", "--starts", "20", "--output", "out"]);
    assert_eq!(code(&second), 3, "{}", err(&second));
    let told = err(&second);
    assert!(told.contains("fenton sample fac-ht1080") && told.contains("is at work there"), "{told}");
    first.0.kill().unwrap();
    first.0.wait().unwrap();
    assert!(place.join("out.lock").exists(), "a killed run leaves its lock's file");
    let third = fenton(place, &["fit", "a", "--starts", "20", "--output", "out"]);
    assert_eq!(code(&third), 0, "{}", err(&third));
    assert!(!place.join("out.lock").exists());
}

/// Work that nobody watches ends at once, and leaves nothing.
#[test]
#[cfg(unix)]
fn a_signal_ends_curves_within_a_second() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let mut plate = String::from("dose (uM),signal\n");
    for (at, dose) in ["0", "0.1", "0.3", "1", "3", "10"].into_iter().enumerate() {
        (0..3).for_each(|well| plate += &format!("{dose},{}\n", 1000 - 150 * at + 7 * well));
    }
    fs::write(place.join("plate.csv"), plate).unwrap();
    for signal in ["INT", "TERM", "HUP"] {
        let arguments = ["curve", "plate.csv", "--assay", "atp", "--bootstrap", "10000000", "--output", "out"];
        let mut run = Running(command(place, &arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
        wait_for(&place.join("out.lock"));
        std::thread::sleep(Duration::from_millis(300));
        let sent = Instant::now();
        let process = run.0.id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &process]).status().unwrap().success());
        let status = run.0.wait().unwrap();
        assert!(sent.elapsed() < Duration::from_secs(1), "{signal}: {:?}", sent.elapsed());
        assert_eq!(status.code(), Some(3), "{signal}");
        let mut told = String::new();
        std::io::Read::read_to_string(run.0.stderr.as_mut().unwrap(), &mut told).unwrap();
        assert!(told.contains("interrupted; nothing was written"), "{signal}: {told}");
        assert_eq!(names(place), ["plate.csv"], "{signal}");
    }
}

/// Tables of a report, whose bytes depend on the work alone; the rest tells the time.
fn tables(folder: &Path) -> Vec<(String, String)> {
    let tables = names(folder).into_iter().filter(|name| name.ends_with(".csv"));
    tables.map(|name| (name.clone(), fs::read_to_string(folder.join(&name)).unwrap())).collect()
}

/// Kills at moments of a run over an earlier report with a note beside it: whatever is there then, the note is, and the same
/// command ends at the same tables.
fn killed(times: u32) {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    study(place, "a", BOUNDS, DATA);
    let commands: [(&str, &[&str]); 4] = [
        ("fit", &["--starts", "200"]),
        ("sample", &["--draws", "512"]),
        ("profile", &["--starts", "50"]),
        ("bootstrap", &["--starts", "20", "--repeats", "100"]),
    ];
    let mut kills = 0;
    for (name, more) in commands {
        let arguments = [&[name, "a", "--output", name][..], more].concat();
        let began = Instant::now();
        let whole = fenton(place, &arguments);
        assert!([0, 4].contains(&code(&whole)), "{name}: {}", err(&whole));
        let took = began.elapsed();
        let folder = place.join(name);
        let expected = tables(&folder);
        fs::write(folder.join("notes.md"), "mine").unwrap();
        for at in 0..times {
            let mut run = Running(
                command(place, &arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("fenton runs"),
            );
            // Evenly over the run, a little beyond its end.
            std::thread::sleep(took.mul_f64(1.05 * (f64::from(at) + 0.5) / f64::from(times)));
            kills += u32::from(run.0.try_wait().unwrap().is_none());
            run.0.kill().unwrap();
            run.0.wait().unwrap();
            assert_eq!(fs::read_to_string(folder.join("notes.md")).unwrap(), "mine", "{name} {at}");
            let again = fenton(place, &arguments);
            assert!([0, 4].contains(&code(&again)), "{name} {at}: {}", err(&again));
            assert!(tables(&folder) == expected, "{name} {at}: other tables");
            assert_eq!(fs::read_to_string(folder.join("notes.md")).unwrap(), "mine", "{name} {at}");
            assert_eq!(fs::read_dir(&folder).unwrap().filter(|e| e.as_ref().unwrap().path().is_dir()).count(), 0);
        }
    }
    assert_eq!(names(place), ["a", "bootstrap", "fit", "profile", "sample"]);
    println!("{kills} kills, nothing lost");
    assert!(kills > times, "{kills} kills: the runs end before they are killed");
}

#[test]
fn a_run_killed_at_any_moment_loses_nothing() {
    killed(5);
}

#[test]
#[ignore = "minutes"]
fn a_run_killed_at_any_of_many_moments_loses_nothing() {
    killed(100);
}
