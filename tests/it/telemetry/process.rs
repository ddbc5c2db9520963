//! What a process does for its secrets before it reads any.

use super::start;

#[cfg(target_os = "linux")]
#[test]
fn a_crash_leaves_no_image_of_the_memory() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path(), "", "");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let words: Vec<&str> = core.unwrap().split_whitespace().collect();
    assert_eq!(words.get(4..6), Some(&["0", "0"][..]), "{core:?}");
    // What is told of a process that cannot be dumped belongs to root, whoever runs it.
    use std::os::unix::fs::MetadataExt as _;
    let owner = std::fs::metadata(format!("/proc/{}/environ", server.pid())).unwrap();
    assert_eq!((owner.uid(), owner.gid()), (0, 0));
}
