//! The digest of a mapping: what tells one version of it from another, wherever it comes from.

use sha2::{Digest, Sha256};

/// What a mapping is made of, for its digest.
#[derive(Default)]
pub(super) struct Source {
    hash: Sha256,
    names: Vec<String>,
}

impl Source {
    pub(super) fn new(text: &str) -> Self {
        let mut source = Self::default();
        source.add("", text);
        source
    }

    /// Adds a file; one that is named again is there already.
    pub(super) fn add(&mut self, name: &str, text: &str) {
        if self.names.iter().any(|known| known == name) {
            return;
        }
        self.names.push(name.to_owned());
        for part in [name, &text.replace("\r\n", "\n")] {
            self.hash.update((part.len() as u64).to_be_bytes());
            self.hash.update(part.as_bytes());
        }
    }

    pub(super) fn digest(self) -> [u8; 32] {
        self.hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(files: &[(&str, &str)]) -> [u8; 32] {
        let mut source = Source::new("text");
        files.iter().for_each(|(name, text)| source.add(name, text));
        source.digest()
    }

    #[test]
    fn every_file_counts_once_and_line_ends_do_not() {
        let own = digest(&[]);
        let one = digest(&[("a.toml", "x\ny")]);
        assert_ne!(own, one);
        assert_eq!(one, digest(&[("a.toml", "x\r\ny"), ("a.toml", "x\ny")]));
        for other in [
            &[("a.toml", "x\nz")][..],
            &[("b.toml", "x\ny")],
            &[("a.tomlx", "\ny")],
            &[("a.toml", "x\ny"), ("b.toml", "")],
        ] {
            assert_ne!(one, digest(other));
        }
    }
}
