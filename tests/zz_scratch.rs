use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::inference::*;
use fenton::study::{Study, embedded};
#[test]
fn all() {
    for file in embedded::STUDIES {
        let t = std::time::Instant::now();
        let study = Study::embedded(file.name).unwrap();
        println!("== {} notes {:?}", file.name, study.notes);
        let problem = study.problem();
        let engine = CpuEngine::new(Precision::F64);
        let objective = StudyObjective::new(&problem, &engine, &engine, Choice::default()).unwrap();
        let settings = FitSettings { starts: 64, refine: Some(8), max_time: Some(std::time::Duration::from_secs(60)), ..FitSettings::default() };
        match fit(&objective, &settings, &mut ()) {
            Err(e) => println!("ERR {e}"),
            Ok(r) => {
                println!("value {:.3} reached {}/{} scored {} fail {:?} {} wall {:.1?} ended {:?}", r.value, r.reached(0.1), r.starts.len(), r.scored(), r.failures, r.failed_points, t.elapsed(), r.ended);
                for (p, x) in problem.parameters.iter().zip(&r.point) {
                    println!("   {} = {:.4}  (start {:.4})", p.name, p.scale.value(*x), p.start);
                }
                let values = problem.values(&r.point);
                let s = objective.simulator.run(std::slice::from_ref(&values), Wanted::default(), true).unwrap().remove(0);
                let pred = problem.predict(&values, &s.slots);
                if pred.len() < 10 { println!("   pred {:.3?}", pred); }
                println!("   {:?}", r.identification);
            }
        }
    }
}
