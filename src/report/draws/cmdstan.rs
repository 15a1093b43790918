//! Tables of draws as CmdStan writes them, one a chain, which ArviZ, posterior and their like read as they are.

use std::fmt::Write;

/// One chain.
#[derive(Debug, Clone, Copy)]
pub struct Chain<'a> {
    pub version: &'a str,
    /// Of the study.
    pub title: &'a str,
    pub method: &'a str,
    pub seed: u64,
    /// From 1.
    pub id: usize,
    /// `[draw][parameter]`
    pub draws: &'a [Vec<f64>],
    /// Log of the posterior density up to a constant, log-likelihood, for each draw.
    pub densities: &'a [[f64; 2]],
}

impl Chain<'_> {
    pub fn table<'n>(&self, names: impl Iterator<Item = &'n str>) -> String {
        let mut text = format!(
            "# fenton {}\n# model = {}\n# method = {}\n# num_samples = {}\n# num_warmup = 0\n# save_warmup = 0\n# thin = 1\n# id = {}\n# seed = {}\n",
            self.version,
            word(self.title),
            word(self.method),
            self.draws.len(),
            self.id,
            self.seed
        );
        text += "lp__,log_lik__";
        columns(names).iter().for_each(|name| text += &format!(",{name}"));
        text.push('\n');
        for (values, [posterior, likelihood]) in self.draws.iter().zip(self.densities) {
            let _ = write!(text, "{posterior:e},{likelihood:e}");
            values.iter().for_each(|value| text += &format!(",{value:e}"));
            text.push('\n');
        }
        text
    }
}

/// Names that no reader of such tables splits or takes for an array, each once.
pub fn columns<'n>(parameters: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for parameter in parameters {
        let mut name = word(parameter);
        // Two underscores at the end mark what the sampler says of itself.
        while names.contains(&name) || name.ends_with("__") {
            name += "x";
        }
        names.push(name);
    }
    names
}

fn word(text: &str) -> String {
    text.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect::<String>().trim_matches('_').to_string()
}
