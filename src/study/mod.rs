//! What was measured: conditions, data, noise, priors.
//!
//! A study is a TOML file, a tidy CSV and a model. [`Study::open`] reads all three, checks them against one another
//! and reports everything that is wrong at once; [`Study::problem`] turns the result into what an engine can run.
//!
//! # The study file
//!
//! ```toml
//! title = "Ferric ammonium citrate on HT-1080"
//! description = "Dose and time dependence of viability."     # optional, as are source and synthetic
//! source = "who measured it, with a citation"
//! synthetic = "the command that made the data"                # present if nobody measured them; shown everywhere
//! model = "ferroptosis-minimal"                               # an embedded model, or "my-model.ant" beside this file
//! cell = "U-2 OS"               # optional: a line of cells, whose factors multiply parameters of the model
//! line = "HT-1080"              # optional: which cells, and in what; two studies are compared where these agree
//! medium = "DMEM, 10 % FBS"
//!
//! [time]
//! unit = "h"                    # of all times here and in the data; must be the model's
//!
//! [compounds.FAC]               # what is added, and which parameter of the model carries its concentration
//! target = "FAC"
//! unit = "mM"                   # of doses here and in the data; converted to the unit of the target
//! # target_unit = "uM"          # only where the model does not declare one
//! # molar_mass = 262.0          # g/mol, for doses given as mass in a volume ("ug/mL")
//! [compounds.BSO]               # its target has the same name
//! unit = "uM"
//! [compounds.IKE]               # no parameter of the model: the catalogue of perturbations knows how it acts
//! unit = "nM"
//!
//! [assay]                       # what the instrument saw decides the formula
//! kind = "atp"                  # atp, resazurin, live_count, dead_dye, live_dead, death_time
//! live = "live"                 # formulas over the variables of the model
//! dead = "dead"
//! reading = "relative viability"
//! # stated = false              # the source does not say which assay it was: the kind is assumed
//! # control = ["FAC"]           # compounds that are absent from the vehicle control; all of them unless stated
//!
//! [conditions.parental]         # genotype, medium, schedule; the doses come from the data
//! [conditions.low-ferritin]
//! set = { ferritin_capacity = "capacity_low" }   # a model parameter becomes a number, a parameter of this study,
//! fold = { k_store = 0.1 }      # or a multiple of what it is
//! doses = { BSO = 100 }         # doses of compounds that have no column in the data
//! schedule = { BSO = { from = -24 }, FAC = { from = 0, until = 2 } }    # pre-treatment, pulse with wash-out
//! # several pulses: FAC = [{ from = 0, until = 2 }, { from = 24, until = 30 }]
//! # or evenly: FAC = { from = 0, until = 2, every = 24, times = 3 }
//! [conditions.protected]
//! cell = "HT-1080"              # another line in this condition alone
//! perturb = { SLC7A11 = "x2", erastin = "1 uM", Fer-1 = { dose = "100 nM", from = -2, until = 24 } }   # by name
//!
//! [settle]                      # each condition comes to rest without compounds before the first one is added
//! set = { counting = 0 }        # parameters with another value meanwhile
//! longest = 5000                # the longest time allowed
//!
//! [data]
//! file = "fac-ht1080.csv"
//! values = "fraction"           # or "percent"; guessed only where there is no doubt
//! columns = { time = "hours", value = "viability" }      # role = "name of the column", for names that differ
//! # separator = ";"
//! # without_control = "published medians, no vehicle wells given"
//!
//! [noise]
//! kind = "normal"               # normal, log-normal, student-t, laplace, binomial
//! sd = "sigma"                  # a number, a parameter of this study, "column" or "replicates"
//! # relative = 0.05             # a further part proportional to the prediction
//! # df = 4                      # student-t
//! # overdispersion = "phi"      # binomial: what wells differ by beyond chance, from 0 to below 1
//! # well_correlation = "rho"    # readings of a well over time share this part of their variance
//! # well_memory = 12            # or: their correlation falls to 1/e after this time
//!
//! [parameters.k_store]
//! value = 5                     # where the search starts; the model's value unless stated
//! unit = "1/h"                  # must agree with the model's
//! bounds = [0.1, 100]
//! scale = "log10"               # or "lin"; log10 unless a bound is not positive
//! prior = { kind = "log-normal", median = 5, sd = 1.0 }    # sd of the natural logarithm
//! source = "assumed"
//! [parameters.capacity_low]
//! value = 100
//! bounds = [10, 1000]
//! [parameters.sigma]
//! value = 0.05
//! bounds = [0.005, 0.5]
//!
//! [parameters.spread]
//! value = 0.4
//! bounds = [0.1, 1.5]
//!
//! [cells]                       # optional: cells differ
//! nodes = 64                    # quasi-Monte Carlo nodes, the same for all parameter vectors
//! spread = { V_iron = "spread" }    # sd of the natural logarithm over cells: a number or a parameter of this study
//!
//! [experiments]                 # optional: experiments differ
//! spread = { V_iron = 0.2 }     # sd of the natural logarithm between them: a number or a parameter of this study
//!
//! [solver]                      # optional
//! rtol = 1e-6
//! ```
//!
//! **Perturbations.** `perturb` takes names of the catalogue (`fenton list perturbations`, `fenton show erastin`) or of the
//! model's parameters; hyphens and capitals do not matter. A compound or a carrier has a dose with its unit, and times if it
//! is not there from 0 on; a gene has `"knock-out"`, a factor such as `"x10"` or a parameter of this study; a medium has a
//! concentration; what is there or not is `"on"`. A parameter of the model with the entry's name comes first, then the first
//! of the entry's ways that the model has all parameters of; where it lacks them the error names the embedded models that
//! have them. Doses make compounds of the study under the name as written, as if stated under `[compounds]`, `doses` and
//! `schedule`, and are absent from the vehicle control. Compounds without a dose of their own in the model act while they
//! are there, by factors that the dose drives from 1 to a limit. Genes, media and lines of cells act from the start, also
//! while a condition settles, and in the control. Factors of the line, of perturbations and of `fold` multiply. What the
//! catalogue assumes becomes a note of the study.
//!
//! **Schedules.** Time 0 is when a compound is added unless its schedule says otherwise; `from` may lie before it, and all
//! runs of a condition begin with its earliest compound. A compound may come and go several times: a list of pulses, or
//! `every` and `times` for pulses of the same length. While it is there it is there at the dose of the row. Pulses of one
//! compound may touch and may not overlap: two at once would be a dose that no row states. A formula that names the dose
//! itself has, at the moment of a change, what is there after it.
//!
//! **Priors and scales.** A prior says what is believed of the parameter x itself. A search and a sampler both move on the
//! scale of estimation t, where the density is p(x) |dx/dt|: on a log10 scale |dx/dt| = x ln 10. This Jacobian is always
//! part of the objective. Draws are therefore the same whatever the scale; the best fit is a mode, and that belongs to the
//! scale. A worked line: under `normal` with mean 1 and sd 0.5 on log10, the objective of the prior is
//! (x - 1)^2 / (2 0.5^2) - ln(x ln 10), lowest where x (x - 1) = 0.25, at x = 1.207 and not at 1; its draws have the mean
//! 1.03 of the normal law cut at 0. Under `log-normal` with median 1 and sd 0.5 it is at 1 on log10, and at
//! exp(-0.25) = 0.779 on lin. Take the prior of the scale, `log-normal` with log10, and the two agree: what PEtab calls
//! `parameterScaleNormal` with mean m and sd s on log10 is `log-normal` with median 10^m and sd s ln 10. `fenton check` says
//! which holds.
//!
//! **Readings.** With L the live and D the dead cells of a well and V the vehicle control of the same condition at the
//! same time: `relative viability` is L / L_V, `fractional viability` L / (L + D), `lethal fraction` D / (L + D),
//! `inhibition` 1 - L / L_V, `signal` the raw signal, `offset + scale * L` (a dead dye: D). An assay reads
//! `relative viability` (atp, resazurin, live_count), `lethal fraction` (dead_dye) or `fractional viability`
//! (live_dead) unless `reading` says otherwise. Counts are summed over cells before they are divided. `signal = "…"`
//! replaces the live cells as what the instrument sees (`signal = "live * ATP / ATP0"`). `death_time` takes rows
//! `from`, `until`, `count`: cells that died between two readings, among those that died up to the last reading of
//! the condition (`among = "dead"`, the default, for sets that list dead cells only) or among all (`among = "all"`).
//!
//! **Other observables** stand in `[observables.NAME]` with `formula`, optional `over` (a denominator), optional
//! `relative_to = "control"`, `scale` and `offset` (a number, a parameter, or a list of them to be multiplied) and
//! their own `[observables.NAME.noise]`. The column `observable` says which one a row belongs to; a row without a
//! name belongs to `[assay]`. `scale` and `offset` may stand in `[assay]` too.
//!
//! **Plates.** A parameter with `per = "plate"` (or any other column) exists once for each value of that column: a
//! plate's gain is `[parameters.gain] per = "plate"`, named as `scale = "gain"` in `[assay]`; an effect of plates
//! within experiments is a second factor, `scale = ["gain", "plate_effect"]`, with a prior of mean 1. Rows whose
//! column `well` says `blank` see `offset` alone.
//!
//! **Counts.** With `kind = "binomial"` a row has whole numbers of `live` and `dead` cells in place of a value. They follow
//! the beta-binomial law around the predicted share, with variance `n p (1 - p) (1 + (n - 1) phi)`.
//!
//! **Wells over time.** Frames of one well are no replicates. With `well_correlation` all its readings share a part of their
//! variance (a well effect), with `well_memory` neighbours in time resemble one another (AR(1) in continuous time); the
//! column `replicate` names the well, the same at all its times. Noise is normal or log-normal then, and correlated counts
//! are taken as normal with their beta-binomial variance. Bounds and blanks stand by themselves.
//!
//! **Experiments.** The column `experiment` says which independent repeat a row is of. `[experiments] spread` gives
//! parameters of the model a factor of their own in each, log-normal around 1. Its sd is a number, or a parameter with
//! bounds, which a fit estimates by restricted maximum likelihood. Curves and effective concentrations are those of the
//! typical experiment, and intervals are as wide as Student's t for so many experiments. Without it all wells count as of
//! one experiment, and the report says so.
//!
//! # The data
//!
//! One reading a row: `time`, `value` (or the name of the reading, such as `viability`), one column for each compound
//! that varies, and optionally `condition`, `observable`, `sd`, `replicate`, `plate`, `experiment`, `well`, `lower`,
//! `upper`, `joint`. A unit may stand in the header (`FAC (mM)`, `time [h]`, `viability (%)`) and must be the one of
//! the study; a dose without one is noted. Files are UTF-8, with or without a byte order mark; lines may end as on
//! Unix, Windows or old Macs. One compound may also be given as `dose`, several in rows as `compound`, `dose`, with `dose_unit`.
//!
//! `lower` and `upper` in place of a value make an interval or, with one of them empty, a censored reading: what is
//! scored is the probability between the bounds under the noise. Rows that share a name in `joint` are **one**
//! observation: one error, shared by them all, has to explain every bound; its sd is a number and is not estimated.
//! A time may be the name of a parameter when the read-out time was not stated.

pub mod catalogue;
pub mod cell_lines;
mod compile;
mod counts;
mod data;
mod declared;
pub mod design;
mod document;
pub(crate) mod draw;
pub mod embedded;
pub mod endless;
pub mod evidence;
mod files;
mod fingerprint;
mod likelihood;
pub mod noise;
mod observe;
mod observed;
mod open;
mod perturb;
mod plausible;
mod prior;
pub mod prior_scale;
pub mod problem;
mod read;
mod residuals;
mod schedule;
pub mod special;
pub(crate) mod table;
pub(crate) mod units;
mod wells;

pub use declared::{
    CellSpread, Compound, Condition, Correlation, Datum, Error as ReadingError, Kind, Observable, Parameter, Quantity,
    ReadAt, Sd, Seen, Settle, Study,
};
pub use files::{Embedded, Folder};
pub use likelihood::{Expanded, Linear, Observed};
pub use perturb::models_with;
pub use prior::{Prior, Scale};
pub use read::Sources;
pub use residuals::Residual;
pub use schedule::{Clash, Schedule};
pub use table::{decode, place_of};
