//! What the operating system says of this process: how much memory it has, how much it may have, and how
//! many descriptors.

use std::path::{Path, PathBuf};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// A limit of control groups that is larger than this is none: version 1 says "unlimited" as a large number.
const NO_LIMIT: u64 = 1 << 60;

/// How many bytes the process has resident.
pub(super) fn resident_bytes() -> Option<u64> {
    let pages = resident_pages(&std::fs::read_to_string("/proc/self/statm").ok()?)?;
    Some(pages.saturating_mul(rustix::param::page_size() as u64))
}

fn resident_pages(statm: &str) -> Option<u64> {
    statm.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// How much memory the control groups of the process leave it, if they limit it.
pub(super) fn memory_limit() -> Option<u64> {
    let of_process = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    memory_limit_of(Path::new("/sys/fs/cgroup"), &of_process)
}

/// The least limit of the group and of all that it is in: each of them holds.
fn memory_limit_of(root: &Path, of_process: &str) -> Option<u64> {
    let mut least: Option<u64> = None;
    for line in of_process.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else {
            continue;
        };
        let (root, file) = if controllers.is_empty() {
            (root.to_owned(), "memory.max")
        } else if controllers.split(',').any(|name| name == "memory") {
            (root.join("memory"), "memory.limit_in_bytes")
        } else {
            continue;
        };
        for group in groups(&root, path) {
            // In a container the path may be one that only the host sees: then the root is the own group.
            let text = std::fs::read_to_string(group.join(file)).ok();
            let limit = text.and_then(|text| text.trim().parse::<u64>().ok());
            if let Some(limit) = limit.filter(|limit| *limit < NO_LIMIT) {
                least = Some(least.map_or(limit, |least| least.min(limit)));
            }
        }
    }
    least
}

/// A group and those that it is in, up to the root.
fn groups(root: &Path, path: &str) -> Vec<PathBuf> {
    let own = root.join(path.trim_start_matches('/'));
    let ancestors = own.ancestors();
    let within = ancestors.take_while(|group| group.starts_with(root));
    within.map(Path::to_owned).collect()
}

/// Lets the process have as many descriptors as it may; answers how many those are.
pub fn raise_descriptor_limit() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some() && current != maximum {
        let raised = Rlimit {
            current: maximum,
            maximum,
        };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%error, "the limit of open files cannot be raised");
        }
    }
    getrlimit(Resource::Nofile).current
}

/// How many connections there may be at most, of those that are `wanted`: half of the descriptors that the
/// process may have. The store, calls to others and their answers want some, too.
#[must_use]
pub fn connections_within(wanted: usize, descriptors: Option<u64>) -> usize {
    let half = descriptors.map_or(u64::MAX, |descriptors| descriptors / 2);
    wanted
        .min(usize::try_from(half).unwrap_or(usize::MAX))
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_some_memory_and_may_open_files() {
        let bytes = resident_bytes().unwrap();
        assert!((1 << 20..1 << 40).contains(&bytes), "{bytes}");
        let raised = raise_descriptor_limit();
        assert!(raised.is_none_or(|n| n >= 256));
        assert_eq!(raised, raise_descriptor_limit());
    }

    #[test]
    fn statm_of_other_forms_says_nothing() {
        assert_eq!(resident_pages("100 42 3 4 5 6 7\n"), Some(42));
        for odd in ["", "100", "100 x", "100 -1"] {
            assert_eq!(resident_pages(odd), None, "{odd}");
        }
    }

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn the_least_limit_on_the_way_up_holds() {
        let root = tree(&[
            ("memory.max", "max\n"),
            ("a/memory.max", "1000\n"),
            ("a/b/memory.max", "2000\n"),
            ("elsewhere/memory.max", "1\n"),
        ]);
        let limit = |of_process| memory_limit_of(root.path(), of_process);
        assert_eq!(limit("0::/a/b\n"), Some(1000));
        assert_eq!(limit("0::/a/b/gone\n"), Some(1000));
        assert_eq!(limit("0::/\n"), None);
        assert_eq!(limit("0::/../..\n"), None);
        assert_eq!(limit("nonsense\n"), None);
    }

    #[test]
    fn version_1_says_it_elsewhere() {
        let root = tree(&[
            ("memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("memory/docker/x/memory.limit_in_bytes", "5000\n"),
        ]);
        let limit = |of_process| memory_limit_of(root.path(), of_process);
        assert_eq!(limit("3:cpu:/docker/x\n7:memory:/docker/x\n"), Some(5000));
        assert_eq!(limit("7:memory,hugetlb:/\n0::/\n"), None);
    }

    #[test]
    fn connections_take_half_of_the_descriptors() {
        assert_eq!(connections_within(10_000, Some(1024)), 512);
        assert_eq!(connections_within(100, Some(1024)), 100);
        assert_eq!(connections_within(100, None), 100);
        assert_eq!(connections_within(100, Some(0)), 1);
    }
}
