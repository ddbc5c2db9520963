//! The text format of Prometheus (0.0.4), read strictly and from its description alone: nothing here is the
//! server's code.

use std::collections::{BTreeMap, BTreeSet};

/// Labels with their values.
pub(super) type Labels = BTreeMap<String, String>;

/// One metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Family {
    pub(super) kind: String,
    pub(super) help: String,
    /// The name of each sample, its labels and its value.
    pub(super) samples: Vec<(String, Labels, f64)>,
}

/// Everything that was told at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Exposition(pub(super) BTreeMap<String, Family>);

impl Exposition {
    /// Reads a text.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut all = Self::default();
        let mut current = String::new();
        let mut seen = BTreeSet::new();
        if !text.ends_with('\n') {
            return Err("the last line has no end".to_owned());
        }
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').ok_or("HELP without a text")?;
                if all.0.contains_key(name) {
                    return Err(format!("{name} is told twice"));
                }
                current = name.to_owned();
                let family = all.0.entry(current.clone()).or_default();
                family.help = help.to_owned();
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').ok_or("TYPE without a type")?;
                if name != current || !matches!(kind, "counter" | "gauge" | "histogram") {
                    return Err(format!("TYPE out of its place: {line}"));
                }
                all.0.get_mut(name).unwrap().kind = kind.to_owned();
            } else if line.starts_with('#') || line.is_empty() {
                return Err(format!(
                    "neither a comment that is known nor a sample: {line:?}"
                ));
            } else {
                let (name, labels, value) = sample(line)?;
                if !seen.insert((name.clone(), labels.clone())) {
                    return Err(format!("twice: {line}"));
                }
                let family = all.0.get_mut(&current).ok_or("a sample of nothing")?;
                let endings: &[&str] = match family.kind.as_str() {
                    "histogram" => &["_bucket", "_sum", "_count"],
                    _ => &[""],
                };
                let fits = |ending: &&str| name == format!("{current}{ending}");
                if !endings.iter().any(fits) {
                    return Err(format!("a sample of {current}: {line}"));
                }
                family.samples.push((name, labels, value));
            }
        }
        all.check()?;
        Ok(all)
    }

    fn check(&self) -> Result<(), String> {
        for (name, family) in &self.0 {
            if family.kind.is_empty() || family.help.is_empty() {
                return Err(format!("{name} has no type or no help"));
            }
            if (family.kind == "counter") != name.ends_with("_total") {
                return Err(format!("{name} is a {}", family.kind));
            }
            if family.kind == "histogram" {
                family.check_ranges(name)?;
            }
        }
        Ok(())
    }

    /// The value of one sample.
    pub(super) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.samples(name)
            .find(|(_, found, _)| {
                found.len() == labels.len()
                    && labels
                        .iter()
                        .all(|(l, v)| found.get(*l).is_some_and(|f| f == v))
            })
            .map_or(0.0, |(_, _, value)| *value)
    }

    /// All samples of this name whose labels have these values, together.
    pub(super) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.samples(name)
            .filter(|(_, found, _)| {
                labels
                    .iter()
                    .all(|(l, v)| found.get(*l).is_some_and(|f| f == v))
            })
            .map(|(_, _, value)| *value)
            .sum()
    }

    pub(super) fn samples(&self, name: &str) -> impl Iterator<Item = &(String, Labels, f64)> {
        let all = self.0.values().flat_map(|family| &family.samples);
        all.filter(move |(found, ..)| found == name)
    }

    /// Every series: a name with its labels.
    pub(super) fn series(&self) -> BTreeSet<(String, Labels)> {
        let all = self.0.values().flat_map(|family| &family.samples);
        all.map(|(name, labels, _)| (name.clone(), labels.clone()))
            .collect()
    }

    /// The labels of each sample name; those of histograms with `le`.
    pub(super) fn labels(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, labels) in self.series() {
            found.entry(name).or_default().extend(labels.into_keys());
        }
        found
    }
}

impl Family {
    /// Ranges rise, hold what is below them, and the last one holds everything.
    fn check_ranges(&self, name: &str) -> Result<(), String> {
        let mut by_labels: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
        for (sample, labels, value) in &self.samples {
            if sample.ends_with("_bucket") {
                let mut labels = labels.clone();
                let end = labels.remove("le").ok_or("a range without an end")?;
                let end = number(&end)?;
                by_labels.entry(labels).or_default().push((end, *value));
            }
        }
        for (labels, ranges) in by_labels {
            let rises = ranges
                .windows(2)
                .all(|w| w[0].0 < w[1].0 && w[0].1 <= w[1].1);
            let count = self
                .samples
                .iter()
                .find(|(sample, of, _)| *sample == format!("{name}_count") && *of == labels);
            let last = ranges.last().copied();
            if !rises || last != count.map(|(.., value)| (f64::INFINITY, *value)) {
                return Err(format!(
                    "the ranges of {name} {labels:?} are not right: {ranges:?}"
                ));
            }
        }
        Ok(())
    }
}

fn number(text: &str) -> Result<f64, String> {
    match text {
        "+Inf" => Ok(f64::INFINITY),
        text => text.parse().map_err(|_| format!("{text:?} is no number")),
    }
}

fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn sample(line: &str) -> Result<(String, Labels, f64), String> {
    let bad = || format!("not a sample: {line:?}");
    let end = line.find(['{', ' ']).ok_or_else(bad)?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = Labels::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, after) = rest.split_once("=\"").ok_or_else(bad)?;
            let (value, after) = quoted(after).ok_or_else(bad)?;
            if !is_name(label) || labels.insert(label.to_owned(), value).is_some() {
                return Err(bad());
            }
            if let Some(after) = after.strip_prefix('}') {
                rest = after;
                break;
            }
            rest = after.strip_prefix(',').ok_or_else(bad)?;
        }
    }
    let value = number(rest.strip_prefix(' ').ok_or_else(bad)?)?;
    if !is_name(name) {
        return Err(bad());
    }
    Ok((name.to_owned(), labels, value))
}

fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                c @ ('"' | '\\') => c,
                _ => return None,
            }),
            c => value.push(c),
        }
    }
    None
}

#[test]
fn the_reader_refuses_what_is_wrong() {
    let head = "# HELP a_total A.\n# TYPE a_total counter\n";
    let good = format!("{head}a_total{{x=\"1\\\"\\\\\\n\"}} 3\n");
    let read = Exposition::read(&good).unwrap();
    assert_eq!(read.value("a_total", &[("x", "1\"\\\n")]), 3.0);
    for bad in [
        "a_total 1\n".to_owned(),
        format!("{head}a_total 1\na_total 1\n"),
        format!("{head}b_total 1\n"),
        format!("{head}a_total{{x=1}} 1\n"),
        format!("{head}a_total x\n"),
        format!("{head}a_total 1"),
        "# HELP a A.\n# TYPE a counter\n".to_owned(),
        "# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n".to_owned(),
    ] {
        assert!(Exposition::read(&bad).is_err(), "{bad}");
    }
}
