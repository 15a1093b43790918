//! Reads assays, observables, noise and parameters of a study file.

use super::declared::{Correlation, Error, Kind, Observable, Parameter, Quantity, Sd};
use super::document::{Amount, At, Section, suggest};
use super::noise::Noise;
use super::prior::{Prior, Scale};
use super::read::Reader;
use super::units;
use crate::expr::Id;

/// Assays with what they read unless the study says otherwise.
const ASSAYS: [(&str, Kind); 6] = [
    ("atp", Kind::RelativeViability),
    ("resazurin", Kind::RelativeViability),
    ("live_count", Kind::RelativeViability),
    ("dead_dye", Kind::LethalFraction),
    ("live_dead", Kind::FractionalViability),
    ("death_time", Kind::DeathTime),
];

impl Reader<'_, '_> {
    pub fn parameters(&mut self, top: &Section) {
        for (name, section) in top.sections("parameters") {
            let index = self.study.system.parameter(&name.value);
            let per = section.text("per");
            let own = index.is_none();
            if own && self.study.system.variable(&name.value).is_some() {
                let message = format!("`{}` is a variable of the model, not a parameter", name.value);
                self.findings.say(&name.span, message, "estimate a parameter, or give yours another name");
            }
            if let (Some(per), false) = (&per, own) {
                let message =
                    format!("`{}` is a parameter of the model and cannot be one per {}", name.value, per.value);
                self.findings.say(&per.span, message, "only scales, offsets and sds can, under a name of their own");
            }
            let prior = self.prior(&section);
            let bounds = self.bounds(&section, prior);
            let estimate = section.boolean("estimate");
            let estimated = estimate.unwrap_or(bounds.is_some());
            if estimated && bounds.is_none() {
                let message = format!("`{}` is estimated and has no bounds", name.value);
                self.findings.say(
                    &name.span,
                    message,
                    "add bounds = [lowest, highest], or a normal or log-normal prior",
                );
            }
            let (lower, upper) = bounds.unwrap_or((0.0, 0.0));
            let unit = section.text("unit");
            let source = section.text("source").map(|t| t.value).unwrap_or_default();
            let model_value = index.map(|i| self.study.system.parameters[i as usize].value);
            let scale = match section.text("scale") {
                None if lower > 0.0 => Scale::Log10,
                None => Scale::Lin,
                Some(text) => match text.value.as_str() {
                    "lin" => Scale::Lin,
                    "log10" | "log" => {
                        if estimated && lower <= 0.0 {
                            let message = format!("a log scale needs positive bounds, not [{lower}, {upper}]");
                            self.findings.say(&text.span, message, "raise the lower bound, or write scale = \"lin\"");
                        }
                        Scale::Log10
                    }
                    other => {
                        self.findings.say(&text.span, format!("no scale `{other}`"), "write \"log10\" or \"lin\"");
                        Scale::Lin
                    }
                },
            };
            let stated = section.number("value");
            let middle = match scale {
                Scale::Log10 => (lower * upper).sqrt(),
                Scale::Lin => 0.5 * (lower + upper),
            };
            let typical = match prior {
                Prior::Normal { mean, .. } => mean,
                Prior::LogNormal { median, .. } => median,
                _ => middle,
            };
            let value = match (&stated, model_value, estimated) {
                (Some(value), ..) => value.value,
                (None, Some(value), _) => value,
                (None, None, true) => typical,
                (None, None, false) => {
                    let message = format!("`{}` is fixed and has no value", name.value);
                    self.findings.say(&name.span, message, "add value = …, or bounds to estimate it");
                    0.0
                }
            };
            if estimated && bounds.is_some() && !(lower..=upper).contains(&value) {
                let place = if section.has("bounds") { section.place("bounds") } else { name.span.clone() };
                let whose = if stated.is_some() { "the start" } else { "the model's value" };
                let message = format!("the bounds [{lower}, {upper}] exclude {whose}, {value}");
                self.findings.say(&place, message, "widen the bounds, or add a value within them");
            }
            self.check_unit(&name, unit.as_ref(), index);
            let unit = unit.map(|u| u.value).unwrap_or_default();
            let target = match index {
                Some(index) => {
                    if !estimated {
                        self.study.system.parameters[index as usize].value = value;
                    }
                    index
                }
                None => self.add_to_system(&name.value, value, &unit),
            };
            let unit = if unit.is_empty() { self.study.system.parameters[target as usize].unit.clone() } else { unit };
            self.study.parameters.push(Parameter {
                target,
                own,
                value,
                lower,
                upper,
                scale,
                prior,
                estimated,
                unit,
                source,
                per: per.map(|p| p.value),
                place: At::new((), name.span),
                name: name.value,
            });
            section.finish();
        }
    }

    fn check_unit(&self, name: &At<String>, unit: Option<&At<String>>, index: Option<u32>) {
        let (Some(unit), Some(index)) = (unit, index) else { return };
        let model = &self.study.system.parameters[index as usize].unit;
        if model.is_empty() || model.trim() == unit.value.trim() {
            return;
        }
        if units::same(&unit.value, model) != Some(true) {
            let message = format!("units do not agree: `{}` is in {model} in the model", name.value);
            self.findings.say(&unit.span, message, format!("give value, bounds and prior in {model}"));
        }
    }

    fn bounds(&self, section: &Section, prior: Prior) -> Option<(f64, f64)> {
        let Some(bounds) = section.numbers("bounds") else {
            // Four sd on either side hold all that a prior allows.
            return match prior {
                Prior::Normal { mean, sd } => Some((mean - 4.0 * sd, mean + 4.0 * sd)),
                Prior::LogNormal { median, sd } => Some((median * (-4.0 * sd).exp(), median * (4.0 * sd).exp())),
                _ => None,
            };
        };
        match bounds.value[..] {
            [lower, upper] if lower < upper => Some((lower, upper)),
            _ => {
                self.findings.say(&bounds.span, "bounds are a lower and a higher number", "bounds = [0.01, 10]");
                None
            }
        }
    }

    fn prior(&self, section: &Section) -> Prior {
        let Some(prior) = section.section("prior") else { return Prior::Flat };
        let kind = prior.require("kind", prior.text("kind"), "kind = \"log-normal\"");
        let positive = |key: &str| {
            let number = prior.require(key, prior.number(key), &format!("{key} = 1.0"))?;
            if number.value <= 0.0 {
                self.findings.say(&number.span, format!("`{key}` must be positive"), "check the prior");
                return None;
            }
            Some(number.value)
        };
        let read = match kind.as_ref().map(|k| k.value.as_str()) {
            Some("normal") => {
                let (mean, sd) = (prior.require("mean", prior.number("mean"), "mean = 1.0"), positive("sd"));
                mean.zip(sd).map(|(mean, sd)| Prior::Normal { mean: mean.value, sd })
            }
            Some("log-normal") => {
                let (median, sd) = (positive("median"), positive("sd"));
                median.zip(sd).map(|(median, sd)| Prior::LogNormal { median, sd })
            }
            Some("uniform") => Some(Prior::Uniform),
            Some("log-uniform") => Some(Prior::LogUniform),
            Some(other) => {
                let hint = suggest(other, ["normal", "log-normal", "uniform", "log-uniform"].into_iter());
                self.findings.say(&prior.place("kind"), format!("no prior `{other}`"), hint);
                None
            }
            None => None,
        };
        prior.finish();
        read.unwrap_or(Prior::Flat)
    }

    pub fn observables(&mut self, top: &Section) {
        let general = top.section("noise").and_then(|section| {
            let error = self.noise(&section);
            section.finish();
            error
        });
        if let Some(section) = top.section("assay") {
            match self.assay(&section, general.as_ref()) {
                Some(()) => section.finish(),
                None => section.abandon(),
            }
        }
        for (name, section) in top.sections("observables") {
            let formula = section.require("formula", section.text("formula"), "formula = \"GSH\"");
            let over = section.text("over");
            let relative = section.text("relative_to");
            if let Some(relative) = relative.as_ref().filter(|r| r.value != "control") {
                self.findings.say(&relative.span, format!("relative to `{}`", relative.value), "write \"control\"");
            }
            let above = formula.and_then(|f| self.output(&f));
            let below = over.and_then(|f| self.output(&f));
            let mut parts = (above.map(|o| vec![(1.0, o, false)]).unwrap_or_default(), Vec::new());
            if let Some(below) = below {
                if relative.is_some() {
                    section.say("relative_to", "`over` and `relative_to` at once", "keep one of them");
                }
                parts.1.push((1.0, below, false));
            }
            if let (Some(above), Some(_)) = (above, &relative) {
                parts.1.push((1.0, above, true));
            }
            self.observable(name.value, Kind::Other, parts, &section, general.as_ref());
            section.finish();
        }
        if self.study.observables.is_empty() && !top.has("assay") {
            self.findings.say(&(0..0), "nothing is observed", "add [assay] with kind = \"atp\" and live = \"…\"");
        }
    }

    /// `None` if the kind is not known.
    fn assay(&mut self, section: &Section, general: Option<&Error>) -> Option<()> {
        let kind = section.require("kind", section.text("kind"), "kind = \"atp\"");
        let kind = kind?;
        let Some(&(assay, usual)) = ASSAYS.iter().find(|(name, _)| *name == kind.value) else {
            let hint = suggest(&kind.value, ASSAYS.iter().map(|(name, _)| *name));
            self.findings.say(&kind.span, format!("no assay `{}`", kind.value), hint);
            return None;
        };
        if section.boolean("stated") != Some(false) {
            self.study.assay = assay.to_string();
        }
        let mut reading = usual;
        if let Some(text) = section.text("reading") {
            let wanted = text.value.replace(['_', '-'], " ");
            match Kind::ALL.into_iter().find(|kind| kind.name() == wanted) {
                Some(kind) if (kind == Kind::DeathTime) == (usual == Kind::DeathTime) => reading = kind,
                Some(_) => self.findings.say(&text.span, "death times belong to kind = \"death_time\"", "change one"),
                None => {
                    let hint = suggest(&wanted, Kind::ALL.iter().map(|kind| kind.name()));
                    self.findings.say(&text.span, format!("no reading `{}`", text.value), hint);
                }
            }
        }
        let [live, dead, signal] = ["live", "dead", "signal"].map(|key| section.text(key));
        let among = section.text("among").map(|t| t.value);
        let [live, dead, signal] = [live, dead, signal].map(|text| text.and_then(|text| self.output(&text)));
        (self.study.live, self.study.dead) = (live, dead);
        // What stands for live cells in ratios to the vehicle.
        let seen = signal.or(live);
        let need =
            |output: Option<usize>, key: &str| section.require(key, output, &format!("{key} = \"{key}\"")).unwrap_or(0);
        let parts = match reading {
            Kind::RelativeViability => {
                let seen = need(seen, "live");
                (vec![(1.0, seen, false)], vec![(1.0, seen, true)])
            }
            Kind::Inhibition => {
                let seen = need(seen, "live");
                (vec![(1.0, seen, true), (-1.0, seen, false)], vec![(1.0, seen, true)])
            }
            Kind::FractionalViability | Kind::LethalFraction => {
                let (live, dead) = (need(live, "live"), need(dead, "dead"));
                let counted = if reading == Kind::LethalFraction { dead } else { live };
                (vec![(1.0, counted, false)], vec![(1.0, live, false), (1.0, dead, false)])
            }
            Kind::Signal | Kind::Other => {
                let wanted = if assay == "dead_dye" { signal.or(dead) } else { seen };
                let key = if assay == "dead_dye" { "dead" } else { "live" };
                (vec![(1.0, need(wanted, key), false)], Vec::new())
            }
            Kind::DeathTime => {
                let dead = need(dead, "dead");
                let mut all = vec![(1.0, dead, false)];
                all.extend(live.map(|live| (1.0, live, false)));
                (vec![(1.0, dead, false)], all)
            }
        };
        if among.as_deref() == Some("all") && live.is_none() {
            section.say("among", "a share of all cells needs the live ones", "add live = \"…\"");
        }
        if let Some(control) = section.texts("control") {
            for name in &control {
                if !self.study.compounds.iter().any(|c| c.name == name.value) {
                    let hint = suggest(&name.value, self.study.compounds.iter().map(|c| c.name.as_str()));
                    self.findings.say(&name.span, format!("no compound `{}`", name.value), hint);
                }
            }
            for compound in &mut self.study.compounds {
                compound.removed_in_control = control.iter().any(|name| name.value == compound.name);
            }
        }
        self.observable(String::new(), reading, parts, section, general);
        if let Some(observable) = self.study.observables.last_mut() {
            observable.among_dead = among.as_deref() != Some("all");
        }
        Some(())
    }

    #[allow(clippy::type_complexity)]
    fn observable(
        &mut self,
        name: String,
        reading: Kind,
        (above, below): (Vec<(f64, usize, bool)>, Vec<(f64, usize, bool)>),
        section: &Section,
        general: Option<&Error>,
    ) {
        let own = section.section("noise").and_then(|section| {
            let error = self.noise(&section);
            section.finish();
            error
        });
        let quantities = |key: &str, usual: f64| -> Vec<Quantity> {
            let amounts = section.amounts(key);
            amounts.map_or(vec![Quantity::Number(usual)], |list| list.iter().filter_map(|a| self.quantity(a)).collect())
        };
        let (scale, offset) = (quantities("scale", 1.0), quantities("offset", 0.0));
        // Death times need no error model; otherwise an sd column is the last resort, checked with the data.
        let error = own.or(general.cloned()).unwrap_or(Error {
            noise: Noise::Normal,
            sd: Sd::Column,
            relative: None,
            counts: None,
            correlation: None,
        });
        let of_shares = matches!(reading, Kind::FractionalViability | Kind::LethalFraction | Kind::Other);
        if error.counts.is_some() && !of_shares {
            let message = format!("counts of live and dead cells are no {}", reading.name());
            let hint = "kind = \"live_dead\" (or reading = \"lethal fraction\"); or another noise";
            section.say(if section.has("reading") { "reading" } else { "kind" }, message, hint);
        }
        self.study.observables.push(Observable { name, reading, above, below, scale, offset, error, among_dead: true });
    }

    fn noise(&self, section: &Section) -> Option<Error> {
        let kind = section.text("kind").map_or("normal".into(), |k| k.value);
        let df = section.number("df");
        let noise = match kind.as_str() {
            "normal" => Noise::Normal,
            "log-normal" => Noise::LogNormal,
            "laplace" => Noise::Laplace,
            "student-t" => Noise::StudentT { df: df.as_ref().map_or(4.0, |df| df.value) },
            // Where counts are correlated they are taken as normal.
            "binomial" => Noise::Normal,
            other => {
                let known = ["normal", "log-normal", "student-t", "laplace", "binomial"];
                let hint = suggest(other, known.into_iter());
                self.findings.say(&section.place("kind"), format!("no noise `{other}`"), hint);
                return None;
            }
        };
        if let (Some(df), false) = (&df, matches!(noise, Noise::StudentT { .. })) {
            self.findings.say(&df.span, format!("{kind} noise has no degrees of freedom"), "kind = \"student-t\" has");
        }
        if let Some(df) = df.filter(|df| df.value <= 0.0) {
            self.findings.say(&df.span, "degrees of freedom are positive", "df = 4 is a robust choice");
        }
        let sd = section.amount("sd").and_then(|amount| match &amount.value {
            Amount::Named(name) if name == "column" => Some(Sd::Column),
            Amount::Named(name) if name == "replicates" => Some(Sd::Replicates),
            _ => {
                let quantity = self.quantity(&amount)?;
                let least = self.least(quantity);
                if least < 0.0 || matches!(quantity, Quantity::Number(0.0)) {
                    let message = format!("an sd is positive, this one may be {least}");
                    let hint = match section.has("relative") {
                        true => "where the prediction is 0 a relative error is none: state the least error that a reading has",
                        false => "such as 0.05 for viability as a fraction",
                    };
                    self.findings.say(&amount.span, message, hint);
                }
                Some(Sd::Is(quantity))
            }
        });
        let relative = section.amount("relative").and_then(|amount| {
            let quantity = self.quantity(&amount)?;
            if self.least(quantity) < 0.0 {
                self.findings.say(&amount.span, "a relative error is not negative", "such as 0.05 for 5 %");
            }
            Some(quantity)
        });
        let counts = self.counts(section, kind == "binomial");
        let correlation = self.correlation(section, noise);
        Some(Error { noise, sd: sd.unwrap_or(Sd::Column), relative, counts, correlation })
    }

    /// The overdispersion of counts.
    fn counts(&self, section: &Section, binomial: bool) -> Option<Quantity> {
        let overdispersion = section.amount("overdispersion");
        if !binomial {
            if let Some(amount) = overdispersion {
                let hint = "kind = \"binomial\" has, for counts of live and dead cells";
                self.findings.say(&amount.span, "this noise has no overdispersion", hint);
            }
            return None;
        }
        for key in ["sd", "relative"].into_iter().filter(|key| section.has(key)) {
            let hint = "what wells differ by beyond chance is `overdispersion`, between 0 and 1";
            section.say(key, format!("counts have no `{key}`"), hint);
        }
        let Some(amount) = overdispersion else { return Some(Quantity::Number(0.0)) };
        let quantity = self.quantity(&amount)?;
        self.within(&amount, quantity, "an overdispersion lies from 0 to below 1", "such as 0.02");
        Some(quantity)
    }

    fn correlation(&self, section: &Section, noise: Noise) -> Option<Correlation> {
        let shared = section.amount("well_correlation");
        let memory = section.amount("well_memory");
        let amount = shared.as_ref().or(memory.as_ref())?;
        if shared.is_some() && memory.is_some() {
            section.say("well_memory", "`well_correlation` and `well_memory` at once", "keep one of them");
        }
        if !matches!(noise, Noise::Normal | Noise::LogNormal) {
            let message = format!("readings of a well are correlated under normal noise, not under {}", noise.name());
            self.findings.say(&amount.span, message, "kind = \"normal\" or \"log-normal\"");
        }
        let quantity = self.quantity(amount)?;
        if shared.is_some() {
            self.within(amount, quantity, "a correlation lies from 0 to below 1", "bounds = [0, 0.95]");
            return Some(Correlation::Shared(quantity));
        }
        if self.least(quantity) <= 0.0 {
            self.findings.say(&amount.span, "a memory is a positive time", "such as 6, in the study's unit");
        }
        Some(Correlation::Memory(quantity))
    }

    /// Reports a quantity that may leave `0..1`.
    fn within(&self, amount: &At<Amount>, quantity: Quantity, message: &str, hint: &str) {
        let most = match quantity {
            Quantity::Number(number) => number,
            Quantity::Parameter(i) => {
                let parameter = &self.study.parameters[i];
                if parameter.estimated { parameter.upper } else { parameter.value }
            }
        };
        if self.least(quantity) < 0.0 || most >= 1.0 {
            self.findings.say(&amount.span, message, hint);
        }
    }

    /// The least value that a quantity can take.
    fn least(&self, quantity: Quantity) -> f64 {
        match quantity {
            Quantity::Number(number) => number,
            Quantity::Parameter(i) => {
                let parameter = &self.study.parameters[i];
                if parameter.estimated { parameter.lower } else { parameter.value }
            }
        }
    }

    /// The index of the output that a formula makes.
    fn output(&mut self, formula: &At<String>) -> Option<usize> {
        let id: Id = match self.sources.formula(&mut self.study.system, &formula.value) {
            Ok(id) => id,
            Err(crate::Error::Input(found)) => {
                for diagnostic in found {
                    // The formula's own place, moved into this file.
                    let inside = diagnostic.place.as_ref().map_or(0, |p| p.column - 1);
                    let length = diagnostic.place.as_ref().map_or(formula.value.len(), |p| p.length);
                    let start = formula.span.start + 1 + inside;
                    self.findings.add(&(start..start + length), diagnostic);
                }
                return None;
            }
            Err(error) => {
                self.findings.say(&formula.span, error.to_string(), "write a formula over the model's variables");
                return None;
            }
        };
        let outputs = &mut self.study.outputs;
        Some(outputs.iter().position(|&known| known == id).unwrap_or_else(|| {
            outputs.push(id);
            outputs.len() - 1
        }))
    }
}
