//! A file that is open and whose names are known: what can be wrong with all of it is found before
//! anything is written.

use super::csv::{Csv, Splitter};
use super::import::Trouble;
use super::input::{Fault, Format, Input, Records, without_mark};
use super::jsonl::Lines;
use super::known::Known;
use crate::backend::embedded::import::Position;

/// The most different faults of a file that are told.
const MAX_TOLD: usize = 10;

/// A file of users.
pub(super) struct Source {
    input: Input,
    length: Option<u64>,
    opened: Opened,
}

enum Opened {
    Csv(Box<Csv>),
    Lines(Lines),
}

impl Source {
    /// Opens the file. A header, and in a file that can be read twice every name of every line, must be
    /// known.
    pub(super) fn open(input: Input, known: &Known) -> Result<Self, Trouble> {
        let length = input.length().map_err(Trouble::Run)?;
        let start = || -> Result<_, Trouble> {
            let bytes = input.bytes(0).map_err(Trouble::Run)?;
            let (bytes, offset) =
                without_mark(bytes).map_err(|e| Trouble::Run(input.unreadable(&e)))?;
            Ok((bytes, Position { offset, lines: 0 }))
        };
        let (bytes, position) = start()?;
        let opened = match input.format {
            Format::Csv => {
                let opened = Csv::open(Splitter::new(bytes, position), known);
                let opened = opened.map_err(|e| Trouble::Run(input.unreadable(&e)))?;
                Opened::Csv(Box::new(opened.map_err(|faults| usage(&input, &faults))?))
            }
            Format::Jsonl => {
                if length.is_some() {
                    let (bytes, position) = start()?;
                    check_names(&input, Lines::new(bytes, position), known)?;
                }
                Opened::Lines(Lines::new(bytes, position))
            }
        };
        Ok(Self {
            input,
            length,
            opened,
        })
    }

    /// How long it is; `None` for a pipe.
    pub(super) fn length(&self) -> Option<u64> {
        self.length
    }

    /// Its records from `place` on, or from the first one.
    pub(super) fn records(self, place: Position) -> Result<Box<dyn Records>, String> {
        let is_start = place == Position::default();
        Ok(match self.opened {
            Opened::Csv(csv) if is_start => csv,
            Opened::Lines(lines) if is_start => Box::new(lines),
            Opened::Csv(csv) => {
                Box::new(csv.over(Splitter::new(self.input.bytes(place.offset)?, place)))
            }
            Opened::Lines(_) => Box::new(Lines::new(self.input.bytes(place.offset)?, place)),
        })
    }
}

/// Names that are not known stand on many lines, and each is told once.
fn check_names(input: &Input, mut lines: Lines, known: &Known) -> Result<(), Trouble> {
    let mut faults: Vec<String> = Vec::new();
    let mut told = Vec::new();
    while let Some(record) = lines
        .next(known)
        .map_err(|e| Trouble::Run(input.unreadable(&e)))?
    {
        if let Err(Fault::Unknown(fault)) = record.row
            && !faults.contains(&fault)
        {
            told.push(format!("line {}: {fault}", record.line));
            faults.push(fault);
            if faults.len() == MAX_TOLD {
                break;
            }
        }
    }
    if told.is_empty() {
        Ok(())
    } else {
        Err(usage(input, &told.join("\n")))
    }
}

fn usage(input: &Input, faults: &str) -> Trouble {
    Trouble::Usage(format!("{} is not read:\n{faults}", input.name()))
}
