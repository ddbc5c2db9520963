//! A library for `LD_PRELOAD` that lets calls on the files of a store fail. It is compiled by
//! `tests/it/backend/faults.rs` with `rustc` alone and is no module of the tests.
//!
//! The file named by `LINKBRIDGE_FAULTS` says what fails: an id that changes with every new order, the
//! group of calls (`sync` or `write`), the error number, how many calls pass first, and how many fail
//! then. Without the file, or with an empty one, everything passes.

use std::ffi::{c_char, c_int, c_void};
use std::sync::Mutex;

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, symbol: *const c_char) -> *mut c_void;
    fn __errno_location() -> *mut c_int;
}

/// "The next library after this one", as `dlfcn.h` has it on Linux.
const RTLD_NEXT: *mut c_void = -1isize as *mut c_void;

/// The id of the order that is carried out, and the calls that it has seen.
static SEEN: Mutex<(String, u64)> = Mutex::new((String::new(), 0));

/// The error with which this call has to fail.
fn fault(group: &str, fd: c_int) -> Option<c_int> {
    let order = std::fs::read_to_string(std::env::var_os("LINKBRIDGE_FAULTS")?).ok()?;
    let mut words = order.split_whitespace();
    let id = words.next()?;
    if words.next()? != group {
        return None;
    }
    let path = std::fs::read_link(format!("/proc/self/fd/{fd}")).ok()?;
    if !path
        .file_name()?
        .to_string_lossy()
        .starts_with("linkbridge.db")
    {
        return None;
    }
    let mut number = || words.next().and_then(|word| word.parse::<u64>().ok());
    let (error, pass, fail) = (number()?, number()?, number()?);
    let mut seen = SEEN.lock().ok()?;
    if seen.0 != id {
        *seen = (id.to_owned(), 0);
    }
    seen.1 += 1;
    (seen.1 > pass && seen.1 <= pass.saturating_add(fail)).then_some(error as c_int)
}

macro_rules! intercept {
    ($($group:literal $symbol:literal fn $name:ident($($arg:ident: $kind:ty),*) -> $result:ty;)*) => {$(
        /// Fails if it has to, and is the real one else.
        ///
        /// # Safety
        /// As the function of this name in the C library.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(fd: c_int, $($arg: $kind),*) -> $result {
            if let Some(error) = fault($group, fd) {
                unsafe { *__errno_location() = error };
                return -1;
            }
            type Real = unsafe extern "C" fn(c_int, $($kind),*) -> $result;
            // The C library has these functions for as long as the process lives, with these types.
            let real: Real = unsafe { std::mem::transmute(dlsym(RTLD_NEXT, $symbol.as_ptr())) };
            unsafe { real(fd, $($arg),*) }
        }
    )*};
}

intercept! {
    "sync" c"fsync" fn fsync() -> c_int;
    "sync" c"fdatasync" fn fdatasync() -> c_int;
    "write" c"write" fn write(data: *const c_void, length: usize) -> isize;
    "write" c"pwrite" fn pwrite(data: *const c_void, length: usize, offset: i64) -> isize;
    "write" c"pwrite64" fn pwrite64(data: *const c_void, length: usize, offset: i64) -> isize;
    "write" c"ftruncate" fn ftruncate(length: i64) -> c_int;
    "write" c"ftruncate64" fn ftruncate64(length: i64) -> c_int;
    "write" c"fallocate" fn fallocate(mode: c_int, offset: i64, length: i64) -> c_int;
}
