//! What must not be where.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Where something is written or told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// What the process writes to its standard output and error, and its access log.
    Log,
    /// What the collector of traces got.
    Trace,
    /// What the admin listener answers.
    Admin,
    /// What clients are answered.
    Answer,
    /// The files of the data directory.
    Database,
}

/// A secret, and where it may be all the same.
#[derive(Clone, Debug)]
struct Canary {
    name: String,
    forms: Vec<String>,
    allowed: Vec<Place>,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Canaries(Vec<Canary>);

/// What clients send of accounts is data: it is kept, and answered to those who may read it.
pub(super) const DATA: &[Place] = &[Place::Database, Place::Answer];
/// The token of a link is sealed in the database, and answered to those who may read it. So is the id of a
/// pending link hashed there.
pub(super) const SEALED: &[Place] = &[Place::Answer];
/// Of what only linkbridge itself knows nothing may be anywhere.
pub(super) const NOWHERE: &[Place] = &[];

impl Canaries {
    /// Adds one.
    pub(super) fn add(&mut self, name: &str, value: &str, allowed: &[Place]) {
        assert!(value.len() >= 12, "{name} could be anything");
        self.0.push(Canary {
            name: name.to_owned(),
            forms: forms(value),
            allowed: allowed.to_vec(),
        });
    }

    /// What is in a text and must not be.
    pub(super) fn find(&self, place: Place, name: &str, bytes: &[u8]) -> Vec<String> {
        let text = String::from_utf8_lossy(bytes);
        let lower = text.to_ascii_lowercase();
        let forbidden = self
            .0
            .iter()
            .filter(|canary| !canary.allowed.contains(&place));
        let found = forbidden.filter_map(|canary| {
            let (hex, others) = canary.forms.split_first()?;
            let form = others.iter().find(|form| text.contains(form.as_str()));
            let form = form.or(lower.contains(hex.as_str()).then_some(hex))?;
            let at = text.find(form.as_str()).unwrap_or_default();
            let near: String = text
                .get(at.saturating_sub(120)..)
                .unwrap_or_default()
                .chars()
                .take(300)
                .collect();
            Some(format!("{} is in {place:?} {name}: {near}", canary.name))
        });
        found.collect()
    }
}

/// A text as it stands, in hex (which comes first), and at each of the three places in base64.
fn forms(value: &str) -> Vec<String> {
    let hex = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![hex, value.to_owned()];
    for skip in 0..3 {
        let whole = format!("{}{value}", "x".repeat(skip));
        let coded = STANDARD_NO_PAD.encode(whole);
        // The ends have bits of what stands beside it.
        forms.push(coded[4.min(4 * skip)..coded.len() - 2].to_owned());
    }
    forms
}
