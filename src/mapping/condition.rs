//! Conditions of rows: a closed list of tests, joined by `and`. No `or`, no comparison, no nesting.

use std::fmt;

use super::plan::FieldRef;
use crate::model::{Field, FieldType, Record, Value};

/// What is tested.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A field.
    Field(FieldRef),
    /// A switch of the dialect.
    Option(String),
    /// Whether the answer has a body.
    Body,
}

/// The test.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// It is there.
    Present,
    /// It is not there.
    Absent,
    /// It is this word.
    Is(String),
    /// It is another word, or not there.
    IsNot(String),
    /// It is this word, or several of which this is one.
    Has(String),
}

/// One test.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// What is tested.
    pub operand: Operand,
    /// The test.
    pub test: Test,
}

/// Tests that must all hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition(pub Vec<Clause>);

/// What conditions look at, besides the record.
pub struct Scene<'a> {
    /// The parameters of the request.
    pub request: &'a Record,
    /// The value of a switch.
    pub option: &'a dyn Fn(&str) -> Option<&'a str>,
    /// Whether the answer has a body.
    pub body: bool,
}

impl Condition {
    /// Parses `a is b and c present`.
    ///
    /// # Errors
    /// A sentence that names the part that is not understood.
    pub fn parse(text: &str) -> Result<Self, String> {
        text.split(" and ")
            .map(clause)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether every test holds for `record`.
    #[must_use]
    pub fn holds(&self, record: &Record, scene: &Scene<'_>) -> bool {
        self.0.iter().all(|clause| clause.holds(record, scene))
    }

    /// The fields that must be certain words, as a reader may then assume them.
    pub fn words(&self) -> impl Iterator<Item = (Field, Value)> {
        self.0
            .iter()
            .filter_map(|clause| match (&clause.operand, &clause.test) {
                (Operand::Field(FieldRef::Here(field)), Test::Is(word)) => {
                    Some((*field, typed(*field, word)?))
                }
                _ => None,
            })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, clause) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" and ")?;
            }
            write!(f, "{clause}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.operand {
            Operand::Body => return f.write_str("body"),
            Operand::Option(name) => write!(f, "option.{name}")?,
            Operand::Field(FieldRef::Here(field)) => f.write_str(field.name())?,
            Operand::Field(FieldRef::Request(field)) => write!(f, "req.{}", field.name())?,
        }
        match &self.test {
            Test::Present => f.write_str(" present"),
            Test::Absent => f.write_str(" absent"),
            Test::Is(word) => write!(f, " is {word}"),
            Test::IsNot(word) => write!(f, " is not {word}"),
            Test::Has(word) => write!(f, " has {word}"),
        }
    }
}

impl Clause {
    fn holds(&self, record: &Record, scene: &Scene<'_>) -> bool {
        let value = match &self.operand {
            Operand::Body if scene.body => Some("body".into()),
            Operand::Body => None,
            Operand::Option(name) => (scene.option)(name).map(Into::into),
            Operand::Field(FieldRef::Here(field)) => record.value(*field).map(word),
            Operand::Field(FieldRef::Request(field)) => scene.request.value(*field).map(word),
        };
        match &self.test {
            Test::Present => value.is_some(),
            Test::Absent => value.is_none(),
            Test::Is(word) => value.is_some_and(|v: std::borrow::Cow<'_, str>| v == word.as_str()),
            Test::IsNot(word) => value.is_none_or(|v| v != word.as_str()),
            Test::Has(word) => value.is_some_and(|v| v.split(' ').any(|one| one == word)),
        }
    }
}

/// The value of a field that a condition has called this word.
fn typed(field: Field, word: &str) -> Option<Value> {
    match field.kind() {
        FieldType::Text => Some(Value::Text(word.to_owned())),
        FieldType::Int | FieldType::Instant => word.parse().ok().map(Value::Int),
        FieldType::Bool => word.parse().ok().map(Value::Bool),
        FieldType::Json | FieldType::Record | FieldType::List => None,
    }
}

/// A value as a condition compares it.
fn word(value: &Value) -> std::borrow::Cow<'_, str> {
    match value {
        Value::Text(text) => text.as_str().into(),
        Value::Int(n) => n.to_string().into(),
        Value::Bool(truth) => if *truth { "true" } else { "false" }.into(),
        Value::Json(_) | Value::Record(_) | Value::List(_) => "".into(),
    }
}

fn clause(text: &str) -> Result<Clause, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (name, test) = match words.as_slice() {
        ["body"] => ("body", Test::Present),
        [name, "present"] => (*name, Test::Present),
        [name, "absent"] => (*name, Test::Absent),
        [name, "is", "not", word] => (*name, Test::IsNot((*word).to_owned())),
        [name, "is", word] => (*name, Test::Is((*word).to_owned())),
        [name, "has", word] => (*name, Test::Has((*word).to_owned())),
        _ => return Err(format!("`{text}` is no test")),
    };
    let operand =
        operand(name).ok_or_else(|| format!("`{name}` is neither a field nor an option"))?;
    Ok(Clause { operand, test })
}

fn operand(name: &str) -> Option<Operand> {
    if name == "body" {
        return Some(Operand::Body);
    }
    if let Some(option) = name.strip_prefix("option.") {
        return Some(Operand::Option(option.to_owned()));
    }
    field_ref(name).map(Operand::Field)
}

/// `x` or `req.x` as a reference to a field.
#[must_use]
pub fn field_ref(name: &str) -> Option<FieldRef> {
    match name.strip_prefix("req.") {
        Some(name) => Field::named(name).map(FieldRef::Request),
        None => Field::named(name).map(FieldRef::Here),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str, record: &Record) -> bool {
        let request = Record::new();
        let option = |name: &str| (name == "mode").then_some("on");
        let scene = Scene {
            request: &request,
            option: &option,
            body: true,
        };
        Condition::parse(text).unwrap().holds(record, &scene)
    }

    #[test]
    fn every_test_can_hold_and_fail() {
        let record = Record::new().with(Field::Why, Value::Text("missing".into()));
        assert!(holds("why is missing and option.mode is on", &record));
        assert!(!holds("why is missing and option.mode is off", &record));
        assert!(holds("why present", &record) && !holds("why absent", &record));
        assert!(holds("why is not blank", &record) && !holds("why is not missing", &record));
        assert!(
            holds("at is not x", &record),
            "an absent field is not the word"
        );
        assert!(holds("body", &record));
        let record = Record::new().with(Field::Expand, Value::Text("oidc saml".into()));
        assert!(holds("expand has saml", &record) && !holds("expand has sam", &record));
        assert!(!holds("why has saml", &record));
    }

    #[test]
    fn a_condition_is_shown_as_it_is_written() {
        let text = "why is x and req.at is not y and body and option.o present and expand has z and at absent";
        assert_eq!(Condition::parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn what_is_no_test_is_named() {
        assert_eq!(
            Condition::parse("why equals x"),
            Err("`why equals x` is no test".into())
        );
        assert_eq!(
            Condition::parse("wy is x"),
            Err("`wy` is neither a field nor an option".into())
        );
    }
}
