//! What the pages have in common.

use super::document::{self, Severity};
use super::plot::{Figure, Layout};
use crate::{Error, Result};
use askama::Template;

pub struct Warning<'a> {
    pub class: &'static str,
    pub sign: &'static str,
    pub title: &'a str,
    pub text: &'a str,
}

/// A figure with its words, for a wide page and for a narrow one.
pub struct Panel {
    pub title: String,
    pub caption: String,
    pub wide: String,
    pub narrow: String,
}

impl<'a> Warning<'a> {
    pub fn of(warning: &'a document::Warning) -> Self {
        let (class, sign) = match warning.severity {
            Severity::Note => ("note", "i"),
            Severity::Caution => ("caution", "!"),
            Severity::Serious => ("serious", "×"),
        };
        Warning { class, sign, title: &warning.title, text: &warning.text }
    }
}

impl Panel {
    pub fn of(figure: &Figure) -> Self {
        Panel {
            title: figure.title.clone(),
            caption: figure.description.clone(),
            wide: figure.inline(Layout::WIDE),
            narrow: figure.inline(Layout::NARROW),
        }
    }
}

/// A page as text.
pub fn rendered(page: &impl Template) -> Result<String> {
    page.render().map_err(|error| Error::Run(format!("cannot make the report: {error}")))
}

pub fn wall_time(seconds: f64) -> String {
    if seconds < 120.0 {
        return format!("{seconds:.1} s");
    }
    let minutes = (seconds / 60.0) as u64;
    if minutes < 120 {
        format!("{minutes} min {:.0} s", seconds % 60.0)
    } else {
        format!("{} h {} min", minutes / 60, minutes % 60)
    }
}
