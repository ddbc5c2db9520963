//! The two text formats: Prometheus' own (0.0.4) and OpenMetrics 1.0, which is stricter.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Kind, Sample, Samples, Snapshot, Value};

/// How metrics are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The text format of Prometheus, version 0.0.4.
    Text,
    /// OpenMetrics, version 1.0.0.
    OpenMetrics,
}

impl Format {
    /// The media type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

pub(super) fn render(families: &BTreeMap<&str, (Kind, &str, Samples)>, format: Format) -> String {
    let mut out = String::with_capacity(16 * 1024);
    for (name, (kind, help, samples)) in families {
        let family = match (format, kind) {
            // There a counter's family is without the ending that its samples have.
            (Format::OpenMetrics, Kind::Counter) => name.strip_suffix("_total").unwrap_or(name),
            _ => name,
        };
        let word = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        // Writing into a string cannot fail.
        let _ = writeln!(out, "# HELP {family} {}", escaped(help, false));
        let _ = writeln!(out, "# TYPE {family} {word}");
        for sample in &samples.0 {
            write_sample(&mut out, name, sample);
        }
    }
    if format == Format::OpenMetrics {
        out.push_str("# EOF\n");
    }
    out
}

fn write_sample(out: &mut String, name: &str, sample: &Sample) {
    match &sample.value {
        Value::Count(count) => line(out, name, &sample.labels, None, &count.to_string()),
        Value::Number(number) => line(out, name, &sample.labels, None, &float(*number)),
        Value::Ranges(read) => histogram(out, name, sample, read),
    }
}

fn histogram(out: &mut String, name: &str, sample: &Sample, read: &Snapshot) {
    let mut so_far = 0;
    let ends = read.bounds.iter().copied().chain([f64::INFINITY]);
    let bucket = format!("{name}_bucket");
    for (end, count) in ends.zip(&read.counts) {
        so_far += count;
        let labels = &sample.labels;
        line(out, &bucket, labels, Some(end), &so_far.to_string());
    }
    let labels = &sample.labels;
    line(out, &format!("{name}_sum"), labels, None, &float(read.sum));
    line(
        out,
        &format!("{name}_count"),
        labels,
        None,
        &so_far.to_string(),
    );
}

fn line(
    out: &mut String,
    name: &str,
    labels: &[(&'static str, String)],
    end: Option<f64>,
    value: &str,
) {
    out.push_str(name);
    let mut opening = '{';
    for (label, text) in labels {
        let _ = write!(out, "{opening}{label}=\"{}\"", escaped(text, true));
        opening = ',';
    }
    if let Some(end) = end {
        let _ = write!(out, "{opening}le=\"{}\"", float(end));
        opening = ',';
    }
    if opening == ',' {
        out.push('}');
    }
    let _ = writeln!(out, " {value}");
}

/// A number as both formats have it; OpenMetrics wants the point in whole ones.
fn float(number: f64) -> String {
    if number == f64::INFINITY {
        "+Inf".to_owned()
    } else if number == f64::NEG_INFINITY {
        "-Inf".to_owned()
    } else if number.is_nan() {
        "NaN".to_owned()
    } else {
        format!("{number:?}")
    }
}

fn escaped(text: &str, quoted: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quoted => out.push_str("\\\""),
            c => out.push(c),
        }
    }
    out
}
